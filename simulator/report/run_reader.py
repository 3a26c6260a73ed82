"""What of a run can be set beside another's? Its figures by layer, from a result or from a run folder.

A folder is what `-o DIR` of `simulate` and `estimate` writes; manifest.json and layers.csv are read, and held to one
another.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose, isfinite
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import SpecError
from simulator.results import Method, NetworkResult
from simulator.spec.files import fault_lines, file_text, list_of_faults

LEVELS = ("mac", "spad", "noc", "glb", "dram")
TENSORS = ("ifmap", "filter", "psum", "mac")
_FIELDS = (
    *("weights", "macs", "nonzero_macs", "total_ms"),
    *(f"energy.{part}" for part in (*LEVELS, "total")),
    *(f"energy_by_tensor.{part}" for part in TENSORS),
)
_ABOVE_ZERO = ("weights", "macs")
_LARGEST_BYTES = 64_000_000
_A_RUN_FOLDER = "a run folder, as `picojoule simulate` and `picojoule estimate` write with -o"
_WRITE_AGAIN = "write the folder again with `picojoule simulate` or `picojoule estimate` and -o"

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLayer:
    """One layer, whole batch; figures are keyed like the columns of layers.csv."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """A network on an accelerator. Its figures are for one image, unless they say otherwise.

    label         what the run is called beside others
    data          where weights and activations, or their zeros, came from
    energy_unit   what 1 of energy stands for; energy_table is the SHA-256 of the table and of what it leaves uncharged
    """

    label: str
    network: str
    arch: str
    batch: int
    method: Method
    data: str
    energy_unit: str
    energy_table: str
    layers: tuple[ComparedLayer, ...]
    notes: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[str, int, Method, str]:
        """Runs of different networks say something about the networks where these are the same."""
        return self.arch, self.batch, self.method, self.energy_table

    @property
    def weights(self) -> float:
        return self.whole_batch("weights")

    @property
    def energy(self) -> float:
        return self.an_image("energy.total")

    @property
    def energy_per_mac(self) -> float:
        return self.energy / self.an_image("macs")

    def whole_batch(self, figure: str) -> float:
        return sum(layer.figures[figure] for layer in self.layers)

    def an_image(self, figure: str) -> float:
        return self.whole_batch(figure) / self.batch


def run_of(result: NetworkResult, *, label: str, energy_unit: str, energy_table: str) -> ComparedRun:
    """The figures of a result whose accelerator has that energy table."""
    data = result.provenance
    return ComparedRun(
        label=label,
        network=result.network,
        arch=result.arch,
        batch=result.batch,
        method=result.method,
        data=_data_line(data.weights.value, data.activations.value, data.detail),
        energy_unit=energy_unit,
        energy_table=energy_table,
        layers=tuple(_layer_of(row) for row in result.rows()),
        notes=result.notes,
    )


def read_run(folder: Path) -> ComparedRun:
    """The run that a folder holds. Raises SpecError with every fault of the file that is wrong."""
    manifest = _manifest(folder / "manifest.json")
    return ComparedRun(
        label=str(folder),
        network=manifest.network,
        arch=manifest.arch,
        batch=manifest.batch,
        method=manifest.method,
        data=_data_line(manifest.data.weights, manifest.data.activations, manifest.data.detail),
        energy_unit=manifest.energy_unit,
        energy_table=manifest.sha256.energy_table,
        layers=_layers(folder / "layers.csv", manifest),
        notes=(f"written with {_options(manifest)}",),
    )


class _Data(BaseModel):
    weights: str
    activations: str
    detail: str


class _Sha256(BaseModel):
    energy_table: str


class _Manifest(BaseModel):
    """What is read of manifest.json; docs/reference.md defines each field."""

    model_config = ConfigDict(strict=True)

    network: str
    method: Method
    arch: str
    energy_unit: str
    batch: int = Field(ge=1)
    arguments: dict[str, Any]
    data: _Data
    sha256: _Sha256
    mapping: dict[str, Any] = Field(min_length=1)


def _options(manifest: _Manifest) -> str:
    """What was asked for and no other field has, so that runs of different options are not taken for alike."""
    asked = {key: value for key, value in manifest.arguments.items() if key != "batch"}
    given = {key: value for key, value in asked.items() if value is not None and value is not False}
    texts = {key: " ".join(value) if isinstance(value, list) else value for key, value in given.items()}
    return ", ".join(f"{key} {value}" for key, value in texts.items())


def _manifest(path: Path) -> _Manifest:
    text = file_text(path, what=_A_RUN_FOLDER, largest_bytes=_LARGEST_BYTES)
    try:
        return _Manifest.model_validate_json(text)
    except ValidationError as error:
        raise SpecError(list_of_faults(fault_lines(error), str(path), _WRITE_AGAIN)) from None


def _layers(path: Path, manifest: _Manifest) -> tuple[ComparedLayer, ...]:
    text = file_text(path, what=_A_RUN_FOLDER, largest_bytes=_LARGEST_BYTES)
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [field for field in ("name", *_FIELDS) if field not in (rows.fieldnames or ())]
    faults = [f"  column {field}: missing" for field in missing] or list(_row_faults(found := list(rows), manifest))
    if faults:
        raise SpecError(list_of_faults(faults, str(path), _WRITE_AGAIN))
    return tuple(_layer_of(row) for row in found)


def _row_faults(rows: list[dict[str, str]], manifest: _Manifest) -> Iterator[str]:
    names = [row["name"] for row in rows]
    if names != list(manifest.mapping):
        yield f"  layers {', '.join(names)}; manifest.json has {', '.join(manifest.mapping)}"
    for line, row in enumerate(rows, start=2):
        wrong = [field for field in _FIELDS if not _is_amount(row[field], may_be_zero=field not in _ABOVE_ZERO)]
        yield from (f"  line {line}, {field}: not an amount, the value {row[field]!r}" for field in wrong)
        if not wrong:
            yield from _sum_faults(line, _layer_of(row).figures)


def _sum_faults(line: int, figures: Figures) -> Iterator[str]:
    """Levels, and tensors, add up to the total."""
    for kind, parts in (("energy", LEVELS), ("energy_by_tensor", TENSORS)):
        total = sum(figures[f"{kind}.{part}"] for part in parts)
        if not isclose(total, figures["energy.total"], rel_tol=1e-9):
            yield f"  line {line}, {kind}: adds up to {total}, energy.total is {figures['energy.total']}"


def _is_amount(text: str | None, *, may_be_zero: bool) -> bool:
    """A cell that a short line lacks is None."""
    try:
        value = float(text or "")
    except ValueError:
        return False
    return isfinite(value) and (value > 0 or (value == 0 and may_be_zero))


def _layer_of(row: Mapping[str, Any]) -> ComparedLayer:
    return ComparedLayer(name=row["name"], figures={field: float(row[field]) for field in _FIELDS})


def _data_line(weights: str, activations: str, detail: str) -> str:
    return f"weights {weights}, activations {activations}: {detail}"
