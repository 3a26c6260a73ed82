"""Does training keep what pruning removed, compute what the file computes, and come to the same each time?"""

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it

import torch
from torch import nn

from pruning.fine_tuning import Tuning, _distance, examples, fine_tuned, train
from pruning.network import Floats
from pruning.onnx_network import OnnxNetwork
from pruning.torch_graph import trainable_of
from simulator.errors import PruningError
from workloads.trained_models import trained_model

pytestmark = pytest.mark.torch

FLOAT_ERROR = 1e-5
"""Of the largest score: torch and onnxruntime add in different orders."""


def digits() -> OnnxNetwork:
    return OnnxNetwork.load(trained_model("digits").path)


def half_pruned(network: OnnxNetwork) -> OnnxNetwork:
    return network.with_weights(
        {
            layer.name: np.where(np.abs(found) < np.median(np.abs(found)), np.float32(0), found)
            for layer in network.layers
            for found in [network.weights(layer.name)]
        }
    )


def some_images(network: OnnxNetwork, count: int) -> Floats:
    return np.random.default_rng(0).standard_normal((count, *network.image_shape)).astype(np.float32)


def labels(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.random.default_rng(1).integers(0, 10, count)


def module_with_every_operator() -> nn.Module:
    class Every(nn.Module):
        """Padding, groups, strides, branches, residuals, both poolings, activations, a bias by itself."""

        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.1))
            self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4)
            self.wide = nn.Conv2d(8, 8, 3, padding=1)
            self.first, self.last = nn.Linear(16, 12, bias=False), nn.Linear(12, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            values = torch.nn.functional.max_pool2d(self.stem(images), 3, stride=2, padding=1)
            down = torch.tanh(self.down(values))
            left, right = down + torch.relu(self.wide(down)), torch.nn.functional.hardswish(down)
            both = torch.cat([left, right * torch.sigmoid(right) - 0.5], 1)
            pooled = torch.nn.functional.avg_pool2d(both, 2, padding=1).clamp(-1.0, 2.0).mean((2, 3))
            return torch.softmax(self.last(torch.relu(self.first(pooled))), 1)

    torch.manual_seed(0)
    return Every().eval()


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> OnnxNetwork:
    path = tmp_path_factory.mktemp("every") / "every.onnx"
    torch.onnx.export(
        module_with_every_operator(),
        (torch.zeros(2, 3, 12, 12),),
        path,
        dynamo=False,
        do_constant_folding=True,
        dynamic_axes={"images": {0: "n"}},
        input_names=["images"],
    )
    return OnnxNetwork.load(path)


def test_a_model_as_a_module_scores_as_the_file_does(every: OnnxNetwork) -> None:
    images = some_images(every, 5)
    with torch.no_grad():
        logarithms = trainable_of(every).module.eval()(torch.from_numpy(images)).numpy()
    expected = every.scores(images)
    assert np.abs(np.exp(logarithms) - expected).max() <= FLOAT_ERROR * np.abs(expected).max()


def test_zeros_stay_and_the_rest_learns(tmp_path: Path) -> None:
    network = half_pruned(digits())
    batches = examples(some_images(network, 64), labels(64), 16)
    tuned = fine_tuned(network, trainable_of(network), batches, Tuning(epochs=2, learning_rate=0.05), 1)
    tuned.save(tmp_path / "tuned.onnx")
    read = OnnxNetwork.load(tmp_path / "tuned.onnx")
    for layer in network.layers:
        before, after = network.weights(layer.name), read.weights(layer.name)
        assert not after[before == 0].any()
        assert (after != before).any()
    assert set(tuned.changes()) > {network.initializer_of(layer.name) for layer in network.layers}  # biases too


def test_the_same_round_trains_the_same_way() -> None:
    """However often a run was stopped: a round hangs on its number alone."""
    network = half_pruned(digits())
    trainable, batches = trainable_of(network), examples(some_images(network, 48), labels(48), 16)
    tuning = Tuning(epochs=1, learning_rate=0.02, seed=3)
    first = fine_tuned(network, trainable, batches, tuning, 2)
    fine_tuned(first, trainable, batches, tuning, 3)
    again = fine_tuned(network, trainable, batches, tuning, 2)
    other = fine_tuned(network, trainable, batches, tuning, 4)
    name = network.layers[0].name
    assert np.array_equal(first.weights(name), again.weights(name))
    assert not np.array_equal(first.weights(name), other.weights(name))


def test_what_cannot_be_trained_is_named_before_work_begins(tmp_path: Path) -> None:
    model = onnx.load(trained_model("digits").path)
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Softsign"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(
        PruningError, match=r"odd.onnx: cannot be fine-tuned through node '.*' \(Softsign\).*; known are"
    ):
        trainable_of(OnnxNetwork.load(tmp_path / "odd.onnx"))


def test_training_that_goes_astray_is_said() -> None:
    network = digits()
    batches = examples(some_images(network, 64), labels(64), 16)
    with pytest.raises(PruningError, match=r"the loss is (nan|inf) in epoch .*; give a learning rate below 1000000.0"):
        fine_tuned(network, trainable_of(network), batches, Tuning(epochs=3, learning_rate=1e6), 1)


def test_distillation_teaches_the_scores_of_the_network_as_it_was() -> None:
    """With labels that say nothing, training goes away from them; what the teacher says it keeps."""
    network = digits()
    images = np.abs(some_images(network, 256))
    trainable, scores = trainable_of(network), network.scores(images)

    def agreement(network: OnnxNetwork) -> float:
        return float((network.scores(images).argmax(axis=1) == scores.argmax(axis=1)).mean())

    def taught(share: float) -> float:
        tuning = Tuning(epochs=3, learning_rate=0.003, distillation=share)
        return agreement(fine_tuned(half_pruned(network), trainable, examples(images, labels(256), 32), tuning, 1))

    whole = taught(1.0)
    assert whole > agreement(half_pruned(network))
    assert whole > taught(0.0) + 0.2
    assert taught(1.0) == whole  # the teacher has not learned


def test_distillation_without_a_teacher() -> None:
    module = trainable_of(digits()).module
    batches = examples(some_images(digits(), 32), labels(32), 32)
    with pytest.raises(PruningError, match="distillation needs a teacher; give one, or leave it at 0"):
        train(module, batches, Tuning(epochs=1, distillation=0.5), 1)


@pytest.mark.parametrize(
    ("warm_up", "expected"),
    [(0.0, [0.8, 0.6, 0.4, 0.2]), (0.5, [0.0, 0.4, 0.8, 0.4]), (0.25, [0.0, 0.8, 8 / 15, 4 / 15])],
)
def test_the_rate_of_each_step(monkeypatch: pytest.MonkeyPatch, warm_up: float, expected: list[float]) -> None:
    rates: list[float] = []

    def noted(optimizer: torch.optim.SGD) -> None:
        rates.append(optimizer.param_groups[0]["lr"])

    monkeypatch.setattr(torch.optim.SGD, "step", noted)
    batches = examples(some_images(digits(), 8), labels(8), 4)
    train(trainable_of(digits()).module, batches, Tuning(epochs=2, learning_rate=0.8, warm_up=warm_up), 1)
    assert rates == pytest.approx(expected)


def test_a_higher_temperature_hears_more_of_the_other_classes() -> None:
    """Scores that differ in two classes that nobody would choose: a divergence of softened scores sees it."""
    ours, theirs = torch.tensor([[9.0, 0.0, 2.0]]), torch.tensor([[9.0, 2.0, 0.0]])
    low, high = (float(_distance(ours, theirs, temperature)) for temperature in (1.0, 4.0))
    assert 0 < 10 * low < high
    softened = [torch.softmax(scores / 4, 1) for scores in (theirs, ours)]
    assert high == pytest.approx(16 * float((softened[0] * (softened[0] / softened[1]).log()).sum()), rel=1e-5)
