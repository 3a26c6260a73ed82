"""How do a model's nodes hang together? Which tensors are constant, who uses what, how to say where a node is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from itertools import count as count_from

import onnx
from onnx import NodeProto

_RANDOM = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Lookups over a model's main graph.

    inputs     the graph's inputs, those with a value included
    constants  tensors that do not depend on the input: initializers, and what nodes make of them
    producers  the node that computes a tensor
    consumers  nodes that read a tensor, once for each time; a graph output counts as one that is None
    """

    nodes: tuple[NodeProto, ...]
    inputs: frozenset[str]
    initializers: dict[str, onnx.TensorProto]
    constants: frozenset[str]
    producers: dict[str, NodeProto]
    consumers: dict[str, list[NodeProto | None]]

    def only_consumer(self, tensor: str) -> NodeProto | None:
        """The node that alone reads the tensor; None if others do, or the network puts it out."""
        readers = self.consumers.get(tensor, [])
        return readers[0] if len(readers) == 1 else None

    def absent_inputs(self, node: NodeProto) -> list[str]:
        """Inputs of a node that are nowhere in the file: not stored, not given and not computed."""
        places = (self.inputs, self.initializers, self.producers)
        return [name for name in node.input if name and not any(name in place for place in places)]

    def is_constant(self, node: NodeProto) -> bool:
        return all(name in self.constants for name in node.output if name)

    def constant_nodes_for(self, tensors: Iterable[str]) -> list[NodeProto]:
        """The nodes that compute these constants, in order."""
        wanted = set(tensors)
        chosen = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                chosen.append(node)
                wanted.update(node.input)
        return chosen[::-1]


def graph_of(proto: onnx.ModelProto) -> Graph:
    nodes = tuple(proto.graph.node)
    initializers = {tensor.name: tensor for tensor in proto.graph.initializer}
    return Graph(
        nodes=nodes,
        inputs=frozenset(given.name for given in proto.graph.input),
        initializers=initializers,
        constants=frozenset(_constants(nodes, initializers)),
        producers={name: node for node in nodes for name in node.output if name},
        consumers=_consumers(proto, nodes),
    )


def unique_names(nodes: Iterable[NodeProto]) -> list[str]:
    """A name for each node: its own, or its output's where exporters left it empty; `#2` and so on after repeats."""
    names: dict[str, None] = {}
    for node in nodes:
        base = node.name or node.output[0]
        repeats = (f"{base}#{count}" for count in count_from(2))
        names[next(name for name in chain([base], repeats) if name not in names)] = None
    return list(names)


def label(node: NodeProto) -> str:
    """How messages name a node."""
    return f"node {node.name or node.output[0]!r} ({node.op_type})"


def subgraphs(node: NodeProto) -> Iterator[onnx.GraphProto]:
    """The bodies of an If, Loop or Scan, and those inside them."""
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
            yield body
            for inner in body.node:
                yield from subgraphs(inner)


def attribute(node: NodeProto, name: str, default: object) -> object:
    """An attribute's value as Python has it."""
    for candidate in node.attribute:
        if candidate.name == name:
            value: object = onnx.helper.get_attribute_value(candidate)
            return value
    return default


def integers(node: NodeProto, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """An attribute that is a list of integers."""
    value = attribute(node, name, default)
    assert isinstance(value, list | tuple)
    return tuple(int(item) for item in value)


def number(node: NodeProto, name: str, default: float) -> float:
    """An attribute that is one number."""
    value = attribute(node, name, default)
    assert isinstance(value, int | float)
    return value


def _constants(nodes: tuple[NodeProto, ...], initializers: dict[str, onnx.TensorProto]) -> set[str]:
    constants = set(initializers)
    for node in nodes:
        runs_anew = node.op_type in _RANDOM or any(subgraphs(node))
        if not runs_anew and all(name in constants for name in node.input if name):
            constants.update(name for name in node.output if name)
    return constants


def _consumers(proto: onnx.ModelProto, nodes: tuple[NodeProto, ...]) -> dict[str, list[NodeProto | None]]:
    consumers: dict[str, list[NodeProto | None]] = {}
    for node in nodes:
        inside = [name for body in subgraphs(node) for inner in body.node for name in inner.input]
        for name in (*node.input, *inside):
            consumers.setdefault(name, []).append(node)
    for output in proto.graph.output:
        consumers.setdefault(output.name, []).append(None)
    return consumers
