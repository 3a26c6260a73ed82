"""What values do a model's tensors have? Everything that onnxruntime computes for us, always in the same way.

One thread, operators in order, no layout changes: the same machine gives the same bits at each run.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from simulator.errors import WorkloadError
from workloads.onnx_graph import Graph
from workloads.onnx_model import OnnxModel, stored_values

Array = npt.NDArray[Any]


def session_with_outputs(model: OnnxModel, tensors: Iterable[str]) -> onnxruntime.InferenceSession:
    """A session that puts out these tensors, wherever in the graph they are."""
    proto = model.proto
    own_outputs = list(proto.graph.output)
    proto.graph.ClearField("output")
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name != model.input_name)
    try:
        return _session(proto, model)
    finally:
        proto.graph.ClearField("output")
        proto.graph.output.extend(own_outputs)


def run_chunk(
    model: OnnxModel, session: onnxruntime.InferenceSession, images: npt.NDArray[np.float32]
) -> dict[str, Array]:
    """The session's outputs, and the input itself, for as many images as the model takes at once."""
    given = images.astype(onnx.helper.tensor_dtype_to_np_dtype(model.input_type))
    names = [output.name for output in session.get_outputs()]
    values = _run(session, names, {model.input_name: given}, model)
    return {model.input_name: given, **values}


def constants_of(model: OnnxModel, graph: Graph, tensors: Iterable[str]) -> dict[str, Array]:
    """Values of constant tensors: read where they are stored, computed where nodes make them."""
    names = tuple(dict.fromkeys(tensors))
    stored = {name: _stored(model, graph, name) for name in names if name in graph.initializers}
    computed = [name for name in names if name not in stored]
    if not computed:
        return stored
    session = _session(_constant_model(model.proto, graph, computed), model)
    return {**stored, **_run(session, computed, {}, model)}


def constant_shape(model: OnnxModel, graph: Graph, tensor: str) -> tuple[int, ...]:
    """Shape of a constant tensor, without its values where they are not needed to know it."""
    if tensor in graph.initializers:
        return tuple(graph.initializers[tensor].dims)
    part = _constant_model(model.proto, graph, [tensor])
    inferred = onnx.shape_inference.infer_shapes(part, data_prop=True).graph.output[0].type.tensor_type.shape.dim
    if inferred and all(dim.HasField("dim_value") for dim in inferred):
        return tuple(dim.dim_value for dim in inferred)
    return constants_of(model, graph, [tensor])[tensor].shape


def _stored(model: OnnxModel, graph: Graph, name: str) -> Array:
    if name in model.weights:
        return model.weights[name]
    return stored_values(graph.initializers[name], model.path)


def _constant_model(proto: onnx.ModelProto, graph: Graph, tensors: list[str]) -> onnx.ModelProto:
    nodes = graph.constant_nodes_for(tensors)
    used = {name for node in nodes for name in node.input}
    part = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import)
    part.graph.name = "constants"
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(graph.initializers[name] for name in graph.initializers if name in used)
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors)
    return part


def _session(proto: onnx.ModelProto, model: OnnxModel) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4  # its errors are raised too, and ours is the only message
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(model.folder))
    shared = [tensor.name for tensor in proto.graph.initializer if tensor.name in model.weights]
    try:
        options.add_external_initializers(shared, [_shared(model.weights[name]) for name in shared])
        return onnxruntime.InferenceSession(
            proto.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=False,  # to the same provider again, with four lines on stdout
        )
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        raise WorkloadError(_cannot_run(model, error)) from None


def _shared(values: Array) -> onnxruntime.OrtValue:
    """The same memory; `values` must outlive the session, as a model's weights do."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(values)


def _run(
    session: onnxruntime.InferenceSession, names: list[str], given: Mapping[str, Array], model: OnnxModel
) -> dict[str, Array]:
    try:
        return dict(zip(names, session.run(names, given), strict=True))
    except Exception as error:  # as above
        raise WorkloadError(_cannot_run(model, error)) from None


def _cannot_run(model: OnnxModel, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0]
    return f"{model.path}: onnxruntime {onnxruntime.__version__} cannot run it: {reason}"
