"""Which figures of an accelerator can a sweep change, and which machine comes of it?

A field is named as in an accelerator file, by a dotted path (`pe_array.rows`, `dram.bits`). What is words about the
machine and no figure of it (names, sources, reasons) is no field. `glb.capacity_kb` is the one figure that no file has:
it stands for the `glb.banks` that hold so many kB.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from simulator.counts import MEANING
from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator
from simulator.spec.files import fault_lines

Value = bool | int | float | str | tuple[str, ...]
"""Of a field: what TOML has for it, a list as a tuple."""

CAPACITY = "glb.capacity_kb"
BYTES_PER_KB = 1024
"""The papers' kB: the chip's 100 kB are 25 banks of 512 x 64 bits."""
_WORDS_ABOUT_IT = frozenset(("name", "description", "sources", "source", "why", "unit"))
_OF_ONE_ACCESS = "energy.access."
_SPAD_KINDS = frozenset(("separate", "pooled"))
"""Pydantic puts the kind of spads into a fault's path; files do not have it there."""


@cache
def machine_fields() -> tuple[str, ...]:
    """Every field that `changed` takes."""
    accesses = tuple(f"{_OF_ONE_ACCESS}{access}.per_access" for access in MEANING)
    return (*dict.fromkeys(_fields_of(Accelerator)), CAPACITY, *accesses)


def changed(machine: Accelerator, changes: Mapping[str, Value]) -> Accelerator:
    """The machine with other figures. Raises SpecError with everything that is wrong with it, in one line."""
    try:
        return _built(machine, changes)
    except ValidationError as error:
        raise SpecError("; ".join(line.strip() for line in fault_lines(error))) from None


def value_fault(machine: Accelerator, field: str, value: Value) -> str | None:
    """What is wrong with a value by itself, such as a word for a number; None for one that may do beside others."""
    try:
        _built(machine, {field: value})
    except SpecError as error:
        return str(error)
    except ValidationError as error:
        places = [".".join(str(part) for part in fault["loc"] if part not in _SPAD_KINDS) for fault in error.errors()]
        own = (line.strip() for place, line in zip(places, fault_lines(error), strict=True) if place == field)
        return next(own, None)
    return None


def _fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name in _WORDS_ABOUT_IT or f"{prefix}{name}." == _OF_ONE_ACCESS:
            continue
        parts = list(_models_in(field.annotation))
        if not parts:
            yield f"{prefix}{name}"
        for part in parts:
            yield from _fields_of(part, f"{prefix}{name}.")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _models_in(one)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def _built(machine: Accelerator, changes: Mapping[str, Value]) -> Accelerator:
    parts: dict[str, Any] = {name: getattr(machine, name) for name in Accelerator.model_fields}
    for field, value in changes.items():
        if field != CAPACITY:
            _set(parts, field, value)
    if CAPACITY in changes:
        _set(parts, "glb.banks", _banks(parts, changes))
    return Accelerator.model_validate(parts)


def _set(parts: dict[str, Any], field: str, value: Value) -> None:
    """Into the part that the field is of, which becomes a dict: what is untouched stays the frozen part that it is."""
    part, *path = _keys(field)
    if not path:
        parts[part] = value
        return
    if isinstance(parts[part], BaseModel):
        parts[part] = deepcopy(parts[part].model_dump())
    place = parts[part]
    for key in path[:-1]:
        place = place.setdefault(key, {"source": "given by the sweep"})
    place[path[-1]] = value


def _keys(field: str) -> list[str]:
    """An access has dots in its own name."""
    if not field.startswith(_OF_ONE_ACCESS):
        return field.split(".")
    access, _, last = field.removeprefix(_OF_ONE_ACCESS).rpartition(".")
    return ["energy", "access", access, last]


def _banks(parts: Mapping[str, Any], changes: Mapping[str, Value]) -> int:
    """Banks that hold the capacity. Raises SpecError unless they are a whole number."""
    capacity = changes[CAPACITY]
    if isinstance(capacity, bool) or not isinstance(capacity, int | float):
        raise SpecError(f"{CAPACITY}: {capacity!r} is no number of kB; give one such as 100")
    if "glb.banks" in changes:
        raise SpecError(f"{CAPACITY}: given beside glb.banks, which it stands for; leave one of both out")
    glb = parts["glb"] if isinstance(parts["glb"], dict) else parts["glb"].model_dump()
    words = glb["bank_words"]
    if not isinstance(words, int) or words < 1:
        return 1  # the bank's own fault is found with it
    bank_kb = words * parts["word_bits"] / 8 / BYTES_PER_KB
    banks = capacity / bank_kb
    if banks < 1 or banks != int(banks):
        raise SpecError(
            f"{CAPACITY}: {capacity} kB is no whole number of banks of {bank_kb:g} kB; give a multiple of it"
        )
    return int(banks)
