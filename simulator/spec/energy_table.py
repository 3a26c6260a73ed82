"""Energy tables that people bring: files of their own, and energies of an Accelergy ERT that such a file points to."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator, EnergyTable, Phrase
from simulator.spec.ert import Ert, load_ert
from simulator.spec.ert_draft import draft
from simulator.spec.files import fault_lines, file_text, list_of_faults

_WHAT = "an energy table in TOML, as docs/reference.md shows it"
_LARGEST_BYTES = 1_000_000
# Where a reference is at fault, so that the table does not complain of it again.
_STAND_IN: dict[str, object] = {"per_access": 0.0, "source": "none"}
_PARTS = ("mac", "spad", "noc", "glb", "dram")


def load_energy_table(path: str | Path) -> EnergyTable:
    """A table from a TOML file, laid out as the `[energy]` part of an accelerator file is, at the top.

    In place of `per_access` and `source`, a cost may name an action of the Accelergy ERT that the file's `ert` leads
    to. Raises SpecError with every fault of the file. An ERT alone is refused, with the TOML lines that would make a
    table of it: it does not say how many words an action moves.
    """
    file = Path(path)
    if file.suffix.lower() in (".yaml", ".yml"):
        raise SpecError(draft(load_ert(file), str(file)))
    return _parse(file_text(file, what=_WHAT, largest_bytes=_LARGEST_BYTES), file)


def with_energy_table(accelerator: Accelerator, table: EnergyTable) -> Accelerator:
    """The same machine with other costs. What it leaves uncharged stays so."""
    return accelerator.model_copy(update={"energy": table})


class _ErtReference(BaseModel):
    """What a cost of the file says in place of its number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    component: Phrase
    action: Phrase
    words: Annotated[float, Field(ge=1e-3, le=1e6)]
    """16-bit words (for the MAC: MACs) in one action; half a one for a part of 8 bits."""
    arguments: dict[str, int | float | str] = {}


def _parse(text: str, file: Path) -> EnergyTable:
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # besides TOMLDecodeError, for numbers of thousands of digits
        raise SpecError(f"{file}: not TOML: {error}; give {_WHAT}") from None
    faults = _price(fields, file)
    try:
        table = EnergyTable.model_validate(fields)
    except ValidationError as error:
        faults += fault_lines(error, EnergyTable)
    if faults:
        raise SpecError(list_of_faults(faults, str(file), f"give {_WHAT}"))
    return table


def _price(fields: dict[str, object], file: Path) -> list[str]:
    """Puts numbers and sources where the file refers to an ERT; a line for each reference that leads nowhere."""
    name, references = fields.pop("ert", None), dict(_references(fields))
    if name is None and not references:
        return []
    faults = [*_faults_of_ert(name, list(references)), *_faults_of_unit(fields.get("unit"))]
    ert = load_ert(file.parent / name) if isinstance(name, str) and references else None
    for path, reference in references.items():
        price = _STAND_IN
        try:
            price = _energy_of(reference, ert) if ert else _STAND_IN
        except ValueError as error:
            faults.append(f"  {path}: {error}")
        reference.clear()
        reference.update(price)
    return faults


def _references(fields: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """The costs that name an action of an ERT, by their paths in the file."""
    costs = [(part, fields.get(part)) for part in _PARTS]
    accesses = fields.get("access")
    if isinstance(accesses, dict):
        costs += [(f"access.{name}", cost) for name, cost in accesses.items()]
    for path, cost in costs:
        if isinstance(cost, dict) and _ErtReference.model_fields.keys() & cost.keys():
            yield path, cost


def _faults_of_ert(name: object, paths: list[str]) -> Iterator[str]:
    if name is None:
        yield f'  ert: missing, though {" and ".join(paths)} would be found in it; add ert = "ERT.yaml" at the top'
    elif not isinstance(name, str):
        yield "  ert: not the name of a file"
    elif not paths:
        yield f"  ert: no cost names a component of it; take it out, the value {name!r}"


def _faults_of_unit(unit: object) -> Iterator[str]:
    """Of a file with an ERT, whose energies are in pJ; that there is a unit is checked later."""
    if isinstance(unit, str) and unit.strip() != "pJ":
        yield f"  unit: with an ERT it is 'pJ', the value {unit!r}"


def _energy_of(reference: dict[str, object], ert: Ert) -> dict[str, object]:
    """A cost as a table holds it. Raises ValueError."""
    try:
        wanted = _ErtReference.model_validate(reference)
    except ValidationError as error:
        raise ValueError("; ".join(line.strip() for line in fault_lines(error, _ErtReference))) from None
    pj, action = ert.energy_of(wanted.component, wanted.action, wanted.arguments)
    words = f"{wanted.words:g} word{'' if wanted.words == 1 else 's'}"
    return {
        "per_access": pj / wanted.words,
        "source": f"Accelergy ERT {ert.file}, {action}, {pj:.10g} pJ / {words}",
    }
