"""Does the recurrence put every word and MAC slot into the cycle in which the Python oracle sees it?"""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from native.pass_activity import PassActivity, trace_pass
from native.pe_array import PassShape, PassValues, step_pass, time_pass
from tests.native.test_processing_pass import CONV5, zeros
from tests.oracles.processing_pass import PassOracle
from tests.strategies import pass_shapes, pass_values


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_recurrence_equals_oracle_cycle_by_cycle(data: st.DataObject) -> None:
    shape = data.draw(pass_shapes())
    values = data.draw(pass_values(shape))
    oracle = PassOracle(shape, values)
    cycles = range(oracle.run().times.cycles)
    part = cycles[slice(*sorted(data.draw(st.tuples(st.integers(0, len(cycles)), st.integers(0, len(cycles))))))]
    for asked in (cycles, part):
        assert_equal(trace_pass(shape, values.stored, asked), oracle.activity(asked))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_parts_add_up_to_what_the_stepper_counts(data: st.DataObject) -> None:
    shape = data.draw(pass_shapes())
    values = data.draw(pass_values(shape))
    assert_sums(data.draw(st.integers(0, time_pass(shape).cycles)), values, shape)


def test_a_published_pass_adds_up() -> None:
    assert_sums(1000, zeros(CONV5), CONV5)


def test_nothing_happens_after_the_end() -> None:
    end = time_pass(CONV5).cycles
    activity = trace_pass(CONV5, zeros(CONV5).stored, range(end - 1, end + 5))
    assert activity.psum_collected.tolist() == [4, 0, 0, 0, 0, 0]
    assert not activity.macs.any()


def assert_sums(cut: int, values: PassValues, shape: PassShape) -> None:
    stepped = step_pass(shape, values)
    parts = [
        trace_pass(shape, values.stored, part) for part in (range(cut), range(cut, max(cut, stepped.times.cycles)))
    ]
    for name in (name for name in PassActivity.__slots__ if name not in ("ifmap_bus", "macs")):
        assert sum(int(getattr(part, name).sum()) for part in parts) == getattr(stepped.traffic, name), name
    assert sum(int(part.macs.sum()) for part in parts) == stepped.times.active


def assert_equal(found: PassActivity, expected: PassActivity) -> None:
    for field in fields(PassActivity):
        assert np.array_equal(getattr(found, field.name), getattr(expected, field.name)), field.name
