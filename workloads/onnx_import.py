"""How does an ONNX model become a Workload? Finds its layers, runs it for their shapes and, on images, their tensors.

Everything else in the model runs under onnxruntime for the activations and is listed as not costed.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from simulator.errors import WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.workload import Origin, Provenance, Workload
from workloads.images import Images, load_images
from workloads.onnx_epilogue import Array, Channels, Epilogue, epilogue_of
from workloads.onnx_graph import Graph, graph_of
from workloads.onnx_layers import LayerNode, Shape, layer_nodes, not_costed
from workloads.onnx_model import OnnxModel, load_model
from workloads.onnx_run import constant_shape, constants_of, run_chunk, session_with_outputs
from workloads.onnx_shapes import filters_of, layer_of, maps_of, unflattened
from workloads.onnx_tensors import SpooledTensors, empty_spool
from workloads.synthetic import ASSUMED_DENSITY, Densities, SyntheticTensors

_CONSTANT_NOTE = "activations were computed with weights of one value: their zeros are not those of a trained network"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """A layer, the node that it is, and what follows it on the way to memory."""

    layer: Layer
    found: LayerNode
    epilogue: Epilogue


def open_onnx(path: Path, *, batch: int | None, images: Path | None, seed: int) -> Workload:
    """The model's layers at their real weights; activations are real with `images`, else synthetic.

    Raises WorkloadError for a file, a node or images that cannot be used.
    """
    model = load_model(path)
    graph = graph_of(model.proto)
    nodes = layer_nodes(graph, path, partial(constant_shape, model, graph))
    given = None if images is None else load_images(images, batch=batch, image_shape=model.image_shape)
    count = _batch(model, batch if given is None else len(given))
    first = np.zeros((model.chunk, *model.image_shape), np.float32) if given is None else given[: model.chunk]
    imports = _imports(model, graph, nodes, first)
    layers = tuple(item.layer.with_batch(count) for item in imports)
    tensors = empty_spool(layers, _synthetic(imports, seed) if given is None else None)
    constant = _spool_filters(model, graph, imports, tensors)
    if given is not None:
        _spool_maps(model, imports, given, tensors)
    costed = [node for item in imports for node in (item.found.node, *item.epilogue.nodes)]
    return Workload(
        name=path.stem,
        layers=layers,
        tensors_of=tensors,
        provenance=_provenance(model, given, seed, Origin.CONSTANT if constant else Origin.REAL),
        not_costed=not_costed(graph, costed),
        notes=(_CONSTANT_NOTE,) if constant and given is not None else (),
    )


def _batch(model: OnnxModel, wanted: int | None) -> int:
    count = wanted or model.chunk
    if count % model.chunk:
        raise WorkloadError(
            f"{model.path}: was exported for batches of {model.chunk} images; {count} is no multiple of it; "
            "export it with an open batch, or give another"
        )
    return count


def _imports(model: OnnxModel, graph: Graph, nodes: Sequence[LayerNode], first: Images) -> tuple[_Import, ...]:
    """Layers as they are for the first images, by running the network on them for its shapes."""
    windows = [unflattened(node, graph) for node in nodes]
    wanted = {name for node in nodes for name in (node.ifmap, node.output)}.union(filter(None, windows))
    shapes = {name: values.shape for name, values in _values(model, wanted, first).items()}
    imports = []
    for node, window in zip(nodes, windows, strict=True):
        weights = constant_shape(model, graph, node.weights)
        layer = layer_of(node, shapes, weights, window=window, images=len(first), path=model.path)
        imports.append(_Import(layer=layer, found=node, epilogue=_epilogue(model, graph, node, layer, shapes)))
    return tuple(imports)


def _values(model: OnnxModel, wanted: Iterable[str], images: Images) -> Mapping[str, Array]:
    return run_chunk(model, session_with_outputs(model, wanted), images)


def _epilogue(model: OnnxModel, graph: Graph, node: LayerNode, layer: Layer, shapes: Mapping[str, Shape]) -> Epilogue:
    rank = len(shapes[node.output])
    axis = 1 if node.is_conv else rank - 1
    channels = Channels(filters=layer.M, axis=axis, rank=rank)
    return epilogue_of(node.output, channels, graph, partial(constants_of, model, graph))


def _spool_filters(model: OnnxModel, graph: Graph, imports: Sequence[_Import], tensors: SpooledTensors) -> bool:
    """Write all filters, scaled by what is folded into them. Returns whether every weight tensor is of one value."""
    constant = True
    for item in imports:
        weights = constants_of(model, graph, [item.found.weights])[item.found.weights]
        constant = constant and bool(weights.min() == weights.max())
        with np.errstate(over="ignore", invalid="ignore"):  # found, and named, when the layer is asked for
            filters = filters_of(item.found, weights, item.layer)
            if np.any(item.epilogue.factors != 1):
                filters = filters * item.epilogue.factors.reshape(-1, 1, 1, 1)
        tensors.append(item.layer, "filters", filters)
    return constant


def _spool_maps(model: OnnxModel, imports: Sequence[_Import], images: Images, tensors: SpooledTensors) -> None:
    """Run the network, as few images at a time as it takes, and write each layer's ifmap and ofmap."""
    session = session_with_outputs(
        model, {name for item in imports for name in (item.found.ifmap, item.epilogue.ofmap)}
    )
    for start in range(0, len(images), model.chunk):
        values = run_chunk(model, session, images[start : start + model.chunk])
        for item in imports:
            ifmap, ofmap = values[item.found.ifmap], values[item.epilogue.ofmap]
            tensors.append(item.layer, "ifmap", maps_of(item.found, ifmap, item.layer.ifmap_shape, is_input=True))
            tensors.append(item.layer, "ofmap", maps_of(item.found, ofmap, item.layer.ofmap_shape, is_input=False))


def _synthetic(imports: Sequence[_Import], seed: int) -> SyntheticTensors:
    return SyntheticTensors(
        seed=seed,
        densities={
            item.layer.name: Densities(
                ifmap=1.0 if item.layer.from_input else ASSUMED_DENSITY,
                filters=1.0,
                ofmap=ASSUMED_DENSITY if item.epilogue.relu else 1.0,
            )
            for item in imports
        },
    )


def _provenance(model: OnnxModel, images: Images | None, seed: int, weights: Origin) -> Provenance:
    digest = hashlib.sha256(model.sha256.encode())
    if images is None:
        digest.update(f" seed {seed}".encode())
        activations = f"synthetic activations, seed {seed}; density assumed: {ASSUMED_DENSITY}, but dense in the "
        activations += "network's input and in ofmaps without ReLU"
    else:
        for image in images:
            digest.update(np.ascontiguousarray(image).data)
        activations = f"activations of {len(images)} images, run by onnxruntime {onnxruntime.__version__}"
    return Provenance(
        weights=weights,
        activations=Origin.SYNTHETIC if images is None else Origin.REAL,
        detail=f"{'weights' if weights is Origin.REAL else 'constant weights'} of {model.path.name}; {activations}",
        sha256=digest.hexdigest(),
    )
