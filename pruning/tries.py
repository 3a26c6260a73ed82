"""Which networks does one step of pruning try? One for each number of weights, or of channels, that it may keep."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from pruning.channels import (
    ChannelSet,
    Reading,
    channel_sets,
    magnitude_order,
    removal_order,
    without,
    words_of,
)
from pruning.layer_methods import Method, layer_pruner
from pruning.magnitude import largest_magnitudes, largest_of_network
from pruning.network import Floats, PrunableNetwork
from pruning.samples import Gram, columns_of, draw_positions, images_for, layer_gram
from simulator.spec.layer import Layer

Network = TypeVar("Network", bound=PrunableNetwork)

_TRIES = 20
_KEPT, _CHANNELS_KEPT = 0.8, 0.93
"""Of a step's weights, or channels, that are left, the share that each finer try keeps: the deepest keeps 0.8**20,
about 1 %, of the weights, 0.93**20, 23 %, of the channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries(Generic[Network]):
    """What a step may keep, the most first, and the weights that change for each; the network is prepared for them."""

    network: Network
    numbers: tuple[int, ...]
    weights_for: Callable[[int], Mapping[str, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench(Generic[Network]):
    """What tries are made of.

    network    as pruned so far
    reference  its layers' outputs are what layers are fitted to
    images     (N, C, H, W): layers are fitted on them
    samples    positions of a layer's ofmap
    """

    network: Network
    reference: Network
    images: Floats
    method: Method
    samples: int
    seed: int

    def of_layer(self, name: str) -> Tries[Network]:
        """One layer with fewer weights."""
        weights = self.network.weights(name)
        if self.method is Method.MAGNITUDE:  # asks for no sums
            pruned_to: Callable[[int], Floats] = partial(_largest, weights)
        else:
            pruned_to = layer_pruner(self._layer(name), weights, self._gram(name), self.method)
        return Tries(
            network=self.network.prepared(name),
            numbers=_numbers(int(np.count_nonzero(weights)), _KEPT),
            weights_for=lambda keep: {name: pruned_to(keep)},
        )

    def of_network(self) -> Tries[Network]:
        """All layers with fewer weights, by one threshold."""
        weights = {layer.name: self.network.weights(layer.name) for layer in self.network.layers}

        def made(keep: int) -> Mapping[str, Floats]:
            masks = largest_of_network(weights, keep)
            return {name: np.where(mask, weights[name], np.float32(0)) for name, mask in masks.items()}

        left = sum(int(np.count_nonzero(each)) for each in weights.values())
        return Tries(network=self.network, numbers=_numbers(left, _KEPT), weights_for=made)

    def of_channels(self, name: str) -> Tries[Network]:
        """The layers of the set of that name, which read fewer of its channels."""
        chosen = next(each for each in channel_sets(self.network) if each.name == name)
        readings = [self._reading(layer, chosen) for layer in chosen.layers]
        is_magnitude = self.method in (Method.MAGNITUDE, Method.GLOBAL_MAGNITUDE)
        order = magnitude_order(self.network, chosen.channels) if is_magnitude else removal_order(readings)
        network = self.network.prepared(chosen.layers[0]) if len(readings) == 1 else self.network
        return Tries(
            network=network,
            numbers=_numbers(len(order), _CHANNELS_KEPT),
            weights_for=lambda keep: without(readings, order[: len(order) - keep], refits=not is_magnitude),
        )

    def _reading(self, name: str, chosen: ChannelSet) -> Reading:
        layer = self._layer(name)
        columns = np.ascontiguousarray(columns_of(layer, self.network.weights(name)))[0]
        words = words_of(layer, chosen.read_by(name))
        return Reading(layer=layer, columns=columns, gram=self._gram(name), words=words)

    def _layer(self, name: str) -> Layer:
        return next(layer for layer in self.network.layers if layer.name == name)

    def _gram(self, name: str) -> Gram:
        """Inputs of the network as pruned so far; outputs that the reference makes of its own."""
        layer, reference = self._layer(name), self.reference
        images = self.images[: images_for(layer, self.samples)]
        now = self.network.layer_inputs([name], images)[name]
        original = now if self.network is reference else reference.layer_inputs([name], images)[name]
        positions = draw_positions(layer, len(images), self.samples, self.seed)
        return layer_gram(layer, now, positions, original_inputs=original, original_weights=reference.weights(name))


def _largest(weights: Floats, keep: int) -> Floats:
    return np.where(largest_magnitudes(weights, keep), weights, np.float32(0))


def _numbers(left: int, kept: float) -> tuple[int, ...]:
    found = {max(1, round(left * kept**depth)) for depth in range(1, _TRIES + 1)} - {left}
    return tuple(sorted(found, reverse=True))
