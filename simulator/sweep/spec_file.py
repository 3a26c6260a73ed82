"""What does a person ask a sweep for? The SPEC file, checked whole before anything runs, all its faults at once."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simulator.errors import SpecError
from simulator.spec.files import fault_lines, file_text, list_of_faults
from simulator.sweep.area import AreaWeights
from simulator.sweep.evaluate import Way
from simulator.sweep.machine_fields import Value

CHOICES = ("network", "arch", "batch", "bits")
"""What may vary besides the fields of the accelerator."""
LARGEST_SWEEP = 100_000
_WHAT = "a sweep in TOML, as docs/sweeps.md shows it"
_LARGEST_BYTES = 10_000_000
_RANGE_KEYS = {"low", "high", "step", "log"}
Objective = Literal["energy", "latency", "area"]
Whole = Annotated[int, Field(ge=1)]
Parameters = Mapping[str, Value]
"""What a point sets: fields of the accelerator and CHOICES."""


class Range(BaseModel):
    """Numbers that a search may try: whole ones if both ends are, from low to high, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    low: int | float
    high: int | float
    step: int | float | None = None
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low = {self.low} is not below high = {self.high}")
        if self.step is not None and (self.log or self.step <= 0):
            raise ValueError(f"step = {self.step}: give a step above 0, and none with log")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low} has no logarithm; leave log out")
        return self

    @property
    def is_whole(self) -> bool:
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Search(_Table):
    """A multi-objective search in place of a grid."""

    trials: Annotated[int, Field(ge=1, le=LARGEST_SWEEP)]
    seed: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    population: Annotated[int, Field(ge=2, le=10_000)] = 50
    fields: dict[str, Range | tuple[Value, ...]]

    @field_validator("fields", mode="before")
    @classmethod
    def _by_path(cls, value: object) -> object:
        return _by_path(value)


class SweepFile(_Table):
    """The file. Exactly one of grid, points and search says which points there are."""

    network: str | None = None
    arch: str = "eyeriss-v1"
    energy: str | None = None
    batch: Whole | None = None
    bits: str | None = None
    layers: tuple[str, ...] | None = None
    by: Way = "estimate"
    objective: Literal["energy", "latency", "edp"] = "energy"
    seed: Annotated[int, Field(ge=0)] = 0
    front: Annotated[tuple[Objective, ...], Field(min_length=1)] = ("energy", "latency", "area")
    area: AreaWeights = AreaWeights()
    grid: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]] | None = None
    points: Annotated[tuple[dict[str, Value], ...], Field(min_length=1)] | None = None
    search: Search | None = None

    @field_validator("layers", "front", mode="before")
    @classmethod
    def _as_tuple(cls, value: object) -> object:
        return _as_tuple(value)

    @field_validator("grid", mode="before")
    @classmethod
    def _grid_by_path(cls, value: object) -> object:
        table = _by_path(value)
        single = [name for name, of in table.items() if not isinstance(of, tuple)] if isinstance(table, dict) else []
        if single:
            raise ValueError(
                f"{', '.join(single)}: no list; a grid has a list of values for each field, of one value too"
            )
        return table

    @field_validator("points", mode="before")
    @classmethod
    def _points_by_path(cls, value: object) -> object:
        return tuple(_by_path(one) for one in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """A file that can be run, and the folder that its paths start from."""

    file: SweepFile
    where: str
    folder: Path

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields that some point sets, in the file's order."""
        if self.file.grid is not None:
            return tuple(self.file.grid)
        if self.file.search is not None:
            return tuple(self.file.search.fields)
        return tuple(dict.fromkeys(field for point in self.file.points or () for field in point))

    def values(self, field: str) -> tuple[Value, ...]:
        """Those that the file names for a field; of a range both ends."""
        if self.file.grid is not None:
            return self.file.grid[field]
        if self.file.search is not None:
            of_field = self.file.search.fields[field]
            return (of_field.low, of_field.high) if isinstance(of_field, Range) else of_field
        return tuple(dict.fromkeys(point[field] for point in self.file.points or () if field in point))

    def is_always_set(self, field: str) -> bool:
        """Whether every point sets it."""
        return field in self.varied and all(field in point for point in self.file.points or ())

    def possible(self, choice: str) -> tuple[Value | None, ...]:
        """What one of CHOICES may be in some point."""
        varied = self.values(choice) if choice in self.varied else ()
        return varied if self.is_always_set(choice) else (*varied, getattr(self.file, choice))


def load_sweep(path: str | Path) -> SweepSpec:
    """The sweep that a TOML file asks for. Raises SpecError listing every fault of the file."""
    text = file_text(Path(path), what=_WHAT, largest_bytes=_LARGEST_BYTES)
    return parse_sweep(text, where=str(path), folder=Path(path).parent)


def parse_sweep(text: str, *, where: str, folder: Path) -> SweepSpec:
    """The sweep of TOML text; `where` starts each message, paths in it are from `folder`."""
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{where}: not TOML: {error}; give {_WHAT}") from None
    try:
        spec = SweepSpec(file=SweepFile.model_validate(fields), where=where, folder=folder)
    except ValidationError as error:
        raise SpecError(list_of_faults(fault_lines(error, SweepFile), where, f"give {_WHAT}")) from None
    from simulator.sweep.spec_faults import faults_of  # which reads what is defined here

    faults = [f"  {fault}" for fault in faults_of(spec)]
    if faults:
        raise SpecError(list_of_faults(faults, where, f"give {_WHAT}"))
    return spec


def _by_path(value: object) -> object:
    """Nested tables as one, by dotted path: `glb.banks = …` and `"glb.banks" = …` are the same field."""
    return dict(_leaves(value, "")) if isinstance(value, dict) else value


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and not (value and set(value) <= _RANGE_KEYS):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _as_tuple(value)


def _as_tuple(value: object) -> object:
    return tuple(_as_tuple(one) for one in value) if isinstance(value, list) else value
