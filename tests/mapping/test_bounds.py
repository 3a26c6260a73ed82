"""Does each step of the search keep every mapping in one place, and does nothing cost less than its bound there?"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.analytic.coding import Coding
from simulator.analytic.mapping_cost import expected_energy
from simulator.analytic.objectives import expected_edp, expected_latency
from simulator.mapping.partial import (
    PartialMappings,
    counted,
    most_stacks,
    partial_mappings,
    up_to,
    with_every_t,
    with_groups,
    with_m,
    with_p,
)
from simulator.mapping.search import MappingGrid, Objective
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from tests.mapping.small_searches import all_that_fit, densities, grid_of, tiny_layers, tiny_machines
from workloads import open_workload

Make = Callable[[Layer, Accelerator, Densities, Coding], Objective]
ROUNDING = 1e-11
TRIED = 40
"""Mappings of a layer: each is looked up at every step."""
ALONE = 5
"""Of those, as many as are bounded alone too: what many have in common makes a bound no tighter, what one has may."""


@pytest.mark.parametrize("make", [expected_energy, expected_latency, expected_edp])
@settings(max_examples=40, deadline=None)
@given(tiny_layers(), tiny_machines(), densities(), st.sampled_from(Coding), st.integers(0, 1 << 16))
def test_no_completion_costs_less_than_its_bound(
    make: Make, layer: Layer, machine: Accelerator, zeros: Densities, coding: Coding, seed: int
) -> None:
    everything = all_that_fit(layer, machine)
    assume(everything)
    chosen = np.random.default_rng(seed).permutation(len(everything))[:TRIED]
    grid, objective = grid_of([everything[index] for index in chosen]), make(layer, machine, zeros, coding)
    costs = objective.cost_of(layer, grid, machine)
    for partial in steps(layer, machine):
        row, of_mapping = np.nonzero(holds(partial, grid))
        assert sorted(of_mapping) == list(range(len(grid)))
        bounds = objective.bound_of(layer, partial, machine)
        assert (bounds[row] <= costs[of_mapping] * (1 + ROUNDING)).all()
        for index, of_one in zip(row[:ALONE], of_mapping[:ALONE], strict=True):
            assert objective.bound_of(layer, partial[np.array([index])], machine) <= costs[of_one] * (1 + ROUNDING)


@pytest.mark.parametrize(
    ("network", "name", "batch"),
    [
        ("alexnet", "FC3", 16),
        ("alexnet", "CONV1", 4),
        ("resnet50", "res5c_branch2c", 1),
        ("vgg16", "CONV5-2", 3),
        ("mobilenet_v1", "Conv2d_13_pointwise", 1),
        ("mobilenet_v1", "Conv2d_6_depthwise", 3),
    ],
)
@pytest.mark.parametrize("machine", ["eyeriss-v1", "eyeriss-estimation", "isca16-256"])
@pytest.mark.parametrize("link_mhz", [15.0, 60.0, 600.0])
def test_bounds_of_layers_of_networks(network: str, name: str, batch: int, machine: str, link_mhz: float) -> None:
    """Large enough for every part of a bound to count. Links from one that sets the pace to one that never does."""
    layer, base = open_workload(network, batch=batch, layers=[name]).layers[0], load_accelerator(machine)
    chip = base.model_copy(update={"dram": base.dram.model_copy(update={"clock_mhz": link_mhz})})
    *before, last = some_steps(layer, chip, np.random.default_rng(0))
    grid = MappingGrid(m=last.most_m, n=last.n, e=last.e, p=last.most_p, q=last.q, r=last.r, t=last.most_t, g=last.g)
    objective = expected_latency(layer, chip, Densities(ifmap=0.5, filters=0.35, ofmap=0.45))
    costs = objective.cost_of(layer, grid, chip)
    for partial in (*before, last):
        row, of_mapping = np.nonzero(holds(partial, grid))
        assert set(of_mapping) == set(range(len(grid)))
        assert (objective.bound_of(layer, partial, chip)[row] <= costs[of_mapping] * (1 + ROUNDING)).all()


def some_steps(layer: Layer, machine: Accelerator, rng: np.random.Generator) -> list[PartialMappings]:
    """A few partial mappings of each step, each of which becomes one of the next's."""
    most = most_stacks(layer, machine)
    tiles = up_to(min(layer.E, most)), up_to(layer.N), up_to(min(layer.G, most))

    def some(partial: PartialMappings, count: int) -> PartialMappings:
        return partial[rng.integers(len(partial), size=count)]

    nodes = some(partial_mappings(layer, machine, tiles, every_q=True), 100)
    groups = some(with_groups(nodes, layer), 200)
    pairs = some(with_p(groups, layer), 300)
    triples = some(with_every_t(pairs, layer), 400)
    again = some(triples, 800)
    return [nodes, groups, pairs, triples, with_m(again, layer, rng.integers(again.least_m, again.most_m + 1))]


def steps(layer: Layer, machine: Accelerator) -> Iterator[PartialMappings]:
    """All partial mappings, as the search chooses more and more of their sizes."""
    most = most_stacks(layer, machine)
    tiles = up_to(min(layer.E, most)), up_to(layer.N), up_to(min(layer.G, most))
    nodes = partial_mappings(layer, machine, tiles, every_q=True)
    yield nodes
    yield with_p(nodes, layer)
    groups = with_groups(nodes, layer)
    yield groups
    pairs = with_p(groups, layer)
    yield pairs
    triples = with_every_t(pairs, layer)
    yield triples
    counts = triples.most_m - triples.least_m + 1
    some = np.repeat(np.arange(len(triples)), counts)
    yield with_m(triples[some], layer, triples.least_m[some] + counted(counts))


def holds(partial: PartialMappings, grid: MappingGrid) -> npt.NDArray[np.bool_]:
    """(partial mapping, mapping): can the one become the other?"""
    same = np.ones((len(partial), len(grid)), bool)
    for letter in "neqrg":
        same &= getattr(partial, letter)[:, None] == getattr(grid, letter)
    for letter in "mpt":
        sizes = getattr(grid, letter)
        same &= getattr(partial, f"least_{letter}")[:, None] <= sizes
        same &= getattr(partial, f"most_{letter}")[:, None] >= sizes
    return same
