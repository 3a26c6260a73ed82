"""How is an ONNX model pruned? Its layers as `simulate` names them, its own weights, what it computes with others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto

from pruning.channels import unread
from pruning.network import Channel, Floats
from pruning.onnx_channels import Handed, handed_channels
from pruning.onnx_narrow import narrow
from pruning.onnx_prefix import OnnxPrefix
from pruning.onnx_run import OnnxRun
from pruning.onnx_save import save_onnx
from pruning.onnx_weights import as_filters, as_stored, check_finite, check_replaceable
from simulator.errors import PruningError
from simulator.spec.layer import Layer
from workloads.onnx_graph import Graph, graph_of
from workloads.onnx_layers import LayerNode, Shape, layer_nodes
from workloads.onnx_model import OnnxModel, load_model
from workloads.onnx_run import constant_shape, constants_of, run_chunk, session_with_outputs
from workloads.onnx_shapes import layer_of, maps_of, unflattened

Array = NDArray[Any]
DEFAULT_BATCH = 64
"""Images run at once: speed hardly grows beyond, memory does."""


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True, eq=False)
class OnnxNetwork:
    """A PrunableNetwork over an .onnx file. Its weights are the file's initializers, nothing folded into them.

    layers   in order of execution, N = 1, named and shaped as `picojoule simulate` has them
    classes  scores that it gives for each image
    """

    layers: tuple[Layer, ...]
    classes: int
    _run: OnnxRun
    _nodes: Mapping[str, LayerNode]
    _original: Mapping[str, Array]
    """Values of the layers' initializers as the file has them."""
    _handed: Handed | None = None
    """Channels between layers, if those that no layer reads are left out of the file that is saved."""
    _computed: Mapping[str, Array] = field(default_factory=dict)
    """Constants that nodes compute, if so."""
    _prefix: tuple[str, OnnxPrefix] | None = None
    """Of the layer that the network is prepared for, by name."""

    @classmethod
    def load(cls, path: Path, *, threads: int = 1, batch: int = DEFAULT_BATCH, narrows: bool = False) -> Self:
        """The model, to be run with so many threads, so many images at once (or as many as it was exported for). If it
        narrows, it is saved without the channels that no layer reads.

        Raises WorkloadError for a model that cannot be simulated. Raises PruningError, before it is run, if a layer's
        weights are not an initializer of its own, are quantized or not finite; and if its output is not N x classes.
        """
        if threads < 1 or batch < 1:
            raise PruningError(f"{path}: {threads} threads, {batch} images at once; give at least 1")
        model = load_model(path)
        graph = graph_of(model.proto)
        nodes = layer_nodes(graph, path, partial(constant_shape, model, graph))
        check_replaceable(nodes, graph, path)
        original = constants_of(model, graph, [node.weights for node in nodes])
        check_finite(original, nodes, path)
        run = OnnxRun(model=model, graph=graph, replaced={}, threads=threads, batch=batch)
        layers, classes = _shapes(model, graph, nodes, images=run.fixed_batch or 2)
        network = cls(
            layers=layers,
            classes=classes,
            _run=run,
            _nodes={node.name: node for node in nodes},
            _original=original,
        )
        return network._narrowing() if narrows else network

    @property
    def path(self) -> Path:
        return self._run.model.path

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one image, usually (C, H, W)."""
        return self._run.model.image_shape

    @property
    def input_name(self) -> str:
        return self._run.model.input_name

    @property
    def output_name(self) -> str:
        return self._run.output

    def computing_nodes(self) -> tuple[NodeProto, ...]:
        """Nodes whose outputs depend on the images, in order of execution; BatchNormalization and the like included."""
        return tuple(node for node in self._run.graph.nodes if not self._run.graph.is_constant(node))

    def float_initializers(self) -> frozenset[str]:
        """Names of the initializers that may be replaced by others of their shape."""
        floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
        return frozenset(name for name, tensor in self._run.graph.initializers.items() if tensor.data_type in floats)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that may be left out of the file; none if the network does not narrow."""
        return () if self._handed is None else tuple(each.channel for each in self._handed.channels)

    def weights(self, layer: str) -> Floats:
        """A layer's filters, (M, C/G, R, S), not to be written to; Gemm's alpha is not in them."""
        found = self._node(layer)
        filters = as_filters(found, self._stored(found), self._layer(layer))
        filters.flags.writeable = False
        return filters

    def with_weights(self, weights: Mapping[str, Floats]) -> Self:
        """The network with these layers' weights replaced, as its file would hold them (a half-precision model rounds).

        Raises PruningError for an unknown layer, another shape, or weights that are NaN or infinite.
        """
        replaced = {self._node(name).weights: self._checked(name, values) for name, values in weights.items()}
        run = replace(self._run, replaced={**self._run.replaced, **replaced})
        is_ahead = self._prefix is not None and set(weights) <= {self._prefix[0]}
        return replace(self, _run=run, _prefix=self._prefix if is_ahead else None)

    def prepared(self, layer: str) -> Self:
        """The same network: with other weights in this layer alone, it scores the same images again by what comes after
        it. The tensors that come before are kept, up to a GiB, with this network."""
        return replace(self, _prefix=(layer, OnnxPrefix(self._run, self._node(layer).node)))

    def changes(self) -> Mapping[str, Array]:
        """The initializers that were replaced, as they are now."""
        return self._run.replaced

    def with_changes(self, changes: Mapping[str, Array]) -> Self:
        """The file's network with these initializers replaced, and no others.

        Raises PruningError for one that the file has not, of another shape or type, or with NaN or infinite values.
        """
        for name, values in changes.items():
            self._check_change(name, values)
        return replace(self, _run=replace(self._run, replaced=dict(changes)), _prefix=None)

    def initializer_of(self, layer: str) -> str:
        """Name of the initializer that has a layer's weights."""
        return self._node(layer).weights

    def as_stored(self, layer: str, values: Floats) -> Array:
        """Values for each of a layer's weights, (M, C/G, R, S), in the shape of its initializer."""
        found = self._node(layer)
        return as_stored(found, values, np.empty(self._stored(found).shape, values.dtype))

    def constants(self, names: Sequence[str]) -> dict[str, Array]:
        """Values of these constant tensors as they are now: initializers, and what nodes make of those in the file."""
        changes = self.changes()
        stored = constants_of(self._run.model, self._run.graph, [name for name in names if name not in changes])
        return {name: changes[name] if name in changes else stored[name] for name in names}

    def layer_inputs(self, layers: Sequence[str], images: Floats) -> dict[str, Floats]:
        """What these layers read: each (N, C, H, W), before padding. Only the nodes they need are run.

        Raises PruningError for an unknown layer or images that the network does not take.
        """
        self._check_images(images)
        shapes = {name: self._layer(name).ifmap_shape[1:] for name in layers}
        inputs = {name: np.empty((len(images), *shape), np.float32) for name, shape in shapes.items()}
        start, wanted = 0, list(dict.fromkeys(self._node(name).ifmap for name in layers))
        for real, tensors in self._run.tensors(wanted, images):
            for name, shape in shapes.items():
                found = self._node(name)
                maps = maps_of(found, tensors[found.ifmap], (self._rows(real), *shape), is_input=True)
                inputs[name][start : start + real] = maps[:real]
            start += real
        return inputs

    def scores(self, images: Floats) -> Floats:
        """(N, classes). Raises PruningError for images that the network does not take."""
        self._check_images(images)
        scores = np.empty((len(images), self.classes), np.float32)
        start = 0
        made = self._run.outputs(images) if self._prefix is None else self._prefix[1].outputs(self._run, images)
        for real, values in made:
            scores[start : start + real] = values.reshape(self._rows(real), self.classes)[:real]
            start += real
        return scores

    def save(self, path: Path) -> None:
        """Write the file that this network was read from with its weights, external data beside it. See `save_onnx`.
        If it narrows, channels that no layer reads are left out.

        Raises PruningError if that file is no longer what was read, WorkloadError if it cannot be read.
        """
        if load_model(self.path).sha256 != self._run.model.sha256:
            raise PruningError(f"{self.path}: is no longer the model that was read; put that file back, or prune anew")
        save_onnx(self.path, self._run.replaced, path, None if self._handed is None else self._narrow)

    def _narrow(self, proto: onnx.ModelProto) -> None:
        assert self._handed is not None
        gone = [self._handed.channels[at] for at in unread(self)]
        if gone:
            narrow(proto, gone, self._handed.flattening, self._computed)

    def _narrowing(self) -> Self:
        """The same, saved without the channels that no layer reads."""
        model, graph = self._run.model, self._run.graph
        made = [node.output[0] for node in graph.nodes]
        blank = np.zeros((self._run.fixed_batch or 2, *model.image_shape), np.float32)
        values = run_chunk(model, session_with_outputs(model, made), blank)
        shapes = {name: each.shape for name, each in values.items()}
        handed = handed_channels(graph, list(self._nodes.values()), self.layers, shapes, model.input_name)
        lost = {word[0] for each in handed.channels for word in each.words} - graph.initializers.keys()
        return replace(self, _handed=handed, _computed={name: values[name] for name in lost})

    def _rows(self, real: int) -> int:
        """Images in a batch of which `real` are real."""
        return max(real, self._run.fixed_batch or 0)

    def _stored(self, found: LayerNode) -> Array:
        return self._run.replaced.get(found.weights, self._original[found.weights])

    def _checked(self, name: str, values: Floats) -> Array:
        shape = self._layer(name).filter_shape
        if values.shape != shape:
            raise PruningError(f"{name}: weights of shape {_text(values.shape)}; the layer has {_text(shape)}")
        found = self._node(name)
        with np.errstate(over="ignore"):  # found, and named, below
            stored = as_stored(found, values, self._original[found.weights])
        bad = int((~np.isfinite(stored)).sum())
        if bad:
            raise PruningError(f"{name}: {bad} new weights are NaN or infinite as {stored.dtype}; give finite ones")
        return stored

    def _check_change(self, name: str, values: Array) -> None:
        tensor = self._run.graph.initializers.get(name)
        if tensor is None:
            raise PruningError(f"{self.path}: has no initializer {name!r}")
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        if values.shape != tuple(tensor.dims) or values.dtype != kind:
            raise PruningError(
                f"{self.path}: {name!r} is {_text(tensor.dims)} {kind}; {_text(values.shape)} {values.dtype} is given"
            )
        if bad := int((~np.isfinite(values)).sum()):
            raise PruningError(f"{self.path}: {bad} new values of {name!r} are NaN or infinite; give finite ones")

    def _node(self, layer: str) -> LayerNode:
        if layer not in self._nodes:
            raise PruningError(f"{self.path}: has no layer {layer!r}; its layers: {', '.join(self._nodes)}")
        return self._nodes[layer]

    def _layer(self, name: str) -> Layer:
        self._node(name)
        return next(layer for layer in self.layers if layer.name == name)

    def _check_images(self, images: Floats) -> None:
        if images.shape[1:] != self.image_shape or len(images) == 0:
            expected = _text(("N", *self.image_shape))
            raise PruningError(
                f"{self.path}: images of shape {_text(images.shape)}; the network takes {expected}, N >= 1"
            )


def _shapes(
    model: OnnxModel, graph: Graph, nodes: Sequence[LayerNode], *, images: int
) -> tuple[tuple[Layer, ...], int]:
    """The layers for one image, and the number of classes: by running the network once, on more than one image where it
    takes them, so that one with the number of images fixed inside is refused here."""
    windows = [unflattened(node, graph) for node in nodes]
    outputs = [output.name for output in model.proto.graph.output]
    wanted = {name for node in nodes for name in (node.ifmap, node.output)}.union(filter(None, windows), outputs)
    blank = np.zeros((images, *model.image_shape), np.float32)
    values = run_chunk(model, session_with_outputs(model, wanted), blank)
    shapes = {name: each.shape for name, each in values.items()}
    layers = (
        layer_of(
            node,
            shapes,
            tuple(graph.initializers[node.weights].dims),
            window=window,
            images=images,
            path=model.path,
        )
        for node, window in zip(nodes, windows, strict=True)
    )
    classes = _classes(model, {name: shapes[name] for name in outputs}, images)
    return tuple(layer.with_batch(1) for layer in layers), classes


def _classes(model: OnnxModel, outputs: Mapping[str, Shape], images: int) -> int:
    """Of the one output, N x classes; sizes of 1 may follow."""
    shape = next(iter(outputs.values()))
    if len(outputs) == 1 and len(shape) >= 2 and shape[0] == images and set(shape[2:]) <= {1}:
        return int(shape[1])
    found = ", ".join(f"{name!r} {_text(shape)}" for name, shape in outputs.items())
    raise PruningError(
        f"{model.path}: puts out {found} for {images} images; a network with one output, N x classes, is needed"
    )


def _text(shape: Sequence[int | str]) -> str:
    return "x".join(str(size) for size in shape) or "()"
