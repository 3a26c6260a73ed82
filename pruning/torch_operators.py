"""What does an ONNX operator compute, in torch? Those that a network is fine-tuned through; each as ONNX defines it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from onnx import NodeProto
from torch import Tensor
from torch.nn import functional

from workloads.onnx_graph import attribute, integers, label, number

_MOMENTUM = 0.1
"""Share of a batch in BatchNormalization's statistics, as torch has it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """An operator that is run. inputs: None where one is left out."""

    node: NodeProto
    inputs: Sequence[Any]
    is_training: bool

    @property
    def first(self) -> Any:
        return self.inputs[0]

    def optional(self, at: int) -> Any:
        return self.inputs[at] if at < len(self.inputs) else None


def fault_of(node: NodeProto, *, is_last: bool) -> str | None:
    """What keeps the network from being trained through this node."""
    if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
        return label(node)
    if node.op_type == "Softmax" and not is_last:
        return f"{label(node)}, which is not the network's last"
    if node.op_type in ("MaxPool", "AveragePool") and (_ceils(node) or _auto_pads(node)):
        return f"{label(node)} with ceil_mode or auto_pad"
    if node.op_type == "Conv" and _auto_pads(node):
        return f"{label(node)} with auto_pad"
    return None


def _ceils(node: NodeProto) -> bool:
    return number(node, "ceil_mode", 0) != 0


def _auto_pads(node: NodeProto) -> bool:
    return attribute(node, "auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID")


def _conv(call: Call) -> Tensor:
    size = call.inputs[1].shape[2:]
    return functional.conv2d(
        _padded(call, 0.0, len(size)),
        call.inputs[1],
        call.optional(2),
        stride=integers(call.node, "strides", (1,) * len(size)),
        dilation=integers(call.node, "dilations", (1,) * len(size)),
        groups=int(number(call.node, "group", 1)),
    )


def _padded(call: Call, value: float, rank: int) -> Tensor:
    """ONNX lists all beginnings, then all ends; torch the last dimension's two first."""
    pads = integers(call.node, "pads", (0,) * (2 * rank))
    both = [(pads[axis], pads[axis + rank]) for axis in reversed(range(rank))]
    padded: Tensor = functional.pad(call.first, [pad for pair in both for pad in pair], value=value)
    return padded if any(pads) else call.first


def _gemm(call: Call) -> Tensor:
    left = call.first.T if number(call.node, "transA", 0) else call.first
    right = call.inputs[1].T if number(call.node, "transB", 0) else call.inputs[1]
    product: Tensor = number(call.node, "alpha", 1.0) * (left @ right)
    added = call.optional(2)
    return product if added is None else product + number(call.node, "beta", 1.0) * added


def _normalised(call: Call) -> Tensor:
    """ONNX keeps the batch's share of statistics out of the file where training is over: torch's is taken."""
    images, scale, shift, mean, variance = call.inputs
    epsilon = number(call.node, "epsilon", 1e-5)
    return functional.batch_norm(
        images, mean, variance, scale, shift, training=call.is_training, momentum=_MOMENTUM, eps=epsilon
    )


def _max_pool(call: Call) -> Tensor:
    size = integers(call.node, "kernel_shape", ())
    return functional.max_pool2d(
        _padded(call, float("-inf"), len(size)),
        size,
        stride=integers(call.node, "strides", (1,) * len(size)),
        dilation=integers(call.node, "dilations", (1,) * len(size)),
    )


def _average_pool(call: Call) -> Tensor:
    """Padding counts only where the node says so: sums of values over numbers of values."""
    size = integers(call.node, "kernel_shape", ())
    strides = integers(call.node, "strides", (1,) * len(size))
    mean = functional.avg_pool2d(_padded(call, 0.0, len(size)), size, stride=strides)
    if number(call.node, "count_include_pad", 0) or not any(integers(call.node, "pads", ())):
        return mean
    ones = Call(node=call.node, inputs=[torch.ones_like(call.first)], is_training=False)
    return mean / functional.avg_pool2d(_padded(ones, 0.0, len(size)), size, stride=strides)


def _reshaped(call: Call) -> Tensor:
    """0 takes over the size that is there, unless allowzero says that it means none."""
    given = [int(size) for size in call.inputs[1]]
    keeps = not number(call.node, "allowzero", 0)
    reshaped: Tensor = call.first.reshape(
        [call.first.shape[at] if keeps and not size else size for at, size in enumerate(given)]
    )
    return reshaped


def _shape(call: Call) -> Tensor:
    start, end = int(number(call.node, "start", 0)), int(number(call.node, "end", call.first.dim()))
    return torch.tensor(call.first.shape[start:end])


def _axes(call: Call) -> list[int]:
    """From an input in later versions, from an attribute in earlier ones."""
    given = call.optional(1)
    return list(integers(call.node, "axes", ())) if given is None else [int(axis) for axis in given]


def _mean(call: Call) -> Tensor:
    keeps = bool(number(call.node, "keepdims", 1))
    mean: Tensor = call.first.mean(_axes(call) or None, keepdim=keeps)
    return mean


def _squeezed(call: Call) -> Tensor:
    squeezed: Tensor = call.first.squeeze(_axes(call)) if _axes(call) else call.first.squeeze()
    return squeezed


def _unsqueezed(call: Call) -> Tensor:
    value: Tensor = call.first
    for axis in sorted(_axes(call)):
        value = value.unsqueeze(axis)
    return value


def _clipped(call: Call) -> Tensor:
    low = call.optional(1) if len(call.inputs) > 1 else attribute(call.node, "min", None)
    high = call.optional(2) if len(call.inputs) > 2 else attribute(call.node, "max", None)
    clipped: Tensor = torch.clamp(call.first, low, high)
    return clipped


OPERATORS: Mapping[str, Callable[[Call], Tensor]] = {
    "Add": lambda call: call.first + call.inputs[1],
    "AveragePool": _average_pool,
    "BatchNormalization": _normalised,
    "Clip": _clipped,
    "CastLike": lambda call: call.first.to(call.inputs[1].dtype),
    "Concat": lambda call: torch.cat(list(call.inputs), int(number(call.node, "axis", 0))),
    "Conv": _conv,
    "Dropout": lambda call: call.first,
    "Expand": lambda call: torch.broadcast_to(call.first, [int(size) for size in call.inputs[1]]),
    "Flatten": lambda call: call.first.reshape(call.first.shape[: int(number(call.node, "axis", 1))].numel(), -1),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda call: call.first.mean((2, 3), keepdim=True),
    "HardSwish": lambda call: functional.hardswish(call.first),
    "Identity": lambda call: call.first,
    "LeakyRelu": lambda call: functional.leaky_relu(call.first, number(call.node, "alpha", 0.01)),
    "MatMul": lambda call: call.first @ call.inputs[1],
    "MaxPool": _max_pool,
    "Mul": lambda call: call.first * call.inputs[1],
    "ReduceMean": _mean,
    "Relu": lambda call: functional.relu(call.first),
    "Reshape": _reshaped,
    "Shape": _shape,
    "Sigmoid": lambda call: torch.sigmoid(call.first),
    "Softmax": lambda call: functional.log_softmax(call.first, int(number(call.node, "axis", -1))),
    "Squeeze": _squeezed,
    "Sub": lambda call: call.first - call.inputs[1],
    "Tanh": lambda call: torch.tanh(call.first),
    "Unsqueeze": _unsqueezed,
}
"""By the name that ONNX gives them. Dropout drops nothing; Softmax, at the end, gives logarithms."""
