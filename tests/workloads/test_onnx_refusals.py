"""Is a model that cannot be simulated refused in one clear message, before anything is written?"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import GraphProto, NodeProto, TensorProto, helper  # noqa: E402  onnx may be missing

from simulator.errors import WorkloadError  # noqa: E402
from tests.workloads.onnx_models import IMAGE, model_of, saved, saved_images, values  # noqa: E402
from workloads import open_workload  # noqa: E402

Array = Any
node = helper.make_node
W = {"w": values(4, 3, 3, 3)}


def assert_refused(path: Path, message: str, **options: Any) -> None:
    with pytest.raises(WorkloadError) as caught:
        open_workload(path, **options)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert str(path) in str(caught.value)


def conv(**attributes: Any) -> NodeProto:
    return node("Conv", ["x", "w"], ["y"], name="conv2", **attributes)


REFUSED_NODES: dict[str, tuple[list[NodeProto], dict[str, Array], tuple[int | str, ...], str]] = {
    "dilation": (
        [conv(dilations=[2, 2])],
        W,
        ("N", *IMAGE),
        r"node 'conv2' \(Conv\): dilations \[2, 2\]; dilated convolution is not modelled, only \[1, 1\] is$",
    ),
    "1-D": (
        [conv()],
        {"w": values(4, 3, 3)},
        ("N", 3, 8),
        r"node 'conv2' \(Conv\): a 1-D convolution, weights \[4, 3, 3\]; only 2-D Conv is modelled$",
    ),
    "3-D": ([conv()], {"w": values(4, 3, 3, 3, 3)}, ("N", 3, 8, 8, 8), "a 3-D convolution, weights"),
    "transposed": (
        [node("ConvTranspose", ["x", "w"], ["y"], name="up")],
        {"w": values(3, 4, 3, 3)},
        ("N", *IMAGE),
        r"node 'up' \(ConvTranspose\): transposed convolution is not modelled; only 2-D Conv is$",
    ),
    "integer": (
        [node("Cast", ["x"], ["q"], to=TensorProto.UINT8), node("ConvInteger", ["q", "w"], ["y"])],
        {"w": np.ones((4, 3, 3, 3), np.uint8)},
        ("N", *IMAGE),
        r"node 'y' \(ConvInteger\): integer operators are not modelled; export with QuantizeLinear and Dequant",
    ),
    "fused": (
        [node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft")],
        W,
        ("N", *IMAGE),
        r"node 'y' \(FusedConv\): this operator is not modelled; export with plain Conv, Gemm and MatMul",
    ),
    "computed weights": (
        [node("Relu", ["x"], ["w"]), conv()],
        {},
        ("N", *IMAGE),
        r"node 'conv2' \(Conv\): its weights 'w' are computed from the input; only constant weights are modelled",
    ),
    "nowhere": (
        [conv()],
        {},
        ("N", *IMAGE),
        r"node 'conv2' \(Conv\): its input 'w' is nowhere in the file; export the",
    ),
    "nowhere, behind a node": (
        [node("Identity", ["v"], ["w"]), conv()],
        {},
        ("N", *IMAGE),
        r"node 'w' \(Identity\): its input 'v' is nowhere in the file",
    ),
    "constant on the left": (
        [node("MatMul", ["w", "x"], ["y"], name="mix")],
        {"w": values(2, 8)},
        ("N", 8, 7),
        r"node 'mix' \(MatMul\): its constant 'w' is on the left; only x W with a constant W is modelled, swap",
    ),
    "stacked weights": (
        [node("MatMul", ["x", "w"], ["y"], name="many")],
        {"w": values(5, 7, 2)},
        ("N", 5, 8, 7),
        r"node 'many' \(MatMul\): weights \[5, 7, 2\]; only 2-D weights are modelled",
    ),
    "no layers": (
        [node("Relu", ["x"], ["y"])],
        {},
        ("N", *IMAGE),
        "has no Conv, Gemm or MatMul with weights; there is",
    ),
    "filter larger than its ifmap": (
        [conv(auto_pad="VALID")],
        {"w": values(4, 3, 9, 9)},
        ("N", *IMAGE),
        "net.onnx: (onnxruntime|node 'conv2')",
    ),
    "rows of several images": (
        [node("Reshape", ["x", "s"], ["m"]), node("MatMul", ["m", "w"], ["y"], name="mix")],
        {"w": values(2, 4), "s": np.array([3, 2])},
        (2, 3),
        r"node 'mix' \(MatMul\): its input has 3 rows for 2 images; a row must belong to one image",
    ),
    "same padding that onnxruntime reads as cropping": (
        [conv(auto_pad="SAME_UPPER", strides=[4, 4])],
        {"w": values(4, 3, 1, 1)},
        ("N", *IMAGE),
        r"auto_pad with strides \[4, 4\] on a filter of \[1, 1\] is ambiguous; export explicit pads$",
    ),
    "batch lost": (
        [node("Reshape", ["x", "s"], ["m"]), node("Conv", ["m", "w"], ["y"], name="conv2")],
        {"w": values(4, 1, 3, 3), "s": np.array([-1, 1, 8, 7])},
        ("N", *IMAGE),
        r"node 'conv2' \(Conv\): its ifmap has 3 images where the network was given 1; it must keep the batch",
    ),
}


@pytest.mark.parametrize("why", REFUSED_NODES)
def test_refused_nodes_are_named_with_the_reason(tmp_path: Path, why: str) -> None:
    nodes, constants, image, message = REFUSED_NODES[why]
    assert_refused(saved(model_of(nodes, constants, image=image), tmp_path), message)


def test_a_layer_inside_control_flow_is_refused(tmp_path: Path) -> None:
    def branch(name: str) -> GraphProto:
        made = [node("Conv", ["x", "w"], [name])]
        return helper.make_graph(made, name, [], [onnx.ValueInfoProto(name=name)])

    choice = node("If", ["c"], ["y"], name="choose", then_branch=branch("a"), else_branch=branch("b"))
    path = saved(model_of([choice], {**W, "c": np.array(True)}), tmp_path)
    assert_refused(path, r"node 'choose' \(If\): has a Conv inside; export the network without control flow")


def test_all_refused_nodes_are_named_at_once(tmp_path: Path) -> None:
    nodes = [conv(dilations=[2, 2]), node("ConvTranspose", ["x", "w"], ["z"], name="up")]
    path = saved(model_of(nodes, {"w": values(3, 3, 3, 3)}), tmp_path)
    assert_refused(path, r"net\.onnx: 2 nodes cannot be simulated\n  node 'conv2' .*\n  node 'up' ")


def test_a_dilation_along_one_tap_changes_nothing(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w"], ["y"], dilations=[2, 2])]
    assert open_workload(saved(model_of(nodes, {"w": values(4, 3, 1, 1)}), tmp_path)).layers[0].E == 8


def test_weights_without_a_value_are_refused(tmp_path: Path) -> None:
    model = model_of([conv()], {})
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 3, 3, 3)))
    assert_refused(
        saved(model, tmp_path),
        r"node 'conv2' \(Conv\): its weights 'w' are an input without a value; export the model with its parameters",
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_truncated_files_are_refused(tmp_path: Path, share: float) -> None:
    path = saved(model_of([conv()], W), tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert_refused(path, "not an ONNX model, or a truncated one.*; export it again")


@pytest.mark.parametrize("content", [b"hello, this is no model", b"\x89PNG\r\n\x1a\n" + bytes(64), b"PK\x03\x04" * 9])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    assert_refused(path, "not an ONNX model, or a truncated one")


def external(folder: Path, change: Callable[[Path], object]) -> Path:
    path = folder / "net.onnx"
    onnx.save(model_of([conv()], W), path, save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    change(folder / "net.onnx.data")
    return path


def test_missing_external_data_is_named(tmp_path: Path) -> None:
    path = external(tmp_path, Path.unlink)
    assert_refused(path, r"the data of 'w' is in 'net\.onnx\.data', which is not beside the model; copy both files")


def test_truncated_external_data_is_named(tmp_path: Path) -> None:
    path = external(tmp_path, lambda data: data.write_bytes(data.read_bytes()[:100]))
    assert_refused(path, r"'net\.onnx\.data' has 100 bytes; 'w' needs 432; it is truncated")


def test_external_data_elsewhere_is_refused(tmp_path: Path) -> None:
    path = external(tmp_path, Path.stat)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "../net.onnx.data"
    onnx.save(model, path)
    assert_refused(path, r"the data of 'w' is in '\.\./net\.onnx\.data', outside the model's folder")


def test_open_image_sizes_are_named(tmp_path: Path) -> None:
    path = saved(model_of([conv()], W, image=("N", 3, "height", "width")), tmp_path)
    assert_refused(path, "its input 'x' leaves 'height', 'width' open besides the batch; export it with fixed image")


def test_an_input_of_zero_size_is_refused(tmp_path: Path) -> None:
    path = saved(model_of([conv()], W, image=("N", 3, 0, 7)), tmp_path)
    assert_refused(path, r"its input 'x' has shape \['N', 3, 0, 7\]; no dimension may be below 1")


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    model = model_of([conv(), node("Add", ["y", "x2"], ["z"])], W)
    model.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, ("N", 4, 6, 5)))
    assert_refused(saved(model, tmp_path), r"has 2 inputs \('x', 'x2'\); a network with one input, images, is needed")


def test_integer_inputs_are_refused(tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), node("Conv", ["f", "w"], ["y"])]
    path = saved(model_of(nodes, W, input_type=TensorProto.UINT8), tmp_path)
    assert_refused(path, "its input 'x' is UINT8; a network that takes float images is needed")


def test_an_input_without_a_batch_is_refused(tmp_path: Path) -> None:
    path = saved(model_of([node("MatMul", ["x", "v"], ["y"])], {"v": values(6, 4)}, image=(6,)), tmp_path)
    assert_refused(path, "its input 'x' has 1 dimensions; N x C x H x W are needed")


def test_an_operator_that_onnxruntime_lacks_is_named(tmp_path: Path) -> None:
    path = saved(model_of([conv(), node("Mystery", ["y"], ["z"])], W), tmp_path)
    assert_refused(path, r"onnxruntime [0-9.]+ cannot run it: .*Mystery")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, value: float) -> None:
    weights = W["w"].copy()
    weights[1, 2, 0, 1] = value
    workload = open_workload(saved(model_of([conv()], {"w": weights}), tmp_path))
    with pytest.raises(WorkloadError, match=r"^conv2: filters: 1 of 108 values are NaN or infinite, the first at"):
        workload.tensors_of(workload.layers[0])


def test_activations_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    nodes = [node("Log", ["x"], ["l"]), node("Conv", ["l", "w"], ["y"], name="conv2")]
    workload = open_workload(saved(model_of(nodes, W), tmp_path), images=saved_images(tmp_path))
    with pytest.raises(WorkloadError, match=r"^conv2: ifmap: \d+ of \d+ values are NaN or infinite"):
        workload.tensors_of(workload.layers[0])
