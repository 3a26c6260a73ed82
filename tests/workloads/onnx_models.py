"""Small ONNX models, written as exporters write them, and the convolution that a layer's tensors must satisfy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors, Words

Array = npt.NDArray[Any]
IMAGE = (3, 8, 7)


def values(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Floats without a pattern, both signs."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def model_of(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, Array],
    *,
    image: Sequence[int | str] = ("N", *IMAGE),
    outputs: Sequence[str] = ("y",),
    input_type: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model that makes `outputs` from its input `x`."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", input_type, image)],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(model: onnx.ModelProto, folder: Path, name: str = "net.onnx") -> Path:
    path = folder / name
    onnx.save(model, path)
    return path


def saved_images(folder: Path, count: int = 2, image: Sequence[int] = IMAGE, *, seed: int = 5) -> Path:
    path = folder / f"images{count}.npy"
    np.save(path, values(count, *image, seed=seed))
    return path


def as_floats(words: Words, scale: int) -> npt.NDArray[np.float64]:
    return np.ldexp(words.astype(np.float64), -scale)


def convolved(layer: Layer, tensors: LayerTensors) -> npt.NDArray[np.float64]:
    """The layer's convolution of its own words, from the definition: one output position at a time."""
    top, left, bottom, right = layer.padding
    ifmap = as_floats(tensors.ifmap, tensors.ifmap_scale)
    padded = np.pad(ifmap, ((0, 0), (0, 0), (top, bottom), (left, right)))
    filters = as_floats(tensors.filters, tensors.filter_scale)
    ofmap = np.zeros(layer.ofmap_shape)
    channels, per_group = layer.C // layer.G, layer.M // layer.G
    for m in range(layer.M):
        first = m // per_group * channels
        for e in range(layer.E):
            for f in range(layer.F):
                y, x = e * layer.U, f * layer.V
                window = padded[:, first : first + channels, y : y + layer.R, x : x + layer.S]
                ofmap[:, m, e, f] = (window * filters[m]).sum(axis=(1, 2, 3))
    return ofmap
