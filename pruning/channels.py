"""Which channels can a network do without, when the weights that read the others make up for them?

A channel that no layer reads need not be computed: the filter that makes it goes, with its MACs and the words of its
feature map, which no zero weight alone would stop from moving. The layers that read it are refitted by least squares on
the channels that stay, so that a channel is worth what the others cannot say in its place.

Which go is Optimal Brain Surgeon's rule for a group of weights. Around the least-squares answer, taking out the weights
W_g that read a channel costs tr(W_g' ([H⁻¹]_gg)⁻¹ W_g), where H = X'X + damping I, with all others of the layer making
up for them; the cheapest goes, H⁻¹ and W are brought up to date, and so on. The costs of several layers that read the
same channels are shares of what each puts out, added. Channel pruning by reconstruction is He, Zhang, Sun, "Channel
Pruning for Accelerating Very Deep Neural Networks", ICCV 2017; they choose by a lasso.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.network import Channel, Floats, PrunableNetwork
from pruning.refit import DAMPING, refit
from pruning.samples import Gram, Indices, Mask, as_filters
from simulator.spec.layer import Layer

_MOST_INPUTS = 8192
"""Of a filter, for its inverse to be found: 0.5 GB."""
_ONE_BY_ONE = 512
"""Of more channels, one in so many goes at each step: each step looks at all that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSet:
    """Channels that the same layers read, each as many times: they are chosen among one another.

    readers  layers, each with the times
    """

    readers: tuple[tuple[str, int], ...]
    channels: tuple[Channel, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(layer for layer, _ in self.readers)

    @property
    def makers(self) -> tuple[str, ...]:
        """Layers that make any of them."""
        return tuple(dict.fromkeys(layer for each in self.channels for layer, _ in each.makers))

    @property
    def name(self) -> str:
        return " + ".join(self.layers)

    def read_by(self, layer: str) -> Indices:
        """(channels, times): the layer's ifmap channels."""
        return np.array([[index for name, index in each.readers if name == layer] for each in self.channels])


def channel_sets(network: PrunableNetwork) -> tuple[ChannelSet, ...]:
    """Of all channels that may be taken out and are still read."""
    gone = set(unread(network))
    sets: dict[tuple[tuple[str, int], ...], list[Channel]] = {}
    for at, channel in enumerate(network.channels):
        if at not in gone:
            layers = [layer for layer, _ in channel.readers]
            readers = tuple((layer, layers.count(layer)) for layer in dict.fromkeys(layers))
            sets.setdefault(readers, []).append(channel)
    return tuple(ChannelSet(readers=readers, channels=tuple(found)) for readers, found in sets.items())


def unread(network: PrunableNetwork) -> tuple[int, ...]:
    """Places in network.channels of those that no layer reads, or that only such channels are made of.

    A layer keeps one filter, whatever is read of it.
    """
    weights = {layer.name: network.weights(layer.name) for layer in network.layers}
    reads: dict[str, Mask] = {name: (each != 0).any(axis=(2, 3)) for name, each in weights.items()}
    alive = {name: np.ones(len(each), bool) for name, each in weights.items()}
    gone: dict[int, None] = {}
    found = True
    while found:
        found = False
        for at, channel in enumerate(network.channels):
            if at in gone or any(reads[layer][alive[layer], index].any() for layer, index in channel.readers):
                continue
            if all(alive[layer].sum() > 1 for layer, _ in channel.makers):
                found, gone[at] = True, None
                for layer, index in channel.makers:
                    alive[layer][index] = False
    return tuple(gone)


def without_unread(network: PrunableNetwork) -> dict[str, Floats]:
    """Layers whose filters make a channel that no layer reads, with those filters zero."""
    gone: dict[str, list[int]] = {}
    for at in unread(network):
        for layer, index in network.channels[at].makers:
            gone.setdefault(layer, []).append(index)
    weights: dict[str, Floats] = {}
    for layer, filters in gone.items():
        now = network.weights(layer)
        if now[filters].any():
            weights[layer] = now.copy()
            weights[layer][filters] = 0
    return weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """A layer that reads a set's channels.

    columns  its weights, (inputs, outputs); gram: the sums of its least-squares problem
    words    (channels, k): the inputs that each channel is
    """

    layer: Layer
    columns: Floats
    gram: Gram
    words: Indices


def words_of(layer: Layer, read_by: Indices) -> Indices:
    """Inputs of a filter, of one group, that these ifmap channels are: (channels, times) to (channels, k)."""
    each = layer.R * layer.S
    return (read_by[:, :, None] * each + np.arange(each)).reshape(len(read_by), -1)


def removal_order(readings: Sequence[Reading]) -> list[int]:
    """A set's channels, the cheapest to remove first; one is left and comes last."""
    eliminations = [_Elimination(reading) for reading in readings if reading.gram.yy.any()]
    left = np.arange(len(readings[0].words))
    order = []
    while len(left) > 1:
        costs = sum((each.costs(left) for each in eliminations), np.zeros(len(left)))
        cheapest = np.argsort(costs, kind="stable")[: max(1, len(left) // _ONE_BY_ONE)]
        for each in eliminations:
            each.remove(left[cheapest])
        order.extend(left[cheapest].tolist())
        left = np.delete(left, cheapest)
    return [*order, *left.tolist()]


def magnitude_order(network: PrunableNetwork, channels: Sequence[Channel]) -> list[int]:
    """The channels of the smallest filters first, by the sum of magnitudes: Li et al., "Pruning Filters for Efficient
    ConvNets", ICLR 2017."""
    makers = {layer for each in channels for layer, _ in each.makers}
    sizes = {layer: np.abs(network.weights(layer)).sum(axis=(1, 2, 3)) for layer in makers}
    sums = [sum(float(sizes[layer][at]) for layer, at in each.makers) for each in channels]
    return sorted(range(len(sums)), key=lambda at: sums[at])


def without(readings: Sequence[Reading], gone: Sequence[int], *, refits: bool = True) -> dict[str, Floats]:
    """The readers' weights, (M, C, R, S), when these channels of the set are no longer read."""
    weights = {}
    for reading in readings:
        kept = reading.columns != 0
        kept[reading.words[list(gone)].ravel()] = False
        fitted = np.where(kept, reading.columns, 0)[None]
        if refits:
            fitted = refit(reading.columns[None], reading.gram, kept[None])
        weights[reading.layer.name] = as_filters(fitted, reading.layer.filter_shape)
    return weights


class _Elimination:
    """One layer's inverse sums and best weights, as channels go."""

    def __init__(self, reading: Reading) -> None:
        gram, columns = reading.gram, reading.columns[None]
        self._words = reading.words
        self._weights = refit(columns, gram, columns != 0)[0]
        self._whole = float(gram.yy.sum())
        self._makes_up = len(gram.xx[0]) <= _MOST_INPUTS
        self._sums = gram.xx[0]
        if self._makes_up:
            damped = gram.xx[0].copy()
            damped[np.diag_indices_from(damped)] += DAMPING * float(np.diagonal(damped).mean())
            self._sums = np.linalg.inv(damped)

    def costs(self, left: Indices) -> NDArray[np.float64]:
        """Of each channel, as a share of what the layer puts out; where the inverse is too large, with no others making
        up for it."""
        words = self._words[left]
        blocks, weights = self._sums[words[:, :, None], words[:, None, :]], self._weights[words]
        met = np.linalg.solve(blocks, weights) if self._makes_up else blocks @ weights
        costs: NDArray[np.float64] = np.einsum("gko,gko->g", weights, met, dtype=np.float64, optimize=False)
        return costs / self._whole

    def remove(self, channels: Indices) -> None:
        words = self._words[channels].ravel()
        if self._makes_up:
            ahead = self._sums[:, words]
            factor = np.linalg.solve(self._sums[np.ix_(words, words)], np.hstack([self._weights[words], ahead.T]))
            outputs = self._weights.shape[1]
            self._weights -= ahead @ factor[:, :outputs]
            self._sums -= ahead @ factor[:, outputs:]
        self._weights[words] = 0
