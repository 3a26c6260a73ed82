"""Which weights to remove so that energy falls and accuracy holds. `prune` is handed both as functions of a network."""

from pruning.layer_methods import Method
from pruning.loop import PruningStep, answer, prune
from pruning.rounds import Limits, Order, Plan
from pruning.shares import Shares

__all__ = ["Limits", "Method", "Order", "Plan", "PruningStep", "Shares", "answer", "prune"]
