"""Is each layer of a model found, in its shape, with the tensors that the model computes on real images?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import NodeProto, TensorProto, helper  # noqa: E402  onnx may be missing

from simulator.spec.workload import Origin, Workload  # noqa: E402
from tests.workloads.onnx_models import (  # noqa: E402
    IMAGE,
    as_floats,
    convolved,
    model_of,
    saved,
    saved_images,
    values,
)
from workloads import open_workload  # noqa: E402

Array = Any
node = helper.make_node
PRECISION = 2e-4
"""Of an ofmap's largest value: 16-bit ifmap and filter words differ from the floats by 2**-16 of their largest."""


def opened(
    folder: Path,
    nodes: list[NodeProto],
    constants: dict[str, Array],
    *,
    image: tuple[Any, ...] = ("N", *IMAGE),
    **model: Any,
) -> Workload:
    """The model on two images."""
    path = saved(model_of(nodes, constants, image=image, **model), folder)
    return open_workload(path, images=saved_images(folder, 2, image[1:]))


def assert_layers_compute_their_ofmaps(workload: Workload, *, relu: bool = False) -> None:
    """Ifmap * filters is the ofmap, for every layer: shapes, order of words and scales are then all right."""
    for layer in workload.layers:
        tensors = workload.tensors_of(layer)
        tensors.check(layer)
        expected = convolved(layer, tensors)
        if relu:
            expected = np.maximum(expected, 0)
        found = as_floats(tensors.ofmap, tensors.ofmap_scale)
        np.testing.assert_allclose(found, expected, rtol=0, atol=PRECISION * np.abs(expected).max())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_conv_computes_its_ofmap(tmp_path: Path, data: st.DataObject) -> None:
    def size(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    groups, R, S, U, V = size(1, 3), size(1, 4), size(1, 4), size(1, 3), size(1, 3)
    channels, filters = groups * size(1, 3), groups * size(1, 3)
    height, width = size(R, 9), size(S, 9)
    attributes: dict[str, Any] = {"group": groups, "strides": [U, V]}
    if data.draw(st.booleans()):
        attributes["pads"] = [size(0, 2) for _ in range(4)]
    else:
        attributes["auto_pad"] = data.draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]))
    weights = values(filters, channels // groups, R, S)
    conv = node("Conv", ["x", "w"], ["y"], name="conv", **attributes)
    workload = opened(tmp_path, [conv], {"w": weights}, image=("N", channels, height, width))
    layer = workload.layers[0]
    assert (layer.name, layer.N, layer.M, layer.C, layer.G) == ("conv", 2, filters, channels, groups)
    assert (layer.R, layer.S, layer.U, layer.V, layer.from_input) == (R, S, U, V, True)
    assert_layers_compute_their_ofmaps(workload)


WEIGHTS = values(4, 3, 3, 3)
CONV = node("Conv", ["x", "w"], ["c"], name="conv")
CONSTANT_SUBGRAPHS: dict[str, tuple[list[NodeProto], dict[str, Array]]] = {
    "Constant": ([node("Constant", [], ["w"], value=onnx.numpy_helper.from_array(WEIGHTS))], {}),
    "Identity": ([node("Identity", ["v"], ["w"])], {"v": WEIGHTS}),
    "Reshape": ([node("Reshape", ["v", "s"], ["w"])], {"v": WEIGHTS.reshape(4, 27), "s": np.array([4, 3, 3, 3])}),
    "Transpose": ([node("Transpose", ["v"], ["w"], perm=[3, 2, 0, 1])], {"v": WEIGHTS.transpose(2, 3, 1, 0)}),
    "Cast": ([node("Cast", ["v"], ["w"], to=TensorProto.FLOAT)], {"v": WEIGHTS.astype(np.float64)}),
    "Unsqueeze": ([node("Unsqueeze", ["v", "a"], ["w"])], {"v": WEIGHTS.reshape(4, 3, 9)[..., :1], "a": np.array([3])}),
    "Mul": ([node("Mul", ["v", "two"], ["w"])], {"v": WEIGHTS / 2, "two": np.float32(2)}),
    "DequantizeLinear": (
        [node("DequantizeLinear", ["q", "s"], ["w"], axis=0)],
        {"q": (WEIGHTS * 30).astype(np.int8), "s": np.array([0.1, 0.2, 0.3, 0.4], np.float32)},
    ),
    "QuantizeLinear": (
        [node("QuantizeLinear", ["v", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["w"])],
        {"v": WEIGHTS, "s": np.float32(0.02), "z": np.int8(0)},
    ),
    "chain": (
        [node("Mul", ["v", "two"], ["a"]), node("Identity", ["a"], ["b"]), node("Reshape", ["b", "s"], ["w"])],
        {"v": WEIGHTS.ravel() / 2, "two": np.float32(2), "s": np.array([4, 3, 3, 3])},
    ),
}


@pytest.mark.parametrize("how", CONSTANT_SUBGRAPHS)
def test_weights_come_from_any_constant_subgraph(tmp_path: Path, how: str) -> None:
    nodes, constants = CONSTANT_SUBGRAPHS[how]
    workload = opened(tmp_path, [*nodes, node("Conv", ["x", "w"], ["y"])], constants)
    assert_layers_compute_their_ofmaps(workload)
    assert workload.provenance.weights is Origin.REAL
    assert workload.not_costed == workload.notes == ()


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("strides", [[2, 2], [1, 3], [1, 4]])
def test_same_padding_of_a_strided_1x1_is_none(tmp_path: Path, mode: str, strides: list[int]) -> None:
    """The usual formula gives one or two zeros less than none: 8 rows by 2, 7 columns by 4."""
    nodes = [node("Conv", ["x", "w"], ["y"], auto_pad=mode, strides=strides)]
    workload = opened(tmp_path, nodes, {"w": values(4, 3, 1, 1)})
    assert workload.layers[0].padding == (0, 0, 0, 0)
    assert_layers_compute_their_ofmaps(workload)


@pytest.mark.parametrize("how", ["ConstantOfShape", "equal values"])
def test_filled_weights_are_called_constant(tmp_path: Path, how: str) -> None:
    fill = onnx.numpy_helper.from_array(np.array([0.5], np.float32))
    nodes = [node("ConstantOfShape", ["s"], ["w"], value=fill)] if how == "ConstantOfShape" else []
    constants = {"s": np.array([4, 3, 3, 3])} if nodes else {"w": np.full((4, 3, 3, 3), 0.5, np.float32)}
    workload = opened(tmp_path, [*nodes, node("Conv", ["x", "w"], ["y"])], constants)
    assert (workload.provenance.weights, workload.provenance.activations) == (Origin.CONSTANT, Origin.REAL)
    assert "constant weights of net.onnx" in workload.provenance.detail
    assert workload.notes == (
        "activations were computed with weights of one value: their zeros are not those of a trained network",
    )
    assert open_workload(tmp_path / "net.onnx").notes == (), "synthetic activations were not computed with them"


BATCH_NORM = {"g": values(4), "b": np.zeros(4, np.float32), "m": np.zeros(4, np.float32), "v": values(4) ** 2 + 0.1}


def test_batch_normalization_and_relu_are_folded(tmp_path: Path) -> None:
    nodes = [
        CONV,
        node("BatchNormalization", ["c", "g", "b", "m", "v"], ["n"], epsilon=0.01),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2]),
    ]
    workload = opened(tmp_path, nodes, {"w": WEIGHTS, **BATCH_NORM})
    assert_layers_compute_their_ofmaps(workload, relu=True)
    assert workload.not_costed == ("MaxPool x1",)
    tensors = workload.tensors_of(workload.layers[0])
    factors = BATCH_NORM["g"] / np.sqrt(BATCH_NORM["v"] + 0.01)
    found = as_floats(tensors.filters, tensors.filter_scale)
    np.testing.assert_allclose(found, WEIGHTS * factors.reshape(-1, 1, 1, 1), atol=1e-3)


def test_means_and_biases_stay_in_the_ofmap(tmp_path: Path) -> None:
    shifted = {**BATCH_NORM, "b": np.full(4, 100, np.float32)}
    nodes = [CONV, node("BatchNormalization", ["c", "g", "b", "m", "v"], ["y"])]
    workload = opened(tmp_path, nodes, {"w": WEIGHTS, **shifted})
    tensors = workload.tensors_of(workload.layers[0])
    assert as_floats(tensors.ofmap, tensors.ofmap_scale).mean() > 50
    assert np.abs(convolved(workload.layers[0], tensors)).max() < 50


def test_scales_of_single_channels_are_folded_too(tmp_path: Path) -> None:
    """BatchNormalization as older exporters split it: Mul and Add after it."""
    nodes = [CONV, node("Mul", ["c", "k"], ["d"]), node("Add", ["d", "z"], ["e"]), node("Clip", ["e", "zero"], ["y"])]
    constants = {"k": values(4, 1, 1), "z": np.zeros((1, 4, 1, 1), np.float32), "zero": np.float32(0)}
    workload = opened(tmp_path, nodes, {"w": WEIGHTS, **constants})
    assert_layers_compute_their_ofmaps(workload, relu=True)
    assert workload.not_costed == ()


NOT_FOLDED: dict[str, tuple[list[NodeProto], dict[str, Array], tuple[str, ...]]] = {
    "read twice": (
        [node("Relu", ["c"], ["r"]), node("Add", ["r", "c"], ["y"])],
        {},
        ("Relu x1", "Add x1"),
    ),
    "differs within a channel": ([node("Mul", ["c", "k"], ["y"])], {"k": values(6, 5)}, ("Mul x1",)),
    "limit above zero": ([node("Clip", ["c", "one"], ["y"])], {"one": np.float32(1)}, ("Clip x1",)),
    "no lower limit": ([node("Clip", ["c", "", "one"], ["y"])], {"one": np.float32(1)}, ("Clip x1",)),
    "residual": ([node("Relu", ["x"], ["r"]), node("Flatten", ["c"], ["y"])], {}, ("Relu x1", "Flatten x1")),
}


@pytest.mark.parametrize("why", NOT_FOLDED)
def test_what_is_no_part_of_the_layer_is_listed(tmp_path: Path, why: str) -> None:
    nodes, constants, listed = NOT_FOLDED[why]
    workload = opened(tmp_path, [CONV, *nodes], {"w": WEIGHTS, **constants})
    assert_layers_compute_their_ofmaps(workload)
    assert workload.not_costed == listed


@pytest.mark.parametrize("operator", ["Add", "Mul"])
def test_a_constant_that_makes_more_channels_of_one_is_no_part_of_the_layer(tmp_path: Path, operator: str) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"]), node(operator, ["c", "k"], ["y"])]
    workload = opened(tmp_path, nodes, {"w": values(1, 3, 3, 3), "k": values(5, 1, 1)})
    assert workload.not_costed == (f"{operator} x1",)
    assert_layers_compute_their_ofmaps(workload)


def test_an_output_of_the_network_is_written_as_it_is(tmp_path: Path) -> None:
    workload = opened(tmp_path, [CONV, node("Relu", ["c"], ["y"])], {"w": WEIGHTS}, outputs=("y", "c"))
    assert_layers_compute_their_ofmaps(workload)


GEMM_FORMS: dict[str, Callable[[Array], tuple[NodeProto, Array]]] = {
    "plain": lambda w: (node("Gemm", ["f", "v"], ["y"]), w.T.copy()),
    "transB": lambda w: (node("Gemm", ["f", "v"], ["y"], transB=1), w),
    "alpha": lambda w: (node("Gemm", ["f", "v"], ["y"], transB=1, alpha=0.5), w),
    "matmul": lambda w: (node("MatMul", ["f", "v"], ["y"]), w.T.copy()),
}


@pytest.mark.parametrize("form", GEMM_FORMS)
def test_fc_after_flatten_has_the_maps_shape(tmp_path: Path, form: str) -> None:
    weights = values(5, 3 * 8 * 7)
    product, stored = GEMM_FORMS[form](weights)
    workload = opened(tmp_path, [node("Flatten", ["x"], ["f"]), product], {"v": stored})
    layer = workload.layers[0]
    assert layer.filter_shape == (5, 3, 8, 7)
    assert layer.is_fc
    assert_layers_compute_their_ofmaps(workload)
    tensors = workload.tensors_of(layer)
    found = as_floats(tensors.filters, tensors.filter_scale).reshape(5, -1)
    np.testing.assert_allclose(found, weights * (0.5 if form == "alpha" else 1), atol=1e-3)


def test_fc_on_maps_larger_than_the_array_has_only_channels(tmp_path: Path) -> None:
    nodes = [node("Flatten", ["x"], ["f"]), node("MatMul", ["f", "v"], ["y"])]
    workload = opened(tmp_path, nodes, {"v": values(13 * 2, 4)}, image=("N", 1, 13, 2))
    assert workload.layers[0].filter_shape == (4, 26, 1, 1)
    assert_layers_compute_their_ofmaps(workload)


def test_fc_on_features(tmp_path: Path) -> None:
    workload = opened(tmp_path, [node("Gemm", ["x", "v"], ["y"])], {"v": values(6, 4)}, image=("N", 6))
    assert workload.layers[0].filter_shape == (4, 6, 1, 1)
    assert_layers_compute_their_ofmaps(workload)


def test_gemm_may_take_its_input_transposed(tmp_path: Path) -> None:
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0]), node("Gemm", ["t", "v"], ["y"], transA=1)]
    workload = opened(tmp_path, nodes, {"v": values(6, 4)}, image=(2, 6))
    assert_layers_compute_their_ofmaps(workload)


def test_fc_on_maps_that_are_no_images_has_only_channels(tmp_path: Path) -> None:
    """Each channel becomes a map of its own before all are flattened again."""
    nodes = [node("Reshape", ["x", "a"], ["m"]), node("Reshape", ["m", "b"], ["f"]), node("MatMul", ["f", "v"], ["y"])]
    constants = {"a": np.array([3, 1, 8, 7]), "b": np.array([1, -1]), "v": values(168, 4)}
    workload = opened(tmp_path, nodes, constants)
    assert workload.layers[0].filter_shape == (4, 168, 1, 1)
    assert_layers_compute_their_ofmaps(workload)


def test_batch_normalization_over_positions_is_no_part_of_a_matmul(tmp_path: Path) -> None:
    """On (N, L, M) its channels are the L positions."""
    nodes = [node("MatMul", ["x", "w"], ["c"]), node("BatchNormalization", ["c", "g", "b", "m", "v"], ["y"])]
    workload = opened(tmp_path, nodes, {"w": values(6, 4), **BATCH_NORM}, image=("N", 4, 6))
    assert workload.not_costed == ("BatchNormalization x1",)
    assert_layers_compute_their_ofmaps(workload)


@pytest.mark.parametrize("flat", [False, True])
def test_rows_of_one_image_are_positions_of_a_1x1_conv(tmp_path: Path, flat: bool) -> None:
    """(N, L, K) x (K, M), as token networks have it, or reshaped to (N*L, K) before."""
    reshape = [node("Reshape", ["x", "s"], ["f"])] if flat else []
    product = node("MatMul", ["f" if flat else "x", "v"], ["y"])
    constants = {"v": values(6, 4), **({"s": np.array([-1, 6])} if flat else {})}
    workload = opened(tmp_path, [*reshape, product], constants, image=("N", 5, 6))
    layer = workload.layers[0]
    assert (layer.N, layer.M, layer.C, layer.H, layer.W, layer.E, layer.F) == (2, 4, 6, 5, 1, 5, 1)
    assert_layers_compute_their_ofmaps(workload)


def test_products_of_two_computed_tensors_are_listed(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "v"], ["q"], name="project"),
        node("Transpose", ["q"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["q", "t"], ["y"], name="attend"),
    ]
    workload = opened(tmp_path, nodes, {"v": values(6, 4)}, image=("N", 5, 6))
    assert [layer.name for layer in workload.layers] == ["project"]
    assert workload.not_costed == ("Transpose x1", "MatMul x1")


def test_nameless_nodes_take_their_outputs_name_and_repeats_are_numbered(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="y"),
        node("Conv", ["x", "w"], ["b"], name="y#2"),
        node("Conv", ["x", "w"], ["y"]),
    ]
    workload = opened(tmp_path, nodes, {"w": WEIGHTS}, outputs=("a", "b", "y"))
    assert [layer.name for layer in workload.layers] == ["y", "y#2", "y#3"]


def test_only_layers_without_a_layer_before_read_the_networks_input(tmp_path: Path) -> None:
    nodes = [
        node("Mul", ["x", "k"], ["s"]),
        node("Conv", ["s", "w"], ["a"], name="first"),
        node("Relu", ["a"], ["r"]),
        node("Conv", ["r", "u"], ["y"], name="second"),
    ]
    workload = opened(tmp_path, nodes, {"w": WEIGHTS, "u": values(2, 4, 1, 1), "k": np.float32(2)})
    assert [layer.from_input for layer in workload.layers] == [True, False]


def test_initializers_may_be_listed_as_inputs(tmp_path: Path) -> None:
    """As in files of IR version 3, the light_*.onnx models among them."""
    model = model_of([node("Conv", ["x", "w"], ["y"])], {"w": WEIGHTS})
    model.graph.input.insert(0, helper.make_tensor_value_info("w", TensorProto.FLOAT, WEIGHTS.shape))
    workload = open_workload(saved(model, tmp_path), images=saved_images(tmp_path))
    assert_layers_compute_their_ofmaps(workload)


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    """torch's newer exporter may write them."""
    opsets = [helper.make_opsetid("", 17)]
    body = helper.make_function("own", "Block", ["a", "w"], ["b"], [node("Conv", ["a", "w"], ["b"])], opsets)
    model = model_of([node("Block", ["x", "w"], ["y"], domain="own")], {"w": WEIGHTS})
    model.functions.append(body)
    model.opset_import.append(helper.make_opsetid("own", 1))
    workload = open_workload(saved(model, tmp_path), images=saved_images(tmp_path))
    assert len(workload.layers) == 1
    assert_layers_compute_their_ofmaps(workload)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_half_and_double_precision_models_run(tmp_path: Path, kind: int) -> None:
    weights = values(6, 4).astype(helper.tensor_dtype_to_np_dtype(kind))
    workload = opened(tmp_path, [node("MatMul", ["x", "w"], ["y"])], {"w": weights}, image=("N", 6), input_type=kind)
    tensors = workload.tensors_of(workload.layers[0])
    found = as_floats(tensors.ofmap, tensors.ofmap_scale)
    np.testing.assert_allclose(found, convolved(workload.layers[0], tensors), atol=0.01)


def test_external_data_is_read_and_hashed(tmp_path: Path) -> None:
    inside = saved(model_of([CONV], {"w": values(64, 3, 3, 3)}, outputs=("c",)), tmp_path)
    outside = tmp_path / "external.onnx"
    onnx.save(onnx.load(inside), outside, save_as_external_data=True, location="w.data", size_threshold=0)
    images = saved_images(tmp_path)
    one, other = (open_workload(path, images=images) for path in (inside, outside))
    layer = one.layers[0]
    assert np.array_equal(one.tensors_of(layer).filters, other.tensors_of(layer).filters)
    assert np.array_equal(one.tensors_of(layer).ofmap, other.tensors_of(layer).ofmap)
    before = other.provenance.sha256
    content = bytearray((tmp_path / "w.data").read_bytes())
    content[0] ^= 1
    (tmp_path / "w.data").write_bytes(content)
    assert open_workload(outside, images=images).provenance.sha256 != before


LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("light_*.onnx"))


def test_there_are_nine_light_models() -> None:
    assert len(LIGHT) == 9


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_light_models_import_and_give_tensors(path: Path) -> None:
    workload = open_workload(path)
    assert (workload.batch, workload.provenance.weights) == (1, Origin.CONSTANT)
    assert workload.provenance.activations is Origin.SYNTHETIC
    for layer in (workload.layers[0], workload.layers[-1]):
        workload.tensors_of(layer).check(layer)


def test_the_light_resnet_has_the_weights_of_the_built_in_one() -> None:
    """MACs differ: it has its strides in the 3x3 of a block."""
    light = open_workload(next(path for path in LIGHT if "resnet50" in path.stem))
    built_in = open_workload("resnet50")
    assert len(light.layers) == len(built_in.layers)
    assert sorted(layer.filter_shape for layer in light.layers) == sorted(
        layer.filter_shape for layer in built_in.layers
    )
