"""Accelergy's energy reference tables (ERT): reading the YAML, and finding the energy of one action in it.

An ERT gives pJ for each action of each component. It does not say how much one action moves, nor which component holds
which tensor; `energy_table.py` has that from the person who brings it. Layouts of Accelergy 0.2 (mappings by name) and
of 0.3 and 0.4 (lists) are read.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError, field_validator

from simulator.errors import SpecError, suggestion
from simulator.spec.accelerator import Cost
from simulator.spec.files import fault_lines, file_text, list_of_faults

_REMEDY = "give the ERT.yaml that Accelergy writes"
# Accelergy's own Eyeriss example takes 0.2 MB; at 2 MB, reading takes five seconds.
_LARGEST_BYTES = 2_000_000
# An ERT nests seven deep.
_DEEPEST = 20
# By these alone an action has an energy for each state of its inputs, and Timeloop, too, takes the largest.
_TOGGLING = {"address_delta", "data_delta"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEnergy:
    """What an action costs with one set of arguments, which are text, as in the file."""

    arguments: Mapping[str, str]
    pj: float

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in sorted(self.arguments.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ert:
    """Components by their full names, each with its actions by name."""

    file: str
    components: Mapping[str, Mapping[str, tuple[ActionEnergy, ...]]]

    def energy_of(self, component: str, action: str, arguments: Mapping[str, object]) -> tuple[float, str]:
        """pJ of one action, and the words that say which it is. Raises ValueError, which says what there is instead.

        component  its full name, or as much of its end as no other shares; array indices may be left out, all of them
        arguments  those that choose among the energies of the action; all, or none
        """
        name = self._component(component)
        actions = self.components[name]
        if action not in actions:
            hint = suggestion(action, actions, f"it has: {', '.join(actions)}")
            raise ValueError(f"{name} has no action {action!r}; {hint}")
        fitting = [energy for energy in actions[action] if _has(energy.arguments, arguments)]
        if not fitting:
            given = ", ".join(f"{key} = {value}" for key, value in arguments.items())
            raise ValueError(
                f"{name} has no {action} with {given}; it has: {first_of(map(str, actions[action]), '; ')}"
            )
        return _one_of(fitting, f"{name} {action}")

    def _component(self, name: str) -> str:
        """The component of that very name; if there is none, the one whose name ends in it."""
        indexed = name != _bare(name)
        ends = [full for full in self.components if f".{full if indexed else _bare(full)}".endswith(f".{name}")]
        found = [name] if name in self.components else ends
        if not found:
            raise ValueError(f"no component ends in {name!r}; there are: {first_of(self.components)}")
        if len(found) > 1:
            raise ValueError(f"{name!r} can be {first_of(found)}; write more of the name")
        return found[0]


def load_ert(path: Path) -> Ert:
    """Raises SpecError for a file that is no ERT, with every fault of it."""
    tree = _yaml_tree(file_text(path, what="an Accelergy ERT", largest_bytes=_LARGEST_BYTES), str(path))
    if not isinstance(tree, dict) or "ERT" not in tree:
        raise SpecError(f"{path}: no key ERT at the top; {_REMEDY}")
    try:
        tables = _File.model_validate(tree).ERT.tables
    except ValidationError as error:
        raise SpecError(list_of_faults(fault_lines(error), str(path), _REMEDY)) from None
    return Ert(file=path.name, components={table.name: _by_action(table) for table in tables})


def last_part(component: str) -> str:
    """What a component is called within its parent, without array indices."""
    return _bare(component).rpartition(".")[2]


def first_of(names: Iterable[str], between: str = ", ", *, most: int = 12) -> str:
    """The first names of a list, with how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return between.join(every[:most]) + more


class _Action(BaseModel):
    name: str
    arguments: dict[str, str] = {}
    energy: Cost

    @field_validator("arguments", mode="before")
    @classmethod
    def _none_if_null(cls, value: object) -> object:
        return {} if value in ("null", "~", "") else value


class _Component(BaseModel):
    name: Annotated[str, Field(max_length=500)]
    actions: list[_Action]

    @field_validator("actions", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """Accelergy 0.2: a mapping to one energy, or to a list of them."""
        if not isinstance(value, dict):
            return value
        pairs = [
            (name, one) for name, given in value.items() for one in (given if isinstance(given, list) else [given])
        ]
        return [{**one, "name": name} if isinstance(one, dict) else one for name, one in pairs]


class _Content(BaseModel):
    tables: list[_Component]

    @field_validator("tables", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """Accelergy 0.2: a mapping to each component's actions."""
        return [{"name": name, "actions": it} for name, it in value.items()] if isinstance(value, dict) else value

    @field_validator("tables")
    @classmethod
    def _named_once(cls, value: list[_Component]) -> list[_Component]:
        twice = [name for name, times in Counter(table.name for table in value).items() if times > 1]
        if twice:
            raise ValueError(f"{first_of(twice)} is there more than once")
        return value


class _File(BaseModel):
    ERT: _Content


def _yaml_tree(text: str, where: str) -> object:
    """Lists, mappings and text: numbers stay text, because YAML 1.1 takes 1e-09 for text and 1.0e-09 for a number."""
    import yaml

    # No tags and no merge keys, which a short file can make huge.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _refuse_bombs(yaml.parse(text, Loader=loader), where)
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise SpecError(f"{where}: not YAML: {' '.join(str(error).split())}; {_REMEDY}") from None


def _refuse_bombs(events: Iterator[object], where: str) -> None:
    """Aliases, which Accelergy does not write and which can make a short file huge, and nesting without end."""
    import yaml

    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise SpecError(f"{where}: has the alias *{event.anchor}; write its value out, as Accelergy does")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise SpecError(f"{where}: nested more than {_DEEPEST} deep; {_REMEDY}")


def _by_action(table: _Component) -> dict[str, tuple[ActionEnergy, ...]]:
    energies: dict[str, list[ActionEnergy]] = {}
    for action in table.actions:
        energies.setdefault(action.name, []).append(ActionEnergy(arguments=action.arguments, pj=action.energy))
    return {name: tuple(of_name) for name, of_name in energies.items()}


def _one_of(fitting: list[ActionEnergy], what: str) -> tuple[float, str]:
    """The only energy, or the largest where they differ by what toggles in the inputs and nothing else."""
    largest = max(fitting, key=lambda energy: energy.pj)
    if len(fitting) == 1:
        return largest.pj, f"{what}{f' with {largest}' if largest.arguments else ''}"
    varying = sorted(
        name
        for name in {name for energy in fitting for name in energy.arguments}
        if len({energy.arguments.get(name) for energy in fitting}) > 1
    )
    if not varying:
        raise ValueError(f"{what} has {len(fitting)} energies with the same arguments; give it one in the ERT")
    if set(varying) <= _TOGGLING:
        return largest.pj, f"{what}, the largest of {len(fitting)} by {' and '.join(varying)}"
    smallest = min(energy.pj for energy in fitting)
    lacking = ", ".join(f"{name} = ..." for name in varying)
    raise ValueError(
        f"{what} has {len(fitting)} energies, {smallest:g} to {largest.pj:g} pJ; add arguments = {{ {lacking} }}"
    )


def _has(arguments: Mapping[str, str], wanted: Mapping[str, object]) -> bool:
    return all(name in arguments and _equal(arguments[name], value) for name, value in wanted.items())


def _equal(text: str, value: object) -> bool:
    if not isinstance(value, int | float):
        return text == value
    try:
        return float(text) == value
    except ValueError:
        return False


def _bare(name: str) -> str:
    """A name without array indices, which versions write [0..167], [1..168] or (1..168)."""
    return re.sub(r"\[[^\[\]]*\]|\([^()]*\)", "", name)
