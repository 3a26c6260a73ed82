"""What can a mapping be searched for? Least energy is mapping_cost.expected_energy; here are least latency and least
energy-delay product.

All sizes of all eight parameters are searched, and the product's optimum is exact. A latency that is found is at most
a share of _WITHIN above the least: where DRAM sets the pace, thousands of mappings differ by some cycles of the last
pass. With `within` replaced by 0 the least itself is found, which for such a layer takes up to minutes.
"""

import numpy as np

from simulator.analytic.coding import Coding, Floats, layer_streams
from simulator.analytic.cycle_bounds import least_cycles
from simulator.analytic.layer_cycles import layer_time
from simulator.analytic.mapping_cost import expected_energy
from simulator.analytic.zeros import expected_slots
from simulator.energy import energy_per_mac
from simulator.mapping.partial import PartialMappings
from simulator.mapping.search import MappingGrid, Objective, Sizes
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

_WITHIN = 1e-4


def expected_latency(
    layer: Layer, accelerator: Accelerator, densities: Densities, coding: Coding = Coding.RUN_LENGTH
) -> Objective:
    """Total core cycles of the whole batch, those in which DRAM is waited for included: layer_cycles.layer_time."""
    streams = layer_streams(layer, densities, accelerator, coding)

    def cost_of(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> Floats:
        _, total = layer_time(layer, grid, accelerator, streams)
        return np.asarray(total, np.float64)

    def bound_of(layer: Layer, partial: PartialMappings, accelerator: Accelerator) -> Floats:
        return least_cycles(layer, partial, accelerator, streams)

    return Objective(cost_of=cost_of, bound_of=bound_of, sizes=Sizes.ALL, within=_WITHIN)


def expected_edp(
    layer: Layer, accelerator: Accelerator, densities: Densities, coding: Coding = Coding.RUN_LENGTH
) -> Objective:
    """Energy, MACs included, in the table's unit, x total core cycles: of the whole batch."""
    energy = expected_energy(layer, accelerator, densities, coding)
    latency = expected_latency(layer, accelerator, densities, coding)
    macs = expected_slots(layer, densities, accelerator.gating, 1).macs * energy_per_mac(layer, accelerator)

    def cost_of(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> Floats:
        return (energy.cost_of(layer, grid, accelerator) + macs) * latency.cost_of(layer, grid, accelerator)

    def bound_of(layer: Layer, partial: PartialMappings, accelerator: Accelerator) -> Floats:
        return (energy.bound_of(layer, partial, accelerator) + macs) * latency.bound_of(layer, partial, accelerator)

    return Objective(cost_of=cost_of, bound_of=bound_of, sizes=Sizes.ALL)
