"""Do the exact, the blocked and the alternating selection keep what the layer needs?"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruning.alternating import select_alternating
from pruning.magnitude import largest, largest_magnitudes
from pruning.refit import DAMPING, refit
from pruning.samples import Floats, Gram, Mask
from pruning.second_order import removal_costs
from pruning.second_order_blocked import select_in_blocks
from tests.oracles.pruning_layer import removed_one_by_one, swept_in_blocks
from tests.pruning.least_squares_problems import activations, masks, problems, sums, weights


def exactly(columns: Floats, gram: Gram, among: Mask, keep: int) -> Mask:
    return largest(removal_costs(columns, gram, among), keep, among=among)


def in_blocks(columns: Floats, gram: Gram, among: Mask, keep: int) -> Mask:
    return select_in_blocks(columns, gram, among, keep)[1]


Selection = Callable[[Floats, Gram, Mask, int], Mask]
SELECTIONS = pytest.mark.parametrize("select", [exactly, in_blocks, select_alternating])


@given(st.integers(0, 2**16), st.data())
@settings(max_examples=30)
def test_exact_removal_is_one_by_one(seed: int, data: st.DataObject) -> None:
    """Against removals tried one at a time, each time solved anew; lazy updates of three removals or of all."""
    x, columns = activations(1, 40, 6, seed), weights(1, 6, 2, seed)
    y = activations(1, 40, 6, seed + 1) @ columns
    gram, keep = sums(x, y), data.draw(st.integers(0, 12))
    damping = DAMPING * float(np.diagonal(gram.xx[0]).mean())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pruning.second_order._LAZY", data.draw(st.sampled_from([1, 3, 32])))
        found = exactly(columns, gram, np.ones_like(columns, bool), keep)
    # Around the best values, as the costs are: from there on, "now" no longer matters but for its damping.
    expected = removed_one_by_one(
        np.asarray(x[0], np.float64), np.asarray(y[0], np.float64), np.asarray(columns[0], np.float64), keep, damping
    )
    np.testing.assert_array_equal(found[0], expected)


@given(st.integers(0, 2**16), st.sampled_from([3, 4, 20]), st.data())
@settings(max_examples=50)
def test_blocks_are_swept_in_order(seed: int, block: int, data: st.DataObject) -> None:
    """Against inverses of what is still ahead, taken anew for each input."""
    x, columns = activations(1, 60, 12, seed), weights(1, 12, 3, seed)
    gram, among = sums(x, activations(1, 60, 12, seed + 1) @ columns), masks(columns, 0.8, seed)
    keep = data.draw(st.integers(0, int(among.sum())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pruning.second_order_blocked._BLOCK", block)
        patch.setattr("pruning.second_order_blocked._SMALL", 5)
        found = in_blocks(columns, gram, among, keep)
    hessian = gram.xx[0] + DAMPING * np.diagonal(gram.xx[0]).mean() * np.eye(12)
    best = refit(columns, gram, among, solver="exact")[0]
    np.testing.assert_array_equal(found[0], swept_in_blocks(hessian, best, among[0], keep, block))


@SELECTIONS
@given(problem=problems(), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=40)
def test_as_many_as_asked_and_only_from_among(
    select: Selection, problem: tuple[Floats, Gram], seed: int, data: st.DataObject
) -> None:
    columns, gram = problem
    among = masks(columns, 0.7, seed)
    keep = data.draw(st.integers(0, int(among.sum())))
    kept = select(np.where(among, columns, 0), gram, among, keep)
    assert kept.sum() == keep
    assert not (kept & ~among).any()


@SELECTIONS
def test_they_explain_more_than_the_largest_magnitudes(select: Selection) -> None:
    """200 inputs, so two blocks; on samples that none of them has seen."""
    columns = weights(1, 200, 16, 0)
    x, unseen = (activations(1, 2000, 200, seed) for seed in (1, 2))
    gram, held_out = sums(x, x @ columns), sums(unseen, unseen @ columns)
    among = np.ones_like(columns, bool)
    keep = columns.size // 5
    chosen, by_size = select(columns, gram, among, keep), largest_magnitudes(columns, keep)
    left, baseline = (held_out.residual(refit(columns, gram, mask)).sum() for mask in (chosen, by_size))
    assert left < 0.85 * baseline


def test_alternating_directions_find_what_removals_find() -> None:
    columns = weights(1, 120, 12, 0)
    x = activations(1, 2000, 120, 1)
    gram, among = sums(x, x @ columns), np.ones_like(columns, bool)
    exact, alternating = (
        gram.residual(refit(columns, gram, select(columns, gram, among, 400))).sum()
        for select in (exactly, select_alternating)
    )
    assert alternating <= 1.1 * exact


@SELECTIONS
def test_dead_inputs_go_first(select: Selection) -> None:
    columns = weights(2, 20, 4, 0)
    x = activations(2, 100, 20, 1, dead=True)
    kept = select(columns, sums(x, x @ columns), np.ones_like(columns, bool), 64)
    assert not kept[:, ::5].any()
    nothing = sums(np.zeros_like(x), np.zeros((2, 100, 4), np.float32))
    assert select(columns, nothing, np.ones_like(columns, bool), 64).sum() == 64


@pytest.mark.parametrize("select", [exactly, select_alternating])
def test_a_weight_that_the_others_can_make_up_for_goes(select: Selection) -> None:
    """Input 2 is the sum of inputs 0 and 1: its large weight goes, and theirs take over."""
    x = activations(1, 500, 4, 0)
    x[:, :, 2] = x[:, :, 0] + x[:, :, 1]
    columns = np.array([[[0.1], [0.1], [1.0], [0.6]]], np.float32)
    gram = sums(x, x @ columns)
    kept = select(columns, gram, np.ones_like(columns, bool), 2)
    tried = {
        (a, b): gram.residual(refit(columns, gram, np.isin(np.arange(4), (a, b))[None, :, None])).sum()
        for a in range(4)
        for b in range(a)
    }
    best = min(tried, key=lambda pair: tried[pair])
    assert sorted(np.flatnonzero(kept)) == sorted(best)
