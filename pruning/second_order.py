"""Which weights matter least, with the others free to make up for each? Optimal Brain Surgeon, layer by layer.

Around the weights that explain the samples best, removing weight w of an output costs w² / [H⁻¹]_ii at the best the
other weights can do about it, where H = X'X + damping I. The exact form removes one weight after the other, each
output's order its own, then takes the cheapest removals over all outputs: Frantar, Singh, Alistarh, "Optimal Brain
Compression", NeurIPS 2022. It needs an inverse for each output, inputs³ operations; second_order_blocked.py shares one.

What the exact form leaves is what `refit` finds on the same support, so selection is all that is done here for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.least_squares import equal_supports
from pruning.refit import DAMPING, refit
from pruning.samples import Floats, Gram, Indices, Mask

_LAZY = 32
"""Removals whose updates of the inverse are applied together, as one product of matrices."""
_BATCH_WORDS = 1 << 24
"""Words of the inverses of outputs that are worked on together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removals:
    """The order in which each output's weights go. Both (outputs, weights): the inputs, and what each removal costs."""

    inputs: Indices
    costs: Floats


def removal_costs(columns: Floats, gram: Gram, among: Mask, *, damping: float = DAMPING) -> NDArray[np.float64]:
    """What each weight of `among` costs when its turn comes; any number of the largest is what stays of the layer.

    All are (G, inputs, outputs). The cheapest next removal of all outputs, again and again, takes the weights in the
    order of the highest cost of their output so far, which is what is given.
    """
    costs = np.zeros(columns.shape)
    best = refit(columns, gram, among, damping=damping, solver="exact")
    for group, xx in enumerate(gram.xx):
        absolute = damping * float(np.diagonal(xx).mean())
        for kept, outputs in equal_supports(among[group]):
            system = xx[np.ix_(kept, kept)]
            system[np.diag_indices_from(system)] += absolute or 1.0
            inverse = np.linalg.inv(system)
            batch = max(1, _BATCH_WORDS // kept.size**2)
            for some in np.split(outputs, range(batch, outputs.size, batch)):
                gone = removal_order(best[group][np.ix_(kept, some)].T, inverse)
                # Where a removal costs less than one before it, the order still decides.
                later = (1 + 1e-12) ** np.arange(kept.size)
                highest = np.maximum.accumulate(gone.costs / later, axis=1) * later
                costs[group, kept[gone.inputs], some[:, None]] = highest
    return costs


def removal_order(weights: Floats, inverse: Floats) -> Removals:
    """Removes every weight of each output, the cheapest first. weights (outputs, inputs), around the best; one H⁻¹.

    The inverse of H without an input is H⁻¹ after one step of elimination there, so this is a pivoted Cholesky
    factorisation of H⁻¹ for each output, the pivot chosen by the cost.
    """
    outputs, inputs = weights.shape
    left = np.broadcast_to(np.arange(inputs), weights.shape)
    inverses = np.broadcast_to(inverse, (outputs, inputs, inputs))
    order, costs = np.empty(weights.shape, np.int64), np.empty(weights.shape)
    for start in range(0, inputs, _LAZY):
        some = slice(start, min(start + _LAZY, inputs))
        gone, costs[:, some], weights, factors = _remove_some(weights, inverses, some.stop - start)
        order[:, some] = np.take_along_axis(left, gone, axis=1)
        stay = _complement(gone, left.shape[1])
        left, weights = np.take_along_axis(left, stay, axis=1), np.take_along_axis(weights, stay, axis=1)
        factors = np.take_along_axis(factors, stay[:, :, None], axis=1)
        inverses = inverses[np.arange(outputs)[:, None, None], stay[:, :, None], stay[:, None, :]]
        inverses -= factors @ factors.swapaxes(1, 2)
    return Removals(inputs=order, costs=costs)


def _remove_some(weights: Floats, inverses: Floats, removals: int) -> tuple[Indices, Floats, Floats, Floats]:
    """The next removals of each output: places, costs, the weights after them, factors F (H⁻¹ − F F' is left)."""
    outputs, inputs = weights.shape
    every = np.arange(outputs)
    weights, diagonal = weights.copy(), np.diagonal(inverses, axis1=1, axis2=2).copy()
    places, costs = np.empty((outputs, removals), np.int64), np.empty((outputs, removals))
    factors = np.zeros((outputs, inputs, removals), weights.dtype)
    gone = np.zeros(weights.shape, bool)
    for step in range(removals):
        cost = np.where(gone, np.inf, weights**2 / diagonal)
        place = cost.argmin(axis=1)
        places[:, step], costs[:, step] = place, cost[every, place]
        pivot = diagonal[every, place]
        seen = factors[:, :, :step]
        column = inverses[every, place] - (seen @ seen[every, place][:, :, None])[:, :, 0]
        weights -= column * (weights[every, place] / pivot)[:, None]
        factors[:, :, step] = column / np.sqrt(pivot)[:, None]
        diagonal = np.maximum(diagonal - factors[:, :, step] ** 2, np.finfo(diagonal.dtype).tiny)
        gone[every, place] = True
    return places, costs, weights, factors


def _complement(places: Indices, inputs: int) -> Indices:
    """Of each row, the places not named, in order."""
    stay = np.ones((len(places), inputs), bool)
    np.put_along_axis(stay, places, False, axis=1)
    return np.nonzero(stay)[1].reshape(len(places), -1)
