"""Is a run folder read back whole, and is one that contradicts itself refused?"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import SpecError
from simulator.report.pictures.stored_runs import (
    UNKNOWN_UNIT,
    StoredPruning,
    StoredRun,
    StoredValidation,
    read_stored,
)
from simulator.report.pictures.stored_sweeps import StoredSweep
from tests.report.run_folders import estimated_folder, pruned_folder, swept_folder, validated_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return estimated_folder(tmp_path / "run")


def read_run(folder: Path) -> StoredRun:
    run = read_stored(folder)
    assert isinstance(run, StoredRun)
    return run


def test_each_kind_of_folder_is_known_by_its_files(tmp_path: Path, folder: Path) -> None:
    assert isinstance(read_stored(folder), StoredRun)
    assert isinstance(read_stored(validated_folder(tmp_path / "validated")), StoredValidation)
    assert isinstance(read_stored(pruned_folder(tmp_path / "pruned")), StoredPruning)
    assert isinstance(read_stored(swept_folder(tmp_path / "swept")), StoredSweep)


@pytest.mark.parametrize(("kind", "file"), [(pruned_folder, "manifest.json"), (validated_folder, "validation.json")])
def test_the_energy_unit_is_read_and_an_earlier_folder_opens_without(
    tmp_path: Path, kind: Callable[[Path], Path], file: str
) -> None:
    path = kind(tmp_path / "run") / file
    given = read_stored(path.parent)
    content = path.read_text()
    assert '"energy_unit"' in content
    path.write_text("\n".join(line for line in content.splitlines() if '"energy_unit"' not in line))
    older = read_stored(path.parent)
    assert isinstance(given, StoredPruning | StoredValidation)
    assert isinstance(older, StoredPruning | StoredValidation)
    assert given.energy_unit == ("pJ" if kind is pruned_folder else "one 16-bit MAC")
    assert older.energy_unit == UNKNOWN_UNIT


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--arch", "isca16-256", "--batch", 16),
        ("--bits", "weight=8,activation=8", "--coding", "significance_map"),
        ("--arch", "eyeriss-estimation", "--zeros", "tensors"),
    ],
)
def test_counts_times_costs_are_the_energies(tmp_path: Path, options: tuple[object, ...]) -> None:
    run = read_run(estimated_folder(tmp_path / "run", *options))
    for layer in run.layers:
        terms = [term for term in run.sums() if term.layer == layer["name"]]
        costs = [(term.words if term.bits is None else term.bits / 16, term.cost) for term in terms]
        total = sum(amount * cost for amount, cost in costs if cost is not None)
        assert total == pytest.approx(float(layer["energy.total"]), rel=1e-9)


@pytest.mark.parametrize("network", ["alexnet", "mobilenet_v1", "googlenet"])
def test_the_pes_that_are_placed_are_those_that_were_at_work(tmp_path: Path, network: str) -> None:
    """Folded filters, groups, strips and chunks that do not divide: active PE-cycles are a sum over passes, by another
    way than that over PEs."""
    from picojoule.__main__ import main

    assert main(["estimate", network, "-o", str(tmp_path / "run")]) == 0
    run = read_run(tmp_path / "run")
    assert run.machine is not None
    array = run.machine.accelerator.pe_array
    for row in run.layers:
        blocks = run.blocks_of(row["name"])
        assert sum(block.pes * block.mac_slots for block in blocks) == int(row["pe_cycles.active"])
        assert sum(block.pes for block in blocks) == int(row["active_pes"])
        taken = [
            (y, x)
            for block in blocks
            for y in range(block.row, block.row + block.rows)
            for x in range(block.column, block.column + block.columns)
        ]
        assert len(set(taken)) == len(taken)
        assert all(y < array.rows and x < array.columns for y, x in taken)


def test_a_folder_of_an_earlier_version_has_no_machine(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest.pop("accelerator"))
    assert read_run(folder).machine is None


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def change_row(path: Path, row: int, column: str, value: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row][column] = value
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere: no such folder; give a folder that `picojoule simulate`"):
        read_stored(tmp_path / "nowhere")
    with pytest.raises(SpecError, match=r"no run folder, it has no layers.csv, validation.json or points.csv"):
        read_stored(tmp_path)


def test_an_accelerator_that_is_not_the_one_that_was_run(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest["accelerator"]["pe_array"].update(rows=24))
    with pytest.raises(SpecError, match=r"accelerator is not the one whose hash is in sha256\.arch"):
        read_stored(folder)


def test_shapes_of_other_layers(folder: Path) -> None:
    change_manifest(folder, lambda manifest: manifest["shape"].pop("FC3"))
    with pytest.raises(SpecError, match=r"shape has CONV1, CONV5; layers.csv has CONV1, CONV5, FC3"):
        read_stored(folder)
    change_manifest(folder, lambda manifest: manifest.update(shape=7))
    with pytest.raises(SpecError, match="shape is not that of layers"):
        read_stored(folder)


def test_a_count_that_does_not_make_its_energy(folder: Path) -> None:
    change_row(folder / "counts.csv", 1, "bits", "16")
    with pytest.raises(
        SpecError, match=r"counts\.csv: 1 fault; write the folder again\n  CONV1 dram.*1.0 x 200.0 is not"
    ):
        read_stored(folder)


def test_counts_that_do_not_add_up_to_the_layers(folder: Path) -> None:
    change_row(folder / "counts.csv", 1, "layer", "CONV5")
    with pytest.raises(SpecError, match="CONV1: adds up to"):
        read_stored(folder)


def test_a_number_that_is_none(folder: Path) -> None:
    change_row(folder / "layers.csv", 0, "total_cycles", "many")
    with pytest.raises(SpecError, match=r"line 2, total_cycles: not a number, the value 'many'"):
        read_stored(folder)


def test_an_array_that_was_not_at_work(folder: Path) -> None:
    change_row(folder / "layers.csv", 0, "pe_cycles.active", "1")
    with pytest.raises(SpecError, match=r"CONV1 has 1 active PE-cycles in layers\.csv, its mapping makes"):
        read_run(folder).blocks_of("CONV1")


def test_json_that_is_none(tmp_path: Path) -> None:
    folder = pruned_folder(tmp_path / "pruned")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(SpecError, match=r"manifest\.json: not what a run writes \(JSONDecodeError"):
        read_stored(folder)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(SpecError, match=r"manifest\.json: not what a run writes \(KeyError: 'result'\)"):
        read_stored(folder)
