"""How does a model's file become narrower? Without the words of channels that no layer reads and what computed them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, numpy_helper

from pruning.onnx_channels import OnnxChannel
from pruning.onnx_run import read_by

Array = NDArray[Any]


def narrow(
    proto: onnx.ModelProto,
    gone: Sequence[OnnxChannel],
    flattening: Collection[str],
    computed: Mapping[str, Array],
) -> None:
    """Takes channels out of the model, in place. It has no local functions.

    flattening  tensors whose nodes only flatten: their sizes are in the file, so they are written as Flatten
    computed    values of constant tensors that nodes compute in the file; those that lose words are stored instead
    """
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    words = _by_tensor(gone)
    for name, axes in words.items():
        value = numpy_helper.to_array(stored[name]) if name in stored else computed[name]
        for axis, indices in axes.items():
            value = np.delete(value, indices, axis)
        left = numpy_helper.from_array(np.ascontiguousarray(value), name)
        if name in stored:
            stored[name].CopyFrom(left)
        else:
            proto.graph.initializer.append(left)
    for node in proto.graph.node:
        _follow(node, words.keys(), flattening, stored)
    del proto.graph.value_info[:]
    _keep_needed(proto, words.keys() - stored.keys())


def _by_tensor(gone: Sequence[OnnxChannel]) -> dict[str, dict[int, list[int]]]:
    """Indices along each axis."""
    words: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for channel in gone:
        for tensor, axis, index in channel.words:
            words[tensor][axis].append(index)
    return words


def _follow(
    node: NodeProto, narrowed: Collection[str], flattening: Collection[str], stored: dict[str, onnx.TensorProto]
) -> None:
    """What a node says of its sizes, as they are now."""
    if node.output[0] in flattening:
        first = node.input[0]
        node.op_type = "Flatten"
        del node.attribute[:]
        del node.input[:]
        node.input.append(first)
    if node.op_type == "Conv" and node.input[1] in narrowed:
        for attribute in node.attribute:
            if attribute.name == "group" and attribute.i > 1:  # depthwise: the others are left whole
                attribute.i = stored[node.input[1]].dims[0]


def _keep_needed(proto: onnx.ModelProto, stored: Collection[str]) -> None:
    """The nodes that the outputs need, now that these tensors are stored, and the initializers that those read."""
    wanted = {output.name for output in proto.graph.output}
    needed = []
    for node in reversed(proto.graph.node):
        if wanted.intersection(node.output) and not set(node.output) & set(stored):
            needed.append(node)
            wanted.update(read_by(node))
    kept = [tensor for tensor in proto.graph.initializer if tensor.name in wanted]
    del proto.graph.node[:]
    del proto.graph.initializer[:]
    proto.graph.node.extend(needed[::-1])
    proto.graph.initializer.extend(kept)
