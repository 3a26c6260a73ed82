"""Does `picojoule simulate --timeline` write one whole file or none, say what is wrong, and leave the figures alone?"""

from pathlib import Path
from typing import Any

import pytest

import simulator.timeline.write
from simulator.timeline import layer_recorder
from simulator.timeline.window import LayerWindow, Window, layer_windows, parse_window
from tests.cli.conftest import Run, Simulations
from tests.report.by_hand import network_result

SMALL = ("simulate", "alexnet", "--layers", "FC3", "--seed", 3)
TWO_LAYERS = ("simulate", "alexnet", "--layers", "CONV4,CONV5")
WINDOW = ("--window", "40000:60000")


def test_the_file_is_the_same_at_any_number_of_jobs(run: Run, tmp_path: Path) -> None:
    plain = run(*TWO_LAYERS)
    for jobs in (1, 2):
        ran = run(*TWO_LAYERS, "--jobs", jobs, "--timeline", tmp_path / f"{jobs}.pftrace")
        assert (ran.code, ran.out, ran.err) == (0, plain.out, "")
    assert (tmp_path / "1.pftrace").read_bytes() == (tmp_path / "2.pftrace").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.pftrace", "2.pftrace"]


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("5:5", "--window 5:5: holds no cycle; the second number must be above the first"),
        ("9:2", "--window 9:2: holds no cycle; the second number must be above the first"),
        ("x", "--window 'x': is not two whole numbers of cycles; write FIRST:END, such as 0:50000"),
        ("5:", "--window '5:': is not two whole numbers of cycles; write FIRST:END, such as 0:50000"),
        ("-5:5", "--window '-5:5': is not two whole numbers of cycles; write FIRST:END, such as 0:50000"),
        ("1.5:5", "--window '1.5:5': is not two whole numbers of cycles; write FIRST:END, such as 0:50000"),
    ],
)
def test_a_bad_window_is_refused_before_anything_runs(
    run: Run, simulations: Simulations, tmp_path: Path, window: str, message: str
) -> None:
    ran = run("simulate", "alexnet", "--timeline", tmp_path / "a.pftrace", f"--window={window}")
    assert (ran.code, ran.out, ran.err) == (2, "", f"picojoule: {message}\n")
    assert not simulations.asked
    assert not list(tmp_path.iterdir())


def test_a_window_needs_a_timeline(run: Run, simulations: Simulations) -> None:
    ran = run("simulate", "alexnet", "--window", "0:5")
    assert ran.code == 2
    assert ran.err == "picojoule: --window 0:5: there is no timeline to show it in; add --timeline FILE\n"
    assert not simulations.asked


def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    run: Run, simulations: Simulations, tmp_path: Path
) -> None:
    ran = run("simulate", "alexnet", "--timeline", tmp_path / "none" / "a.pftrace")
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no folder {tmp_path / 'none'}; create it first" in ran.err
    assert not simulations.asked


def test_a_window_after_the_end_is_refused_once_the_end_is_known(run: Run, tmp_path: Path) -> None:
    ran = run(*SMALL, "--timeline", tmp_path / "a.pftrace", "--window", "900000000:900000001")
    assert ran.code == 2
    assert ran.err.startswith("picojoule: --window 900000000:900000001: the run has ended by then, at cycle ")
    assert ran.err.endswith("; give a window that begins before\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left"), 2)])
def test_what_is_interrupted_leaves_an_earlier_file_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int
) -> None:
    """The figures are printed before."""
    file = tmp_path / "a.pftrace"
    file.write_text("earlier")
    temporary: list[str] = []

    def stop(*_: Any) -> None:
        temporary.extend(path.name for path in tmp_path.iterdir() if path != file)
        raise raised

    monkeypatch.setattr(simulator.timeline.write, "replay_layer", stop)
    ran = run(*SMALL, *WINDOW, "--timeline", file)
    assert ran.code == code
    assert "FC3" in ran.out
    assert len(temporary) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pftrace"]
    assert file.read_text() == "earlier"


def test_a_full_file_says_how_far_it_goes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_recorder, "MOST_SLICES", 10)
    ran = run(*SMALL, *WINDOW, "--timeline", tmp_path / "a.pftrace")
    assert ran.code == 0
    assert f"picojoule: {tmp_path / 'a.pftrace'}: full at " in ran.err
    assert "give a --window that begins there for more\n" in ran.err


def test_windows_of_layers() -> None:
    """The second layer begins where the first ends."""
    layers = network_result().layers[:2]
    first, second = (layer.total_cycles for layer in layers)
    assert list(layer_windows(layers, Window(first=0, end=first))) == [LayerWindow(start=0, first=0, end=first), None]
    assert list(layer_windows(layers, Window(first=first - 1, end=first + 10**12))) == [
        LayerWindow(start=0, first=first - 1, end=first),
        LayerWindow(start=first, first=0, end=second),
    ]
    assert list(layer_windows(layers, None))[1] == LayerWindow(start=first, first=0, end=min(second, 100_000))
    assert parse_window(" 3:7 ") == Window(first=3, end=7)
