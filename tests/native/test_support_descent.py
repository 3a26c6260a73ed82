"""Does each output get the solution of its own system of equations, and never one that is worse than none?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native.support_descent import Descent


def descent(x: np.ndarray, rank: int) -> Descent:
    """Sums of x (samples, inputs), and as many strong factors; goes on until next to nothing is won."""
    xx = (x.T @ x).astype(np.float32)
    strengths, directions = np.linalg.eigh(xx.astype(np.float64))
    strongest = slice(len(xx) - rank, None)
    factors = directions[:, strongest] * np.sqrt(np.maximum(strengths[strongest], 0))
    damping = 0.01 * float(np.diagonal(xx).mean()) or 1.0
    spread = np.maximum(np.diagonal(xx) - (factors**2).sum(axis=1), 0) + damping
    return Descent(
        xx=xx,
        factors=np.ascontiguousarray(factors, np.float32),
        spread=spread.astype(np.float32),
        damping=damping,
        enough=1e-12,
        least_left=1,
        most_steps=300,
    )


def exact(problem: Descent, support: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(outputs, inputs), in double precision."""
    solved = np.zeros(support.shape)
    for output, kept in enumerate(support):
        system = problem.xx[np.ix_(kept, kept)].astype(np.float64) + problem.damping * np.eye(kept.sum())
        solved[output, kept] = np.linalg.solve(system, wanted[output, kept].astype(np.float64))
    return solved


@settings(deadline=None)
@given(st.data())
def test_against_linear_algebra(data: st.DataObject) -> None:
    """Supports from none to all; dead inputs, equal ones, fewer samples than inputs."""
    inputs, outputs, samples = (data.draw(st.integers(1, most)) for most in (30, 5, 40))
    rank, seed = data.draw(st.integers(0, min(9, inputs))), data.draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.standard_normal((samples, inputs)) + 0.5, 0).astype(np.float32)
    if data.draw(st.booleans()):
        x[:, ::3] = 0
    if data.draw(st.booleans()):
        x[:, 1::4] = x[:, :1]
    problem = descent(x, rank)
    support = rng.random((outputs, inputs)) < data.draw(st.floats(0, 1))
    wanted = (rng.standard_normal((outputs, samples)) @ x).astype(np.float32)
    best = exact(problem, support, wanted)
    found = problem.solve(support, wanted, (wanted * best).sum(axis=1))
    assert not found[~support].any()
    np.testing.assert_allclose(found, best, atol=1e-3 * np.abs(best).max() + 1e-6)


@pytest.mark.parametrize("kept", [0, 1, 3, 4, 5, 8, 9])
def test_supports_of_each_size(kept: int) -> None:
    """Rows are taken in fours: what is left over counts too, and a support may be empty beside one that is not."""
    rng = np.random.default_rng(kept)
    x = rng.standard_normal((20, 12)).astype(np.float32)
    problem, wanted = descent(x, 3), rng.standard_normal((2, 12)).astype(np.float32)
    support = np.zeros((2, 12), bool)
    support[0, rng.permutation(12)[:kept]] = support[1, 2:5] = True
    found = problem.solve(support, wanted, np.ones(2))
    np.testing.assert_allclose(found, exact(problem, support, wanted), atol=1e-6)


def test_an_output_is_the_same_alone_and_beside_others() -> None:
    rng = np.random.default_rng(0)
    problem = replace(descent(rng.standard_normal((50, 40)), 5), enough=1e-3)
    support, wanted = rng.random((7, 40)) < 0.5, rng.standard_normal((7, 40)).astype(np.float32)
    together = problem.solve(support, wanted, np.ones(7))
    alone = [problem.solve(support[o : o + 1], wanted[o : o + 1], np.ones(1))[0] for o in range(7)]
    np.testing.assert_array_equal(together, alone)


def test_it_stops_when_a_step_wins_little() -> None:
    """Less is done for the same problem where little is asked, and nothing without steps."""
    rng = np.random.default_rng(0)
    problem = descent(np.maximum(rng.standard_normal((50, 40)), 0), 0)
    support, wanted = np.ones((1, 40), bool), rng.standard_normal((1, 40)).astype(np.float32)
    best = exact(problem, support, wanted)
    residual = (wanted * best).sum(axis=1)
    one, rough, fine = (
        np.abs(replace(problem, enough=enough).solve(support, wanted, residual) - best).max()
        for enough in (1.0, 1e-2, 1e-6)
    )
    assert one > 2 * rough > 8 * fine > 0
    assert not replace(problem, most_steps=0).solve(support, wanted, residual).any()


def test_what_leaves_single_precision_changes_nothing() -> None:
    """An output whose solution is no number stays as it was; the one beside it is solved."""
    rng = np.random.default_rng(0)
    problem = descent(rng.standard_normal((50, 8)) * 1e-6, 2)
    wanted = np.stack([np.full(8, 1e38), np.full(8, 1e-12)]).astype(np.float32)
    found = problem.solve(np.ones((2, 8), bool), wanted, np.ones(2))
    assert not found[0].any()
    assert found[1].all()


def test_words_of_another_kind_are_refused() -> None:
    problem = descent(np.ones((3, 4), np.float32), 1)
    with pytest.raises(ValueError, match="C-contiguous float32 words"):
        replace(problem, xx=problem.xx.astype(np.float64))
    with pytest.raises(ValueError, match=r"sums \(4, 4\), factors \(3, 1\)"):
        replace(problem, factors=problem.factors[:3])
    with pytest.raises(ValueError, match="damping 0 must be above zero"):
        replace(problem, damping=0)
    with pytest.raises(ValueError, match=r"support \(1, 3\)"):
        problem.solve(np.ones((1, 3), bool), np.ones((1, 3), np.float32), np.ones(1))
