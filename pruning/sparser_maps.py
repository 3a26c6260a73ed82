"""How does training bring about zeros in feature maps, where they save most energy? By what this adds to the loss.

Of the n values x of a feature map, at least (Σ|x|)² / (n Σx²) are a share that is not zero (Cauchy and Schwarz; equal
where all of them are equally large). That falls only if some values shrink more than others: to shrink all, as a
penalty on Σ|x| would, gains nothing, and BatchNormalization would undo it. Hoyer's measure of sparsity, squared; for
activations Kurtz et al., ICML 2020. New here: each layer's ifmap counts by the energy that the layer takes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_LEAST_SQUARE = 1e-12
"""For maps that are zero throughout."""


class MapDensities:
    """Watches a module in training: after each forward pass, `term` is the sum of the densities' lower bounds, each
    times its layer's share of the energy; between 0 and 1.

    shares  of submodules by name: of the first tensor that each is called with. The network's own input, which training
            cannot change, is left out
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._shares = shares
        self._seen: list[Tensor] = []

    @contextmanager
    def watching(self, module: nn.Module) -> Iterator[None]:
        hooks = [
            module.get_submodule(name).register_forward_pre_hook(lambda _, given, share=share: self._see(given, share))
            for name, share in self._shares.items()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def term(self) -> Tensor:
        """Of the last forward pass; each is asked for once."""
        seen, self._seen = self._seen, []
        return torch.stack(seen).sum() if seen else torch.zeros(())

    def _see(self, given: tuple[Any, ...], share: float) -> None:
        if given[0].requires_grad:
            self._seen.append(share * least_density(given[0]))


def least_density(maps: Tensor) -> Tensor:
    """The least share of the values, of a whole batch, that is not zero. Over single images it would be steep where one
    has next to no values left."""
    summed = torch.promote_types(maps.dtype, torch.float32)
    absolute, square = (torch.linalg.vector_norm(maps, order, dtype=summed).square() for order in (1, 2))
    return absolute / (square * maps.numel() + _LEAST_SQUARE)
