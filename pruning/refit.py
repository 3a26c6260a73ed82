"""What should the kept weights of a layer become? Closed-form least squares on the surviving support.

Minimises ‖Y − X A‖² + damping ‖A − A_now‖² of every output over the weights kept, the others at zero. The damping is a
share of the mean of xx's diagonal. It makes every problem solvable (dead inputs, fewer samples than kept weights) and
keeps weights that the samples say little about where they are. Because A_now costs nothing, the minimum's residual is
at most that of A_now: a refit never worsens the residual on its own samples.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pruning.conjugate_gradient import descend_supports, operations_of_a_step
from pruning.least_squares import equal_supports, solve_supports, unless_worse
from pruning.samples import Floats, Gram, Mask
from simulator.errors import PruningError

Solver = Literal["auto", "exact", "iterative"]

DAMPING = 0.01
"""Of the mean of xx's diagonal; the share that OBC and SparseGPT add to their Hessians."""
_STEPS = 10
"""Steps expected of the iterative solver when its work is compared to the exact one's."""


def refit(columns: Floats, gram: Gram, kept: Mask, *, damping: float = DAMPING, solver: Solver = "auto") -> Floats:
    """The kept weights by least squares, the others exactly zero. All (G, inputs, outputs).

    "exact" solves one system of equations for each different support, "iterative" descends all outputs together and
    stops within a small share of the same residual; "auto" takes what needs fewer operations, by sizes alone.
    """
    if damping <= 0:
        raise PruningError(f"damping {damping}; give a number above zero, so that singular activations can be solved")
    fitted = np.where(kept, columns, 0).astype(gram.xx.dtype, copy=False)
    correlation = gram.correlation(fitted)
    residual = gram.yy - np.einsum("gio,gio->go", fitted, correlation + gram.xy, dtype=np.float64, optimize=False)
    for group, xx in enumerate(gram.xx):
        absolute = damping * float(np.diagonal(xx).mean())
        if absolute > 0:  # else the layer's inputs are all dead, and every weight is as good
            fitted[group] += _change(xx, correlation[group], kept[group], absolute, residual[group], solver)
    return fitted


def _change(
    xx: Floats, correlation: Floats, kept: Mask, damping: float, residual: NDArray[np.float64], solver: Solver
) -> Floats:
    """What to add to the weights of one group; zero for outputs whose residual would rise."""
    if solver == "exact" or (solver == "auto" and _exact_is_cheaper(kept)):
        return unless_worse(xx, correlation, solve_supports(xx, correlation, kept, damping))
    return descend_supports(xx, correlation, kept, damping, np.maximum(residual, 0))


def _exact_is_cheaper(kept: Mask) -> bool:
    exact = sum(2 / 3 * float(support.size**3) for support, _ in equal_supports(kept))
    return exact <= _STEPS * operations_of_a_step(kept)
