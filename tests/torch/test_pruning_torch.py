"""Is a PyTorch module pruned in the form its users know, and is what is reported what its file gives?"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it
pytest.importorskip("onnxscript")

import torch
from torch import nn
from torch.nn.utils import prune as masking
from torch.utils.data import DataLoader, TensorDataset

from pruning.fine_tuning import Tuning, examples, fine_tuned, train
from pruning.judging import divided
from pruning.rounds import Plan
from pruning.torch import Pruned, energy_aware_prune
from pruning.torch_export import exported
from simulator import simulate
from simulator.errors import PruningError, WorkloadError
from simulator.spec.load import load_accelerator
from workloads import open_workload
from workloads.data_sets import LabelledImages, open_labelled

pytestmark = pytest.mark.torch

BATCH = 4


def data() -> LabelledImages:
    return open_labelled("digits", scale=1 / 16)


def loader(first: int, end: int) -> DataLoader[tuple[torch.Tensor, ...]]:
    found = data()
    return DataLoader(
        TensorDataset(torch.from_numpy(found.images[first:end]), torch.from_numpy(found.labels[first:end])),
        batch_size=100,
    )


@pytest.fixture(scope="module")
def module() -> nn.Module:
    torch.manual_seed(0)
    conv = OrderedDict(
        conv1=nn.Conv2d(1, 8, 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(8),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        grouped=nn.Conv2d(8, 16, 3, padding=1, groups=2),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        fc=nn.Linear(256, 24, bias=False),
        relu3=nn.ReLU(),
        drop=nn.Dropout(0.1),
        last=nn.Linear(24, 10),
    )
    network = nn.Sequential(conv)
    found = data()
    train(network, examples(found.images[:900], found.labels[:900], 32), Tuning(epochs=6, learning_rate=0.05), 0)
    return network.eval()


@pytest.fixture(scope="module")
def pruned(module: nn.Module) -> Pruned:
    found = data()
    return energy_aware_prune(
        module,
        loader(900, 1797),
        max_accuracy_loss=3.0,
        plan=Plan(rounds=2),
        batch=BATCH,
        training=examples(found.images[:900], found.labels[:900], 32),
        tuning=Tuning(epochs=1, learning_rate=0.02),
    )


def test_masks_are_torchs_own(pruned: Pruned, module: nn.Module) -> None:
    for name in ("conv1", "grouped", "fc", "last"):
        part = pruned.module.get_submodule(name)
        assert masking.is_pruned(part)
        assert torch.equal(part.weight, part.weight_orig * part.weight_mask)
        assert 0 < int(part.weight_mask.sum()) == pruned.report.answer.kept[name]
        assert not masking.is_pruned(module.get_submodule(name))  # the module itself is as it was


def test_it_saves_energy_within_the_accuracy(pruned: Pruned) -> None:
    assert pruned.report.saved > 0.1
    assert pruned.report.answer.accuracy >= pruned.report.limits.min_accuracy
    assert "energy saved" in str(pruned)


def test_module_and_file_score_alike_and_as_reported(pruned: Pruned, tmp_path: Path) -> None:
    pruned.export_onnx(tmp_path / "pruned.onnx")
    found = data().take(np.arange(900, 1797))
    parts = divided(found, batch=BATCH, calibration=4096, seed=0)
    session = onnxruntime.InferenceSession(tmp_path / "pruned.onnx", providers=["CPUExecutionProvider"])
    scores = session.run(None, {session.get_inputs()[0].name: parts.judged.images})[0]
    assert float((scores.argmax(1) == parts.judged.labels).mean()) == pruned.report.answer.accuracy
    with torch.no_grad():
        own = pruned.module(torch.from_numpy(parts.judged.images)).numpy()
    assert np.abs(own - scores).max() <= 1e-4 * np.abs(scores).max()


def test_simulate_finds_the_energy_reported(pruned: Pruned, tmp_path: Path) -> None:
    pruned.export_onnx(tmp_path / "pruned.onnx")
    found = data().take(np.arange(900, 1797))
    np.save(tmp_path / "images.npy", divided(found, batch=BATCH, calibration=4096, seed=0).energy)
    workload = open_workload(str(tmp_path / "pruned.onnx"), images=tmp_path / "images.npy")
    ran = simulate(workload, accelerator=load_accelerator("eyeriss-estimation"))
    assert {layer.layer.name: layer.energy.total for layer in ran.layers} == dict(pruned.report.answer.energy)


def test_what_is_refused(module: nn.Module) -> None:
    with pytest.raises(PruningError, match="nothing to train on; give training, a DataLoader"):
        energy_aware_prune(module, loader(900, 1797), tuning=Tuning(epochs=1))
    with pytest.raises(PruningError, match="where guessing gives"):
        energy_aware_prune(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), loader(900, 1797))
    with pytest.raises(WorkloadError):
        energy_aware_prune(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), loader(900, 1797))
    with pytest.raises(PruningError, match="no images to judge the module by"):
        energy_aware_prune(module, [])


def test_a_module_that_cannot_be_exported() -> None:
    class Branching(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images if float(images.sum()) > 0 else -images

    with pytest.raises(PruningError, match=r"Branching: torch cannot export it to ONNX: "):
        energy_aware_prune(Branching(), loader(900, 1797))


def test_parameters_that_the_file_would_not_have() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flatten, self.fc, self.unused = nn.Flatten(), nn.Linear(64, 10), nn.Linear(3, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.fc(self.flatten(images))
            return scores

    with pytest.raises(PruningError, match=r"torch's exporter does not keep unused.weight, unused.bias as weights"):
        energy_aware_prune(Scaled(), loader(900, 1797))


def test_whole_channels_go(module: nn.Module, tmp_path: Path) -> None:
    """The module keeps its shapes, with masks; the file is narrower, and is what was simulated and judged."""
    found = data()
    pruned = energy_aware_prune(
        module,
        loader(900, 1797),
        max_accuracy_loss=5.0,
        plan=Plan(rounds=2, channel_rounds=1, loss_a_round=0.05),
        batch=BATCH,
        training=examples(found.images[:900], found.labels[:900], 32),
        tuning=Tuning(epochs=1, learning_rate=0.02),
    )
    pruned.export_onnx(tmp_path / "pruned.onnx")
    narrow = {layer.name: layer.filter_shape for layer in open_workload(tmp_path / "pruned.onnx", batch=1).layers}
    fc = pruned.module.get_submodule("fc").get_buffer("weight_mask")
    last = pruned.module.get_submodule("last").get_buffer("weight_mask")
    assert tuple(fc.shape) == (24, 256)
    assert narrow["last"][1] < 24
    assert narrow["last"][1] == int(last.any(dim=0).sum())
    assert narrow["fc"][0] == int(fc.any(dim=1).sum())
    images = found.images[:50]
    scores = onnxruntime.InferenceSession(tmp_path / "pruned.onnx").run(None, {"images": images})[0]
    with torch.no_grad():
        expected = pruned.module(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-4)


def test_dropout_falls_with_the_weights_it_guards(module: nn.Module, tmp_path: Path) -> None:
    """By the square root of the share of the next layer's weights that is left; afterwards it is as it was."""
    network, trainable = exported(module, torch.from_numpy(data().images[:2]), tmp_path / "module.onnx")
    assert trainable.dropouts == {"drop": "last"}
    weights = network.weights("last")
    kept = np.arange(weights.size).reshape(weights.shape) % 4 == 0
    rates: list[float] = []

    drop = trainable.module.get_submodule("drop")
    drop.register_forward_hook(lambda part, *_: rates.append(part.p))
    batches = [(torch.from_numpy(data().images[:8]), torch.from_numpy(data().labels[:8]))]
    pruned = network.with_weights({"last": np.where(kept, weights, np.float32(0))})
    for each in (network, pruned):
        fine_tuned(each, trainable, batches, Tuning(epochs=1), 1)
    assert rates == pytest.approx([0.1, 0.05])
    assert drop.p == 0.1
