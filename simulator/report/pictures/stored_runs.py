"""What does a run folder hold? Each kind of folder as it is read back, held to itself.

`run_reader` reads what runs are compared by; here is all that a figure may need.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from simulator.counts import Access, Action, Level, Tensor
from simulator.energy import energy_per_bit, energy_per_mac
from simulator.errors import SpecError
from simulator.mapping.fits import check_fits
from simulator.mapping.fold import find_fold, fold_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.pictures.array_layout import Block, blocks
from simulator.report.pictures.stored_sweeps import StoredSweep, read_sweep
from simulator.report.pictures.tables import (
    A_RUN_FOLDER,
    WRITE_AGAIN,
    TableRow,
    is_none,
    number,
    read_json,
    read_rows,
)
from simulator.report.run_reader import LEVELS, TENSORS, ComparedRun, read_run
from simulator.results import PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.files import list_of_faults
from simulator.spec.layer import Layer
from simulator.spec.load import accelerator_of, accelerator_sha256

_LETTERS = ("m", "n", "e", "p", "q", "r", "t", "g")
_LAYER_NUMBERS = (
    *("weights", "macs", "nonzero_macs", "gated_macs", "processing_cycles", "total_cycles", "total_ms"),
    *("active_pes", "utilization", "glb_bytes", "dram_bytes"),
    *(f"pe_cycles.{state.value}" for state in PeState),
    *(f"energy.{part}" for part in (*LEVELS, "total")),
    *(f"energy_by_tensor.{part}" for part in TENSORS),
    *(f"mapping.{letter}" for letter in _LETTERS),
)
_MAC = "mac"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What turns a run's counts into energy and its mappings into places: from the manifest."""

    accelerator: Accelerator
    shapes: Mapping[str, Layer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """One row of counts.csv with its cost; cost: of 16 bits, or of a MAC of the layer's widths, None if not known."""

    layer: str
    name: str
    words: float
    bits: float | None
    cost: float | None
    energy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A folder of `simulate` or `estimate`. machine: None where an earlier picojoule wrote the manifest without it."""

    folder: str
    compared: ComparedRun
    layers: tuple[TableRow, ...]
    counts: tuple[TableRow, ...]
    machine: Machine | None

    @property
    def origin(self) -> str:
        return self.compared.method.value

    def layer_numbers(self, column: str) -> list[int | float]:
        return [number(row[column]) for row in self.layers]

    def total(self, column: str) -> int | float:
        return sum(self.layer_numbers(column))

    def blocks_of(self, layer: str) -> tuple[Block, ...]:
        """Raises SpecError where there is no machine, or where they are not the PEs that were at work."""
        if self.machine is None:
            raise SpecError(f"{self.folder}: {NO_MACHINE}")
        row = next(row for row in self.layers if row["name"] == layer)
        accelerator, shape = self.machine.accelerator, self.machine.shapes[layer]
        fold = find_fold(shape, accelerator)
        as_run = fold_layer(shape, fold) if fold.is_needed else shape
        mapping = RowStationaryMapping(**{letter: int(row[f"mapping.{letter}"]) for letter in _LETTERS})
        check_fits(mapping, as_run, accelerator)
        found = blocks(as_run, mapping, accelerator.pe_array)
        placed = sum(block.pes * block.mac_slots for block in found)
        if placed != number(row["pe_cycles.active"]):
            raise SpecError(
                f"{self.folder}: {layer} has {row['pe_cycles.active']} active PE-cycles in layers.csv, its mapping "
                f"makes {placed}; {WRITE_AGAIN}"
            )
        return found

    def sums(self) -> Iterator[Sum]:
        """Every count, times what it costs."""
        for row in self.counts:
            name = _MAC if row["level"] == _MAC else f"{row['level']}.{row['tensor']}.{row['action']}"
            yield Sum(
                layer=row["layer"],
                name=name,
                words=number(row["words"]),
                bits=number(row["bits"]) if row["bits"] else None,
                cost=None if self.machine is None else _cost(row, self.machine),
                energy=number(row["energy"]),
            )


NO_MACHINE = (
    "its manifest.json has no layer shapes and no accelerator, so an earlier picojoule wrote it; simulate or estimate "
    "again with -o"
)
UNKNOWN_UNIT = "energy table's unit"
"""Of a validation or a pruning run whose folder an earlier picojoule wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValidation:
    """A folder of `validate`: its JSON object."""

    folder: str
    network: str
    arch: str
    batch: int
    energy_unit: str
    passed: bool
    faults: tuple[str, ...]
    data: Mapping[str, str]
    layers: tuple[Mapping[str, Any], ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPruning:
    """A folder of `prune`. energy: before and after, by level."""

    folder: str
    model: str
    arch: str
    method: str
    order: str
    energy_unit: str
    images: Mapping[str, int]
    accuracy: Mapping[str, float]
    energy: Mapping[str, Mapping[str, float]]
    why: tuple[str, ...]
    layers: tuple[TableRow, ...]
    steps: tuple[TableRow, ...]


Stored = StoredRun | StoredValidation | StoredPruning | StoredSweep


def read_stored(folder: Path) -> Stored:
    """What the folder holds. Raises SpecError for one that is no run folder or contradicts itself."""
    if not folder.is_dir():
        raise SpecError(f"{folder}: no such folder; give {A_RUN_FOLDER}")
    if (folder / "validation.json").exists():
        return _read_validation(folder)
    if (folder / "steps.csv").exists():
        return _read_pruning(folder)
    if (folder / "layers.csv").exists():
        return _read_run(folder)
    if (folder / "points.csv").exists():
        return read_sweep(folder)
    raise SpecError(
        f"{folder}: no run folder, it has no layers.csv, validation.json or points.csv; give {A_RUN_FOLDER}"
    )


def _read_run(folder: Path) -> StoredRun:
    compared = read_run(folder)
    layers = read_rows(folder / "layers.csv", texts=("name",), numbers=_LAYER_NUMBERS)
    counts = read_rows(
        folder / "counts.csv", texts=("layer", "level", "tensor", "action", "bits"), numbers=("words", "energy")
    )
    machine = _machine(folder / "manifest.json", [layer.name for layer in compared.layers])
    run = StoredRun(folder=str(folder), compared=compared, layers=tuple(layers), counts=tuple(counts), machine=machine)
    _check_sums(run)
    return run


def _machine(path: Path, names: Sequence[str]) -> Machine | None:
    manifest = read_json(path)
    if "accelerator" not in manifest or "shape" not in manifest:
        return None
    accelerator = accelerator_of(manifest["accelerator"], where=f"{path}: accelerator")
    if accelerator_sha256(accelerator) != manifest["sha256"].get("arch"):
        raise SpecError(f"{path}: accelerator is not the one whose hash is in sha256.arch; {WRITE_AGAIN}")
    try:
        shapes = {
            name: Layer(name=name, **{**fields, "padding": tuple(fields["padding"])})
            for name, fields in manifest["shape"].items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise SpecError(f"{path}: shape is not that of layers ({error}); {WRITE_AGAIN}") from None
    if list(shapes) != list(names):
        raise SpecError(f"{path}: shape has {', '.join(shapes)}; layers.csv has {', '.join(names)}; {WRITE_AGAIN}")
    return Machine(accelerator=accelerator, shapes=shapes)


def _cost(row: TableRow, machine: Machine) -> float:
    if row["level"] == _MAC:
        return energy_per_mac(machine.shapes[row["layer"]], machine.accelerator)
    access = Access(Level(row["level"]), Tensor(row["tensor"]), Action(row["action"]))
    return energy_per_bit(access, machine.accelerator) * machine.accelerator.word_bits


def _check_sums(run: StoredRun) -> None:
    """Counts x table is the energy, row by row, and the rows of a layer add up to its total."""
    totals = dict.fromkeys((row["name"] for row in run.layers), 0.0)
    faults = []
    try:
        for term in run.sums():
            totals[term.layer] += term.energy
            amount = term.words if term.bits is None else term.bits / 16
            if term.cost is not None and not isclose(amount * term.cost, term.energy, rel_tol=1e-9, abs_tol=1e-9):
                faults.append(f"  {term.layer} {term.name}: {amount} x {term.cost} is not {term.energy}")
    except (KeyError, ValueError) as error:
        faults.append(f"  {error}: no layer or access of this run")
    faults += [
        f"  {row['name']}: adds up to {totals[row['name']]}; layers.csv has {row['energy.total']}"
        for row in run.layers
        if not isclose(totals[row["name"]], float(row["energy.total"]), rel_tol=1e-9)
    ]
    if faults:
        raise SpecError(list_of_faults(faults, str(Path(run.folder) / "counts.csv"), WRITE_AGAIN))


def _read_validation(folder: Path) -> StoredValidation:
    path = folder / "validation.json"
    content = read_json(path)
    try:
        return StoredValidation(
            folder=str(folder),
            network=str(content["network"]),
            arch=str(content["arch"]),
            batch=int(content["batch"]),
            energy_unit=str(content.get("energy_unit", UNKNOWN_UNIT)),
            passed=bool(content["passed"]),
            faults=tuple(map(str, content["faults"])),
            data={method: str(content["data"][method]) for method in ("simulated", "analytic")},
            layers=tuple(_numbers(row, "name", _VALIDATED) for row in content["layers"]),
            rows=tuple(_numbers(row, "layer", ("simulated", "analytic")) for row in content["rows"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise is_none(path, error) from None


_VALIDATED = tuple(f"{what}_{way}" for what in ("energy", "total_cycles") for way in ("simulated", "analytic", "error"))


def _numbers(row: Mapping[str, Any], name: str, numbers: Sequence[str]) -> Mapping[str, Any]:
    """Raises KeyError or TypeError for what is not there, or no number."""
    row[name]
    for column in numbers:
        if not isinstance(row[column], int | float):
            raise TypeError(f"{column}: {row[column]!r}")
    return row


def _read_pruning(folder: Path) -> StoredPruning:
    path = folder / "manifest.json"
    manifest = read_json(path)
    layers = read_rows(folder / "layers.csv", texts=("layer",), numbers=_PRUNED)
    steps = read_rows(
        folder / "steps.csv", texts=("layer", "accepted"), numbers=("round", "accuracy", "weights", "energy")
    )
    try:
        result, options = manifest["result"], manifest["options"]
        return StoredPruning(
            folder=str(folder),
            model=str(result["model"]),
            arch=str(result["arch"]),
            method=str(options["method"]),
            order=str(options["order"]),
            energy_unit=str(result.get("energy_unit", UNKNOWN_UNIT)),
            images={use: int(count) for use, count in result["images"].items()},
            accuracy={when: float(result["accuracy"][when]) for when in ("before", "after", "limit")},
            energy={
                when: {level: float(result["energy"][when][level]) for level in (*LEVELS, "total")}
                for when in ("before", "after")
            },
            why=tuple(map(str, result["why"])),
            layers=tuple(layers),
            steps=tuple(steps),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise is_none(path, error) from None


_PRUNED = tuple(
    f"{what}_{when}" for what in ("weights", "nonzero_macs", "total_cycles", "energy") for when in ("before", "after")
)
