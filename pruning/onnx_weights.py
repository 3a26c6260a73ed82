"""Which initializer has a layer's weights, and how do they lie in it? Refuses those that cannot be replaced alone."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.network import Floats
from simulator.errors import PruningError
from simulator.spec.layer import Layer
from workloads.onnx_graph import Graph, label, number
from workloads.onnx_layers import LayerNode

Array = NDArray[Any]
_QUANTIZED = ("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear")


def check_replaceable(nodes: Sequence[LayerNode], graph: Graph, path: Path) -> None:
    """Raise PruningError, naming every layer whose weights are not an initializer that it alone reads."""
    found = ((node, _fault(node, nodes, graph)) for node in nodes)
    raise_faults(path, (f"{node.name}: {fault}" for node, fault in found if fault is not None))


def check_finite(stored: Mapping[str, Array], nodes: Sequence[LayerNode], path: Path) -> None:
    """Raise PruningError, naming every layer with weights that are NaN or infinite. `stored`: by initializer."""
    counts = ((node.name, int((~np.isfinite(stored[node.weights])).sum())) for node in nodes)
    faults = (f"{name}: {count} weights are NaN or infinite; train the model again" for name, count in counts if count)
    raise_faults(path, faults)


def raise_faults(path: Path, faults: Iterable[str]) -> None:
    """Raise PruningError if there are any faults: all in one message."""
    listed = list(faults)
    if len(listed) == 1:
        raise PruningError(f"{path}: {listed[0]}")
    if listed:
        raise PruningError("\n  ".join([f"{path}: {len(listed)} layers cannot be pruned", *listed]))


def as_filters(found: LayerNode, stored: Array, layer: Layer) -> Floats:
    """An initializer's values as (M, C/G, R, S). Gemm's alpha is left out: these are the model's own weights."""
    by_filter = stored if found.is_conv or _is_by_filter(found) else stored.T
    return np.ascontiguousarray(by_filter, np.float32).reshape(layer.filter_shape)


def as_stored(found: LayerNode, filters: Floats, like: Array) -> Array:
    """(M, C/G, R, S) as the initializer has them, in its own type."""
    if found.is_conv or _is_by_filter(found):
        return np.array(filters.reshape(like.shape), like.dtype, order="C")
    return np.array(filters.reshape(like.shape[::-1]).T, like.dtype, order="C")


def _is_by_filter(found: LayerNode) -> bool:
    return number(found.node, "transB", 0) != 0


def _fault(found: LayerNode, nodes: Sequence[LayerNode], graph: Graph) -> str | None:
    where = f"its weights {found.weights!r}"
    if found.weights not in graph.initializers:
        makers = [node.op_type for node in graph.constant_nodes_for([found.weights])]
        if any(maker in _QUANTIZED for maker in makers):
            return f"{where} are quantized; prune the float model, and quantize it afterwards"
        return f"{where} are made by {makers[-1]}, not stored as an initializer; export with constant folding"
    sharing = [node.name for node in nodes if node.weights == found.weights and node is not found]
    if sharing:
        return f"{where} are also those of {', '.join(sharing)}; export the model with a copy for each layer"
    readers = [node for node in graph.consumers[found.weights] if node is not found.node]
    others = [node for node in readers if node is None or node.op_type != "Shape"]  # a shape stays as it is
    if others:
        reader = "the network's output" if others[0] is None else label(others[0])
        return f"{where} are also read by {reader}; export the model with a copy for each"
    return None
