"""What does a layer write to memory? Its output after what a chip does on the way out: bias, BatchNormalization, ReLU.

Followed only while each tensor has one reader. Scales of single channels (BatchNormalization, Mul) are folded into the
filters, as whoever deploys the network would; what is added stays in the ofmap's values alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from workloads.onnx_graph import Graph, number

Array = npt.NDArray[Any]
Constants = Callable[[Iterable[str]], Mapping[str, Array]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Epilogue:
    """What was found after a layer.

    ofmap    the tensor that is written to memory
    factors  what each of the M filters is multiplied by
    nodes    those that are done on the way, and so belong to the layer
    """

    ofmap: str
    factors: Array
    nodes: tuple[NodeProto, ...]
    relu: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where a layer's M ofmap channels are in its output: `axis` of `rank` dimensions."""

    filters: int
    axis: int
    rank: int


def epilogue_of(output: str, channels: Channels, graph: Graph, constants_of: Constants) -> Epilogue:
    """What follows a layer's raw output, up to and with a ReLU."""
    factors, nodes = np.ones(channels.filters), []
    while (node := graph.only_consumer(output)) is not None:
        relu = _is_relu(node, output, graph, constants_of)
        step = np.ones(()) if relu else _factors(node, channels, graph, constants_of)
        if step is None:
            break
        factors, output = factors * step, str(node.output[0])
        nodes.append(node)
        if relu:
            return Epilogue(ofmap=output, factors=factors, nodes=tuple(nodes), relu=True)
    return Epilogue(ofmap=output, factors=factors, nodes=tuple(nodes), relu=False)


def _is_relu(node: NodeProto, output: str, graph: Graph, constants_of: Constants) -> bool:
    """Relu, or a Clip whose lower limit is zero (ReLU6)."""
    if node.op_type != "Clip" or node.input[0] != output:
        return str(node.op_type) == "Relu"
    if len(node.input) > 1 and node.input[1] in graph.constants:
        return bool(np.all(constants_of([node.input[1]])[node.input[1]] == 0))
    return len(node.input) == 1 and number(node, "min", -1) == 0


def _factors(node: NodeProto, channels: Channels, graph: Graph, constants_of: Constants) -> Array | None:
    """What a node multiplies each channel by, or None if it does anything but scale and shift single channels."""
    if node.op_type == "Identity":
        return np.ones(())
    if node.op_type == "BatchNormalization":
        return _batch_normalization(node, channels, graph, constants_of)
    if node.op_type not in ("Add", "Mul"):
        return None
    constant = next((name for name in node.input if name in graph.constants), None)
    if constant is None:
        return None
    values = _by_channel(constants_of([constant])[constant], channels)
    return values if node.op_type == "Mul" or values is None else np.ones(())


def _batch_normalization(node: NodeProto, channels: Channels, graph: Graph, constants_of: Constants) -> Array | None:
    """scale / sqrt(variance + epsilon), if the channels are where BatchNormalization has them and nothing is learnt."""
    _, scale, bias, mean, variance = node.input
    outputs = [name for name in node.output if name]
    if channels.axis != 1 or len(outputs) > 1 or not graph.constants.issuperset((scale, bias, mean, variance)):
        return None
    values = constants_of([scale, variance])
    with np.errstate(divide="ignore", invalid="ignore"):  # found, and named, when the layer is asked for
        deviation = np.sqrt(values[variance].astype(np.float64) + number(node, "epsilon", 1e-5))
        return np.asarray(values[scale] / deviation)


def _by_channel(values: Array, channels: Channels) -> Array | None:
    """A constant as one value a channel, or None if it differs within a channel, or makes more channels of one."""
    shape = (1,) * (channels.rank - values.ndim) + values.shape
    most = [channels.filters if axis == channels.axis else 1 for axis in range(channels.rank)]
    if len(shape) != channels.rank or any(size not in (1, limit) for size, limit in zip(shape, most, strict=True)):
        return None
    return values.reshape(-1).astype(np.float64)
