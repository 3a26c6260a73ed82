"""Which channels does a model hand from layer to layer, and where in its file are the words of each?

A channel is what one filter puts out. BatchNormalization, activations and pooling work on it alone, Concat sets it
beside others, Flatten makes several words of it, Add joins two to one. What hangs together that way is one channel
here, and can be taken out of the file together: the filter that makes it, the weights that read it, all that lies
between. A channel stays where we cannot tell: what an operator not listed here touches, groups of more than one
channel, the network's own input and output.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from onnx import NodeProto

from pruning.network import Channel
from pruning.onnx_run import read_by
from simulator.spec.layer import Layer
from workloads.onnx_graph import Graph, number
from workloads.onnx_layers import LayerNode, Shape

Word = tuple[str, int, int]
"""A tensor, an axis of it, an index along that axis."""

_ACTIVATIONS = ("Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus")
_POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")
_BY_CHANNEL = frozenset(
    (*_ACTIVATIONS, *_POOLS, "Clip", "Erf", "Exp", "Sqrt", "Abs", "Neg", "Identity", "Dropout", "Cast")
)
"""Operators that make each channel of their first input into the same channel of their output."""
_MADE_OF_CONSTANTS = frozenset({"CastLike", "Expand", "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""How exporters make a bias of zeros: its type is that of the images, which makes it no constant of the graph."""
_BETWEEN = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min"})
_CHANNELS = 1
"""The axis of channels in what a network computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxChannel:
    """A channel that may go, and its words in constant tensors, which go with it."""

    channel: Channel
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """All channels that may go, and the nodes that only flatten: they may be written as Flatten, whatever the size."""

    channels: tuple[OnnxChannel, ...]
    flattening: frozenset[str]
    """By the tensor that they make."""


def handed_channels(
    graph: Graph, nodes: Sequence[LayerNode], layers: Sequence[Layer], shapes: Mapping[str, Shape], given: str
) -> Handed:
    """shapes  of every tensor that nodes compute; given: the graph's input, images."""
    links = _Links(graph, shapes)
    links.hold([given, *(name for name, readers in graph.consumers.items() if None in readers)])
    found = {node.output: (node, layer) for node, layer in zip(nodes, layers, strict=True)}
    for node in graph.nodes:
        if not links.is_fixed(node):
            links.add(node, found.get(node.output[0]))
    return Handed(channels=links.channels(), flattening=frozenset(links.flattening))


class _Links:
    """Words that belong to one channel, joined as the graph is read from its input on."""

    def __init__(self, graph: Graph, shapes: Mapping[str, Shape]) -> None:
        self._graph, self._shapes = graph, shapes
        self._above: dict[Word, Word] = {}
        self._held: set[str] = set()
        self._makers: list[tuple[Word, tuple[str, int]]] = []
        self._readers: list[tuple[Word, tuple[str, int]]] = []
        self._fixed = set(graph.constants)
        self._measures: dict[str, set[str]] = {}
        """Tensors that say how large others are, and those others."""
        self.flattening: set[str] = set()

    def is_fixed(self, node: NodeProto) -> bool:
        """What it computes is the same for all images. CastLike takes of its second input the type alone."""
        read = node.input[:1] if node.op_type == "CastLike" else node.input
        if node.op_type in _MADE_OF_CONSTANTS and all(name in self._fixed for name in read if name):
            self._fixed.update(node.output)
        return node.output[0] in self._fixed

    def hold(self, tensors: Iterable[str]) -> None:
        """No channel of these may go, nor of what they are computed from if that is constant, or a size."""
        for name in tensors:
            self._held.add(name)
            self._held.update(self._measures.get(name, ()))
            if name in self._fixed and name in self._graph.producers:
                self._held.update(each for node in self._upstream(name) for each in node.input)

    def add(self, node: NodeProto, layer: tuple[LayerNode, Layer] | None) -> None:
        operator = node.op_type
        if any(self._graph.consumers.get(name) for name in node.output[1:] if name):
            known = False  # such as where a maximum was
        elif layer is not None:
            known = self._layer(node, *layer)
        elif operator in _BY_CHANNEL:
            known = self._join(node.input[0], node.output[0])
        elif operator in self._RULES:
            known = self._RULES[operator](self, node)
        else:
            known = self._measure(node)
        if not known:
            self.hold([*read_by(node), *node.output])

    def channels(self) -> tuple[OnnxChannel, ...]:
        words: dict[Word, list[Word]] = defaultdict(list)
        for word in list(self._above):
            words[self._root(word)].append(word)
        makers, readers = self._grouped(self._makers), self._grouped(self._readers)
        return tuple(
            OnnxChannel(
                channel=Channel(makers=tuple(makers[root]), readers=tuple(readers[root])),
                words=tuple(sorted(word for word in words[root] if word[0] in self._fixed)),
            )
            for root in words
            if root in makers and root in readers and not any(word[0] in self._held for word in words[root])
        )

    def _grouped(self, ends: Iterable[tuple[Word, tuple[str, int]]]) -> dict[Word, list[tuple[str, int]]]:
        grouped: dict[Word, dict[tuple[str, int], None]] = defaultdict(dict)
        for word, end in ends:
            grouped[self._root(word)][end] = None
        return {root: list(found) for root, found in grouped.items()}

    def _root(self, word: Word) -> Word:
        path = []
        while (above := self._above.setdefault(word, word)) != word:
            path.append(word)
            word = above
        for each in path:
            self._above[each] = word
        return word

    def _one(self, first: Word, second: Word) -> None:
        """The same channel."""
        self._above[self._root(second)] = self._root(first)

    def _upstream(self, name: str) -> Iterable[NodeProto]:
        wanted, found = [name], list[NodeProto]()
        while wanted:
            node = self._graph.producers.get(wanted.pop())
            if node is not None and not any(node is each for each in found):
                found.append(node)
                wanted.extend(each for each in node.input if each in self._fixed)
        return found

    def _join(self, first: str, second: str, *, after: int = 0) -> bool:
        """Channels of the first tensor are those of the second, from `after` on."""
        sizes, others = self._shapes[first], self._shapes[second]
        if len(sizes) < 2 or len(others) < 2 or sizes[_CHANNELS] + after > others[_CHANNELS]:
            return False
        for index in range(sizes[_CHANNELS]):
            self._one((first, _CHANNELS, index), (second, _CHANNELS, index + after))
        return True

    def _along(self, tensor: str, constant: str, axis: int) -> bool:
        """A constant with a word for each of the tensor's channels."""
        if not constant:
            return True
        sizes = self._sizes(constant)
        if axis >= len(sizes) or sizes[axis] != self._shapes[tensor][_CHANNELS]:
            return False
        for index in range(sizes[axis]):
            self._one((tensor, _CHANNELS, index), (constant, axis, index))
        return True

    def _sizes(self, constant: str) -> Shape:
        stored = self._graph.initializers.get(constant)
        return self._shapes[constant] if stored is None else tuple(stored.dims)

    def _layer(self, node: NodeProto, found: LayerNode, layer: Layer) -> bool:
        """A layer's filters make its output, its weights read its input."""
        rank = 4 if found.is_conv else 2
        if found.weights not in self._graph.initializers or len(self._shapes[found.ifmap]) != rank:
            return False
        is_by_filter = found.is_conv or number(node, "transB", 0) != 0
        by_filter, by_input = (0, 1) if is_by_filter else (1, 0)
        if number(node, "transA", 0) or not self._along(found.output, found.weights, by_filter):
            return False
        bias = node.input[2] if len(node.input) > 2 else ""
        if bias and prod(self._sizes(bias)) > 1 and not self._along(found.output, bias, len(self._sizes(bias)) - 1):
            return False
        self._makers.extend(((found.output, _CHANNELS, index), (layer.name, index)) for index in range(layer.M))
        if layer.G > 1:
            is_depthwise = layer.G == layer.C == layer.M
            return is_depthwise and self._join(found.ifmap, found.output)
        inputs = self._shapes[found.ifmap][_CHANNELS]
        self._readers.extend(
            ((found.ifmap, _CHANNELS, index), (layer.name, index * layer.C // inputs)) for index in range(inputs)
        )
        return self._along(found.ifmap, found.weights, by_input)

    def _normalised(self, node: NodeProto) -> bool:
        joined = self._join(node.input[0], node.output[0])
        return joined and all(self._along(node.input[0], constant, 0) for constant in node.input[1:5])

    def _between(self, node: NodeProto) -> bool:
        """Tensors of equal rank, and constants along their channels or with one word for all."""
        output = node.output[0]
        rank = len(self._shapes[output])
        return all(self._joins_between(name, output, rank) for name in node.input)

    def _joins_between(self, name: str, output: str, rank: int) -> bool:
        sizes = self._sizes(name) if name in self._fixed else self._shapes[name]
        axis = len(sizes) - rank + _CHANNELS
        if name not in self._fixed:
            alike = axis == _CHANNELS and sizes[_CHANNELS] == self._shapes[output][_CHANNELS]
            return alike and self._join(name, output)
        return axis < 0 or sizes[axis] == 1 or self._along(output, name, axis)

    def _beside(self, node: NodeProto) -> bool:
        rank = len(self._shapes[node.output[0]])
        if rank < 2 or int(number(node, "axis", 0)) not in (_CHANNELS, _CHANNELS - rank):
            return self._measure(node)
        after = 0
        for name in node.input:
            if name in self._fixed or not self._join(name, node.output[0], after=after):
                return False
            after += self._shapes[name][_CHANNELS]
        return True

    def _flattened(self, node: NodeProto) -> bool:
        """N x C x H x W to N x (C H W); all else is not followed."""
        sizes, flat = self._shapes[node.input[0]], self._shapes[node.output[0]]
        if node.input[0] in self._measures or len(sizes) < 2 or flat != (sizes[0], prod(sizes[1:])):
            return self._measure(node)
        each = flat[1] // sizes[1]
        for word in range(flat[1]):
            self._one((node.input[0], _CHANNELS, word // each), (node.output[0], _CHANNELS, word))
        self.flattening.add(node.output[0])
        return True

    def _averaged(self, node: NodeProto) -> bool:
        """ReduceMean and the like, over all that follows the channels."""
        sizes, left = self._shapes[node.input[0]], self._shapes[node.output[0]]
        is_spatial = len(sizes) == 4 and left[:2] == sizes[:2] and prod(left) == prod(sizes[:2]) and prod(sizes[2:]) > 1
        return is_spatial and self._join(node.input[0], node.output[0])

    def _measure(self, node: NodeProto) -> bool:
        """A size, or what is computed from sizes alone."""
        if node.op_type == "Shape":
            self._measures[node.output[0]] = {node.input[0]}
            return True
        if not any(name in self._measures for name in node.input):
            return False
        if not all(name in self._measures or name in self._fixed for name in node.input if name):
            return False
        of = set[str]().union(*(self._measures.get(name, set()) for name in node.input))
        self._measures.update((name, of) for name in node.output)
        return True

    _RULES: Mapping[str, Callable[["_Links", NodeProto], bool]] = {
        "BatchNormalization": _normalised,
        "Concat": _beside,
        **dict.fromkeys(("Flatten", "Reshape", "Squeeze"), _flattened),
        **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum"), _averaged),
        **dict.fromkeys(_BETWEEN, _between),
    }
