"""Pruning one layer as loops: windows word by word, least squares on the samples themselves, removals one at a time."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from simulator.spec.layer import Layer

Array = NDArray[np.float64]


def window(layer: Layer, inputs: np.ndarray, position: int) -> Array:
    """(G, inputs): what the filters of each group see at one position, (image * E + row) * F + column."""
    image, row, column = position // (layer.E * layer.F), position // layer.F % layer.E, position % layer.F
    channels = layer.C // layer.G
    words = np.zeros((layer.G, channels, layer.R, layer.S))
    for group, channel, r, s in product(range(layer.G), range(channels), range(layer.R), range(layer.S)):
        h, w = row * layer.U + r - layer.padding[0], column * layer.V + s - layer.padding[1]
        if 0 <= h < layer.H and 0 <= w < layer.W:
            words[group, channel, r, s] = inputs[image, group * channels + channel, h, w]
    return words.reshape(layer.G, -1)


def damped_fit(x: Array, y: Array, now: Array, support: np.ndarray, damping: float) -> Array:
    """One output's words that minimise ‖y − x a‖² + damping ‖a − now‖² on the support: ordinary least squares with a
    row more for each word."""
    kept = np.flatnonzero(support)
    rows = np.vstack([x[:, kept], np.sqrt(damping) * np.eye(kept.size)])
    fitted = np.zeros_like(now)
    fitted[kept] = np.linalg.lstsq(rows, np.concatenate([y, np.sqrt(damping) * now[kept]]), rcond=None)[0]
    return fitted


def objective(x: Array, y: Array, now: Array, support: np.ndarray, damping: float) -> float:
    """The least that a support can leave of an output; words that are gone count with their damping too."""
    fitted = damped_fit(x, y, now, support, damping)
    return float(((y - x @ fitted) ** 2).sum() + damping * ((fitted - now) ** 2).sum())


def swept_in_blocks(hessian: Array, weights: Array, among: np.ndarray, keep: int, block: int) -> np.ndarray:
    """(inputs, outputs): what stays when inputs are decided in order, a block at a time, and each word that goes is
    made up for by the inputs after it, by the inverse of their part of the Hessian. The words that a block keeps are as
    many as the cheapest single removals would leave it."""
    alone = np.where(among, weights**2 / np.diag(np.linalg.inv(hessian))[:, None], -1)
    budget = np.isin(np.arange(weights.size), np.argsort(-alone, axis=None)[:keep]).reshape(weights.shape)
    weights, kept = weights.copy(), np.zeros_like(among)
    inverses = [np.linalg.inv(hessian[place:, place:]) for place in range(len(weights))]
    for start in range(0, len(weights), block):
        places = range(start, min(start + block, len(weights)))
        costs = {
            (place, output): weights[place, output] ** 2 / inverses[place][0, 0]
            for place, output in product(places, range(weights.shape[1]))
            if among[place, output]
        }
        for chosen in sorted(costs, key=lambda one: -costs[one])[: int(budget[places].sum())]:
            kept[chosen] = True
        for place in places:
            dropped = np.where(kept[place], 0, weights[place]) / inverses[place][0, 0]
            weights[place:] -= inverses[place][:, :1] * dropped
    return kept


def removed_one_by_one(x: Array, y: Array, now: Array, keep: int, damping: float) -> np.ndarray:
    """(inputs, outputs): what stays when each time the word goes without which the layer does best. Solved anew for
    each word of each output."""
    support = np.ones(now.shape, bool)
    while support.sum() > keep:
        rises = {}
        for word, output in zip(*np.nonzero(support), strict=True):
            fewer = support[:, output].copy()
            fewer[word] = False
            before, after = (
                objective(x, y[:, output], now[:, output], some, damping) for some in (support[:, output], fewer)
            )
            rises[word, output] = after - before
        support[min(rises, key=lambda place: rises[place])] = False
    return support
