"""Are the kept weights the least-squares ones, and never worse than before?"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.least_squares import solve_supports
from pruning.refit import DAMPING, Solver, refit
from pruning.samples import Floats, Gram
from simulator.errors import PruningError
from tests.oracles.pruning_layer import damped_fit
from tests.pruning.least_squares_problems import activations, masks, problems, sums, weights

solvers: st.SearchStrategy[Solver] = st.sampled_from(["exact", "iterative", "auto"])


@given(problems(), solvers, st.floats(0, 1), st.integers(0, 99))
def test_a_refit_never_worsens_the_residual(
    problem: tuple[Floats, Gram], solver: Solver, share: float, seed: int
) -> None:
    columns, gram = problem
    kept = masks(columns, share, seed)
    fitted = refit(columns, gram, kept, solver=solver)
    before, after = gram.residual(np.where(kept, columns, 0)), gram.residual(fitted)
    rounding = 1e-9 * (gram.yy + np.einsum("gio,gij,gjo->go", fitted, gram.xx, fitted))
    assert (after <= before + rounding + 1e-9).all()


@given(problems(), solvers, st.floats(0, 1), st.integers(0, 99))
def test_weights_outside_the_mask_are_zero(
    problem: tuple[Floats, Gram], solver: Solver, share: float, seed: int
) -> None:
    columns, gram = problem
    kept = masks(columns, share, seed)
    assert not refit(columns, gram, kept, solver=solver)[~kept].any()


@given(st.integers(0, 2**16), st.sampled_from([5, 40, 200]), st.booleans(), solvers)
def test_against_least_squares_on_the_samples(seed: int, samples: int, dead: bool, solver: Solver) -> None:
    x, columns = activations(1, samples, 20, seed, dead=dead), weights(1, 20, 5, seed)
    y = activations(1, samples, 20, seed + 1) @ columns
    gram, kept = sums(x, y), masks(columns, 0.5, seed)
    fitted = refit(columns, gram, kept, solver=solver)
    damping = DAMPING * float(np.diagonal(gram.xx[0]).mean())
    for output in range(5):
        now = np.where(kept[0, :, output], columns[0, :, output], 0).astype(np.float64)
        best = damped_fit(
            np.asarray(x[0], np.float64), np.asarray(y[0, :, output], np.float64), now, kept[0, :, output], damping
        )
        left = float(((y[0, :, output] - x[0] @ best) ** 2).sum())
        found = float(((y[0, :, output] - x[0] @ fitted[0, :, output]) ** 2).sum())
        if solver == "exact":
            np.testing.assert_allclose(fitted[0, :, output], best, atol=1e-3 * np.abs(best).max() + 1e-6)
        assert found <= 1.01 * left + 1e-4 * gram.yy[0, output]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_the_iterative_solver_is_within_one_percent(share: float) -> None:
    """200 inputs, 64 outputs, by themselves or in blocks of 24: the residual is what counts, not the weights."""
    x, columns = activations(1, 1000, 200, 3), weights(1, 200, 64, 4)
    gram, kept = sums(x, x @ columns), masks(columns, share, 5)
    exact = gram.residual(refit(columns, gram, kept, solver="exact"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pruning.conjugate_gradient._BLOCK_OUTPUTS", 24)
        iterative = gram.residual(refit(columns, gram, kept, solver="iterative"))
    assert (iterative <= 1.01 * exact).all()
    assert exact.sum() < 0.5 * gram.residual(np.where(kept, columns, 0)).sum()


def test_outputs_of_unlike_supports_are_each_within_one_percent() -> None:
    """Fewer samples than inputs, 5 % to 95 % kept: some outputs leave a thousandth of others, and take more steps."""
    x, columns = activations(1, 250, 400, 3), weights(1, 400, 40, 4)
    gram = sums(x, x @ columns)
    kept = np.random.default_rng(5).random(columns.shape) < np.linspace(0.05, 0.95, 40)
    exact, iterative = (gram.residual(refit(columns, gram, kept, solver=solver)) for solver in ("exact", "iterative"))
    assert (iterative <= 1.01 * exact).all()
    assert exact.min() < 1e-3 * exact.max()


@pytest.mark.parametrize(
    ("share", "same_support", "solver"), [(0.3, False, "exact"), (0.9, False, "iterative"), (0.9, True, "exact")]
)
def test_the_solver_follows_from_sizes(share: float, same_support: bool, solver: Solver) -> None:
    """One support for all outputs is one system of equations; many large ones are descended together."""
    x, columns = activations(1, 100, 60, 0), weights(1, 60, 300, 0)
    gram, kept = sums(x, x @ columns), masks(columns, share, 0)
    if same_support:
        kept = np.broadcast_to(kept[:, :, :1], kept.shape)
    chosen, other = (refit(columns, gram, kept, solver=each) for each in (solver, opposite(solver)))
    found = refit(columns, gram, kept)
    np.testing.assert_array_equal(found, chosen)
    assert (found != other).any()


def opposite(solver: Solver) -> Solver:
    return "iterative" if solver == "exact" else "exact"


def test_the_iterative_solver_knows_the_damping() -> None:
    """Fewer samples than inputs and much damping: both solvers stay near the weights as they were."""
    x, columns = activations(1, 30, 60, 0), weights(1, 60, 8, 0)
    gram, kept = sums(x, activations(1, 30, 60, 1) @ columns), masks(columns, 0.8, 0)
    exact, iterative, free = (
        refit(columns, gram, kept, damping=damping, solver=solver) for damping, solver in CASES_OF_DAMPING
    )
    far = np.abs(free - exact).max()
    assert np.abs(iterative - exact).max() < 0.05 * far


CASES_OF_DAMPING: tuple[tuple[float, Solver], ...] = ((1.0, "exact"), (1.0, "iterative"), (0.001, "exact"))


def test_a_solver_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As rounding may make it, for some outputs: those stay as they were."""
    x, columns = activations(1, 50, 10, 0), weights(1, 10, 4, 0)
    gram, kept = sums(x, activations(1, 50, 10, 1) @ columns), masks(columns, 0.7, 0)
    right = refit(columns, gram, kept, solver="exact")

    def fails(*problem: Any) -> Floats:
        solved: Floats = solve_supports(*problem) * np.array([1, -1, 1, 100])
        return solved

    monkeypatch.setattr("pruning.refit.solve_supports", fails)
    found = refit(columns, gram, kept, solver="exact")
    np.testing.assert_array_equal(found[:, :, [0, 2]], right[:, :, [0, 2]])
    np.testing.assert_array_equal(found[:, :, [1, 3]], np.where(kept, columns, 0)[:, :, [1, 3]])


def test_dead_inputs_keep_their_weights() -> None:
    x, columns = activations(1, 50, 10, 0, dead=True), weights(1, 10, 3, 0)
    gram = sums(x, activations(1, 50, 10, 1) @ columns)
    fitted = refit(columns, gram, np.ones_like(columns, bool))
    np.testing.assert_allclose(fitted[:, ::5], columns[:, ::5], rtol=1e-5)
    all_dead = sums(np.zeros_like(x), np.zeros((1, 50, 3), np.float32))
    np.testing.assert_array_equal(refit(columns, all_dead, columns > 0), np.where(columns > 0, columns, 0))


def test_damping_must_be_above_zero() -> None:
    columns = weights(1, 4, 2, 0)
    x = activations(1, 9, 4, 0)
    with pytest.raises(PruningError, match="damping 0; give a number above zero"):
        refit(columns, sums(x, x @ columns), columns != 0, damping=0)


def test_the_same_bits_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 outputs are seven calls of the kernel."""
    columns = weights(1, 80, 100, 0)
    gram, kept = sums(activations(1, 90, 80, 0), activations(1, 90, 80, 1) @ columns), masks(columns, 0.3, 0)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, threads=threads: set(range(threads)))
        found.append(refit(columns, gram, kept, solver="iterative"))
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != np.where(kept, columns, 0)).any(axis=1).all()


def test_the_same_twice() -> None:
    columns = weights(1, 80, 40, 0)
    gram = sums(activations(1, 90, 80, 0), activations(1, 90, 80, 1) @ columns)
    first, second = (refit(columns, gram, masks(columns, 0.3, 0), solver="iterative") for _ in range(2))
    np.testing.assert_array_equal(first, second)
