"""Does `picojoule simulate` hand on what it was asked for, and put out what it was given, where it was asked to?"""

import json
from pathlib import Path

import pytest

from picojoule import __version__
from simulator.errors import ConservationError, MappingError
from simulator.report.run_folder import RUN_FILES
from tests.cli.conftest import Run, Simulations
from tests.report.by_hand import network_result

FLAGS = ("--layers", "CONV1,CONV2", "--mapping", "jssc2017", "--seed", 7, "--functional", "--batch", 4)


def test_every_option_reaches_the_simulation(run: Run, simulations: Simulations) -> None:
    ran = run("simulate", "net.onnx", *FLAGS, "--images", "x.npy", "--jobs", 2, "--arch", "isca16-256")
    assert (ran.code, ran.err) == (0, "")
    asked = simulations.asked[0]
    assert asked.pop("accelerator").name == "isca16-256"
    assert asked == {
        "network": "net.onnx",
        "batch": 4,
        "layers": ("CONV1", "CONV2"),
        "images": Path("x.npy"),
        "mapping": "jssc2017",
        "objective": None,
        "seed": 7,
        "functional": True,
        "jobs": 2,
        "progress": None,
    }


def test_what_is_not_given_is_left_to_the_simulation(run: Run, simulations: Simulations) -> None:
    run("simulate", "alexnet")
    asked = simulations.asked[0]
    assert asked.pop("accelerator").name == "eyeriss-v1"
    nothing = dict.fromkeys(("batch", "layers", "images", "mapping", "objective", "progress"))
    assert asked == {"network": "alexnet", **nothing, "seed": 0, "functional": False, "jobs": 1}


@pytest.mark.parametrize("words", [["--layers", " CONV1 ,,CONV2"], ["--layers", "CONV1", "--layers", "CONV2"]])
def test_layers_take_commas_or_the_option_again(run: Run, simulations: Simulations, words: list[str]) -> None:
    run("simulate", "alexnet", *words)
    assert simulations.asked[0]["layers"] == ("CONV1", "CONV2")


@pytest.mark.usefixtures("simulations")
def test_the_table_is_printed_with_the_choice_of_mapping(run: Run) -> None:
    searched, published = run("simulate", "alexnet"), run("simulate", "alexnet", "--mapping", "jssc2017")
    assert searched.out.startswith("alexnet, batch 4, on eyeriss-v1; mapping: least energy, searched; all figures sim")
    assert published.out.startswith("alexnet, batch 4, on eyeriss-v1; mapping: jssc2017; all figures simulated\n")
    assert "`picojoule arch show eyeriss-v1` prints the table, -o DIR" in published.out
    assert "\x1b" not in published.out


@pytest.mark.usefixtures("simulations")
def test_a_terminal_gets_tables_as_wide_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picojoule.shown.terminal_width", lambda: 80)
    rules = [line for line in run("simulate", "alexnet").out.splitlines() if line.startswith("---")]
    assert len(rules) > 2
    assert max(map(len, rules)) <= 80


@pytest.mark.usefixtures("simulations")
def test_json_is_one_object_and_nothing_else(run: Run) -> None:
    ran = run("simulate", "alexnet", "--json")
    assert json.loads(ran.out) == network_result().to_dict()
    assert ran.err == ""


@pytest.mark.usefixtures("simulations")
def test_the_run_folder_holds_the_whole_table_and_what_decided_it(run: Run, tmp_path: Path) -> None:
    ran = run("simulate", "alexnet", *FLAGS, "-o", tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(RUN_FILES)
    assert (tmp_path / "run" / "summary.txt").read_text() == ran.out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["arguments"] == {
        "network": "alexnet",
        "arch": "eyeriss-v1",
        "energy": None,
        "batch": 4,
        "layers": ["CONV1", "CONV2"],
        "images": None,
        "mapping": "jssc2017",
        "objective": None,
        "seed": 7,
        "functional": True,
    }
    assert manifest["sha256"]["workload"] == "0" * 64
    assert manifest["mapping"]["CONV2"] == {"m": 96, "n": 1, "e": 7, "p": 16, "q": 1, "r": 1, "t": 2, "g": 1}
    assert manifest["data"] == network_result().to_dict()["data"]
    assert manifest["versions"]["picojoule"] == __version__
    assert manifest["versions"]["numpy"]


def test_the_manifest_tells_accelerators_apart(run: Run, simulations: Simulations, tmp_path: Path) -> None:
    for arch in ("eyeriss-v1", "eyeriss-estimation"):
        run("simulate", "alexnet", "--arch", arch, "-o", tmp_path / arch)
    one, other = (
        json.loads((tmp_path / arch / "manifest.json").read_text())["sha256"]
        for arch in ("eyeriss-v1", "eyeriss-estimation")
    )
    assert one["arch"] != other["arch"]
    assert one["workload"] == other["workload"]
    assert len(simulations.asked) == 2


@pytest.mark.usefixtures("simulations")
def test_the_same_run_gives_the_same_bytes_wherever_it_goes(run: Run, tmp_path: Path) -> None:
    run("simulate", "alexnet", "-o", tmp_path / "one")
    run("simulate", "alexnet", "--jobs", 2, "--json", "-o", tmp_path / "two")
    for name in RUN_FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(
    run: Run, simulations: Simulations, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    ran = run("simulate", "alexnet", "-o", tmp_path / "file")
    assert (ran.code, ran.out, simulations.asked) == (2, "", [])
    path = tmp_path / "file"
    assert ran.err == f"picojoule: {path}: cannot be a folder, {path} is a file; choose another DIR\n"
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (MappingError("CONV2: p*q*S = 240 filter words; lower p"), 2, "CONV2: p*q*S = 240 filter words; lower p"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_run_that_fails_leaves_nothing_behind(
    run: Run, simulations: Simulations, tmp_path: Path, raised: BaseException, code: int, message: str
) -> None:
    simulations.raises = raised
    ran = run("simulate", "alexnet", "-o", tmp_path / "run")
    assert (ran.code, ran.out, ran.err) == (code, "", f"picojoule: {message}\n")
    assert not list(tmp_path.iterdir())


def test_a_bug_keeps_its_traceback(run: Run, simulations: Simulations) -> None:
    simulations.raises = ConservationError("CONV1: 3 words in, 2 out")
    with pytest.raises(ConservationError, match="3 words in, 2 out"):
        run("simulate", "alexnet")
