"""Which weights go while the others are trained? Those that the loss would miss least for the energy that they take.

A weight w that is taken out costs about w²F/2, F being the mean square of the loss's gradient by it (Optimal Brain
Damage, LeCun et al., NeurIPS 1989, with the empirical Fisher information for the second derivative). F of a weight is
noisy; it is taken as the product of what the weight's output and its inputs come to on average, as Adafactor does
(Shazeer, Stern, ICML 2018). That over the energy that one weight of its layer takes is held against one threshold for
all layers, which rises until so much energy is gone: cubically, as in Zhu, Gupta, "To prune, or not to prune", 2017.

A weight that is out still learns, from the gradient where it is zero, and comes back when the others turn out to cost
less: Lin et al., "Dynamic Model Pruning with Feedback", ICLR 2020. Weights that were zero at first stay so. New here:
the energy that a weight takes is its price, which decides how much each layer loses.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from simulator.errors import PruningError

REACHED, SETTLED = 0.5, 0.8
"""Shares of the steps: when all energy is gone, and from when on no weight changes sides."""
_INTERVAL = 16
"""Steps between two choices."""
_MEMORY = 0.98
"""Of the mean square of gradients, from one step to the next."""


@dataclass(slots=True, kw_only=True, eq=False)
class Thinned:
    """A parameter that loses weights.

    price   energy that each weight takes
    stays   weights that may be other than zero
    here    weights that are, at present
    away    values of those that are not, zero elsewhere
    square  mean square of the gradient
    """

    parameter: nn.Parameter
    price: Tensor
    stays: Tensor = field(init=False)
    here: Tensor = field(init=False)
    away: Tensor = field(init=False)
    square: Tensor = field(init=False)

    def __post_init__(self) -> None:
        values = self.parameter.detach()
        self.stays = values != 0
        self.here = self.stays.clone()
        self.away = torch.zeros_like(values)
        self.square = torch.zeros_like(values)

    def learn(self) -> None:
        """From the gradient of the step that is about to be taken."""
        assert self.parameter.grad is not None
        self.square.mul_(_MEMORY).addcmul_(self.parameter.grad, self.parameter.grad, value=1 - _MEMORY)

    def ratios(self) -> Tensor:
        """What the loss would miss of each weight for the energy that it takes; infinite where it takes none."""
        values = self.parameter.detach()
        flat = self.square.flatten(1)
        by_output, by_input = flat.mean(1), flat.mean(0)
        mean = by_output.mean().clamp_min(torch.finfo(flat.dtype).tiny)
        curvature = (by_output[:, None] * (by_input / mean)).view_as(values)
        return (values.square() * curvature / self.price).masked_fill_(self.price == 0, torch.inf)


class GradualPruning:
    """Goes along with a training. energy: what is to go, in the unit of the prices."""

    def __init__(self, parameters: Sequence[Thinned], energy: float) -> None:
        """Raises PruningError if all weights together take less."""
        self._parameters = list(parameters)
        self._energy = energy
        self._steps = 0
        takes = sum(float(each.price[each.stays].double().sum()) for each in self._parameters)
        if not energy < takes:
            raise PruningError(
                f"fine-tuning: gradual pruning is to take out weights for an energy of {energy:.4g}, and all that are "
                f"left take {takes:.4g}; ask for less"
            )

    @contextmanager
    def step(self, done: float) -> Iterator[None]:
        """Around the optimizer's step, when that share of all steps is done: weights that are out take part in it."""
        for each in self._parameters:
            if done < SETTLED:
                each.learn()
                each.parameter.data.add_(each.away)
        yield
        self._steps += 1
        if done < SETTLED and self._steps % _INTERVAL == 0:
            self._choose(self._energy * (1 - (1 - min(1.0, done / REACHED)) ** 3))
        for each in self._parameters:
            if done < SETTLED:
                each.away = each.parameter.data * ~each.here
            each.parameter.data.mul_(each.here)

    def _choose(self, energy: float) -> None:
        """The weights of the least ratios go, until they take that much together."""
        ratios = torch.cat([each.ratios()[each.stays] for each in self._parameters])
        prices = torch.cat([each.price[each.stays] for each in self._parameters])
        order = torch.sort(ratios, stable=True).indices
        count = int(torch.searchsorted(prices[order].double().cumsum(0), energy)) + 1 if energy else 0
        is_here = torch.ones(len(order), dtype=torch.bool)
        is_here[order[:count]] = False
        parts = torch.split(is_here, [int(each.stays.sum()) for each in self._parameters])
        for each, part in zip(self._parameters, parts, strict=True):
            each.here[each.stays] = part
