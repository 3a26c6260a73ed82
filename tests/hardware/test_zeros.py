"""Are MAC slots counted by zero operand as a loop over MACs counts them, and does each gate stop what it says?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hardware.zeros import count_mac_slots, count_pass_slots, slots_done
from simulator.mapping.passes import processing_passes
from simulator.spec.accelerator import Gate
from simulator.spec.load import load_accelerator
from tests.oracles.tensor_scans import mac_slots
from tests.strategies import fitting_mappings, small_layers, sparse_tensors


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_slots_equal_a_loop_over_macs(data: st.DataObject) -> None:
    layer = data.draw(small_layers().filter(lambda drawn: drawn.macs < 4000))
    mapping = data.draw(fitting_mappings(layer, load_accelerator("eyeriss-v1")))
    tensors = data.draw(sparse_tensors(layer))
    assert np.array_equal(count_mac_slots(layer, tensors, mapping), mac_slots(layer, tensors, mapping))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_slots_of_all_passes_are_the_layer_s(data: st.DataObject) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, load_accelerator("eyeriss-v1")))
    tensors = data.draw(sparse_tensors(layer))
    of_passes = [count_pass_slots(step, layer, tensors) for step in processing_passes(layer, mapping)]
    assert np.array_equal(sum(of_passes), count_mac_slots(layer, tensors, mapping))


@pytest.mark.parametrize(
    ("gate", "done"),
    [
        (Gate.NEVER, 1 + 10 + 100 + 1000),
        (Gate.ZERO_IFMAP, 1 + 10),
        (Gate.ZERO_FILTER, 1 + 100),
        (Gate.ZERO_EITHER, 1),
    ],
)
def test_gates(gate: Gate, done: int) -> None:
    """In each kind of slot: 1 without a zero, 10 with a zero weight, 100 with a zero ifmap word, 1000 with both."""
    slots = np.broadcast_to(np.array([[1, 10], [100, 1000]]), (2, 2, 2, 2))
    assert slots_done(slots, gate).tolist() == [[done, done], [done, done]]
