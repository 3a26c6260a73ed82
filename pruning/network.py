"""What does pruning ask of a trained network? Its layers, their weights, what they read, and its scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from simulator.spec.layer import Layer

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel that layers hand on, and that may be taken out of the network when no layer reads it.

    makers   layers that make it, each with the filter that does
    readers  layers that read it, each with the channel of its ifmap; a layer of one group
    """

    makers: tuple[tuple[str, int], ...]
    readers: tuple[tuple[str, int], ...]


class PrunableNetwork(Protocol):
    """A trained network whose CONV and FC weights may be replaced. Never changed: `with_weights` gives another."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In order of execution, N = 1."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that may be taken out. None where the network keeps all that it has."""

    def weights(self, layer: str) -> Floats:
        """A layer's filters, (M, C/G, R, S). An FC layer's are (M, C, H, W), with R = H and S = W."""

    def with_weights(self, weights: Mapping[str, Floats]) -> Self:
        """The network with these layers' weights replaced; the others are shared."""

    def prepared(self, layer: str) -> Self:
        """The same network, made for scoring the same images again and again with other weights in this layer alone."""

    def changes(self) -> Mapping[str, NDArray[Any]]:
        """All in which it differs from the network as it was loaded, by names of its own."""

    def with_changes(self, changes: Mapping[str, NDArray[Any]]) -> Self:
        """The network as it was loaded, with these changes and no others."""

    def layer_inputs(self, layers: Sequence[str], images: Floats) -> dict[str, Floats]:
        """What these layers of this network read on the images: each (N, C, H, W), before padding."""

    def scores(self, images: Floats) -> Floats:
        """(N, classes); the largest is the class that the network chooses."""
