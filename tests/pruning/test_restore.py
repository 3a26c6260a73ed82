"""Do the weights come back that the output misses most?"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pruning.magnitude import largest_magnitudes
from pruning.restore import restore
from pruning.samples import Floats, Gram
from tests.pruning.least_squares_problems import activations, masks, problems, sums


@given(problems(), st.integers(0, 99), st.data())
def test_as_many_as_asked_and_only_from_among(problem: tuple[Floats, Gram], seed: int, data: st.DataObject) -> None:
    columns, gram = problem
    kept, among = masks(columns, 0.3, seed), masks(columns, 0.8, seed + 1)
    count = data.draw(st.integers(0, int((among & ~kept).sum())))
    restored = restore(columns, gram, kept, count, among=among)
    assert restored.sum() == kept.sum() + count
    assert restored[kept].all()
    assert not (restored & ~kept & ~among).any()


@given(problems(), st.integers(0, 99))
def test_the_first_is_the_one_with_least_residual(problem: tuple[Floats, Gram], seed: int) -> None:
    """Tried one by one."""
    columns, gram = problem
    kept = masks(columns, 0.5, seed)
    if kept.all():
        return

    def residual(mask: np.ndarray) -> float:
        return float(gram.residual(np.where(mask, columns, 0)).sum())

    tried = []
    for place in zip(*np.nonzero(~kept), strict=True):
        more = kept.copy()
        more[place] = True
        tried.append(residual(more))
    found = residual(restore(columns, gram, kept, 1, among=np.ones_like(kept)))
    assert found <= min(tried) + 1e-5 * gram.yy.sum() + 1e-6


def test_large_weights_that_cancel_stay_away() -> None:
    """Inputs 0 and 1 move together with weights of 0.4 and −0.4; the weight of 0.3 that nothing cancels comes back."""
    x = activations(1, 500, 4, 0)
    x[:, :, 1] = x[:, :, 0]
    columns = np.array([[[0.4], [-0.4], [0.3], [1.0]]], np.float32)
    gram = sums(x, x @ columns)
    largest_two = largest_magnitudes(columns, 2)
    assert not largest_two[0, 2, 0]
    restored = restore(columns, gram, largest_magnitudes(columns, 1), 1, among=columns != 0)
    np.testing.assert_array_equal(restored[0, :, 0], [False, False, True, True])
    by_magnitude, by_output = (gram.residual(np.where(mask, columns, 0)).sum() for mask in (largest_two, restored))
    assert by_output < 1e-3 * by_magnitude


def test_rounds_see_what_came_back_before() -> None:
    """Two inputs that explain the same error come back one after the other: the second is no longer worth it."""
    x = activations(1, 500, 3, 0)
    x[:, :, 1] = x[:, :, 0]
    x[:, :, 2] *= 0.5
    columns = np.ones((1, 3, 1), np.float32)
    y = x[:, :, [0]] + x[:, :, [2]]
    nothing = np.zeros_like(columns, bool)
    in_rounds = restore(columns, sums(x, y), nothing, 2, among=~nothing, rounds=2)
    at_once = restore(columns, sums(x, y), nothing, 2, among=~nothing, rounds=1)
    assert in_rounds[0, :, 0].tolist() == [True, False, True]
    assert at_once[0, :, 0].tolist() == [True, True, False]
