"""Which weights are the largest? The fast first cut of a layer, and the baseline of a whole network."""

from collections.abc import Mapping

import numpy as np

from pruning.samples import Floats, Mask
from simulator.errors import PruningError


def largest(scores: Floats, keep: int, *, among: Mask | None = None) -> Mask:
    """Marks the `keep` largest scores, of those in `among`; of equal scores the first by index.

    Exactly `keep` are marked. Any shape; the scores must be numbers.
    """
    possible = scores.size if among is None else int(among.sum())
    if not 0 <= keep <= possible:
        raise PruningError(f"{keep} weights to keep of {possible}; ask for a number from 0 to {possible}")
    flat = scores.ravel() if among is None else scores[among]
    chosen = np.zeros(flat.size, bool)
    if keep:
        least = np.partition(flat, flat.size - keep)[flat.size - keep]
        chosen = flat > least
        tied = np.flatnonzero(flat == least)
        chosen[tied[: keep - int(chosen.sum())]] = True
    if among is None:
        return chosen.reshape(scores.shape)
    marked = np.zeros(scores.shape, bool)
    marked[among] = chosen
    return marked


def largest_magnitudes(weights: Floats, keep: int) -> Mask:
    """Marks the `keep` weights of largest magnitude. Zero weights are marked last, but they are weights."""
    return largest(np.abs(weights), keep)


def largest_of_network(weights: Mapping[str, Floats], keep: int) -> dict[str, Mask]:
    """One threshold for all layers: the `keep` largest magnitudes of the network, by layer name.

    As in Han et al., "Learning both Weights and Connections for Efficient Neural Networks", NeurIPS 2015, with one
    threshold instead of one a layer. Ties: layers in the order given, then by index.
    """
    flat = np.concatenate([np.abs(layer).ravel() for layer in weights.values()])
    ends = np.cumsum([layer.size for layer in weights.values()])
    parts = np.split(largest(flat, keep), ends[:-1])
    return {name: part.reshape(layer.shape) for part, (name, layer) in zip(parts, weights.items(), strict=True)}
