"""What does the folder of a sweep hold? Its points as they are read back, held to its manifest."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import SpecError
from simulator.report.pictures.tables import WRITE_AGAIN, folder_text, is_none, number, read_json
from simulator.spec.files import list_of_faults

_CHOICES = ("network", "arch", "batch", "bits")
_TEXTS = ("point", *_CHOICES, "method", "on_front", "reason")
_FIGURES = ("energy_per_image", "ms_per_image", "area_kb", "utilization")
_LARGEST_BYTES = 256_000_000
"""Of points.csv: the most points that a sweep may have take some 50 MB."""

Value = str | int | float | None
"""Of a field at a point; None where the point does not set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFigures:
    """Of a machine that can run the network. energy, ms: of one image; area_kb: the proxy; utilization: a share."""

    energy: float
    ms: float
    area_kb: float
    utilization: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoint:
    """A row of points.csv. values: of the sweep's varied fields; figures: None for a `reason`."""

    number: int
    network: str
    values: tuple[Value, ...]
    is_on_front: bool
    figures: PointFigures | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSweep:
    """A folder of `sweep`.

    origin      `simulated` or `analytic`
    objectives  what the front is of
    area        the proxy's formula, and `weights` the numbers that it has
    setting     what is the same at all points, by its key in the SPEC
    varied      fields that some point sets, of network, arch, batch and bits those that differ
    """

    folder: str
    origin: str
    energy_unit: str
    objectives: tuple[str, ...]
    area: str
    weights: Mapping[str, float]
    setting: Mapping[str, str]
    varied: tuple[str, ...]
    points: tuple[StoredPoint, ...]

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(point.network for point in self.points))

    @property
    def front(self) -> tuple[StoredPoint, ...]:
        return tuple(point for point in self.points if point.is_on_front)

    @property
    def failures(self) -> tuple[StoredPoint, ...]:
        return tuple(point for point in self.points if point.reason)


def read_sweep(folder: Path) -> StoredSweep:
    """Raises SpecError for a folder that contradicts itself."""
    path = folder / "points.csv"
    rows = list(csv.DictReader(io.StringIO(folder_text(path, _LARGEST_BYTES), newline="")))
    varied = _varied(path, rows)
    points, faults = _points(rows, varied)
    if faults:
        raise SpecError(list_of_faults(faults, str(path), WRITE_AGAIN))
    return _held_to(folder / "manifest.json", varied, points, rows)


def _varied(path: Path, rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Fields of the accelerator are the columns from `bits` to `method`. Raises SpecError for a column that lacks."""
    columns = list(rows[0]) if rows else []
    faults = [f"  column {name}: missing" for name in _TEXTS if name not in columns]
    if faults or columns.index("bits") > columns.index("method"):
        raise SpecError(list_of_faults(faults or ["  method: left of bits"], str(path), WRITE_AGAIN))
    differ = [name for name in _CHOICES if len({row[name] for row in rows}) > 1]
    return (*differ, *columns[columns.index("bits") + 1 : columns.index("method")])


def _points(rows: Sequence[Mapping[str, str]], varied: Sequence[str]) -> tuple[tuple[StoredPoint, ...], list[str]]:
    """And what is wrong with those that are none, a line each."""
    points, faults = [], []
    for line, row in enumerate(rows, start=2):
        try:
            points.append(_point(row, varied))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"  line {line}: not a point ({type(error).__name__}: {error})")
    return tuple(points), faults


def _point(row: Mapping[str, str], varied: Sequence[str]) -> StoredPoint:
    """Raises KeyError, TypeError or ValueError for what is not there, or no number."""
    figures = None
    if not row["reason"]:
        energy, ms, area_kb, utilization = (float(number(row[name])) for name in _FIGURES)
        figures = PointFigures(energy=energy, ms=ms, area_kb=area_kb, utilization=utilization)
    return StoredPoint(
        number=int(row["point"]),
        network=row["network"],
        values=tuple(_value(row[name]) for name in varied),
        is_on_front=row["on_front"] == "True",
        figures=figures,
        reason=row["reason"],
    )


def _value(text: str) -> Value:
    try:
        return number(text)
    except ValueError:
        return text or None


def _held_to(
    path: Path, varied: tuple[str, ...], points: tuple[StoredPoint, ...], rows: Sequence[Mapping[str, str]]
) -> StoredSweep:
    manifest = read_json(path)
    try:
        spec = manifest["spec"]
        sweep = StoredSweep(
            folder=str(path.parent),
            origin=str(manifest["method"]),
            energy_unit=str(manifest["energy_unit"]),
            objectives=tuple(map(str, spec["front"])),
            area=str(manifest["area"]),
            weights={name: float(weight) for name, weight in spec["area"].items()},
            setting=_setting(rows[0], spec, varied),
            varied=varied,
            points=points,
        )
        counts = int(manifest["points"]), int(manifest["failed"]), list(manifest["front"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise is_none(path, error) from None
    if counts != (len(points), len(sweep.failures), [point.number for point in sweep.front]):
        raise SpecError(f"{path}: is of another sweep than points.csv; {WRITE_AGAIN}")
    return sweep


def _setting(row: Mapping[str, str], spec: Mapping[str, Any], varied: Sequence[str]) -> dict[str, str]:
    same = {name: row[name] for name in _CHOICES if name not in varied and row[name]}
    return same | {name: text for name, text in _of_spec(spec) if text}


def _of_spec(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "layers", ", ".join(map(str, spec.get("layers", ())))
    yield "energy", str(spec.get("energy", ""))
    yield "objective of mappings", str(spec["objective"])
