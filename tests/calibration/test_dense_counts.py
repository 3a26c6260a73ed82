"""Does the closed form that the mapping search costs with equal the simulator, word for word and bit for bit, if no
word is zero?"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analytic.access_counts import dense_counts, dense_energy
from simulator.counts import Action, Level, Tensor
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
# Padding is zero in the densest tensor: what it gates is not the closed form's to say here.
GATED_BY_PADDING = {
    (Level.SPAD, Tensor.IFMAP, Action.READ),
    (Level.SPAD, Tensor.FILTER, Action.READ),
    (Level.SPAD, Tensor.PSUM, Action.READ),
    (Level.SPAD, Tensor.PSUM, Action.WRITE),
}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_dense_counts_equal_the_simulator(data: st.DataObject, accelerator: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, accelerator))
    tensors = data.draw(sparse_tensors(layer, density=1.0))
    result = simulate_layer(layer, tensors, mapping, accelerator)
    closed = dense_counts(layer, grid_of(mapping), accelerator)
    skipped = GATED_BY_PADDING if any(layer.padding) else set()
    assert set(closed) == set(result.counts.words)
    for access, (words, bits) in closed.items():
        if tuple(access) not in skipped:
            simulated = result.counts.words[access], result.counts.bits[access]
            assert (str(access), words.item(), bits.item()) == (str(access), *simulated)
    if not any(layer.padding):
        energy = (
            dense_energy(layer, grid_of(mapping), accelerator).item() + layer.macs * accelerator.energy.mac.per_access
        )
        assert np.isclose(energy, result.energy.total, rtol=1e-12)


def grid_of(mapping: RowStationaryMapping) -> MappingGrid:
    return MappingGrid(**{letter: np.array([value]) for letter, value in mapping.to_dict().items()})
