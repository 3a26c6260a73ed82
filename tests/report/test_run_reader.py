"""Is a run folder read as it was written, and a broken one refused with what is wrong and what would do?"""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import SpecError
from simulator.report.run_folder import write_run
from simulator.report.run_reader import read_run, run_of
from tests.report.by_hand import network_result


def manifest() -> dict[str, Any]:
    """What is read of one, for the result written by hand."""
    result = network_result()
    return {
        "network": "alexnet",
        "method": "simulated",
        "arch": "eyeriss-v1",
        "energy_unit": "one 16-bit MAC",
        "batch": 4,
        "arguments": {"network": "alexnet", "batch": 4, "layers": ["CONV1", "CONV2"], "seed": 0, "functional": False},
        "data": result.to_dict()["data"],
        "sha256": {"energy_table": "0" * 64},
        "mapping": {layer.layer.name: layer.mapping.to_dict() for layer in result.layers},
        "seed": 0,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_run(tmp_path, network_result(), manifest=manifest(), summary="a table\n")
    return tmp_path


def test_a_folder_holds_the_figures_of_its_result_and_says_with_which_options(folder: Path) -> None:
    written = network_result(notes=("written with network alexnet, layers CONV1 CONV2, seed 0",))
    expected = run_of(written, label=str(folder), energy_unit="one 16-bit MAC", energy_table="0" * 64)
    assert read_run(folder) == expected


@pytest.mark.parametrize("name", ["manifest.json", "layers.csv"])
def test_a_file_that_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SpecError) as caught:
        read_run(folder)
    assert str(caught.value) == (
        f"{folder / name}: no such file; give a run folder, as `picojoule simulate` and `picojoule estimate` write "
        "with -o"
    )


def test_every_fault_of_a_manifest_at_once(folder: Path) -> None:
    broken = manifest() | {"batch": 0, "method": "guessed"}
    del broken["energy_unit"]
    (folder / "manifest.json").write_text(json.dumps(broken))
    with pytest.raises(SpecError) as caught:
        read_run(folder)
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"{folder / 'manifest.json'}: 3 faults; write the folder again with `picojoule simulate` or "
        "`picojoule estimate` and -o"
    )
    assert [line.split(":")[0] for line in lines[1:]] == ["  method", "  energy_unit", "  batch"]


def test_a_manifest_that_is_not_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")
    with pytest.raises(SpecError, match=r"manifest.json: 1 fault; write the folder again .*\n  the file: Invalid JSON"):
        read_run(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("energy.glb", "energy.GLB", "column energy.glb: missing"),
        ("CONV2,", "CONV9,", "layers CONV1, CONV9; manifest.json has CONV1, CONV2"),
        ("CONV2,", "CONV2,x", "line 3, weights: not an amount, the value 'x34848'"),
        ("CONV1,34848", "CONV1,0", "line 2, weights: not an amount, the value '0'"),
        ("CONV1,34848", "CONV1,nan", "line 2, weights: not an amount, the value 'nan'"),
        ("CONV1,34848", "CONV1,-1", "line 2, weights: not an amount, the value '-1'"),
        (",300000000.0,", ",300000001.0,", "line 2, energy: adds up to 348400001.0, energy.total is 348400000.0"),
    ],
)
def test_layers_that_cannot_be_so(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "layers.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        read_run(folder)
    first, *faults = str(caught.value).splitlines()
    assert first.startswith(f"{path}: 1 fault; write the folder again with `picojoule simulate`")
    assert faults == [f"  {message}"]


def test_a_line_that_was_cut_off(folder: Path) -> None:
    path = folder / "layers.csv"
    path.write_text(path.read_text()[:-200])
    with pytest.raises(SpecError, match="not an amount, the value None"):
        read_run(folder)
