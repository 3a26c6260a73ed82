"""Do `picojoule report` and `picojoule plot` write what run folders hold, and nothing when there is none?"""

import csv
import json
import re
from pathlib import Path

import pytest

from simulator.report.pictures.stored_runs import NO_MACHINE
from tests.cli.conftest import Run
from tests.report.run_folders import estimated_folder, pruned_folder, validated_folder

LIMIT_BYTES = 2_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return estimated_folder(tmp_path / "run")


def page_of(run: Run, tmp_path: Path, *folders: Path) -> str:
    ran = run("report", *folders, "-o", tmp_path / "page.html")
    assert (ran.code, ran.err) == (0, "")
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def addresses(page: str) -> list[str]:
    """Of everything that the page names: what it links to, and what it would load. An @import has none."""
    found = re.findall(r"(?:src|href|action|srcset)=\"([^\"]*)\"|url\(([^)]*)\)|@import", page)
    return [target or inside for target, inside in found]


def test_a_page_loads_nothing(run: Run, tmp_path: Path, folder: Path) -> None:
    page = page_of(run, tmp_path, folder, validated_folder(tmp_path / "v"), pruned_folder(tmp_path / "p"))
    assert not [target for target in addresses(page) if not target.startswith(("#", "data:"))]
    assert "http" not in page.replace("http-equiv", "")
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    assert f'content="{policy}"' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page


def test_the_same_folders_give_the_same_bytes(run: Run, tmp_path: Path, folder: Path) -> None:
    assert page_of(run, tmp_path, folder) == page_of(run, tmp_path, folder)


def test_every_section_is_listed_and_every_figure_has_its_numbers(run: Run, tmp_path: Path, folder: Path) -> None:
    page = page_of(run, tmp_path, folder)
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page
    figures = re.findall(r'<figure id="([^"]+)">(.*?)</figure>', page, flags=re.S)
    assert len(figures) == 4 + 2 * 3
    for name, content in figures:
        assert f'download="{name}.csv"' in content
        assert f'data-svg="{name}.svg"' in content
        assert "analytic" in content


def test_a_page_of_vgg16_is_small(run: Run, tmp_path: Path) -> None:
    assert run("estimate", "vgg16", "-o", tmp_path / "run").code == 0
    page = page_of(run, tmp_path, tmp_path / "run")
    assert page.count("<option") == 16
    assert len(page.encode()) < LIMIT_BYTES


def test_runs_stand_side_by_side_on_one_scale(run: Run, tmp_path: Path, folder: Path) -> None:
    page = page_of(run, tmp_path, folder, estimated_folder(tmp_path / "two", "--batch", 2))
    for name in ("energy-by-level", "pe-states", "roofline"):
        assert f'id="run-1-{name}"' in page
        assert f'id="run-2-{name}"' in page
    assert 'id="runs-energy-differences"' in page
    axes = [
        re.findall(r'class="small middle"[^>]*>([^<]+)<', page.split(f'id="run-{number}-energy-by-level"')[1])[:4]
        for number in (1, 2)
    ]
    assert axes[0] == axes[1]


def test_what_an_older_folder_lacks_is_said(run: Run, tmp_path: Path, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["accelerator"], manifest["shape"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    page = page_of(run, tmp_path, folder)
    assert page.count(f"Not drawn: {NO_MACHINE}.") == 3
    assert 'id="run-1-energy-by-level"' in page
    ran = run("plot", folder, "roofline", "-o", tmp_path / "r.svg")
    assert (ran.code, ran.err) == (2, f"picojoule: {folder}: roofline cannot be drawn: {NO_MACHINE}\n")


def test_a_layer_s_name_is_no_markup(run: Run, tmp_path: Path, folder: Path) -> None:
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("CONV5", "<script>alert(1)</script>"))
    page = page_of(run, tmp_path, folder)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("report", "nowhere", "-o", "page.html"), "nowhere: no such folder; give a folder that `picojoule simulate`"),
        (("report", "run", "nowhere", "-o", "page.html"), "nowhere: no such folder"),
        (("report", "run", "-o", "page.txt"), "page.txt: not a page's name; end it in .html"),
        (("report", "run", "-o", "no/page.html"), "no/page.html: there is no folder no; create it first"),
        (("report", "-o", "page.html"), "FOLDERS"),
        (
            ("plot", "run", "roofline", "-o", "x.gif"),
            "x.gif: no such kind of picture; end the name in .svg, .png, .pdf",
        ),
        (
            ("plot", "run", "rofline", "-o", "x.svg"),
            "run: no figure 'rofline'; did you mean 'roofline'? it has energy-by-",
        ),
        (
            ("plot", "run", "mapping", "--layer", "C9", "-o", "x.svg"),
            "run: no layer 'C9'; its layers: CONV1, CONV5, FC3",
        ),
        (("plot", "run", "roofline", "--layer", "FC3", "-o", "x.svg"), "--layer FC3: for utilization and mapping only"),
    ],
)
def test_mistakes(
    run: Run, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*argv)
    assert ran.code == 2
    assert message in ran.err
    assert list(tmp_path.iterdir()) == [folder]


def test_energies_of_different_units_are_not_set_side_by_side(run: Run, tmp_path: Path, folder: Path) -> None:
    table = tmp_path / "pj.toml"
    costs = "\n".join(
        f'{level} = {{ per_access = 2.0, source = "a guess" }}' for level in ["mac", "spad", "noc", "glb", "dram"]
    )
    table.write_text(f'unit = "pJ"\n{costs}\n')
    ran = run("report", folder, estimated_folder(tmp_path / "pj", "--energy", table), "-o", tmp_path / "page.html")
    assert ran.code == 2
    assert "energies in one 16-bit MAC and in pJ cannot be set side by side" in ran.err


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_plot_is_the_same_for_the_same_run(run: Run, tmp_path: Path, folder: Path, suffix: str) -> None:
    paths = [tmp_path / f"{number}.{suffix}" for number in (1, 2)]
    for path in paths:
        assert run("plot", folder, "mapping", "--layer", "CONV5", "-o", path).code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[:4] in (b"<?xm", b"%PDF", b"\x89PNG")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (estimated_folder, ("energy-by-level", "energy-by-tensor", "pe-states", "roofline", "utilization", "mapping")),
        (pruned_folder, ("pruning-path", "pruned-energy", "pruned-left", "pruned-levels")),
        (
            validated_folder,
            ("validation-energy", "validation-cycles", "validation-errors", "validation-counts"),
        ),
    ],
)
def test_every_figure_is_to_be_had_by_name(run: Run, tmp_path: Path, kind: object, names: tuple[str, ...]) -> None:
    assert callable(kind)
    folder = kind(tmp_path / "run")
    for name in names:
        ran = run("plot", folder, name, "-o", tmp_path / f"{name}.svg")
        assert (ran.code, ran.err) == (0, "")
        assert run("plot", folder, name, "-o", tmp_path / f"{name}.csv").code == 0
        assert list(csv.DictReader((tmp_path / f"{name}.csv").open()))
    ran = run("plot", folder, "none", "-o", tmp_path / "none.svg")
    assert f"it has {', '.join(names)}" in ran.err
