"""Which weights of a large layer matter least, with the others free to make up for each? One inverse for all outputs.

The form of Frantar, Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot", ICML 2023:
inputs are decided in order, a block at a time; what a dropped weight leaves is made up for by the inputs after it. The
inverse of X'X + damping I without the inputs already decided is, for every output, a corner of one triangular factor.
How many weights each block keeps is decided at the start, by what each weight of the layer would cost if it went alone.
"""

import numpy as np

from pruning.magnitude import largest
from pruning.refit import DAMPING, refit
from pruning.samples import Floats, Gram, Mask

_BLOCK = 128
"""Inputs decided together."""
_SMALL = 128
"""Triangles up to this size are inverted as they are."""


def select_in_blocks(
    columns: Floats, gram: Gram, among: Mask, keep: int, *, damping: float = DAMPING
) -> tuple[Floats, Mask]:
    """The `keep` weights of `among` that stay, and their mask. All (G, inputs, outputs), zero outside the mask."""
    best = refit(columns, gram, among, damping=damping)
    factors = [_inverse_factor(xx, damping) for xx in gram.xx]
    alone = np.stack([(factor**2).sum(axis=0) for factor in factors])  # the diagonal of each inverse
    budget = largest(best**2 / alone[:, :, None], keep, among=among)
    kept = np.zeros_like(among)
    for group, factor in enumerate(factors):
        best[group], kept[group] = _sweep(best[group], factor, among[group], budget[group])
    return best, kept


def _sweep(weights: Floats, factor: Floats, among: Mask, budget: Mask) -> tuple[Floats, Mask]:
    """Decides one group's inputs in order; each block keeps as many weights as its part of `budget` marks."""
    weights, kept = weights.copy(), np.zeros_like(among)
    for start in range(0, len(weights), _BLOCK):
        block = slice(start, start + _BLOCK)
        costs = (weights[block] / np.diagonal(factor)[block, None]) ** 2
        kept[block] = largest(costs, int(budget[block].sum()), among=among[block])
        dropped = _drop(weights[block], factor[block, block], kept[block])
        weights[start + _BLOCK :] -= factor[block, start + _BLOCK :].T @ dropped
    return np.where(kept, weights, 0), kept


def _drop(weights: Floats, factor: Floats, kept: Mask) -> Floats:
    """Drops a block's weights that are not kept and corrects, in place, those after each; what later blocks make up."""
    dropped = np.zeros_like(weights)
    for place in range(len(weights)):
        dropped[place] = np.where(kept[place], 0, weights[place] / factor[place, place])
        weights[place:] -= factor[place, place:, None] * dropped[place]
    return dropped


def _inverse_factor(xx: Floats, damping: float) -> Floats:
    """U, upper triangular, with U'U the inverse of X'X + damping I: from the Cholesky factor of the reversed matrix."""
    reversed_ = xx[::-1, ::-1].copy()
    reversed_[np.diag_indices_from(reversed_)] += damping * float(np.diagonal(xx).mean()) or 1.0
    return _inverse_of_triangle(np.linalg.cholesky(reversed_))[::-1, ::-1]


def _inverse_of_triangle(lower: Floats) -> Floats:
    """The inverse of a lower triangular matrix, by halves: half a matrix product's work on the large ones."""
    if len(lower) <= _SMALL:
        return np.linalg.inv(lower)
    half = len(lower) // 2
    inverse = np.zeros_like(lower)
    inverse[:half, :half] = _inverse_of_triangle(lower[:half, :half])
    inverse[half:, half:] = _inverse_of_triangle(lower[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (lower[half:, :half] @ inverse[:half, :half])
    return inverse
