"""Does a page show a sweep as its folder has it, small however many points it has? Is one that is not whole refused?"""

import csv
import json
import re
from pathlib import Path

import pytest

from picojoule.__main__ import main
from simulator.errors import SpecError
from simulator.report.pictures.figure_data import Absent, Bars, FigureData, Points
from simulator.report.pictures.page import page_html
from simulator.report.pictures.page_parts import svg_of
from simulator.report.pictures.stored_runs import read_stored
from simulator.report.pictures.stored_sweeps import StoredSweep
from simulator.report.pictures.sweep_figures import MOST_POINTS, front_figures, sweep_figures, thinned
from tests.report.run_folders import SWEPT, large_sweep_folder, swept_folder

LIMIT_BYTES = 2_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept_folder(tmp_path_factory.mktemp("sweep") / "swept")


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "points.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def sweep_in(folder: Path) -> StoredSweep:
    sweep = read_stored(folder)
    assert isinstance(sweep, StoredSweep)
    return sweep


def named(sweep: StoredSweep, name: str) -> FigureData:
    (figure,) = (figure for figure in sweep_figures(sweep) if figure.name == name)
    assert isinstance(figure, FigureData)
    return figure


def marks(figure: FigureData) -> list[tuple[str, str]]:
    """Class and words of each."""
    found = [mark for mark in svg_of(figure).iter() if "mark" in mark.get("class", "")]
    return [(mark.get("class", ""), str(mark[0].text)) for mark in found]


@pytest.mark.parametrize(("name", "column"), [("front-time", "ms_per_image"), ("front-area", "area_kb")])
def test_every_machine_with_figures_is_drawn_and_the_front_is_filled(
    folder: Path, rows: list[dict[str, str]], name: str, column: str
) -> None:
    figure = named(sweep_in(folder), name)
    able = [row for row in rows if not row["reason"]]
    assert sorted(map(str, figure.numbers(column))) == sorted(str(float(row[column])) for row in able)
    outlined = [words for classes, words in marks(figure) if "hollow" in classes]
    filled = [words for classes, words in marks(figure) if "hollow" not in classes]
    front = {row["point"] for row in able if row["on_front"] == "True"}
    assert {re.findall(r"^point (\d+),", words)[0] for words in filled} == front
    assert len(outlined) + len(filled) == len(able)
    assert outlined, "some machine is beaten"


def test_a_mark_names_what_the_point_sets(folder: Path, rows: list[dict[str, str]]) -> None:
    words = marks(named(sweep_in(folder), "front-time"))[-1][1]
    row = rows[int(re.findall(r"^point (\d+)", words)[0]) - 1]
    assert f"pe_array.rows {row['pe_array.rows']}, glb.capacity_kb {row['glb.capacity_kb']}, " in words
    assert f"energy per image {float(row['energy_per_image']):,.0f} one 16-bit MAC" in words


def test_the_least_energy_at_each_value(folder: Path, rows: list[dict[str, str]]) -> None:
    sweep = sweep_in(folder)
    for field in ("pe_array.rows", "glb.capacity_kb"):
        figure = named(sweep, f"by-{field}")
        assert isinstance(figure.drawing, Bars)
        for value, energy, point, points, failed in figure.rows:
            alike = [row for row in rows if row[field] == str(value)]
            able = [(float(row["energy_per_image"]), int(row["point"])) for row in alike if not row["reason"]]
            assert (energy, point) == min(able, default=(None, None))
            assert (points, failed) == (len(alike), len(alike) - len(able))
    assert "No bar: no machine with it can run the network." in named(sweep, "by-glb.capacity_kb").caption
    assert "No bar" not in named(sweep, "by-pe_array.rows").caption


def test_a_field_of_one_value_has_no_figure_and_many_numbers_are_points(tmp_path: Path) -> None:
    sweep = sweep_in(swept_folder(tmp_path / "one", SWEPT.replace("[4, 8, 12]", "[12]")))
    assert [figure.name for figure in sweep_figures(sweep)] == ["front-time", "front-area", "by-glb.capacity_kb"]
    assert isinstance(named(sweep_in(large_sweep_folder(tmp_path / "many", 40)), "by-glb.banks").drawing, Points)


def test_networks_are_never_set_against_each_other(tmp_path: Path) -> None:
    spec = 'layers = ["CONV1*"]\n[grid]\nnetwork = ["alexnet", "vgg16"]\nglb.banks = [25, 50]'
    sweep = sweep_in(swept_folder(tmp_path / "two", spec))
    assert [figure.name for figure in sweep_figures(sweep)] == ["front-time", "front-area", "by-glb.banks"]
    for _, *energies in ((row[0], *row[1:3]) for row in named(sweep, "by-glb.banks").rows):
        assert len(set(energies)) == 2
    assert {classes.split()[2] for classes, _ in marks(named(sweep, "front-time"))} == {"c0", "c1"}


def test_what_a_listed_point_does_not_set_is_said(tmp_path: Path) -> None:
    spec = 'network = "alexnet"\nlayers = ["CONV3"]\n[[points]]\n[[points]]\nglb.banks = 13'
    sweep = sweep_in(swept_folder(tmp_path / "list", spec))
    assert named(sweep, "by-glb.banks").texts("glb.banks") == ["as in its file", "13"]
    assert "as in its file" in page_html([sweep]).split('id="sweep-1-machines"')[1]


def test_the_page_has_the_front_the_failures_and_the_area_s_formula(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    sweep = sweep_in(folder)
    machines, failed = (page.split(f'<section id="sweep-1-{part}"')[1] for part in ("machines", "failed"))
    body = machines.split("<tbody>")[1].split("</tbody>")[0]
    numbers = [int(number) for number in re.findall(r"<tr><td>(\d+)</td>", body)]
    assert sorted(numbers) == [point.number for point in sweep.front]
    assert "Area is a proxy" in page
    assert f"{sweep.area}; spad_weight = 1, pe_kb = 0. Nobody has laid these machines out." in page
    assert "3 of 9 points have none" in failed
    assert '<td>3</td><td class="word">1, 4, 7</td><td class="free">CONV3: no mapping fits' in failed
    assert str(folder) not in page, "the same sweep in another folder has the same page"


def test_report_and_sweep_write_the_same_page(folder: Path, tmp_path: Path) -> None:
    assert main(["report", str(folder), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_bytes() == (folder / "report.html").read_bytes()


def test_two_sweeps_on_a_page_are_told_apart(folder: Path, tmp_path: Path) -> None:
    other = large_sweep_folder(tmp_path / "other", 4)
    page = page_html([read_stored(folder), read_stored(other)])
    assert f"{folder}: The front" in page
    assert f"{other}: The front" in page


def test_thousands_of_points_are_a_small_page_that_says_what_it_leaves_out(tmp_path: Path) -> None:
    folder = large_sweep_folder(tmp_path / "large", 10_000)
    page = page_html([read_stored(folder)])
    assert len(page.encode()) < LIMIT_BYTES
    assert page.count("Shown are 1,000 of 10,000, evenly by energy; points.csv has all.") == 2
    assert "The 2,300 with the most energy are left out here; front.csv has all." in page
    figure = front_figures(sweep_in(folder))[0]
    assert isinstance(figure, FigureData)
    assert len(figure.rows) == 10_000
    energies, shown = (each.numbers("energy_per_image") for each in (figure, thinned(figure)))
    assert (min(shown), max(shown)) == (min(energies), max(energies))
    assert thinned(figure).values("beaten").count(False) == MOST_POINTS
    assert main(["plot", str(folder), "front-time", "-o", str(tmp_path / "all.csv")]) == 0
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 10_001


def test_nothing_but_failures(tmp_path: Path) -> None:
    sweep = sweep_in(swept_folder(tmp_path / "none", SWEPT.replace("[4, 64, 100]", "[4]")))
    assert all(isinstance(figure, Absent) for figure in sweep_figures(sweep))
    assert "Not drawn: none of the 3 points has figures, each has a reason." in page_html([sweep])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("on_front", "in_front", "points.csv: 1 fault; write the folder again\n  column on_front: missing"),
        (",analytic,True,", ",analytic,False,", "manifest.json: is of another sweep than points.csv; write the folder"),
        ("area_kb", "area", "not a point (KeyError: 'area_kb')"),
        ("\n2,alexnet", "\ntwo,alexnet", "line 3: not a point (ValueError: invalid literal for int() with base 10: 't"),
    ],
)
def test_a_folder_that_contradicts_itself(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = large_sweep_folder(tmp_path / "swept", 4) / "points.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SpecError) as error:
        read_stored(path.parent)
    assert message in str(error.value)


def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    path = large_sweep_folder(tmp_path / "swept", 4) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "spec": 7}))
    with pytest.raises(SpecError, match=r"manifest\.json: not what a run writes \(TypeError"):
        read_stored(path.parent)
