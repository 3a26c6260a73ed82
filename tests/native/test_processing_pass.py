"""Does C equal the Python oracle, bit and cycle? Recurrence, stepper and oracle are three derivations of one
machine."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native.pe_array import PassShape, PassValues, step_pass, time_pass
from tests.oracles.processing_pass import PassOracle
from tests.strategies import pass_shapes, pass_values

CONV5 = PassShape(
    R=3, S=3, U=1, V=1, F=13, n=4, e=13, p=16, q=3, r=2, t=2, g=1, psum_in=True, pipeline_stages=3,
    ifmap_spad_words=12, ifmap_fifo_words=4, psum_fifo_words=24,
    ifmap_beat_words=1, filter_beat_words=4, psum_in_beat_words=4, psum_out_beat_words=4,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_stepper_equals_oracle(data: st.DataObject) -> None:
    shape = data.draw(pass_shapes())
    values = data.draw(pass_values(shape))
    stepped, expected = step_pass(shape, values), PassOracle(shape, values).run()
    assert stepped.times == expected.times
    assert stepped.traffic == expected.traffic
    assert np.array_equal(stepped.psums, expected.psums)
    assert np.array_equal(stepped.mac_slots, expected.mac_slots)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_recurrence_equals_stepper(data: st.DataObject) -> None:
    shape = data.draw(pass_shapes())
    assert time_pass(shape) == step_pass(shape, data.draw(pass_values(shape))).times


def test_recurrence_equals_stepper_on_a_published_pass() -> None:
    assert time_pass(CONV5) == step_pass(CONV5, zeros(CONV5)).times


@settings(max_examples=50, deadline=None)
@given(pass_shapes())
def test_values_do_not_change_time(shape: PassShape) -> None:
    """The assumption under which one timing serves all passes of a shape."""
    ones = PassValues(
        ifmap=np.ones(shape.ifmap_block, np.int16),
        filters=np.ones(shape.filter_block, np.int16),
        psums=np.zeros(shape.psum_block, np.int64),
        stored=(0, shape.tile_rows, 0, shape.tile_columns),
    )
    assert step_pass(shape, ones).times == step_pass(shape, zeros(shape)).times


@settings(max_examples=100, deadline=None)
@given(pass_shapes())
def test_pe_cycles_add_up(shape: PassShape) -> None:
    times = time_pass(shape)
    states = (
        times.active + times.filter_load + times.ifmap_wait + times.psum_in_wait + times.psum_out_wait + times.drain
    )
    assert states == times.cycles * shape.mapped_pes


def test_one_mac_by_hand() -> None:
    """One PE, one MAC: filter in cycle 0, ifmap sent in 1, in the spad by 3, issued in 3, collected in 3 + 3 stages."""
    shape = replace(CONV5, R=1, S=1, F=1, n=1, e=1, p=1, q=1, r=1, t=1, psum_in=False)
    times = time_pass(shape)
    assert (times.filter_cycles, times.ifmap_wait, times.active, times.drain, times.cycles) == (1, 2, 1, 3, 7)


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_a_column_takes_a_pipeline_and_a_link_for_each_pe(stages: int) -> None:
    """R = 3 PEs of one MAC each: the last ifmap word waits for two others, then psums cross two links and three
    pipelines."""
    one = replace(CONV5, R=3, S=1, F=1, n=1, e=1, p=1, q=1, r=1, t=1, psum_in=False, pipeline_stages=stages)
    last_word_in_spad = 3 + 3 + 2  # three filter beats, three ifmap beats, FIFO and spad
    assert time_pass(one).cycles == last_word_in_spad + 2 * (stages + 1) + stages


def test_psums_wait_for_the_bus_where_it_is_narrow() -> None:
    """CONV5's pass with a 16-bit psum bus moves n*p*t*e*F words one a cycle: the bus is what takes the time."""
    narrow = time_pass(replace(CONV5, psum_in_beat_words=1, psum_out_beat_words=1))
    words = 4 * 16 * 2 * 13 * 13
    assert words <= narrow.cycles <= words + narrow.filter_cycles + 1000
    assert narrow.psum_in_wait + narrow.psum_out_wait > time_pass(CONV5).psum_in_wait


@pytest.mark.parametrize(
    "shape", [replace(CONV5, R=0), replace(CONV5, p=0), replace(CONV5, pipeline_stages=0), replace(CONV5, F=-1)]
)
def test_a_size_of_zero_is_refused(shape: PassShape) -> None:
    with pytest.raises(ValueError, match="a size below its minimum"):
        time_pass(shape)


@pytest.mark.parametrize(
    "shape",
    [
        replace(CONV5, r=2**20),
        replace(CONV5, e=2**20),
        replace(CONV5, g=2**31 - 1, t=2**31 - 1, e=2**31 - 1),
        replace(CONV5, p=2**31 - 1),
    ],
)
def test_a_size_whose_products_could_overflow_is_refused(shape: PassShape) -> None:
    with pytest.raises(ValueError, match="or above its maximum"):
        time_pass(shape)


def test_a_spad_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="a size below its minimum"):
        time_pass(replace(CONV5, ifmap_spad_words=8))


def test_blocks_of_another_shape_are_refused() -> None:
    values = zeros(CONV5)
    with pytest.raises(ValueError, match=r"block of shape \(4, 1, 6, 15, 15\) is needed, not int16 \(1,\)"):
        step_pass(CONV5, replace(values, ifmap=np.zeros(1, np.int16)))


def zeros(shape: PassShape) -> PassValues:
    return PassValues(
        ifmap=np.zeros(shape.ifmap_block, np.int16),
        filters=np.zeros(shape.filter_block, np.int16),
        psums=np.zeros(shape.psum_block, np.int64),
        stored=(0, shape.tile_rows, 0, shape.tile_columns),
    )
