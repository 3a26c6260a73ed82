"""Two FC layers in numpy that classify as they did before pruning: accuracy 1 at the start, no file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pruning.network import Channel, Floats
from simulator.spec.layer import Layer

LAYERS = (
    Layer(name="first", N=1, M=24, C=16, H=1, W=1, R=1, S=1, from_input=True),
    Layer(name="second", N=1, M=5, C=24, H=1, W=1, R=1, S=1),
)


@dataclass(frozen=True, eq=False)
class SmallNetwork:
    """first, ReLU, second."""

    held: Mapping[str, Floats]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return LAYERS

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(Channel(makers=(("first", at),), readers=(("second", at),)) for at in range(24))

    def weights(self, layer: str) -> Floats:
        return self.held[layer]

    def with_weights(self, weights: Mapping[str, Floats]) -> "SmallNetwork":
        return SmallNetwork({**self.held, **weights})

    def prepared(self, layer: str) -> "SmallNetwork":
        assert layer in self.held
        return self

    def changes(self) -> Mapping[str, Floats]:
        return self.held

    def with_changes(self, changes: Mapping[str, Floats]) -> "SmallNetwork":
        return SmallNetwork(changes)

    def layer_inputs(self, layers: Sequence[str], images: Floats) -> dict[str, Floats]:
        hidden = np.maximum(images.reshape(len(images), -1) @ self.held["first"].reshape(24, -1).T, 0)
        maps = {"first": images, "second": hidden.reshape(-1, 24, 1, 1)}
        return {layer: maps[layer] for layer in layers}

    def scores(self, images: Floats) -> Floats:
        hidden = self.layer_inputs(["second"], images)["second"].reshape(len(images), -1)
        return np.asarray(hidden @ self.held["second"].reshape(5, -1).T, np.float32)


def small_network(seed: int = 0) -> SmallNetwork:
    rng = np.random.default_rng(seed)
    return SmallNetwork({layer.name: rng.standard_normal(layer.filter_shape).astype(np.float32) for layer in LAYERS})


def small_images(count: int, seed: int = 1) -> Floats:
    """Correlated, as images are: 16 words from 6 factors."""
    rng = np.random.default_rng(seed)
    words = np.maximum(rng.standard_normal((count, 6)) @ np.random.default_rng(99).standard_normal((6, 16)), 0)
    return words.astype(np.float32).reshape(count, 16, 1, 1)


class Agreement:
    """Accuracy: the share of images on which a network chooses what the first one did."""

    def __init__(self, network: SmallNetwork, images: Floats) -> None:
        self._images, self._labels = images, network.scores(images).argmax(axis=1)

    def __call__(self, network: SmallNetwork) -> float:
        return float((network.scores(self._images).argmax(axis=1) == self._labels).mean())


def energy_of(network: SmallNetwork) -> dict[str, float]:
    """A unit a weight, and what maps cost: first takes most."""
    fixed = {"first": 50.0, "second": 10.0}
    return {name: fixed[name] + float(np.count_nonzero(network.weights(name))) for name in fixed}
