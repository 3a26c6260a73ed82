"""Does training bring zeros about in the feature maps that take most energy, and is what it is charged what it says?"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it

import torch
from torch import nn

from pruning.fine_tuning import Trainable, Tuning, examples, fine_tuned
from pruning.network import Floats
from pruning.onnx_network import OnnxNetwork
from pruning.sparser_maps import MapDensities, least_density
from pruning.torch_export import exported
from pruning.torch_graph import trainable_of
from simulator.errors import PruningError
from workloads.data_sets import open_labelled
from workloads.trained_models import trained_model

pytestmark = pytest.mark.torch

FLOAT_ERROR = 1e-5


def digits() -> OnnxNetwork:
    return OnnxNetwork.load(trained_model("digits").path)


def some_images(network: OnnxNetwork, count: int) -> Floats:
    return np.random.default_rng(0).standard_normal((count, *network.image_shape)).astype(np.float32)


class AllIn:
    """One layer takes all energy."""

    def __init__(self, layer: str) -> None:
        self._layer = layer

    def of(self, network: OnnxNetwork) -> dict[str, float]:
        return {layer.name: float(layer.name == self._layer) for layer in network.layers}

    def prices(self, network: OnnxNetwork) -> dict[str, Floats]:
        raise AssertionError(f"{network.path}: no weights go in these trainings")


def of_a_module(folder: Path) -> tuple[OnnxNetwork, Trainable]:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, groups=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32, 5),
    )
    return exported(module, torch.zeros(2, 3, 6, 6), folder / "module.onnx")


def test_the_bound_is_the_share_of_equal_values_and_below_that_of_others() -> None:
    rng = np.random.default_rng(0)
    zeros = rng.random((20, 300)) < rng.random((20, 1))
    equal, others = np.where(zeros, 0, 3.5), np.where(zeros, 0, rng.exponential(size=zeros.shape))
    shares = (~zeros).mean(axis=1)
    for share, alike, unlike in zip(shares, torch.from_numpy(equal), torch.from_numpy(others), strict=True):
        assert least_density(alike).item() == pytest.approx(share, rel=FLOAT_ERROR)
        assert least_density(unlike).item() < share


def test_to_shrink_all_values_gains_nothing() -> None:
    maps = torch.rand(4, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(least_density(maps), least_density(0.01 * maps))


def test_maps_that_are_zero_throughout_are_no_fault() -> None:
    maps = torch.zeros(2, 3, requires_grad=True)
    least_density(maps).backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()


@pytest.mark.parametrize("kind", ["file", "module"])
def test_what_is_charged_is_each_layers_own_ifmap_by_its_share_of_energy(kind: str, tmp_path: Path) -> None:
    """From what onnxruntime finds the layers read; the network's own input is not charged for."""
    if kind == "file":
        network = digits()
        trainable = trainable_of(network)
    else:
        network, trainable = of_a_module(tmp_path)
    images = some_images(network, 7)
    shares = {layer.name: 0.1 * at for at, layer in enumerate(network.layers, start=1)}
    densities = MapDensities({trainable.readers[name]: share for name, share in shares.items()})
    trainable.take(network)
    with densities.watching(trainable.module):
        trainable.module.eval()(torch.from_numpy(images))
    inner = [layer.name for layer in network.layers][1:]
    inputs = network.layer_inputs(inner, images)
    expected = sum(shares[name] * least_density(torch.from_numpy(inputs[name])).item() for name in inner)
    assert densities.term().item() == pytest.approx(expected, rel=FLOAT_ERROR)


def test_training_so_leaves_more_zeros_where_energy_is() -> None:
    """Of two trainings alike but for the charge: the layer that takes all energy reads a map half as dense, and the
    network is as good but for two points."""
    network, data = digits(), open_labelled("digits", scale=1 / 16)
    dear = network.layers[2].name
    seen, unseen = data.take(np.arange(900)), data.take(np.arange(900, len(data.labels)))
    batches = examples(seen.images, seen.labels, 32)
    density, accuracy = {}, {}
    for weight in (0.0, 1.0):
        tuning = Tuning(epochs=4, learning_rate=0.02, sparser_maps=weight)
        tuned = fine_tuned(network, trainable_of(network), batches, tuning, 1, energies=AllIn(dear))
        density[weight] = np.count_nonzero(tuned.layer_inputs([dear], unseen.images)[dear])
        accuracy[weight] = (tuned.scores(unseen.images).argmax(axis=1) == unseen.labels).mean()
    assert density[1.0] < 0.5 * density[0.0]
    assert accuracy[1.0] > accuracy[0.0] - 0.02


def test_without_energies_it_is_refused() -> None:
    network = digits()
    batches = examples(some_images(network, 16), np.zeros(16, np.int64), 16)
    with pytest.raises(
        PruningError, match="sparser_maps needs the energy of each layer; give energies, or leave it at 0"
    ):
        fine_tuned(network, trainable_of(network), batches, Tuning(epochs=1, sparser_maps=1.0), 1)
