"""Is each count what simulator/counts.py says it is, whatever the strides, the padding, the groups and the strips?"""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.counts import MEANING, Access, Action, Level, Tensor
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from tests.oracles.access_counts import words_moved
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
# Made of MAC slots, which zeros may gate: tests/functional holds them to the PEs, slot by slot.
OF_MAC_SLOTS = {
    Access(Level.SPAD, Tensor.IFMAP, Action.READ),
    Access(Level.SPAD, Tensor.FILTER, Action.READ),
    Access(Level.SPAD, Tensor.PSUM, Action.READ),
    Access(Level.SPAD, Tensor.PSUM, Action.WRITE),
}


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_words_are_those_that_coordinates_give(data: st.DataObject, accelerator: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, accelerator))
    words = simulate_layer(layer, data.draw(sparse_tensors(layer)), mapping, accelerator).counts.words
    for access, expected in words_moved(layer, mapping).items():
        bypassed = access.level is Level.GLB and access.tensor in accelerator.glb.bypass
        assert (str(access), words.get(access)) == (str(access), None if bypassed else expected)


def test_no_access_is_left_out() -> None:
    one = Layer(name="one", N=1, M=1, C=1, H=1, W=1, R=1, S=1)
    found = words_moved(one, RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1))
    assert set(found) == set(MEANING) - OF_MAC_SLOTS
