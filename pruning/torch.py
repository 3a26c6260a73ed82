"""How is a PyTorch module pruned where the energy goes? `energy_aware_prune`: the whole method, simulated and verified.

The module is exported to ONNX as it is, so that its own parameters are the file's weights; layers are pruned and energy
is simulated there, and fine-tuning trains the module itself. What comes back is a module with masks as
torch.nn.utils.prune makes them.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import custom_from_mask

from pruning.fine_tuning import Batches, Trainable, Tuning, fine_tuned
from pruning.job import Job, Step
from pruning.judging import Accuracy, divided
from pruning.loop import FineTune
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Limits, Plan
from pruning.simulated_energy import Energies, energies_on
from pruning.state import write_whole
from pruning.summary import Pruning, pruning_text
from pruning.torch_export import exported
from simulator.errors import PruningError
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from workloads.data_sets import LabelledImages

__all__ = ["Pruned", "Tuning", "energy_aware_prune"]

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
        network, trainable = exported(
            deepcopy(module),
            torch.from_numpy(data.images[:2]),
            folder / "module.onnx",
            narrows=plan.channel_rounds > 0,
        )
        data.check_fits(network.image_shape, network.classes)
        parts = divided(data, batch=batch, calibration=_CALIBRATION_IMAGES, seed=plan.seed)
        with energies_on(machine, parts.energy) as energies:
            job = Job(
                network=network,
                parts=parts,
                machine=machine,
                energies=energies,
                accuracy=Accuracy(parts.judged),
                plan=plan,
            )
            limits = _limits(job, max_accuracy_loss, target_energy)
            tune = None if training is None else _fine_tune(trainable, training, tuning, plan, energies)
            steps = job.steps(limits, tune, lambda made: None if on_step is None else on_step(made[-1]))
            report = job.report(type(module).__name__, steps, limits)
        pruned = report.answer.network
        pruned.save(folder / "pruned.onnx")
        return Pruned(module=_masked(trainable, pruned), report=report, _file=(folder / "pruned.onnx").read_bytes())


def _limits(job: Job, points: float, per_cent: float | None) -> Limits:
    least = max(0.0, job.own_accuracy() - points / 100)
    return Limits(min_accuracy=least, target_energy=0.0 if per_cent is None else job.own_energy() * per_cent / 100)


def _fine_tune(
    trainable: Trainable, training: Batches, tuning: Tuning | None, plan: Plan, energies: Energies
) -> FineTune[OnnxNetwork]:
    way = tuning or Tuning(epochs=_EPOCHS)
    return lambda network, one: fine_tuned(
        network, trainable, training, way.of_depth(plan.depth_of(one)), one.number, energies=energies
    )


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
