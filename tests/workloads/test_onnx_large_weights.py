"""Are large weights, which are taken out of the model and shared with onnxruntime, the weights that it runs with?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import ModelProto, TensorProto, helper, numpy_helper  # noqa: E402  onnx may be missing

from simulator.errors import WorkloadError  # noqa: E402
from tests.workloads.onnx_models import as_floats, convolved, model_of, saved_images, values  # noqa: E402
from workloads import open_workload  # noqa: E402
from workloads.onnx_model import load_model  # noqa: E402

WEIGHTS = values(48, 3, 3, 3)  # 1,296 values
IMAGE = (3, 5, 4)


def network(kind: int = TensorProto.FLOAT) -> ModelProto:
    constants = {"w": WEIGHTS.astype(helper.tensor_dtype_to_np_dtype(kind))}
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])]
    return model_of(nodes, constants, image=("N", *IMAGE), input_type=kind)


def in_raw_bytes(path: Path) -> None:
    onnx.save(network(), path)


def in_float_data(path: Path) -> None:
    model = network()
    weights = helper.make_tensor("w", TensorProto.FLOAT, WEIGHTS.shape, WEIGHTS.ravel().tolist())
    model.graph.initializer[0].CopyFrom(weights)
    assert not weights.raw_data
    onnx.save(model, path)


def in_half_precision(path: Path) -> None:
    onnx.save(network(TensorProto.FLOAT16), path)


def listed_as_an_input(path: Path) -> None:
    """As in files of IR version 3."""
    model = network()
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, WEIGHTS.shape))
    onnx.save(model, path)


def in_an_external_file(path: Path) -> None:
    onnx.save(network(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def behind_a_node(path: Path) -> None:
    model = network()
    model.graph.initializer[0].name = "v"
    model.graph.node.insert(0, helper.make_node("Identity", ["v"], ["w"]))
    onnx.save(model, path)


def behind_a_subtraction_that_cancels_half(path: Path) -> None:
    """Two large initializers in one constant subgraph."""
    model = network()
    model.graph.initializer[0].name = "v"
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(WEIGHTS * 2, "v"))
    model.graph.initializer.append(numpy_helper.from_array(WEIGHTS, "u"))
    model.graph.node.insert(0, helper.make_node("Sub", ["v", "u"], ["w"]))
    onnx.save(model, path)


STORED = (
    in_raw_bytes,
    in_float_data,
    in_half_precision,
    listed_as_an_input,
    in_an_external_file,
    behind_a_node,
    behind_a_subtraction_that_cancels_half,
)


@pytest.mark.parametrize("store", STORED, ids=lambda store: store.__name__)
def test_large_weights_are_read_and_run(tmp_path: Path, store: Callable[[Path], None]) -> None:
    store(tmp_path / "net.onnx")
    workload = open_workload(tmp_path / "net.onnx", images=saved_images(tmp_path, 2, IMAGE))
    (layer,) = workload.layers
    tensors = workload.tensors_of(layer)
    np.testing.assert_allclose(as_floats(tensors.filters, tensors.filter_scale), WEIGHTS, atol=2**-9)
    np.testing.assert_allclose(
        as_floats(tensors.ofmap, tensors.ofmap_scale), convolved(layer, tensors), atol=2**-6, rtol=2**-8
    )


def test_they_are_in_memory_once(tmp_path: Path) -> None:
    in_raw_bytes(tmp_path / "net.onnx")
    model = load_model(tmp_path / "net.onnx")
    assert np.array_equal(model.weights["w"], WEIGHTS)
    assert model.proto.ByteSize() < WEIGHTS.nbytes / 10


def test_weights_shorter_than_their_shape_are_named(tmp_path: Path) -> None:
    model = network()
    model.graph.initializer[0].raw_data = WEIGHTS.tobytes()[:-8]
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(WorkloadError, match=r"net\.onnx: the data of 'w' cannot be read \(.*\); export it again"):
        open_workload(tmp_path / "net.onnx")
