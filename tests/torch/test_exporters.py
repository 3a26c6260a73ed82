"""Is a network exported by torch, either way, the network that torch runs: its layers, activations and zeros?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it
pytest.importorskip("onnxscript")

import torch
from torch import nn

from simulator import simulate
from simulator.spec.layer import Layer
from simulator.spec.workload import Origin, Workload
from workloads import open_workload

pytestmark = pytest.mark.torch

BATCH = 3
IMAGE = (3, 19, 17)
FLOAT_ERROR = 1e-5
"""Of a tensor's largest value: torch and onnxruntime add in different orders, and exporters fold BatchNormalization."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchLayer:
    """A CONV or FC layer as torch runs it; the ifmap of an FC layer is as it was before Flatten.

    before_relu and ofmap are the same where no ReLU follows.
    """

    module: nn.Module
    ifmap: Floats
    before_relu: Floats
    ofmap: Floats


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    """A small AlexNet, and what else is written: grouped, depthwise and 1x1 CONV, `same` padding, FC without bias."""
    torch.manual_seed(1)
    parts = nn.Sequential(
        *(nn.Conv2d(3, 8, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 12, (3, 5), padding=(1, 2), groups=2), nn.BatchNorm2d(12), nn.ReLU()),
        *(nn.Conv2d(12, 12, 3, padding="same", groups=12, bias=False), nn.BatchNorm2d(12), nn.ReLU()),
        *(nn.Conv2d(12, 16, 1), nn.ReLU()),
        *(nn.Conv2d(16, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Dropout(), nn.Linear(32, 20), nn.ReLU()),
        *(nn.Linear(20, 16, bias=False), nn.ReLU()),
        nn.Linear(16, 10),
    )
    for part in parts:
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.3)
            nn.init.normal_(part.bias, 0.0, 0.3)
            part.running_mean.normal_(0.0, 0.3)
            part.running_var.uniform_(0.5, 2.0)
    return parts.eval()


@pytest.fixture(scope="module")
def images() -> Floats:
    """Some pixels are exactly zero, as in real images."""
    values = np.random.default_rng(2).normal(size=(BATCH, *IMAGE)).astype(np.float32)
    return np.where(np.abs(values) < 0.3, np.float32(0), values)


@pytest.fixture(scope="module")
def images_file(images: Floats, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, images)
    return path


@pytest.fixture(scope="module")
def expected(network: nn.Sequential, images: Floats) -> list[TorchLayer]:
    """Torch's own tensors, in order of execution."""
    layers: list[TorchLayer] = []
    ifmap = values = torch.from_numpy(images)
    with torch.no_grad():
        for part in network:
            values = part(values)
            if isinstance(part, nn.Conv2d | nn.Linear):
                floats = values.numpy()
                layers.append(TorchLayer(module=part, ifmap=ifmap.numpy(), before_relu=floats, ofmap=floats))
            elif isinstance(part, nn.BatchNorm2d):
                layers[-1] = replace(layers[-1], before_relu=values.numpy(), ofmap=values.numpy())
            elif isinstance(part, nn.ReLU):
                layers[-1] = replace(layers[-1], ofmap=values.numpy())
            ifmap = ifmap if isinstance(part, nn.Flatten | nn.Dropout) else values
    return layers


def torchscript_static(network: nn.Sequential, path: Path) -> None:
    """Fixed to one image at a time."""
    torch.onnx.export(network, (torch.zeros(1, *IMAGE),), path, dynamo=False)


def torchscript_dynamic(network: nn.Sequential, path: Path) -> None:
    axes = {"images": {0: "batch"}}
    torch.onnx.export(network, (torch.zeros(1, *IMAGE),), path, dynamo=False, input_names=["images"], dynamic_axes=axes)


def torchscript_unfolded(network: nn.Sequential, path: Path) -> None:
    """BatchNormalization stays a node; the FC layer without bias gets its weights through a Transpose."""
    mode = torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(
        network, (torch.zeros(BATCH, *IMAGE),), path, dynamo=False, training=mode, do_constant_folding=False
    )


def dynamo_static(network: nn.Sequential, path: Path) -> None:
    """Fixed to one image at a time, down to the numbers that Flatten reshapes to."""
    torch.onnx.export(network, (torch.zeros(1, *IMAGE),), path, dynamo=True, external_data=False, verbose=False)


def dynamo_dynamic(network: nn.Sequential, path: Path) -> None:
    _dynamo_dynamic(network, path, external_data=False)


def dynamo_external(network: nn.Sequential, path: Path) -> None:
    """Weights in a second file, this exporter's default."""
    _dynamo_dynamic(network, path, external_data=True)
    assert path.with_suffix(".onnx.data").exists()


def dynamo_unoptimized(network: nn.Sequential, path: Path) -> None:
    """BatchNormalization stays a node; missing biases and Flatten's shape are computed by Shape, Expand and Concat."""
    _dynamo_dynamic(network, path, external_data=False, optimize=False)


def _dynamo_dynamic(network: nn.Sequential, path: Path, *, external_data: bool, optimize: bool = True) -> None:
    torch.onnx.export(
        network,
        (torch.zeros(1, *IMAGE),),
        path,
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        external_data=external_data,
        optimize=optimize,
        verbose=False,
    )


EXPORTS = (
    torchscript_static,
    torchscript_dynamic,
    torchscript_unfolded,
    dynamo_static,
    dynamo_dynamic,
    dynamo_external,
    dynamo_unoptimized,
)


@pytest.fixture(scope="module", params=EXPORTS, ids=lambda export: export.__name__)
def model(request: pytest.FixtureRequest, network: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    export: Callable[[nn.Sequential, Path], None] = request.param
    path = tmp_path_factory.mktemp("model") / "network.onnx"
    export(network, path)
    return path


@pytest.fixture
def workload(model: Path, images_file: Path) -> Workload:
    return open_workload(model, images=images_file)


def test_every_conv_and_fc_layer_has_torchs_geometry(workload: Workload, expected: list[TorchLayer]) -> None:
    found = [replace(layer, name="") for layer in workload.layers]
    assert found == [geometry(layer, first=index == 0) for index, layer in enumerate(expected)]


def test_weights_and_activations_are_said_to_be_real(workload: Workload) -> None:
    assert workload.provenance.weights is workload.provenance.activations is Origin.REAL


def test_ifmaps_are_torchs_activations_rounded(workload: Workload, expected: list[TorchLayer]) -> None:
    for layer, torch_layer in zip(workload.layers, expected, strict=True):
        tensors = workload.tensors_of(layer)
        values = torch_layer.ifmap.reshape(layer.ifmap_shape)
        error = np.abs(tensors.ifmap * 2.0**-tensors.ifmap_scale - values).max()
        assert error <= tolerance(values, tensors.ifmap_scale), layer.name


def test_ofmaps_are_zero_where_torchs_relu_is(workload: Workload, expected: list[TorchLayer]) -> None:
    for layer, torch_layer in zip(workload.layers, expected, strict=True):
        tensors = workload.tensors_of(layer)
        ofmap, before_relu = (each.reshape(layer.ofmap_shape) for each in (torch_layer.ofmap, torch_layer.before_relu))
        sure = np.abs(before_relu) > tolerance(ofmap, tensors.ofmap_scale)
        assert np.array_equal((tensors.ofmap == 0)[sure], (ofmap == 0)[sure]), layer.name
        assert sure.mean() > 0.99, layer.name


def test_filters_are_torchs_weights_with_batch_normalization_folded(workload: Workload, network: nn.Sequential) -> None:
    for layer, weights in zip(workload.layers, folded_weights(network), strict=True):
        tensors = workload.tensors_of(layer)
        values = weights.reshape(layer.filter_shape)
        error = np.abs(tensors.filters * 2.0**-tensors.filter_scale - values).max()
        assert error <= tolerance(values, tensors.filter_scale), layer.name


def test_functional_simulation_computes_every_layer(model: Path, images_file: Path, expected: list[TorchLayer]) -> None:
    result = simulate(str(model), images=images_file, functional=True)
    assert [layer.layer.macs for layer in result.layers] == [geometry(layer, first=False).macs for layer in expected]


def geometry(layer: TorchLayer, *, first: bool) -> Layer:
    """The layer of picojoule that a torch module is."""
    module, (N, C, H, W) = layer.module, (*layer.ifmap.shape, 1, 1)[:4]
    if isinstance(module, nn.Linear):
        return Layer(name="", N=N, M=module.out_features, C=C, H=H, W=W, R=H, S=W)
    (R, S), (U, V) = module.kernel_size, module.stride
    top, left = (R // 2, S // 2) if module.padding == "same" else module.padding
    padding = (top, left, top, left)
    G, M = module.groups, module.out_channels
    return Layer(name="", N=N, M=M, C=C, H=H, W=W, R=R, S=S, U=U, V=V, G=G, padding=padding, from_input=first)


def folded_weights(network: nn.Sequential) -> list[Floats]:
    """Each layer's weights, times the scale of a BatchNormalization that follows."""
    weights: list[Floats] = []
    for part in network:
        if isinstance(part, nn.Conv2d | nn.Linear):
            weights.append(part.weight.detach().numpy())
        elif isinstance(part, nn.BatchNorm2d):
            scale = part.weight.detach() / torch.sqrt(part.running_var + part.eps)
            weights[-1] = weights[-1] * scale.numpy()[:, None, None, None]
    return weights


def tolerance(values: Floats, scale: int) -> float:
    """Half a word, and the floats' own error."""
    return 2.0 ** -(scale + 1) + FLOAT_ERROR * float(np.abs(values).max())
