"""Is the picture the same bytes for the same figures, written whole, and readable: named points, axes with units?"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.errors import OutputError, SpecError
from simulator.report.comparison import comparison_of
from simulator.report.energy_picture import write_energy_picture
from simulator.report.figures import check_picture
from tests.report.test_comparison import DEEP, SHALLOW

RUNS = comparison_of([SHALLOW, DEEP, replace(SHALLOW, batch=16), replace(DEEP, batch=16)]).runs


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_the_same_bytes_every_time(tmp_path: Path, suffix: str) -> None:
    for name in ("one", "two"):
        write_energy_picture(RUNS, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


def test_its_words(tmp_path: Path) -> None:
    write_energy_picture(RUNS, tmp_path / "energy.svg")
    text = (tmp_path / "energy.svg").read_text()
    words = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    assert {"weights [M]", "MACs [M an image]", "energy [M MAC an image]"} <= set(words)
    assert words.count("shallow") == words.count("deep") == 2  # once in each panel, however many runs
    assert "eyeriss-v1, batch 16 (analytic)" in words
    assert any(
        word.startswith("analytic; accelerator eyeriss-v1; batch 1, 16; energy = counts x table") for word in words
    )
    assert not re.search(r"\b20\d\d-\d\d-\d\d", text)


def test_runs_under_the_same_conditions_are_named_by_their_labels(tmp_path: Path) -> None:
    write_energy_picture([replace(DEEP, label="here"), replace(DEEP, label="there")], tmp_path / "energy.svg")
    assert {"here", "there"} <= set(re.findall(r">([a-z]+)</text>", (tmp_path / "energy.svg").read_text()))


def test_settings_of_a_person_are_neither_used_nor_changed(tmp_path: Path) -> None:
    import matplotlib

    write_energy_picture(RUNS, tmp_path / "plain.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        write_energy_picture(RUNS, tmp_path / "mine.svg")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "mine.svg").read_bytes()


def test_no_energy_has_no_logarithm(tmp_path: Path) -> None:
    free = replace(DEEP, label="free", layers=())
    with pytest.raises(SpecError, match=r"^free: energy 0 cannot be drawn on a logarithmic axis; leave the run out"):
        write_energy_picture([SHALLOW, free], tmp_path / "energy.svg")
    assert not list(tmp_path.iterdir())


def test_kinds_and_places_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"energy.bmp: no such kind of picture; end the name in .svg, .png, .pdf"):
        check_picture(tmp_path / "energy.bmp")
    with pytest.raises(OutputError, match="there is no folder"):
        check_picture(tmp_path / "missing" / "energy.svg")


def test_a_disk_that_is_full_leaves_the_earlier_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "energy.svg"
    path.write_text("earlier")

    def disk_full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(OutputError, match=r"energy.svg: cannot be written \(No space left on device\)"):
        write_energy_picture(RUNS, path)
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"energy.svg": "earlier"}
