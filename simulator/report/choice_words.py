"""Why has a layer this mapping? Who chose it, and what the next smaller and larger value of each parameter cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.text_table import Column, render, wrapped
from simulator.results import LayerResult

Neighbours = Mapping[tuple[str, int], LayerResult | str]
"""(parameter, its changed value) -> the layer with that mapping, or in words why it does not fit."""

_PARTS = (("spad", "spad"), ("noc", "NoC"), ("glb", "GLB"), ("dram", "DRAM"), ("total", "total"))
_LEAST = {
    "energy": "least energy",
    "latency": "fewest total cycles, or close to it",
    "edp": "least energy x total cycles, or close to it",
}
_LESS = {"energy": "less energy", "latency": "fewer total cycles", "edp": "less energy x total cycles"}
_WHY_NOT_FOUND = {
    "energy": "the search takes zeros as spread evenly and scales no count",
    "latency": "docs/reference.md says how close the search comes",
    "edp": "docs/reference.md says how close the search comes",
}
_EQUAL = 1e-9
"""Costs within this share are one cost: sums of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a layer's mapping came about.

    given     the published set or the file that it is from; None if it was searched
    goal      what the search makes least: "energy", "latency" or "edp"
    searched  where it was given: the layer with the mapping that the search finds
    """

    given: str | None
    goal: str
    searched: LayerResult | None = None

    def cost_of(self, result: LayerResult) -> float:
        """What the search makes least."""
        energy, cycles = result.energy.total, result.total_cycles
        return {"energy": energy, "latency": float(cycles), "edp": energy * cycles}[self.goal]

    def to_dict(self) -> dict[str, Any]:
        searched = self.searched
        return {
            "given": self.given,
            "goal": self.goal,
            "searched": None
            if searched is None
            else {
                "mapping": searched.mapping.to_dict(),
                "energy": searched.energy.by_level(),
                "total_cycles": searched.total_cycles,
            },
        }


def choice_text(result: LayerResult, choice: Choice, neighbours: Neighbours, width: int | None) -> str:
    """Who chose; what costs more, and by how much; what does not fit, and why."""
    fitting = {change: other for change, other in neighbours.items() if isinstance(other, LayerResult)}
    refused = [
        f"  {letter} = {value}: {why.removeprefix(f'{letter} = {value} is ')}\n"
        for (letter, value), why in neighbours.items()
        if isinstance(why, str)
    ]
    text = wrapped(f"  {_who_chose(result, choice)}\n", width) + "\n"
    if fitting:
        above = "With one parameter changed, in % of this mapping's energy, which add up, and of its total cycles:\n"
        text += wrapped(above, width) + "\n" + render(_columns(result, fitting), width=width)
        text += wrapped(f"{_verdict(result, choice, fitting)}\n", width)
    return text + wrapped("".join(["\nThese do not fit:\n", *refused]), width) if refused else text


def neighbour_rows(neighbours: Neighbours) -> list[dict[str, Any]]:
    """Each change with the layer's energies and cycles, or with why it does not fit."""
    return [
        {
            "parameter": letter,
            "value": value,
            "does_not_fit": other if isinstance(other, str) else None,
            "energy": None if isinstance(other, str) else other.energy.by_level(),
            "total_cycles": None if isinstance(other, str) else other.total_cycles,
        }
        for (letter, value), other in neighbours.items()
    ]


def in_letters(mapping: RowStationaryMapping) -> str:
    """All parameters on a line; g where it is not 1."""
    return ", ".join(
        f"{letter} = {value}" for letter, value in mapping.to_dict().items() if (letter, value) != ("g", 1)
    )


def _who_chose(result: LayerResult, choice: Choice) -> str:
    least = _LEAST[choice.goal]
    if choice.given is None:
        what = f"searched: {least}, for the whole batch, of the mappings that fit"
        return f"{what}; of equals, one with the most PEs at work"
    given = f"given by {choice.given}, not searched"
    if choice.searched is None or choice.searched.mapping == result.mapping:
        return f"{given}; the search for {least} finds the same mapping"
    searched = choice.searched
    energy, cycles = searched.energy.total / result.energy.total - 1, searched.total_cycles / result.total_cycles - 1
    return (
        f"{given}; what the search for {least} finds, {in_letters(searched.mapping)}, costs "
        f"{_more_or_less(energy)} energy and takes {_more_or_less(cycles)} cycles"
    )


def _more_or_less(share: float) -> str:
    if abs(share) <= _EQUAL:
        return "the same"
    return f"{100 * abs(share):.2f} % {'more' if share > 0 else 'less'}"


def _columns(result: LayerResult, fitting: Mapping[tuple[str, int], LayerResult]) -> list[Column]:
    own, total = result.energy.by_level(), result.energy.total
    energies = [other.energy.by_level() for other in fitting.values()]
    cycles = [other.total_cycles / result.total_cycles - 1 for other in fitting.values()]
    names = tuple(f"{letter} = {value}" for letter, value in fitting)
    return [
        Column(heading=("change", "(analytic)"), cells=names, is_text=True),
        *(
            Column(heading=(label, "[%]"), cells=_signed([(of[part] - own[part]) / total for of in energies]))
            for part, label in _PARTS
        ),
        Column(heading=("total cycles", "[%]"), cells=_signed(cycles)),
    ]


def _signed(shares: Sequence[float]) -> tuple[str, ...]:
    """In percent; a plain 0 is no difference at all, +0.00 a small one."""
    return tuple("0" if abs(share) <= _EQUAL else f"{100 * share:+.2f}" for share in shares)


def _verdict(result: LayerResult, choice: Choice, fitting: Mapping[tuple[str, int], LayerResult]) -> str:
    less, own = _LESS[choice.goal], choice.cost_of(result)
    costs = {change: choice.cost_of(other) / own - 1 for change, other in fitting.items()}
    (letter, value), least = min(costs.items(), key=lambda item: item[1])
    if least >= -_EQUAL:
        return f"None has {less}."
    why = "" if choice.given else f"; {_WHY_NOT_FOUND[choice.goal]}"
    return f"{letter} = {value} has {100 * -least:.2g} % {less}{why}."
