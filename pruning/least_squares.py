"""What do the kept weights of each output become, solved exactly? One system of equations for each support."""

from collections.abc import Iterator

import numpy as np

from pruning.samples import Floats, Indices, Mask


def solve_supports(xx: Floats, wanted: Floats, support: Mask, damping: float) -> Floats:
    """Solves (xx + damping I) D = wanted for each output on its support; D is zero elsewhere.

    xx (inputs, inputs) positive semi-definite, damping above zero; wanted, support and D (inputs, outputs).
    """
    solved = np.zeros_like(wanted)
    for kept, outputs in equal_supports(support):
        system = xx[np.ix_(kept, kept)]
        system[np.diag_indices_from(system)] += damping
        solved[np.ix_(kept, outputs)] = np.linalg.solve(system, wanted[np.ix_(kept, outputs)])
    return solved


def unless_worse(xx: Floats, wanted: Floats, change: Floats) -> Floats:
    """The change D, zero for outputs whose residual it would raise; all (inputs, outputs), and D is overwritten.

    ‖Y − X(A + D)‖² − ‖Y − XA‖² = D'(xxD − 2 wanted), where wanted = X'(Y − XA): it holds whatever the solver did.
    """
    slope = xx @ change
    slope -= wanted
    slope -= wanted
    change[:, np.einsum("io,io->o", change, slope, dtype=np.float64, optimize=False) > 0] = 0
    return change


def equal_supports(support: Mask) -> Iterator[tuple[Indices, Indices]]:
    """Each different support that is not empty: its inputs, and the outputs that have it, all in order."""
    outputs_of: dict[bytes, list[int]] = {}
    for output, bits in enumerate(np.packbits(support.T, axis=1)):
        outputs_of.setdefault(bits.tobytes(), []).append(output)
    for outputs in outputs_of.values():
        kept = np.flatnonzero(support[:, outputs[0]])
        if kept.size:
            yield kept, np.array(outputs)
