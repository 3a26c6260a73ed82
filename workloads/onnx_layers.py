"""Which nodes of a model are CONV and FC layers, and which cannot be simulated?

A Conv, Gemm or MatMul with constant weights is a layer. Products of two computed tensors (attention) are left among the
operators that are not costed. What we would compute wrongly is refused, all such nodes in one message.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from onnx import NodeProto

from simulator.errors import WorkloadError
from workloads.onnx_graph import Graph, integers, label, subgraphs, unique_names

_PLAIN = ("Conv", "Gemm", "MatMul")
_PLAIN_DOMAINS = ("", "ai.onnx")
_INTEGER = "integer operators are not modelled; export with QuantizeLinear and DequantizeLinear around a float one"
_OTHER_FORMS = {
    "ConvTranspose": "transposed convolution is not modelled; only 2-D Conv is",
    **dict.fromkeys(("ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "QGemm"), _INTEGER),
}
Shape = tuple[int, ...]


class Kind(StrEnum):
    CONV = "Conv"
    GEMM = "Gemm"
    MATMUL = "MatMul"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNode:
    """One CONV or FC layer of the graph.

    from_input  no other layer is upstream: what it reads is the network's own input, at most rescaled
    """

    name: str
    kind: Kind
    node: NodeProto
    from_input: bool

    @property
    def is_conv(self) -> bool:
        return self.kind is Kind.CONV

    @property
    def ifmap(self) -> str:
        return str(self.node.input[0])

    @property
    def weights(self) -> str:
        return str(self.node.input[1])

    @property
    def output(self) -> str:
        return str(self.node.output[0])


def layer_nodes(graph: Graph, path: Path, weight_shape: Callable[[str], Shape]) -> tuple[LayerNode, ...]:
    """The layers in order of execution; `weight_shape` gives a constant tensor's shape.

    Raises WorkloadError naming every node that is refused, or if there is no layer.
    """
    running = [node for node in graph.nodes if not graph.is_constant(node)]
    found = ((node, _refusal(node, graph, weight_shape)) for node in running)
    faults = [f"{label(node)}: {fault}" for node, fault in found if fault is not None]
    if faults:
        one = len(faults) == 1
        raise WorkloadError(
            f"{path}: {faults[0]}"
            if one
            else "\n  ".join([f"{path}: {len(faults)} nodes cannot be simulated", *faults])
        )
    chosen = [node for node in running if _is_layer(node, graph)]
    if not chosen:
        raise WorkloadError(f"{path}: has no Conv, Gemm or MatMul with weights; there is nothing to simulate")
    later = _downstream(graph, chosen)
    return tuple(
        LayerNode(name=name, kind=Kind(node.op_type), node=node, from_input=node.input[0] not in later)
        for name, node in zip(unique_names(chosen), chosen, strict=True)
    )


def not_costed(graph: Graph, costed: Iterable[NodeProto]) -> tuple[str, ...]:
    """Operators that run but are in no layer, as `MaxPool x3`, in order of first appearance."""
    outputs = {name for node in costed for name in node.output}
    others = [node for node in graph.nodes if not graph.is_constant(node) and node.output[0] not in outputs]
    return tuple(f"{operator} x{count}" for operator, count in Counter(node.op_type for node in others).items())


def _is_layer(node: NodeProto, graph: Graph) -> bool:
    return node.op_type in _PLAIN and node.input[1] in graph.constants


def _downstream(graph: Graph, layers: list[NodeProto]) -> set[str]:
    """Every tensor that depends on a layer's output."""
    later = {str(node.output[0]) for node in layers}
    for node in graph.nodes:
        if later.intersection(node.input):
            later.update(node.output)
    return later


def _refusal(node: NodeProto, graph: Graph, weight_shape: Callable[[str], Shape]) -> str | None:
    """Why a node cannot be simulated, or None."""
    inside = [inner.op_type for body in subgraphs(node) for inner in body.node if _multiplies(inner)]
    if inside:
        return f"has a {inside[0]} inside; export the network without control flow"
    absent = graph.absent_inputs(node)
    if absent:
        return f"its input {absent[0]!r} is nowhere in the file; export the model with its parameters"
    if not _multiplies(node):
        return None
    if node.op_type not in _PLAIN or node.domain not in _PLAIN_DOMAINS:
        return _OTHER_FORMS.get(node.op_type, "this operator is not modelled; export with plain Conv, Gemm and MatMul")
    return (_conv_refusal if node.op_type == "Conv" else _product_refusal)(node, graph, weight_shape)


def _multiplies(node: NodeProto) -> bool:
    """Whether it is a convolution or matrix product of any kind (FusedConv, QLinearMatMul, ...)."""
    return any(word in node.op_type for word in _PLAIN)


def _conv_refusal(node: NodeProto, graph: Graph, weight_shape: Callable[[str], Shape]) -> str | None:
    if node.input[1] not in graph.constants:
        return f"its weights {node.input[1]!r} are computed from the input; only constant weights are modelled"
    shape = weight_shape(node.input[1])
    if len(shape) != 4:
        return f"a {max(0, len(shape) - 2)}-D convolution, weights {list(shape)}; only 2-D Conv is modelled"
    dilations = integers(node, "dilations", (1, 1))
    if any(step != 1 and size > 1 for step, size in zip(dilations, shape[2:], strict=True)):
        return f"dilations {list(dilations)}; dilated convolution is not modelled, only [1, 1] is"
    return None


def _product_refusal(node: NodeProto, graph: Graph, weight_shape: Callable[[str], Shape]) -> str | None:
    left, right = (name in graph.constants for name in node.input[:2])
    if left:
        return (
            f"its constant {node.input[0]!r} is on the left; only x W with a constant W is modelled, swap the operands"
        )
    if right and len(weight_shape(node.input[1])) != 2:
        return f"weights {list(weight_shape(node.input[1]))}; only 2-D weights are modelled"
    return None
