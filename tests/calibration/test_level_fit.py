"""Is the mapping whose levels fit best the best of all that cost little enough? And what does it promise?"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.analytic.access_counts import count_accesses
from simulator.analytic.level_fit import closest_mapping
from simulator.analytic.mapping_cost import dense_objective
from simulator.counts import Level
from simulator.energy import energy
from simulator.mapping.fits import check_fits
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import DENSE
from tests.mapping.small_searches import all_that_fit, tiny, tiny_layers, tiny_machines

LEVELS = [level.value for level in Level]
ROUNDING = 1e-9


@settings(max_examples=60, deadline=None)
@given(tiny_layers(), tiny_machines(), st.sampled_from([0.0, 0.03, 0.5]), st.data())
def test_no_mapping_within_the_share_fits_better(
    layer: Layer, machine: Accelerator, share: float, data: st.DataObject
) -> None:
    everything = all_that_fit(layer, machine)
    assume(everything)
    energies = np.array([energies_of(mapping, layer, machine) for mapping in everything])
    wanted = np.maximum(energies[data.draw(st.integers(0, len(everything) - 1))], 1.0)
    wanted *= [data.draw(st.sampled_from([0.8, 1.0, 1.1])) for _ in wanted]
    errors = np.abs(energies[:, 1:] / wanted[1:] - 1).max(axis=1)
    totals = energies.sum(axis=1)

    found = closest_mapping(layer, machine, dict(zip(Level, by_level(wanted), strict=True)), share)
    check_fits(found, layer, machine)
    of_found = energies_of(found, layer, machine)
    error = np.abs(of_found[1:] / wanted[1:] - 1).max()
    assert of_found.sum() <= totals.min() * (1 + share) * (1 + ROUNDING)
    assert error <= errors[totals <= totals.min() * (1 + share)].min() + ROUNDING


def test_a_share_of_nothing_leaves_the_least_energy() -> None:
    layer = Layer(name="layer", N=2, M=12, C=6, H=9, W=9, R=3, S=3)
    machine = load_accelerator("isca16-256")
    least = find_mapping(layer, machine, dense_objective(layer, machine))
    found = closest_mapping(layer, machine, dict.fromkeys(Level, 1.0), 0.0)
    assert energies_of(found, layer, machine).sum() == pytest.approx(energies_of(least, layer, machine).sum())


def test_a_share_of_nothing_holds_where_a_larger_strip_codes_shorter() -> None:
    """Strips of 3 and 1 of the four ofmap rows, not 2 and 2: five rows of ifmap in one stream take fewer code words."""
    layer = Layer(name="layer", N=1, M=2, C=2, H=7, W=3, R=1, S=1, U=2, V=2)
    machine = tiny(load_accelerator("eyeriss-v1"), (3, 2), (4, 16, 20), (3, 6, 2))
    assert find_mapping(layer, machine, dense_objective(layer, machine)).e == 3
    found = closest_mapping(layer, machine, dict.fromkeys(Level, 1.0), 0.0)
    least = min(energies_of(mapping, layer, machine).sum() for mapping in all_that_fit(layer, machine))
    assert energies_of(found, layer, machine).sum() == pytest.approx(least)


def test_macs_on_padding_that_are_gated_are_not_part_of_the_least() -> None:
    layer = Layer(name="layer", N=3, M=8, C=4, H=3, W=5, R=1, S=1, padding=(0, 0, 1, 0), from_input=True, ifmap_bits=8)
    machine = tiny(load_accelerator("eyeriss-v1"), (3, 2), (8, 16, 20), (3, 6, 2))
    everything = np.array([energies_of(mapping, layer, machine) for mapping in all_that_fit(layer, machine)])
    least = everything.sum(axis=1).min()
    wanted = by_level(everything[1] * [1.0, 0.8, 1.1, 0.8, 0.8])
    found = closest_mapping(layer, machine, dict(zip(Level, wanted, strict=True)), 0.5)
    assert energies_of(found, layer, machine).sum() <= least * 1.5 * (1 + ROUNDING)


def energies_of(mapping: RowStationaryMapping, layer: Layer, machine: Accelerator) -> np.ndarray:
    """Of the MACs, then of each level, from the counts."""
    found = energy(count_accesses(layer, mapping, machine, DENSE), machine, layer).by_level()
    return np.array([found["mac"], *(found[level] for level in LEVELS)])


def by_level(energies: np.ndarray) -> list[float]:
    return [float(value) for value in energies[1:]]
