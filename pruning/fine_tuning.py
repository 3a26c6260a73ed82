"""How are the weights that pruning left trained further, together? By back-propagation in torch; zeros stay zeros.

The network that is pruned is an ONNX file; what is trained is a torch module that holds the same values under names of
its own. Values go over before each training and come back after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pruning.gradual import GradualPruning, Thinned
from pruning.network import Floats
from pruning.onnx_network import OnnxNetwork
from pruning.sparser_maps import MapDensities
from simulator.errors import PruningError

Batches = Iterable[tuple[Tensor, Tensor]]
"""An epoch of (images, labels), anew at each iteration; a DataLoader is one."""
Epochs = Callable[[int], None]
"""Told the number of epochs that are done."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Of images and labels."""


class Measures(Protocol):
    """Energy, in one unit; simulated_energy.Energies."""

    def of(self, network: OnnxNetwork) -> Mapping[str, float]:
        """Of each layer."""

    def prices(self, network: OnnxNetwork) -> Mapping[str, Floats]:
        """Of each layer, what each weight takes: (M, C/G, R, S)."""


_MOMENTUM = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How to train: SGD with Nesterov's momentum, the rate falling linearly to zero in each round.

    epochs         a round
    warm_up        share of a round's steps, the first, in which the rate rises from zero, below 1
    threads        of torch; another number may sum in another order
    bfloat16       multiply in bfloat16: faster where the processor has it
    distillation   share of the loss that is how far the scores are from those of the network before it was pruned, 0 to
                   1; the labels have the rest
    temperature    what scores are divided by before distillation compares them, so that the classes not chosen count
                   too: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015
    sparser_maps   what the loss is charged for dense feature maps, each by the energy of the layer that reads it
                   (sparser_maps.py); 0 for the loss of the labels alone
    gradual        share of the energy that weights are taken out for while the others train (gradual.py), 0 to 1
    """

    epochs: int
    learning_rate: float = 0.01
    warm_up: float = 0.0
    weight_decay: float = 5e-4
    seed: int = 0
    threads: int = 1
    bfloat16: bool = False
    distillation: float = 0.0
    temperature: float = 2.0
    sparser_maps: float = 0.0
    gradual: float = 0.0

    def of_depth(self, depth: float) -> "Tuning":
        """For a round that is less deep: that share of what training takes out."""
        return replace(self, gradual=self.gradual * depth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trainable:
    """A module that computes what a network does.

    names    of the network's initializers that may change, each with the name of its value in the module's state
    readers  of the network's layers, each with the name of a submodule that is called with the layer's ifmap
    dropouts names of Dropout submodules, each with that of the network's layer that is called next
    teacher  the module as it was at first, which distillation asks
    """

    module: nn.Module
    names: Mapping[str, str]
    readers: Mapping[str, str]
    dropouts: Mapping[str, str] = field(default_factory=dict)
    teacher: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "teacher", deepcopy(self.module).eval().requires_grad_(requires_grad=False))

    def parameter_of(self, network: OnnxNetwork, layer: str) -> nn.Parameter:
        """That of a layer's weights."""
        return self.module.get_parameter(self.names[network.initializer_of(layer)])

    def take(self, network: OnnxNetwork) -> None:
        """Put the network's values into the module."""
        state = self.module.state_dict()
        for name, values in network.constants(list(self.names)).items():
            state[self.names[name]].copy_(torch.from_numpy(np.array(values)))

    def give(self, network: OnnxNetwork) -> OnnxNetwork:
        """The network with the module's values."""
        state = self.module.state_dict()
        now = network.constants(list(self.names))
        values = {name: _array(state[self.names[name]], like) for name, like in now.items()}
        return network.with_changes({**network.changes(), **values})


def fine_tuned(
    network: OnnxNetwork,
    trainable: Trainable,
    batches: Batches,
    tuning: Tuning,
    number: int,
    *,
    energies: Measures | None = None,
    done: Epochs | None = None,
) -> OnnxNetwork:
    """The network trained for a round of that number, which seeds it. Every weight that is zero stays zero.

    energies  needed for tuning.sparser_maps and tuning.gradual

    Raises PruningError if training goes astray: values that are NaN or infinite.
    """
    maps = MapDensities(_shares(trainable, network, energies)) if tuning.sparser_maps else None
    before = torch.get_num_threads()
    torch.set_num_threads(tuning.threads)
    try:
        trainable.take(network)
        gradual = _gradual(trainable, network, tuning, energies) if tuning.gradual else None
        with _less_dropout(trainable, network):
            train(
                trainable.module,
                batches,
                tuning,
                number,
                teacher=trainable.teacher,
                maps=maps,
                gradual=gradual,
                done=done,
            )
        return trainable.give(network)
    finally:
        torch.set_num_threads(before)


@contextmanager
def _less_dropout(trainable: Trainable, network: OnnxNetwork) -> Iterator[None]:
    """Drops less where fewer weights are left to learn by heart: each rate times the square root of the share of the
    next layer's weights that is left by then. Han et al., "Learning both Weights and Connections for Efficient Neural
    Networks", NeurIPS 2015, section 3.2."""
    guarded = {trainable.module.get_submodule(name): layer for name, layer in trainable.dropouts.items()}
    rates = {part: part.p for part in guarded}
    hooks = [
        part.register_forward_pre_hook(_rate_by_weights(part.p, trainable.parameter_of(network, layer)))
        for part, layer in guarded.items()
    ]
    try:
        yield
    finally:
        for part, hook in zip(guarded, hooks, strict=True):
            hook.remove()
            part.p = rates[part]


def _rate_by_weights(rate: float, weights: Tensor) -> Callable[[nn.Module, object], None]:
    def set_rate(dropout: nn.Module, _: object) -> None:
        dropout.p = rate * sqrt(int(torch.count_nonzero(weights)) / weights.numel())

    return set_rate


def train(
    module: nn.Module,
    batches: Batches,
    tuning: Tuning,
    number: int,
    *,
    teacher: "nn.Module | None" = None,
    maps: MapDensities | None = None,
    gradual: GradualPruning | None = None,
    done: Epochs | None = None,
) -> None:
    """Trains a module as a round does. Weights of layers, those of two or more dimensions, stay zero where they are.

    teacher  needed for tuning.distillation
    """
    if tuning.distillation and teacher is None:
        raise PruningError("fine-tuning: distillation needs a teacher; give one, or leave it at 0")
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(
        trained, lr=tuning.learning_rate, momentum=_MOMENTUM, nesterov=True, weight_decay=tuning.weight_decay
    )
    hooks = [each.register_hook(_masking(each.detach() != 0)) for each in trained if each.dim() > 1]
    was_training = module.training
    module.train()
    try:
        with maps.watching(module) if maps else nullcontext():
            for epoch in range(tuning.epochs):
                torch.manual_seed((tuning.seed * 1_000_003 + number) * 1_000_003 + epoch)
                _train_epoch(_loss(module, tuning, teacher, maps), optimizer, batches, epoch, tuning, gradual)
                if done is not None:
                    done(epoch + 1)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()


def examples(images: Floats, labels: NDArray[np.int64], size: int) -> Batches:
    """Batches of so many images, in an order drawn anew for each epoch; a last one that is not full is left out, unless
    it is the only one."""
    data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
    full = len(labels) >= size
    loader: Batches = torch.utils.data.DataLoader(data, batch_size=size, shuffle=True, drop_last=full)
    return loader


def _train_epoch(
    loss_of: Loss,
    optimizer: torch.optim.SGD,
    batches: Batches,
    epoch: int,
    tuning: Tuning,
    gradual: GradualPruning | None,
) -> None:
    steps = _length(batches)
    for step, (images, labels) in enumerate(batches):
        share = (epoch + step / steps) / tuning.epochs
        optimizer.param_groups[0]["lr"] = _learning_rate(tuning, share)
        loss = loss_of(images, labels)
        optimizer.zero_grad()
        loss.backward()
        with gradual.step(share) if gradual else nullcontext():
            optimizer.step()
        if not torch.isfinite(loss):
            raise PruningError(
                f"fine-tuning: the loss is {loss.item()} in epoch {epoch + 1}; give a learning rate below "
                f"{tuning.learning_rate}"
            )


def _learning_rate(tuning: Tuning, done: float) -> float:
    """When that share of a round's steps is done."""
    if done < tuning.warm_up:
        return tuning.learning_rate * done / tuning.warm_up
    return tuning.learning_rate * (1 - done) / (1 - tuning.warm_up)


def _loss(module: nn.Module, tuning: Tuning, teacher: "nn.Module | None", maps: MapDensities | None) -> Loss:
    def loss_of(images: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=tuning.bfloat16):
            scores = module(images)
            loss = functional.cross_entropy(scores, labels)
            if tuning.distillation and teacher is not None:
                with torch.no_grad():
                    taught = teacher(images)
                loss = (1 - tuning.distillation) * loss + tuning.distillation * _distance(
                    scores, taught, tuning.temperature
                )
        return loss if maps is None else loss + tuning.sparser_maps * maps.term()

    return loss_of


def _distance(scores: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of softened scores, both (N, classes), per image; as steep as cross entropy."""
    ours = functional.log_softmax(scores.float() / temperature, 1)
    theirs = functional.log_softmax(taught.float() / temperature, 1)
    return temperature**2 * functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def _shares(trainable: Trainable, network: OnnxNetwork, energies: Measures | None) -> Mapping[str, float]:
    """Of the energy, by the submodules that read the layers' ifmaps."""
    if energies is None:
        raise PruningError("fine-tuning: sparser_maps needs the energy of each layer; give energies, or leave it at 0")
    energy = energies.of(network)
    total = sum(energy.values())
    return {reader: energy[layer] / total for layer, reader in trainable.readers.items()}


def _gradual(
    trainable: Trainable,
    network: OnnxNetwork,
    tuning: Tuning,
    energies: Measures | None,
) -> GradualPruning:
    if energies is None:
        raise PruningError(
            "fine-tuning: gradual needs what weights take of the energy; give energies, or leave it at 0"
        )
    thinned = [
        Thinned(
            parameter=trainable.parameter_of(network, layer),
            price=torch.from_numpy(network.as_stored(layer, price)),
        )
        for layer, price in energies.prices(network).items()
    ]
    return GradualPruning(thinned, tuning.gradual * sum(energies.of(network).values()))


def _length(batches: Batches) -> int:
    if isinstance(batches, Sized):
        return len(batches)
    raise PruningError("fine-tuning: batches without a length; give a DataLoader, or an iterable with __len__")


def _masking(left: Tensor) -> Callable[[Tensor], Tensor]:
    """Without a gradient a zero weight has no momentum and no decay either."""
    return lambda gradient: gradient * left


def _array(value: Tensor, like: NDArray[Any]) -> NDArray[Any]:
    """A copy: the module goes on changing."""
    return np.array(value.detach().cpu().numpy(), like.dtype, order="C").reshape(like.shape)
