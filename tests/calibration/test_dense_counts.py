"""Do the closed form's counts equal the simulator's, word for word and bit for bit, if no word is zero but padding?"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analytic.access_counts import count_accesses, dense_counts, dense_energy
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
DENSE = Densities(ifmap=1, filters=1, ofmap=1)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_dense_counts_equal_the_simulator(data: st.DataObject, accelerator: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, accelerator))
    tensors = data.draw(sparse_tensors(layer, density=1.0))
    result = simulate_layer(layer, tensors, mapping, accelerator)
    closed = count_accesses(layer, mapping, accelerator, DENSE)
    assert closed == result.counts
    assert [*closed.words, *closed.bits] == [*result.counts.words, *result.counts.bits]
    of_grid = dense_counts(layer, grid_of([mapping]), accelerator)
    assert {access: (words.item(), bits.item()) for access, (words, bits) in of_grid.items()} == {
        access: (words, result.counts.bits[access]) for access, words in result.counts.words.items()
    }
    energy = dense_energy(layer, grid_of([mapping]), accelerator).item() + result.energy.mac
    assert np.isclose(energy, result.energy.total, rtol=1e-12)


def grid_of(mappings: list[RowStationaryMapping]) -> MappingGrid:
    rows = [mapping.to_dict() for mapping in mappings]
    return MappingGrid(**{letter: np.array([row[letter] for row in rows]) for letter in rows[0]})
