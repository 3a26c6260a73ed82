"""What are a layer's weights after pruning to a number of words? The steps of each method, put together.

Every method takes the words it keeps from those that are not zero yet, so the masks of successive calls nest.
"""

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pruning.alternating import select_alternating
from pruning.magnitude import largest, largest_magnitudes
from pruning.refit import refit
from pruning.restore import restore
from pruning.samples import Floats, Gram, Mask, as_filters, columns_of
from pruning.second_order import removal_costs
from pruning.second_order_blocked import select_in_blocks
from simulator.errors import PruningError
from simulator.spec.layer import Layer

RESTORED_SHARE = 0.3
"""Of the weights kept, how many come back after magnitude has removed them."""
_MOST_EXACT_INPUTS = 1024
"""Words a filter may have left for exact second-order removal: each output has an inverse of its own."""


class Method(StrEnum):
    """How a layer is pruned. All but MAGNITUDE refit what they keep by least squares; they differ in what that is.

    ENERGY_AWARE  the largest, then those that the output misses most: steps 2 to 4 of energy-aware pruning
    SECOND_ORDER  those that the inverse Hessian says cost most, the others making up for each
    ALTERNATING   support and values together

    GLOBAL_MAGNITUDE has one threshold for the whole network, so that layers are not pruned one by one.
    """

    MAGNITUDE = "magnitude"
    GLOBAL_MAGNITUDE = "global-magnitude"
    ENERGY_AWARE = "energy-aware"
    SECOND_ORDER = "second-order"
    ALTERNATING = "alternating"


def prune_layer(layer: Layer, weights: Floats, gram: Gram, keep: int, method: Method) -> NDArray[np.float32]:
    """The layer's weights, (M, C/G, R, S), with only `keep` of those that are not zero now; the others are zero.

    Where the samples say nothing, weights stay what they are. So do all kept of a layer whose inputs are always
    zero; it loses its smallest, but ENERGY_AWARE restores those that come first. Where many answers are as good (fewer
    samples than a filter has weights, inputs that depend on one another) the refitted one is near the old weights.

    Raises PruningError for weights or sums of another layer, NaN or infinite weights, more weights to keep than are
    left, and a method that does not prune layers by themselves.
    """
    return layer_pruner(layer, weights, gram, method)(keep)


def layer_pruner(layer: Layer, weights: Floats, gram: Gram, method: Method) -> Callable[[int], NDArray[np.float32]]:
    """`prune_layer` to any number of weights; what it needs of the sums is found once. Inputs and outputs that have no
    weight left, as where channels went, are left out of the problem."""
    if method is Method.GLOBAL_MAGNITUDE:
        raise PruningError(f"{layer.name}: {method} is of a whole network; give another method for one layer")
    columns = np.ascontiguousarray(columns_of(layer, weights))  # in the order of the sums, which they are met with
    if columns.shape != gram.xy.shape:
        raise PruningError(f"{layer.name}: sums for weights of shape {gram.xy.shape}; the layer has {columns.shape}")
    left = int(np.count_nonzero(columns))
    groups = np.arange(len(columns))
    inputs, outputs = np.flatnonzero(columns.any(axis=(0, 2))), np.flatnonzero(columns.any(axis=(0, 1)))
    alive, sums = columns[np.ix_(groups, inputs, outputs)], gram.of(inputs, outputs)

    def pruned_to(keep: int) -> NDArray[np.float32]:
        if not 0 <= keep <= left:
            raise PruningError(f"{layer.name}: {keep} weights to keep of {left} that are not zero; keep 0 to {left}")
        if not left:
            return as_filters(columns, weights.shape)
        kept = _select(alive, sums, keep, method)
        pruned = np.zeros_like(columns)
        pruned[np.ix_(groups, inputs, outputs)] = (
            np.where(kept, alive, 0) if method is Method.MAGNITUDE else refit(alive, sums, kept)
        )
        return as_filters(pruned, weights.shape)

    return pruned_to


def _select(columns: Floats, gram: Gram, keep: int, method: Method) -> Mask:
    """(G, inputs, outputs): the words that stay."""
    left = columns != 0
    if method is Method.MAGNITUDE:
        return largest_magnitudes(columns, keep)
    if method is Method.ENERGY_AWARE:
        back = round(RESTORED_SHARE * keep)
        return restore(columns, gram, largest_magnitudes(columns, keep - back), back, among=left)
    if method is Method.ALTERNATING:
        return select_alternating(columns, gram, left, keep)
    if left.sum(axis=1).max() <= _MOST_EXACT_INPUTS:
        return largest(removal_costs(columns, gram, left), keep, among=left)
    return select_in_blocks(columns, gram, left, keep)[1]
