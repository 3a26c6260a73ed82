"""Are the mappings found for energy, latency and energy-delay product the best there are, and no worse than published
ones?"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.analytic.access_counts import count_accesses
from simulator.analytic.coding import Coding, layer_streams
from simulator.analytic.layer_cycles import layer_time
from simulator.analytic.mapping_cost import expected_energy
from simulator.analytic.objectives import expected_edp, expected_latency
from simulator.energy import energy
from simulator.mapping.fits import check_fits
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import Objective, find_mapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from tests.mapping.small_searches import all_that_fit, densities, grid_of, tiny_layers, tiny_machines
from workloads import open_workload

Make = Callable[[Layer, Accelerator, Densities, Coding], Objective]
CHIP, SKIPPING = load_accelerator("eyeriss-v1"), load_accelerator("eyeriss-estimation")
DENSE, SPARSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0), Densities(ifmap=0.5, filters=0.35, ofmap=0.45)
CONV = open_workload("alexnet", batch=4, layers=["CONV*"]).layers
EQUAL = 1e-11


@pytest.mark.parametrize("make", [expected_latency, expected_edp])
@settings(max_examples=100, deadline=None)
@given(tiny_layers(), tiny_machines(), densities(), st.sampled_from(Coding))
def test_nothing_that_fits_is_better(
    make: Make, layer: Layer, machine: Accelerator, zeros: Densities, coding: Coding
) -> None:
    everything = all_that_fit(layer, machine)
    assume(everything)
    objective = make(layer, machine, zeros, coding)
    least = objective.cost_of(layer, grid_of(everything), machine).min()
    for each in (objective, replace(objective, within=0.0)):
        found = find_mapping(layer, machine, each)
        check_fits(found, layer, machine)
        cost = each.cost_of(layer, grid_of([found]), machine).item()
        assert cost <= least * (1 + each.within) * (1 + EQUAL)


@pytest.mark.parametrize("layer", CONV, ids=lambda layer: layer.name)
@pytest.mark.parametrize("zeros", [DENSE, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize("machine", [CHIP, SKIPPING], ids=lambda machine: machine.name)
def test_no_worse_than_the_published_mapping(layer: Layer, zeros: Densities, machine: Accelerator) -> None:
    published = load_mappings("jssc2017")[layer.name]
    by_energy, by_latency, by_product = (
        find_mapping(layer, machine, make(layer, machine, zeros))
        for make in (expected_energy, expected_latency, expected_edp)
    )
    for mapping in (by_energy, by_latency, by_product):
        check_fits(mapping, layer, machine)
    (of_energy, _), (_, of_latency) = (figures(each, layer, machine, zeros) for each in (by_energy, by_latency))
    units, cycles = figures(published, layer, machine, zeros)
    units_of_product, cycles_of_product = figures(by_product, layer, machine, zeros)
    assert of_energy <= units
    assert of_latency <= cycles
    assert units_of_product * cycles_of_product <= units * cycles
    assert of_energy <= units_of_product * (1 + 1e-6)
    assert of_latency <= cycles_of_product * (1 + 1e-4)


def test_the_objectives_choose_different_mappings() -> None:
    """CONV3: what the fastest mapping costs more in energy, and the cheapest takes longer."""
    layer = CONV[2]
    by_energy, by_latency = (
        figures(find_mapping(layer, CHIP, make(layer, CHIP, DENSE)), layer, CHIP, DENSE)
        for make in (expected_energy, expected_latency)
    )
    assert by_latency[0] > by_energy[0]
    assert by_latency[1] < by_energy[1]


def test_the_product_is_of_all_energy_and_cycles() -> None:
    layer, mapping = CONV[1], load_mappings("jssc2017")["CONV2"]
    narrow = replace(layer, ifmap_bits=8, filter_bits=8)
    for each, machine, zeros in ((layer, CHIP, DENSE), (layer, SKIPPING, SPARSE), (narrow, CHIP, SPARSE)):
        units, cycles = figures(mapping, each, machine, zeros)
        product = expected_edp(each, machine, zeros).cost_of(each, grid_of([mapping]), machine).item()
        assert product == pytest.approx(units * cycles, rel=1e-6)


def figures(mapping: RowStationaryMapping, layer: Layer, machine: Accelerator, zeros: Densities) -> tuple[float, int]:
    """(energy with MACs, in the table's unit; total cycles) of a layer."""
    _, cycles = layer_time(layer, mapping, machine, layer_streams(layer, zeros, machine))
    return energy(count_accesses(layer, mapping, machine, zeros), machine, layer).total, cycles
