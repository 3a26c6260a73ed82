"""How is a PyTorch module pruned where the energy goes? `energy_aware_prune`: the whole method, simulated and verified.

The module is exported to ONNX as it is, so that its own parameters are the file's weights; layers are pruned and energy
is simulated there, and fine-tuning trains the module itself. What comes back is a module with masks as
torch.nn.utils.prune makes them.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import custom_from_mask

from pruning.fine_tuning import Batches, Trainable, Tuning, fine_tuned
from pruning.judging import Accuracy, Parts, check_above_chance, divided
from pruning.loop import Limits, Plan, PruningStep, answer, prune
from pruning.onnx_network import OnnxNetwork
from pruning.simulated_energy import Energies, energies_on
from pruning.state import write_whole
from pruning.summary import Pruning, pruning_text
from pruning.torch_export import exported
from simulator.errors import PruningError
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from workloads.data_sets import LabelledImages

__all__ = ["Pruned", "Tuning", "energy_aware_prune"]

Step = PruningStep[OnnxNetwork]
_CALIBRATION_IMAGES = 4096
_EPOCHS = 2
"""A round, if nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pruned:
    """What pruning made of a module; `print` shows what it saved.

    module  pruned, in evaluation mode, with torch.nn.utils.prune's masks on its CONV and FC layers
    report  before and after, step by step and layer by layer; energy is simulated
    """

    module: nn.Module
    report: Pruning
    _file: bytes

    def export_onnx(self, path: str | Path) -> None:
        """Write the network as it was simulated: `picojoule simulate` finds the energy reported, onnxruntime the
        accuracy. Raises OutputError."""
        write_whole(Path(path), self._file)

    def __str__(self) -> str:
        return pruning_text(self.report)


def energy_aware_prune(
    module: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    *,
    max_accuracy_loss: float = 1.0,
    target_energy: float | None = None,
    plan: Plan | None = None,
    arch: str | Accelerator = "eyeriss-estimation",
    batch: int = 16,
    training: Batches | None = None,
    tuning: Tuning | None = None,
    on_step: Callable[[Step], object] | None = None,
) -> Pruned:
    """Prune a copy of the module until it would lose more accuracy than it may. The module itself stays as it is.

    loader             (images, labels): (N, C, H, W) float and (N) class numbers; preprocessed. Read once. `batch` of
                       the images are simulated, up to 4,096 are what layers are fitted to, and accuracy is measured on
                       the others
    max_accuracy_loss  points that may be lost
    target_energy      per cent of the original energy to stop at, if accuracy allows to come so far
    training           a DataLoader to fine-tune on after each round, in the way of `tuning`: not the images of
                       `loader`. Without it nothing is fine-tuned
    on_step            told of each step: for progress; may raise to end it

    Raises PruningError for a module that cannot be exported or pruned, that is no better than chance, and for too few
    images; WorkloadError for images and labels that do not fit it.
    """
    if tuning is not None and training is None:
        raise PruningError("fine-tuning: nothing to train on; give training, a DataLoader")
    data, plan = _collected(loader), plan or Plan()
    machine = load_accelerator(arch) if isinstance(arch, str) else arch
    with TemporaryDirectory(prefix="picojoule-prune-") as name:
        folder = Path(name)
        network, trainable = exported(deepcopy(module), torch.from_numpy(data.images[:2]), folder / "module.onnx")
        data.check_fits(network.image_shape, network.classes)
        parts = divided(data, batch=batch, calibration=_CALIBRATION_IMAGES, seed=plan.seed)
        with energies_on(machine, parts.energy) as energies:
            job = _Job(network=network, parts=parts, accuracy=Accuracy(parts.judged), energies=energies, plan=plan)
            limits = job.limits(max_accuracy_loss, target_energy)
            tune = None if training is None else _fine_tune(trainable, training, tuning or Tuning(epochs=_EPOCHS))
            steps = job.steps(limits, tune, on_step)
            report = job.report(type(module).__name__, steps, limits, machine)
        pruned = report.answer.network
        pruned.save(folder / "pruned.onnx")
        return Pruned(module=_masked(trainable, pruned), report=report, _file=(folder / "pruned.onnx").read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    """What a run is given."""

    network: OnnxNetwork
    parts: Parts
    accuracy: Accuracy
    energies: Energies
    plan: Plan

    def limits(self, points: float, per_cent: float | None) -> Limits:
        own = self.accuracy(self.network)
        check_above_chance(own, self.parts.judged, self.network.classes)
        energy = sum(self.energies.of(self.network).values())
        target = 0.0 if per_cent is None else energy * per_cent / 100
        return Limits(min_accuracy=max(0.0, own - points / 100), target_energy=target)

    def steps(
        self,
        limits: Limits,
        fine_tune: Callable[[OnnxNetwork, int], OnnxNetwork] | None,
        on_step: Callable[[Step], object] | None,
    ) -> list[Step]:
        steps = []
        for step in prune(
            self.network,
            images=self.parts.calibration.images,
            energy_of=self.energies.of,
            accuracy_of=self.accuracy,
            limits=limits,
            plan=self.plan,
            predict_of=self.energies.predicted,
            fine_tune=fine_tune,
        ):
            steps.append(step)
            if on_step is not None:
                on_step(step)
        return steps

    def report(self, name: str, steps: list[Step], limits: Limits, machine: Accelerator) -> Pruning:
        best = answer(steps, limits)
        return Pruning(
            model=name,
            steps=tuple(steps),
            answer=replace(best, accuracy=self.accuracy(best.network)),
            limits=limits,
            before=self.energies.simulated(self.network),
            after=self.energies.simulated(best.network),
            accelerator=machine,
            images=self.parts.sizes(),
        )


def _fine_tune(trainable: Trainable, training: Batches, tuning: Tuning) -> Callable[[OnnxNetwork, int], OnnxNetwork]:
    return lambda network, number: fine_tuned(network, trainable, training, tuning, number)


def _masked(trainable: Trainable, network: OnnxNetwork) -> nn.Module:
    """The module with the network's values; its layers' weights as torch.nn.utils.prune has them."""
    trainable.take(network)
    module = trainable.module.eval()
    for layer in network.layers:
        owner, _, parameter = trainable.names[network.initializer_of(layer.name)].rpartition(".")
        part = module.get_submodule(owner)
        custom_from_mask(part, parameter, part.get_parameter(parameter).detach() != 0)
    return module


def _collected(loader: Iterable[tuple[Tensor, Tensor]]) -> LabelledImages:
    batches = [(images.numpy(), labels.numpy()) for images, labels in loader]
    if not batches:
        raise PruningError("no images to judge the module by; give a DataLoader that has some")
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return LabelledImages(
        images=np.ascontiguousarray(images, np.float32), labels=labels.astype(np.int64), source="loader"
    )
