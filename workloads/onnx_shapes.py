"""Which `Layer` is a Conv, Gemm or MatMul node, and how do its tensors lie in that layer's order?

A matrix product on one row an image is an FC layer. On L rows an image (tokens, positions) it is a 1x1 CONV over L
positions, so that N stays the number of images.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import SpecError, WorkloadError
from simulator.spec.layer import Layer, Padding
from workloads.onnx_graph import Graph, attribute, integers, label, number
from workloads.onnx_layers import LayerNode, Shape

Array = npt.NDArray[Any]
_TALLEST_WINDOW = 12
"""FC layers on larger maps are 1x1 filters over C*H*W channels: Eyeriss has 12 PE rows and ifmap spads of 12 words."""


def unflattened(found: LayerNode, graph: Graph) -> str | None:
    """The tensor that was flattened to make a matrix product's input, or None."""
    name = found.ifmap
    while not found.is_conv and (node := graph.producers.get(name)) is not None:
        name = str(node.input[0])
        if node.op_type in ("Flatten", "Reshape"):
            return name
        if node.op_type not in ("Identity", "Dropout", "Relu"):
            break
    return None


def layer_of(
    found: LayerNode, shapes: Mapping[str, Shape], weights: Shape, *, window: str | None, images: int, path: Path
) -> Layer:
    """The layer for a run on `images` images whose tensors have these shapes. `window`: see `unflattened`.

    Raises WorkloadError for shapes that do not describe a layer.
    """
    where = f"{path}: {label(found.node)}"
    try:
        if found.is_conv:
            layer = _conv(found, shapes[found.ifmap], weights, images)
        else:
            layer = _product(found, shapes[found.ifmap], weights, shapes.get(window or ""), images)
    except (SpecError, ValueError) as error:
        raise WorkloadError(f"{where}: {str(error).removeprefix(found.name + ': ')}") from None
    if np.prod(shapes[found.output]) != np.prod(layer.ofmap_shape):
        raise WorkloadError(
            f"{where}: puts out {list(shapes[found.output])}, not {list(layer.ofmap_shape)} as its attributes say"
        )
    return layer


def filters_of(found: LayerNode, weights: Array, layer: Layer) -> Array:
    """A node's weights as (M, C/G, R, S), Gemm's alpha included."""
    if found.is_conv:
        return weights
    by_filter = (weights if _flag(found, "transB") else weights.T).reshape(layer.filter_shape)
    alpha = number(found.node, "alpha", 1.0)
    return by_filter if alpha == 1 else by_filter * alpha


def maps_of(found: LayerNode, values: Array, shape: Shape, *, is_input: bool) -> Array:
    """A node's input or output as (N, C, H, W) or (N, M, E, F), which is `shape`."""
    if found.is_conv:
        return values
    rows = values.T if is_input and _flag(found, "transA") else values
    return rows.reshape(shape[0], -1, rows.shape[-1]).swapaxes(1, 2).reshape(shape)


def _conv(found: LayerNode, ifmap: Shape, weights: Shape, images: int) -> Layer:
    n, C, H, W = ifmap
    if n != images:
        raise ValueError(f"its ifmap has {n} images where the network was given {images}; it must keep the batch")
    M, _, R, S = weights
    U, V = integers(found.node, "strides", (1, 1))
    G = int(number(found.node, "group", 1))
    padding = _padding(found, (H, W), (R, S), (U, V))
    return Layer(
        name=found.name, N=n, M=M, C=C, H=H, W=W, R=R, S=S, U=U, V=V, G=G, padding=padding, from_input=found.from_input
    )


def _product(found: LayerNode, ifmap: Shape, weights: Shape, window: Shape | None, images: int) -> Layer:
    K, M = weights[::-1] if _flag(found, "transB") else weights
    rows = int(np.prod(ifmap)) // K
    if rows % images:
        raise ValueError(f"its input has {rows} rows for {images} images; a row must belong to one image")
    C, H, W = K, rows // images, 1
    if rows == images and window is not None and _is_window(window, images):
        _, C, H, W = window
    R, S = (H, W) if C != K else (1, 1)
    return Layer(name=found.name, N=images, M=M, C=C, H=H, W=W, R=R, S=S, from_input=found.from_input)


def _is_window(shape: Shape, images: int) -> bool:
    return len(shape) == 4 and shape[0] == images and max(shape[2:]) <= _TALLEST_WINDOW


def _padding(found: LayerNode, size: Shape, window: Shape, strides: Shape) -> Padding:
    """(top, left, bottom, right), from `pads` or from `auto_pad`, whose odd zero goes where its name says."""
    mode = attribute(found.node, "auto_pad", b"NOTSET")
    if mode == b"NOTSET":
        top, left, bottom, right = integers(found.node, "pads", (0, 0, 0, 0))
        return top, left, bottom, right
    if mode == b"VALID":
        return 0, 0, 0, 0
    needed = [(-(-n // u) - 1) * u + r - n for n, r, u in zip(size, window, strides, strict=True)]
    if min(needed) < -2:  # below zero ONNX pads nothing, but from here on onnxruntime starts inside the ifmap
        raise ValueError(
            f"auto_pad with strides {list(strides)} on a filter of {list(window)} is ambiguous; export explicit pads"
        )
    total = [max(0, zeros) for zeros in needed]
    less, more = [zeros // 2 for zeros in total], [zeros - zeros // 2 for zeros in total]
    before, after = (less, more) if mode == b"SAME_UPPER" else (more, less)
    return before[0], before[1], after[0], after[1]


def _flag(found: LayerNode, name: str) -> bool:
    return number(found.node, name, 0) != 0
