"""What does pruning ask of a trained network? Its layers, their weights, what they read, and its scores."""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from simulator.spec.layer import Layer

Floats = NDArray[np.float32]


class PrunableNetwork(Protocol):
    """A trained network whose CONV and FC weights may be replaced. Never changed: `with_weights` gives another."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In order of execution, N = 1."""

    def weights(self, layer: str) -> Floats:
        """A layer's filters, (M, C/G, R, S). An FC layer's are (M, C, H, W), with R = H and S = W."""

    def with_weights(self, weights: Mapping[str, Floats]) -> Self:
        """The network with these layers' weights replaced; the others are shared."""

    def layer_inputs(self, layers: Sequence[str], images: Floats) -> dict[str, Floats]:
        """What these layers of this network read on the images: each (N, C, H, W), before padding."""

    def scores(self, images: Floats) -> Floats:
        """(N, classes); the largest is the class that the network chooses."""
