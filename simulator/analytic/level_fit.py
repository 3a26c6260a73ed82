"""Which mapping shares its energy out among the levels most nearly as somebody else's did?

For figures whose mappings are not published: the optimum is flat, so mappings of nearly the least energy differ at
single levels by far more than in total.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.analytic.mapping_cost import dense_objective
from simulator.analytic.zeros import expected_slots
from simulator.counts import Level
from simulator.energy import energy_per_mac
from simulator.mapping.partial import PartialMappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid, Objective, Sizes, find_mapping
from simulator.spec.accelerator import Accelerator, EnergyCost, EnergyTable
from simulator.spec.layer import Layer
from simulator.spec.tensors import DENSE

Floats = npt.NDArray[np.float64]
_ROUNDING = 1e-12
_FREE = EnergyCost(per_access=0.0, source="left out: one level alone is priced")


def closest_mapping(
    layer: Layer, accelerator: Accelerator, levels: Mapping[Level, float], above_least: float
) -> RowStationaryMapping:
    """Of the mappings whose energy for dense tensors, MACs included, is at most (1 + above_least) times the least: the
    one whose energies by level have the smallest largest error relative to `levels`, which are of all four.

    All mappings are searched: a larger e, n or g that costs no less may still fit better. Raises MappingError if none
    fits the accelerator.
    """
    least = find_mapping(layer, accelerator, dense_objective(layer, accelerator))
    macs = expected_slots(layer, DENSE, accelerator.gating, 1).macs * energy_per_mac(layer, accelerator)
    alone = [_LevelEnergy.of(level, layer, accelerator, energy) for level, energy in levels.items()]
    moved = sum(one.of_mapping(layer, least) for one in alone)
    return find_mapping(layer, accelerator, _objective(alone, (moved + macs) * (1 + above_least) - macs))


def _objective(levels: list["_LevelEnergy"], most: float) -> Objective:
    """The largest error of a mapping that moves its words for no more than `most`; else infinite."""

    def cost_of(layer: Layer, grid: MappingGrid, _: Accelerator) -> Floats:
        energies = [one.objective.cost_of(layer, grid, one.machine) for one in levels]
        errors = [np.abs(energy / one.published - 1) for energy, one in zip(energies, levels, strict=True)]
        return _where_allowed(energies, errors, most)

    def bound_of(layer: Layer, partial: PartialMappings, _: Accelerator) -> Floats:
        """Each level takes at least its bound: what that is above the published energy is error already."""
        energies = [one.objective.bound_of(layer, partial, one.machine) for one in levels]
        errors = [np.maximum(energy / one.published - 1, 0) for energy, one in zip(energies, levels, strict=True)]
        return _where_allowed(energies, errors, most)

    return Objective(cost_of=cost_of, bound_of=bound_of, sizes=Sizes.ALL)


def _where_allowed(energies: list[Floats], errors: list[Floats], most: float) -> Floats:
    total = np.sum(energies, axis=0)
    return np.where(total <= most * (1 + _ROUNDING), np.max(errors, axis=0), np.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LevelEnergy:
    """Energy at one level of any mapping: the search's own, on a machine where nothing else has a price."""

    machine: Accelerator
    objective: Objective
    published: float

    @classmethod
    def of(cls, level: Level, layer: Layer, accelerator: Accelerator, published: float) -> "_LevelEnergy":
        machine = accelerator.model_copy(update={"energy": _only(level, accelerator.energy)})
        return cls(machine=machine, objective=dense_objective(layer, machine), published=published)

    def of_mapping(self, layer: Layer, mapping: RowStationaryMapping) -> float:
        one = MappingGrid(**{letter: np.array([value], np.int64) for letter, value in mapping.to_dict().items()})
        return float(self.objective.cost_of(layer, one, self.machine)[0])


def _only(level: Level, table: EnergyTable) -> EnergyTable:
    others = {other.value: _FREE for other in Level if other is not level}
    of_level = {name: cost for name, cost in table.access.items() if name.startswith(f"{level.value}.")}
    return table.model_copy(update={**others, "mac": _FREE, "access": of_level})
