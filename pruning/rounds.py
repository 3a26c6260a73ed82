"""What is a pruning run told, and what does a round prune, in which order?

A round visits units: layers, the channels that some layers read, or the whole network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pruning.channels import channel_sets
from pruning.layer_methods import Method
from pruning.network import PrunableNetwork
from pruning.shares import Shares
from simulator.spec.layer import Layer

Units = Mapping[str, tuple[str, ...]]
"""By its name, the layers of each."""

ALL_LAYERS = "all layers"
"""The unit where the whole network is pruned at once."""


class Order(StrEnum):
    """Which layer comes first."""

    ENERGY = "energy"
    MACS = "macs"
    WEIGHTS = "weights"
    INPUT = "input"
    """From the network's input to its output."""
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to stop, at whichever comes first: below an accuracy, or at an energy, in energy_of's unit."""

    min_accuracy: float
    target_energy: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to prune.

    shares         which layers may lose how much of what a round may
    samples        positions of each layer's ofmap that a refit looks at: with few of them for each input of a filter it
                   learns them by heart
    loss_a_round   certainty (accuracy, if there is no certainty_of) that a round may lose before fine-tuning, 0 to 1
    channel_loss   the same for a round that takes channels; loss_a_round, if not given
    takes_back     a round that fine-tuning leaves below the limit is taken back; if not, the run goes on from there, as
                   later rounds train too
    rounds         the most there may be, if there is such a number
    channel_rounds so many rounds, the first, take whole channels and not single weights; the network must be one that
                   has channels to take out (OnnxNetwork.load with narrows). Without fine-tuning such a round may lose
                   half of what is left to lose
    """

    method: Method = Method.ENERGY_AWARE
    order: Order = Order.ENERGY
    shares: Shares = Shares.ENERGY
    samples: int = 16_384
    seed: int = 0
    loss_a_round: float = 0.03
    channel_loss: float | None = None
    takes_back: bool = True
    rounds: int | None = None
    channel_rounds: int = 0

    def loss_of(self, *, takes_channels: bool) -> float:
        """What the first round of its kind may lose before fine-tuning."""
        return self.channel_loss if takes_channels and self.channel_loss is not None else self.loss_a_round

    def depth_of(self, one: "Round") -> float:
        """Of a fine-tuned round: 1, or less after rounds that fine-tuning could not save."""
        return one.loss / self.loss_of(takes_channels=one.takes_channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round starts from.

    loss            accuracy that it may lose
    layers          what its steps prune: layers, or `ALL_LAYERS`; if it takes channels, the layers that read them,
                    joined by " + "
    floors          of each of those in order, the accuracy, or certainty, that must be left after it
    removed         weights that its steps removed so far
    takes_channels  whole channels, not single weights
    """

    number: int
    loss: float
    layers: tuple[str, ...]
    floors: tuple[float, ...]
    removed: int
    takes_channels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """So many weights kept in the step's layer, or channels that it reads, and what the network was judged by then:
    accuracy, or certainty in a round that is trained."""

    kept: int
    measured: float


def units_of(network: PrunableNetwork, kept: Mapping[str, int], plan: Plan, *, takes_channels: bool) -> Units:
    """What a round may prune of a network with so many weights in each layer."""
    if takes_channels:
        return {each.name: (*each.layers, *each.makers) for each in channel_sets(network)}
    if plan.method is Method.GLOBAL_MAGNITUDE:
        return {ALL_LAYERS: tuple(kept)}
    return {layer.name: (layer.name,) for layer in network.layers if kept[layer.name] > 1}


def ordered(
    units: Units,
    layers: tuple[Layer, ...],
    plan: Plan,
    number: int,
    *,
    energy: Mapping[str, float],
    kept: Mapping[str, int],
) -> tuple[str, ...]:
    """Units in the order of the plan, by the layers of each; of equals the first in the network.

    number        of the round, which draws a random order
    energy, kept  of each layer: energy that counts, weights that are left
    """
    found = {layer.name: (at, layer) for at, layer in enumerate(layers)}
    names = list(units)
    drawn = np.random.default_rng((plan.seed, number - 1)).permutation(len(names)).tolist()
    key: dict[Order, Callable[[str], float]] = {
        Order.ENERGY: lambda name: -energy[name],
        Order.MACS: lambda name: -found[name][1].macs,
        Order.WEIGHTS: lambda name: -kept[name],
        Order.INPUT: lambda name: found[name][0] / len(found),
    }
    if plan.order is Order.RANDOM:
        return tuple(names[at] for at in np.argsort(drawn))
    of = key[plan.order]
    return tuple(sorted(names, key=lambda name: sum(of(layer) for layer in units[name])))
