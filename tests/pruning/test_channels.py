"""Do the channels go that the others can best make up for, and is a channel out when no layer reads it?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.channels import (
    Reading,
    channel_sets,
    magnitude_order,
    removal_order,
    unread,
    without,
    without_unread,
    words_of,
)
from pruning.refit import DAMPING
from pruning.samples import Floats
from simulator.spec.layer import Layer
from tests.pruning.least_squares_problems import activations, sums, weights
from tests.pruning.small_network import SmallNetwork, small_network

TWO_WORDS = Layer(name="wide", N=1, M=3, C=5, H=1, W=2, R=1, S=2)


def reading(seed: int, *, outputs: int = 3) -> tuple[Reading, Floats, Floats]:
    """Five channels of two words each; and the samples."""
    x, columns = activations(1, 60, 10, seed), weights(1, 10, outputs, seed)
    y = activations(1, 60, 10, seed + 1) @ columns
    words = words_of(TWO_WORDS, np.arange(5)[:, None])
    found = Reading(layer=TWO_WORDS, columns=columns[0], gram=sums(x, y), words=words)
    return found, x[0].astype(np.float64), y[0].astype(np.float64)


def test_words_lie_as_a_filter_has_them() -> None:
    layer = Layer(name="conv", N=1, M=1, C=4, H=5, W=5, R=3, S=2)
    filters = np.arange(24).reshape(4, 6)
    assert np.array_equal(words_of(layer, np.array([[2], [0]])), filters[[2, 0]])
    assert np.array_equal(words_of(layer, np.array([[2, 3]])), filters[[2, 3]].reshape(1, -1))


def least_error(x: Floats, y: Floats, words: Floats, damping: float) -> float:
    """Around the best answer on all words, damped: what `words` alone leave of the square, and of the change."""
    whole = x.T @ x + damping * np.eye(x.shape[1])
    best = np.linalg.solve(whole, x.T @ y)
    some = np.linalg.solve(whole[np.ix_(words, words)], (whole @ best)[words])
    change = -best
    change[words] += some
    return float(np.einsum("io,ij,jo->", change, whole, change))


@given(st.integers(0, 2**16), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_cheapest_goes_first_with_the_others_making_up_for_it(seed: int, two: bool) -> None:
    """Against each removal tried and solved anew; of two layers that read the same, the shares of both."""
    readings = [reading(seed), reading(seed + 7)][: 1 + two]
    damping = [DAMPING * float(np.diagonal(each.gram.xx[0]).mean()) for each, _, _ in readings]
    left, expected = list(range(5)), list[int]()
    # The weights now are near the best; the rule is about the best, which the refit's damping draws towards them.
    while len(left) > 1:

        def cost(gone: int) -> float:
            words = np.concatenate([readings[0][0].words[at] for at in left if at != gone])
            return sum(
                least_error(x, best_outputs(each, x, y, d), words, d) / float(each.gram.yy.sum())
                for (each, x, y), d in zip(readings, damping, strict=True)
            )

        expected.append(min(left, key=cost))
        left.remove(expected[-1])
    assert removal_order([each for each, _, _ in readings]) == [*expected, *left]


def best_outputs(each: Reading, x: Floats, y: Floats, damping: float) -> Floats:
    """Y of which the damped best is the refit's answer: that is drawn to the weights now, not to zero."""
    pull = np.linalg.pinv(x.T) @ (damping * each.columns)
    return np.asarray(y + pull)


def test_channels_that_say_nothing_go_first() -> None:
    found, _, _ = reading(3)
    found.columns[found.words[1]] = 0
    found.columns[found.words[4]] = 0
    dead = Reading(layer=found.layer, columns=found.columns, gram=sums_without(found), words=found.words)
    assert set(removal_order([dead])[:2]) == {1, 4}


def sums_without(found: Reading):  # type: ignore[no-untyped-def]
    x = activations(1, 60, 10, 3)
    return sums(x, x @ found.columns[None])


@pytest.mark.parametrize("refits", [True, False])
def test_what_is_gone_is_not_read_and_the_others_make_up_for_it(refits: bool) -> None:
    found, _, _ = reading(1)
    left = without([found], [1, 3], refits=refits)["wide"].reshape(3, 5, 2)
    now = found.columns.T.reshape(3, 5, 2)
    assert not left[:, [1, 3]].any()
    taken = np.where(np.isin(np.arange(5), [1, 3])[:, None], 0, now)
    assert np.array_equal(left, taken) != refits

    def error(filters: Floats) -> float:
        return float(found.gram.residual(filters.reshape(3, 10).T[None]).sum())

    assert error(left) <= error(taken)
    assert left[:, [0, 2, 4]].any(axis=(0, 2)).all()


def test_pruned_weights_stay_zero_when_channels_go() -> None:
    found, _, _ = reading(2)
    found.columns[::3] = 0
    left = without([found], [1])["wide"].reshape(3, 10).T
    assert not left[::3].any()


def test_too_many_inputs_for_an_inverse_are_judged_by_what_they_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pruning.channels._MOST_INPUTS", 9)
    found, x, _ = reading(5)
    added = [float(np.square(x[:, words] @ found.columns[words]).sum()) for words in found.words]
    order = removal_order([found])
    assert order[0] == int(np.argmin(added))
    assert sorted(order) == [0, 1, 2, 3, 4]


def without_reading(network: SmallNetwork, channels: list[int]) -> SmallNetwork:
    second = network.weights("second").copy()
    second[:, channels] = 0
    return network.with_weights({"second": second})


def test_a_channel_that_no_layer_reads_loses_its_filter() -> None:
    network = without_reading(small_network(), [3, 20])
    assert unread(network) == (3, 20)
    changed = without_unread(network)
    assert list(changed) == ["first"]
    assert np.flatnonzero(~changed["first"].any(axis=(1, 2, 3))).tolist() == [3, 20]
    assert not without_unread(network.with_weights(changed))
    (left,) = channel_sets(network)
    assert (left.name, len(left.channels)) == ("second", 22)
    assert left.read_by("second").ravel().tolist() == [at for at in range(24) if at not in (3, 20)]


def test_a_layer_keeps_a_filter() -> None:
    assert len(unread(without_reading(small_network(), list(range(24))))) == 23


def test_the_smallest_filters_first() -> None:
    network = small_network()
    sizes = np.abs(network.weights("first")).sum(axis=(1, 2, 3))
    assert magnitude_order(network, network.channels) == np.argsort(sizes, kind="stable").tolist()
