"""What does a model compute with some of its weights replaced? Runs it under onnxruntime, a batch of images at a time.

A session is made anew for each set of weights: that takes milliseconds, and onnxruntime then lays constant weights out
for the processor. One session that takes the weights as inputs would save those, and run slower.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, numpy_helper

from pruning.network import Floats
from simulator.errors import PruningError
from workloads.onnx_graph import Graph, subgraphs
from workloads.onnx_model import OnnxModel

Array = NDArray[Any]
_FIRST_WITHOUT_LISTING = 4
"""The IR version from which initializers need not be inputs too; those that are not inputs are constant."""


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: cached_property
class OnnxRun:
    """A model, and the initializers that are replaced in it, each in its own shape and type.

    threads  of onnxruntime; the same number gives the same bits at each run on the same machine
    batch    images that are run at once, unless the model was exported for a fixed number of them
    """

    model: OnnxModel
    graph: Graph
    replaced: Mapping[str, Array]
    threads: int
    batch: int

    @property
    def output(self) -> str:
        return str(self.model.proto.graph.output[0].name)

    @property
    def fixed_batch(self) -> int | None:
        """Images that the model was exported for, if it takes no other number."""
        given = next(each for each in self.model.proto.graph.input if each.name == self.model.input_name)
        return self.model.chunk if given.type.tensor_type.shape.dim[0].HasField("dim_value") else None

    def outputs(self, images: Floats) -> Iterator[tuple[int, Array]]:
        """The network's output for each batch, and how many of its images are real ones."""
        for real, values in self._batches(self._output_session, [self.output], images):
            yield real, values[self.output]

    def tensors(self, names: Sequence[str], images: Floats) -> Iterator[tuple[int, dict[str, Array]]]:
        """These tensors for each batch. Only the nodes that they need are run."""
        computed = [name for name in names if name != self.model.input_name]
        return self._batches(self._session(computed) if computed else None, computed, images)

    def outputs_from(self, tensors: Iterable[tuple[int, Mapping[str, Array]]]) -> Iterator[tuple[int, Array]]:
        """As `outputs`, from tensors within the model that `tensors` gave for each batch. Only the nodes after them
        are run."""
        session: onnxruntime.InferenceSession | None = None
        for real, given in tensors:
            session = session or self._session([self.output], given)
            yield real, self._values(session, [self.output], given)[self.output]

    def _batches(
        self, session: onnxruntime.InferenceSession | None, names: Sequence[str], images: Floats
    ) -> Iterator[tuple[int, dict[str, Array]]]:
        """The input and these tensors. A short last batch is filled up where the model takes no fewer."""
        size, kind = self.fixed_batch or self.batch, onnx.helper.tensor_dtype_to_np_dtype(self.model.input_type)
        for start in range(0, len(images), size):
            part = np.asarray(images[start : start + size], kind)
            absent = size - len(part) if self.fixed_batch else 0
            given = np.concatenate([part, np.repeat(part[-1:], absent, axis=0)]) if absent else part
            named = {self.model.input_name: given}
            values = {} if session is None else self._values(session, names, named)
            yield len(part), {**named, **values}

    def _values(
        self, session: onnxruntime.InferenceSession, names: Sequence[str], given: Mapping[str, Array]
    ) -> dict[str, Array]:
        try:
            return dict(zip(names, session.run(names, given), strict=True))
        except Exception as error:  # onnxruntime's exceptions have no common base but this
            raise PruningError(self._cannot_run(error)) from None

    @cached_property
    def _output_session(self) -> onnxruntime.InferenceSession:
        return self._session([self.output])

    def _session(self, names: Sequence[str], given: Mapping[str, Array] | None = None) -> onnxruntime.InferenceSession:
        proto = self._model_for(names, given)
        shared = [tensor.name for tensor in proto.graph.initializer if tensor.name in self.model.weights]
        arrays = [self.replaced.get(name, self.model.weights[name]) for name in shared]
        options = _options(self.threads)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(self.model.folder))
        try:
            # The same memory: the arrays must outlive the session, as `model` and `replaced` do.
            options.add_external_initializers(
                shared, [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in arrays]
            )
            return onnxruntime.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"], enable_fallback=False
            )
        except Exception as error:  # as above
            raise PruningError(self._cannot_run(error)) from None

    def _model_for(self, tensors: Sequence[str], given: Mapping[str, Array] | None) -> onnx.ModelProto:
        """The part of the model that computes these tensors from the images, or from the tensors that are given."""
        whole = self.model.proto
        part = onnx.ModelProto(
            ir_version=max(whole.ir_version, _FIRST_WITHOUT_LISTING), opset_import=whole.opset_import
        )
        part.graph.name = whole.graph.name
        nodes = _nodes_for(self.graph, tensors, given or ())
        used = {name for node in nodes for name in read_by(node)}.union(tensors)
        part.graph.node.extend(nodes)
        if given is None:
            part.graph.input.extend(each for each in whole.graph.input if each.name == self.model.input_name)
        else:
            part.graph.input.extend(_declared(name, value) for name, value in given.items())
        part.graph.initializer.extend(
            self._initializer(tensor) for name, tensor in self.graph.initializers.items() if name in used
        )
        part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors)
        return part

    def _initializer(self, tensor: TensorProto) -> TensorProto:
        """Large ones are in the model by name only, and given to the session as arrays."""
        if tensor.name in self.replaced and tensor.name not in self.model.weights:
            return numpy_helper.from_array(self.replaced[tensor.name], tensor.name)
        return tensor

    def _cannot_run(self, error: Exception) -> str:
        reason = str(error).strip().splitlines()[0]
        return f"{self.model.path}: onnxruntime {onnxruntime.__version__} cannot run it: {reason}"


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # its errors are raised too, and ours is the only message
    return options


def _declared(name: str, value: Array) -> onnx.ValueInfoProto:
    """An input like this value, for a batch of any size."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    return onnx.helper.make_tensor_value_info(name, kind, [f"{name}.{axis}" for axis in range(value.ndim)])


def _nodes_for(graph: Graph, tensors: Sequence[str], given: Container[str]) -> list[NodeProto]:
    """The nodes that these tensors need, in order: onnxruntime would run the others too."""
    wanted, chosen = set(tensors), []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.output):
            chosen.append(node)
            wanted.update(name for name in read_by(node) if name not in given)
    return chosen[::-1]


def read_by(node: NodeProto) -> set[str]:
    """A node's inputs, and what the bodies of an If or a Loop read from around them."""
    return {*node.input, *(name for body in subgraphs(node) for inner in body.node for name in inner.input)}
