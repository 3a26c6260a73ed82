"""Is the mapping that the search finds the cheapest of all that fit, and are those near it all found?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.analytic.coding import Coding
from simulator.analytic.mapping_cost import dense_objective, expected_energy
from simulator.errors import MappingError
from simulator.mapping.fits import check_fits
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import Objective, Sizes, find_mapping, mappings_within
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from tests.mapping.small_searches import all_that_fit, densities, grid_of, tiny, tiny_layers, tiny_machines
from workloads import built_in_networks, open_workload

CHIP, SKIPPING = load_accelerator("eyeriss-v1"), load_accelerator("eyeriss-estimation")
EQUAL = 1e-11
FREE = Objective(
    cost_of=lambda _layer, grid, _machine: np.zeros(len(grid)),
    bound_of=lambda _layer, partial, _machine: np.zeros(len(partial)),
    sizes=Sizes.COUNTED,
)


@settings(max_examples=150, deadline=None)
@given(tiny_layers(), tiny_machines(), densities(), st.sampled_from(Coding))
def test_nothing_that_fits_is_cheaper(layer: Layer, machine: Accelerator, zeros: Densities, coding: Coding) -> None:
    everything = all_that_fit(layer, machine)
    assume(everything)
    energy = expected_energy(layer, machine, zeros, coding)
    found = find_mapping(layer, machine, energy)
    check_fits(found, layer, machine)
    costs = energy.cost_of(layer, grid_of(everything), machine)
    assert cost(found, layer, machine, energy) <= costs.min() * (1 + EQUAL)
    as_cheap = [mapping for mapping, each in zip(everything, costs, strict=True) if each <= costs.min() * (1 + 1e-13)]
    assert pes(found) >= max((pes(mapping) for mapping in as_cheap if is_searched(mapping, layer)), default=0)


@settings(max_examples=60, deadline=None)
@given(tiny_layers(), tiny_machines(), densities(), st.sampled_from([0.0, 0.02, 0.3]))
def test_all_that_cost_little_more_are_found(
    layer: Layer, machine: Accelerator, zeros: Densities, share: float
) -> None:
    everything = all_that_fit(layer, machine)
    assume(everything)
    energy = expected_energy(layer, machine, zeros)
    found = mappings_within(layer, machine, energy, share, most=len(everything))
    mappings, costs = [mapping for mapping, _ in found], np.array([each for _, each in found])
    most = costs[0] * (1 + share)
    assert (np.diff(costs) >= 0).all()
    assert costs[-1] <= most * (1 + EQUAL)
    assert len(set(mappings)) == len(mappings)
    assert set(mappings) <= set(everything)
    assert np.allclose(costs, energy.cost_of(layer, grid_of(mappings), machine), rtol=EQUAL)
    all_costs = energy.cost_of(layer, grid_of(everything), machine)
    assert costs[0] == pytest.approx(all_costs.min(), rel=EQUAL)
    near = {each for each, cost in zip(everything, all_costs, strict=True) if cost <= most * (1 - EQUAL)}
    assert {each for each in near if is_searched(each, layer)} <= set(mappings)


def test_the_cheapest_few_of_many() -> None:
    fc = open_workload("alexnet", batch=1, layers=["FC3"]).layers[0]
    objective = dense_objective(fc, CHIP)
    found = mappings_within(fc, CHIP, objective, 0.01, most=50)
    assert len(found) == 50
    assert found == mappings_within(fc, CHIP, objective, 0.01, most=500)[:50]
    assert found[0][1] == pytest.approx(cost(find_mapping(fc, CHIP, objective), fc, CHIP, objective))


@settings(max_examples=60, deadline=None)
@given(tiny_layers(), tiny_machines())
def test_a_mapping_is_found_if_there_is_one(layer: Layer, machine: Accelerator) -> None:
    if all_that_fit(layer, machine):
        find_mapping(layer, machine, dense_objective(layer, machine))
    else:
        with pytest.raises(MappingError, match=f"drawn: no mapping fits {machine.name}"):
            find_mapping(layer, machine, dense_objective(layer, machine))


def test_an_m_between_whole_sets_can_be_the_best() -> None:
    """MobileNet's pointwise layer 6: neither the largest m nor whole p or p*t of it."""
    layer = open_workload("mobilenet_v1", batch=1, layers=["Conv2d_6_pointwise"]).layers[0]
    energy = dense_objective(layer, CHIP)
    every, largest = (find_mapping(layer, CHIP, each) for each in (energy, replace(energy, sizes=Sizes.LARGEST)))
    saved = 1 - cost(every, layer, CHIP, energy) / cost(largest, layer, CHIP, energy)
    assert saved == pytest.approx(0.00091, abs=1e-5)


def test_coded_filters_choose_the_pads_that_end_their_streams() -> None:
    """Room for four psum rows of five 1x1 filters: 4 + 1 end their streams with more pad than 3 + 2."""
    layer = Layer(name="five", N=1, M=5, C=1, H=1, W=5, R=1, S=1)
    machine = tiny(SKIPPING, (3, 2), (4, 8, 20), (3, 6, 2))
    energy = dense_objective(layer, machine)
    found = find_mapping(layer, machine, energy)
    without = find_mapping(layer, machine, replace(energy, sizes=Sizes.LARGEST))
    assert cost(without, layer, machine, energy) - cost(found, layer, machine, energy) == pytest.approx(770)


@pytest.mark.parametrize(
    ("machine", "network", "name", "zeros", "share"),
    [
        (CHIP, "alexnet", "CONV4", Densities(ifmap=0.207, filters=1.0, ofmap=0.224), 0.0232),
        (SKIPPING, "googlenet", "inception_4a/1x1", Densities(ifmap=0.5, filters=0.35, ofmap=0.45), 0.1711),
    ],
    ids=["chip", "skipping"],
)
def test_sparse_tensors_choose_another_mapping(
    machine: Accelerator, network: str, name: str, zeros: Densities, share: float
) -> None:
    """Each mapping is the better one for its own tensors; what the dense one costs more for sparse tensors."""
    layer = open_workload(network, batch=16, layers=[name]).layers[0]
    dense, sparse = dense_objective(layer, machine), expected_energy(layer, machine, zeros)
    of_dense, of_sparse = (find_mapping(layer, machine, energy) for energy in (dense, sparse))
    assert cost(of_dense, layer, machine, dense) < cost(of_sparse, layer, machine, dense)
    more = cost(of_dense, layer, machine, sparse) / cost(of_sparse, layer, machine, sparse) - 1
    assert more == pytest.approx(share, abs=1e-4)


def test_narrower_words_leave_room_for_more() -> None:
    layer = open_workload("alexnet", batch=4, layers=["CONV3"]).layers[0]
    narrow = replace(layer, ifmap_bits=8, filter_bits=8, psum_bits=16)
    found, wide = (find_mapping(each, CHIP, dense_objective(each, CHIP)) for each in (narrow, layer))
    check_fits(found, narrow, CHIP)
    with pytest.raises(MappingError):
        check_fits(found, layer, CHIP)
    objective = dense_objective(narrow, CHIP)
    assert cost(found, narrow, CHIP, objective) < cost(wide, narrow, CHIP, objective)


def test_of_equal_costs_the_most_pes_win() -> None:
    layer = Layer(name="any", N=1, M=8, C=8, H=8, W=8, R=3, S=3)
    found = find_mapping(layer, CHIP, FREE)
    assert found.r * layer.R * found.t * found.e == CHIP.pes


def test_the_same_mapping_every_time() -> None:
    layer = open_workload("resnet50", batch=1, layers=["res3a_branch2c"]).layers[0]
    found = {find_mapping(layer, CHIP, dense_objective(layer, CHIP)) for _ in range(3)}
    assert len(found) == 1


def test_a_layer_too_wide_for_the_glb() -> None:
    wide = Layer(name="wide", N=1, M=1, C=1, H=3, W=20_000, R=3, S=3)
    message = (
        r"wide: no mapping fits eyeriss-v1: for one channel, filter and ofmap row, the 3x20000 ifmap tile and "
        r"19998 psums exceed the GLB \(banks = 25, bank_words = 2048\); enlarge it"
    )
    with pytest.raises(MappingError, match=message):
        find_mapping(wide, CHIP, FREE)


def test_a_filter_taller_than_the_array_has_to_be_folded_first() -> None:
    tall = Layer(name="tall", N=1, M=1, C=1, H=13, W=3, R=13, S=3)
    with pytest.raises(
        MappingError, match="tall: no mapping fits eyeriss-v1: R = 13 filter rows exceed the array's 12; fold"
    ):
        find_mapping(tall, CHIP, FREE)


@pytest.mark.parametrize(("words", "bits"), [(16, 16), (8, 11)])
def test_a_filter_larger_than_its_buffer(words: int, bits: int) -> None:
    small = CHIP.model_copy(update={"glb": CHIP.glb.model_copy(update={"filter_buffer_words": words})})
    layer = Layer(name="wide", N=1, M=1, C=1, H=5, W=5, R=5, S=5, filter_bits=bits)
    held = words * 16 // bits
    with pytest.raises(
        MappingError, match=f"wide: no mapping fits eyeriss-v1: one 5x5 filter exceeds the {held}-word filter buf"
    ):
        find_mapping(layer, small, FREE)


@pytest.mark.parametrize("network", [network.name for network in built_in_networks()])
def test_every_built_in_layer_has_a_mapping(network: str) -> None:
    for layer in {replace(layer, name=""): layer for layer in open_workload(network, batch=2).layers}.values():
        check_fits(find_mapping(layer, CHIP, dense_objective(layer, CHIP)), layer, CHIP)


def cost(mapping: RowStationaryMapping, layer: Layer, machine: Accelerator, objective: Objective) -> float:
    return objective.cost_of(layer, grid_of([mapping]), machine).item()


def pes(mapping: RowStationaryMapping) -> int:
    return mapping.r * mapping.t * mapping.g * mapping.e


def is_searched(mapping: RowStationaryMapping, layer: Layer) -> bool:
    """The smallest e, n and g for as many strips, image groups and groups of groups."""
    parts = ((layer.E, mapping.e), (layer.N, mapping.n), (layer.G, mapping.g))
    return all(size == 1 or -(-whole // (size - 1)) > -(-whole // size) for whole, size in parts)
