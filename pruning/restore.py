"""Which removed weights would bring a layer's output closest to the original's again?

A weight is given back at its value w. Alone it lowers ‖Y − X A‖² by 2 w c − w² X'X_ii, where c is what its input and
the output's error have in common. Two removed weights whose products cancel leave nothing in the error and stay away; a
small weight that nothing cancels comes back. The scores hold for one weight: weights of correlated inputs explain the
same error, so they come back in rounds, c computed anew for each.

Scoring each by its own best value instead, c² / X'X_ii, leaves 1.2 to 2.2 times the residual after least squares: when
activations share a factor it takes many weights that explain the same thing. The norm is p = 2, which makes the score a
sum over the samples. That of the energy-aware pruning paper (Yang, Chen, Sze, CVPR 2017) is not published where we
could see it, nor is the share of weights that come back.
"""

import numpy as np

from pruning.magnitude import largest
from pruning.samples import Floats, Gram, Mask

ROUNDS = 4


def restore(columns: Floats, gram: Gram, kept: Mask, count: int, *, among: Mask, rounds: int = ROUNDS) -> Mask:
    """Marks `kept` and `count` more weights of `among`, those whose absence hurts the outputs most.

    Columns hold the weights before any was removed; all are (G, inputs, outputs).
    """
    kept = kept.copy()
    lengths = np.einsum("gii->gi", gram.xx)[:, :, None]
    for ends in range(1, rounds + 1):
        back = count * ends // rounds - count * (ends - 1) // rounds
        scores = gram.correlation(np.where(kept, columns, 0))
        scores *= 2 * columns
        scores -= columns**2 * lengths
        kept |= largest(scores, back, among=among & ~kept)
    return kept
