"""Are the largest weights marked, exactly as many as asked?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.magnitude import largest, largest_magnitudes, largest_of_network
from simulator.errors import PruningError

few_values = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 1.0, 3.0]), min_size=1, max_size=30)


@given(few_values, st.data())
def test_as_many_as_asked_ties_by_index(values: list[float], data: st.DataObject) -> None:
    scores = np.array(values)
    among = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    keep = data.draw(st.integers(0, int(among.sum())))
    ranked = sorted(np.flatnonzero(among), key=lambda place: (-scores[place], place))
    assert set(np.flatnonzero(largest(scores, keep, among=among))) == set(ranked[:keep])


@given(few_values, st.data())
def test_smaller_counts_nest(values: list[float], data: st.DataObject) -> None:
    weights = np.array(values, np.float32).reshape(-1, 1)
    more = data.draw(st.integers(0, weights.size))
    fewer = data.draw(st.integers(0, more))
    assert not (largest_magnitudes(weights, fewer) & ~largest_magnitudes(weights, more)).any()


def test_sign_does_not_count() -> None:
    np.testing.assert_array_equal(
        largest_magnitudes(np.array([[-3.0, 1.0], [2.0, -0.5]]), 2), [[True, False], [True, False]]
    )


def test_one_threshold_for_the_network() -> None:
    masks = largest_of_network({"large": np.array([[5.0, -4.0]]), "small": np.array([0.1, -4.5, 4.0])}, 3)
    np.testing.assert_array_equal(masks["large"], [[True, True]])
    np.testing.assert_array_equal(masks["small"], [False, True, False])


def test_more_than_there_are() -> None:
    with pytest.raises(PruningError, match="4 weights to keep of 3; ask for a number from 0 to 3"):
        largest_magnitudes(np.ones(3), 4)
    with pytest.raises(PruningError, match="3 weights to keep of 2"):
        largest(np.ones(3), 3, among=np.array([True, False, True]))
