"""What in a model does not depend on one layer's weights? It is computed once, for many tries of that layer.

The search for a layer's depth scores the same images again and again, each time with other weights in that layer alone:
all that is ahead of it comes out the same. What is kept are the tensors where the two parts meet.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from pruning.network import Floats
from pruning.onnx_run import OnnxRun, read_by
from workloads.onnx_graph import Graph

Array = NDArray[Any]
_MOST_BYTES = 1 << 30
"""Of the tensors kept; where they are more, the whole model is run instead."""


class OnnxPrefix:
    """The part of a model ahead of a layer, with its tensors for the images that were scored last."""

    def __init__(self, run: OnnxRun, layer: NodeProto) -> None:
        self._run = run
        self._meeting = _meeting(run.graph, layer)
        self._images: Floats | None = None
        self._kept: list[tuple[int, dict[str, Array]]] | None = None

    def outputs(self, run: OnnxRun, images: Floats) -> Iterator[tuple[int, Array]]:
        """As run.outputs, of a run that differs from the prefix's in the layer's weights alone.

        Scores may differ from those of the whole model in the last bits: onnxruntime fuses what it sees.
        """
        if self._images is not images:
            self._images, self._kept = images, self._tensors(images)
        if self._kept is None:
            return run.outputs(images)
        return run.outputs_from(self._kept)

    def _tensors(self, images: Floats) -> list[tuple[int, dict[str, Array]]] | None:
        kept, size = [], 0
        for real, tensors in self._run.tensors(self._meeting, images):
            kept.append((real, {name: np.asarray(tensors[name]) for name in self._meeting}))
            size += sum(tensor.nbytes for tensor in kept[-1][1].values())
            if size > _MOST_BYTES:
                return None
        return kept


def _meeting(graph: Graph, layer: NodeProto) -> tuple[str, ...]:
    """Tensors that the layer, and what comes after it, read and do not compute; constants left out."""
    after, computed = [layer], set(layer.output)
    for node in graph.nodes:  # in order of execution
        if computed.intersection(read_by(node)):
            after.append(node)
            computed.update(node.output)
    elsewhere = {*graph.producers, *graph.inputs} - graph.constants - computed
    return tuple(dict.fromkeys(name for node in after for name in sorted(read_by(node)) if name in elsewhere))
