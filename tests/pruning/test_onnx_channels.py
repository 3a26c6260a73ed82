"""Which channels does a model hand on, and does its file without those that no layer reads compute the same?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import ModelProto, NodeProto, helper  # noqa: E402  onnx may be missing

from pruning.channels import channel_sets, unread, without_unread  # noqa: E402
from pruning.onnx_network import OnnxNetwork  # noqa: E402
from tests.pruning.test_onnx_network import Array  # noqa: E402
from tests.workloads.onnx_models import model_of, saved, values  # noqa: E402

node = helper.make_node
IMAGE = (3, 8, 8)
W1 = values(6, 3, 3, 3)


def conv(reads: str, weights: str, makes: str, **attributes: Any) -> NodeProto:
    return node("Conv", [reads, weights], [makes], name=f"conv_{weights}", **attributes)


def loaded(folder: Path, nodes: Sequence[NodeProto], constants: Mapping[str, Any]) -> OnnxNetwork:
    path = saved(model_of(nodes, constants, image=("N", *IMAGE)), folder)
    return OnnxNetwork.load(path, narrows=True)


def head(reads: str, channels: int, words: int = 64) -> tuple[list[NodeProto], dict[str, Array]]:
    """Flatten and an FC layer, to four classes."""
    nodes = [node("Flatten", [reads], ["flat"]), node("Gemm", ["flat", "w_fc"], ["y"], name="fc", transB=1)]
    return nodes, {"w_fc": values(4, channels * words)}


def names(network: OnnxNetwork) -> dict[str, int]:
    return {each.name: len(each.channels) for each in channel_sets(network)}


def without_some(network: OnnxNetwork, seed: int = 0) -> OnnxNetwork:
    """A third of each set's channels no longer read, chosen at random."""
    rng, weights = np.random.default_rng(seed), dict[str, Array]()
    for each in channel_sets(network):
        gone = rng.choice(len(each.channels), len(each.channels) // 3, replace=False)
        for layer in each.layers:
            weights.setdefault(layer, network.weights(layer).copy())[:, each.read_by(layer)[gone].ravel()] = 0
    network = network.with_weights(weights)
    return network.with_weights(without_unread(network))


def check_narrow(network: OnnxNetwork, folder: Path, *, gone: int) -> ModelProto:
    """Saved without a third of its channels, it computes what it computed with them there and zero."""
    some = without_some(network)
    assert len(unread(some)) == gone
    path = folder / "narrow.onnx"
    some.save(path)
    images = values(5, *IMAGE, seed=3)
    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": images})[0]
    np.testing.assert_allclose(found, some.scores(images), rtol=1e-3, atol=1e-4)
    assert np.abs(found - network.scores(images)).max() > 0.1
    sizes = {layer.name: layer.filter_shape for layer in OnnxNetwork.load(path).layers}
    left = {layer.name: some.weights(layer.name).size for layer in some.layers}
    assert sum(int(np.prod(shape)) for shape in sizes.values()) < sum(left.values())
    written: ModelProto = onnx.load(path)
    return written


def test_a_chain(tmp_path: Path) -> None:
    """BatchNormalization, biases, pooling, Flatten, FC layers by either layout: each loses the words of what goes."""
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["a"], name="conv_w1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", "g", "b", "m", "v"], ["n"]),
        node("Relu", ["n"], ["r"]),
        node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        conv("p", "w2", "c", pads=[1, 1, 1, 1]),
        node("Clip", ["c", "low", "high"], ["t"]),
        node("Flatten", ["t"], ["f"]),
        node("Gemm", ["f", "w3", "b3"], ["h"], name="fc", transB=1),
        node("MatMul", ["h", "w4"], ["i"], name="product"),
        node("Add", ["i", "b4"], ["j"]),
        node("Gemm", ["j", "w5"], ["y"], name="last"),
    ]
    constants = {
        "w1": W1,
        "b1": values(6),
        **{name: values(6, seed=at) for at, name in enumerate("gbm")},
        "v": values(6, seed=9) ** 2 + 1,
        "w2": values(9, 6, 3, 3),
        "low": np.float32(-1),
        "high": np.float32(2),
        "w3": values(12, 9 * 16),
        "b3": values(1, 12),
        "w4": values(12, 15),
        "b4": values(15),
        "w5": values(15, 4),
    }
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w2": 6, "fc": 9, "product": 12, "last": 15}
    check_narrow(network, tmp_path, gone=2 + 3 + 4 + 5)


def test_branches_that_are_added_have_the_same_channels(tmp_path: Path) -> None:
    """A residual block: what the block's input and its output are made of is read by all that reads either."""
    nodes = [
        conv("x", "w1", "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["r"]),
        conv("r", "w2", "b", pads=[1, 1, 1, 1]),
        node("Relu", ["b"], ["s"]),
        conv("s", "w3", "c", pads=[1, 1, 1, 1]),
        node("Add", ["c", "r"], ["d"]),
        node("GlobalAveragePool", ["d"], ["e"]),
        node("Flatten", ["e"], ["f"]),
        node("Gemm", ["f", "w4"], ["y"], name="fc", transB=1),
    ]
    constants = {"w1": W1, "w2": values(9, 6, 3, 3), "w3": values(6, 9, 3, 3), "w4": values(4, 6)}
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w2 + fc": 6, "conv_w3": 9}
    (joined, _) = channel_sets(network)
    assert [layer for layer, _ in joined.channels[0].makers] == ["conv_w1", "conv_w3"]
    check_narrow(network, tmp_path, gone=2 + 3)


def test_branches_side_by_side(tmp_path: Path) -> None:
    """Concat: each branch's filters are channels of their own, in the place where the next layer reads them."""
    nodes = [
        conv("x", "w1", "a", pads=[1, 1, 1, 1]),
        conv("a", "w2", "b"),
        conv("a", "w3", "c", pads=[1, 1, 1, 1]),
        node("Concat", ["b", "c"], ["d"], axis=-3),
        *head("d", 12)[0],
    ]
    constants = {"w1": W1, "w2": values(3, 6, 1, 1), "w3": values(9, 6, 3, 3), **head("d", 12)[1]}
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w2 + conv_w3": 6, "fc": 12}
    check_narrow(network, tmp_path, gone=2 + 4)


def test_depthwise_layers_hand_their_channels_on(tmp_path: Path) -> None:
    nodes = [conv("x", "w1", "a"), conv("a", "w2", "b", group=6), conv("b", "w3", "c"), *head("c", 9, 16)[0]]
    constants = {"w1": W1, "w2": values(6, 1, 3, 3), "w3": values(9, 6, 1, 1), **head("c", 9, 16)[1]}
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w3": 6, "fc": 9}
    written = check_narrow(network, tmp_path, gone=2 + 3)
    (depthwise,) = [each for each in written.graph.node if each.name == "conv_w2"]
    assert [each.i for each in depthwise.attribute if each.name == "group"] == [4]


def test_squeeze_and_excitation(tmp_path: Path) -> None:
    """What each channel is multiplied by goes with it; one number for all does not matter."""
    nodes = [
        conv("x", "w1", "a", pads=[1, 1, 1, 1]),
        node("ReduceMean", ["a"], ["m"], axes=[2, 3], keepdims=1),
        conv("m", "w2", "n"),
        node("Sigmoid", ["n"], ["s"]),
        node("Mul", ["a", "s"], ["o"]),
        node("Mul", ["o", "half"], ["h"]),
        node("Add", ["h", "shift"], ["z"]),
        *head("z", 6)[0],
    ]
    constants = {
        "w1": W1,
        "w2": values(6, 6, 1, 1),
        "half": np.float32(0.5),
        "shift": values(6, 1, 1),
        **head("z", 6)[1],
    }
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w2 + fc": 6}
    check_narrow(network, tmp_path, gone=2)


def test_a_flattening_by_a_computed_size(tmp_path: Path) -> None:
    """As exporters write x.view(len(x), -1), and known sizes; a bias made in the file from its weights' shape."""
    nodes = [
        node("Shape", ["w1"], ["filters"], start=0, end=1),
        node("ConstantOfShape", ["filters"], ["zero"]),
        node("CastLike", ["zero", "x"], ["bias"]),
        node("Conv", ["x", "w1", "bias"], ["a"], name="conv_w1", pads=[1, 1, 1, 1]),
        node("Shape", ["a"], ["size"]),
        node("Gather", ["size", "first"], ["images"]),
        node("Concat", ["images", "rest"], ["flat_size"], axis=0),
        node("Reshape", ["a", "flat_size"], ["flat"]),
        node("Gemm", ["flat", "w_fc"], ["y"], name="fc", transB=1),
    ]
    constants = {"w1": W1, "first": np.array([0]), "rest": np.array([6 * 64]), "w_fc": values(4, 6 * 64)}
    path = saved(model_of(nodes, constants, image=("N", *IMAGE)), tmp_path)
    model = onnx.load(path)
    model.opset_import[0].version = 18
    onnx.save(model, path)
    network = OnnxNetwork.load(path, narrows=True)
    assert names(network) == {"fc": 6}
    written = check_narrow(network, tmp_path, gone=2)
    assert [each.op_type for each in written.graph.node] == ["Conv", "Flatten", "Gemm"]


def test_constants_that_two_layers_share(tmp_path: Path) -> None:
    """One scale for both: a channel of the one goes with that of the other."""
    nodes = [
        conv("x", "w1", "a", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", "g", "b", "m", "v"], ["n"]),
        conv("n", "w2", "c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c", "g", "b", "m", "v"], ["o"]),
        *head("o", 6)[0],
    ]
    normal = {name: values(6, seed=at) for at, name in enumerate("gbm")}
    constants = {"w1": W1, "w2": values(6, 6, 3, 3), **normal, "v": values(6, seed=9) ** 2 + 1, **head("o", 6)[1]}
    network = loaded(tmp_path, nodes, constants)
    assert names(network) == {"conv_w2 + fc": 6}
    check_narrow(network, tmp_path, gone=2)


def stays(*between: NodeProto) -> list[NodeProto]:
    return [conv("x", "w1", "a", pads=[1, 1, 1, 1]), *between, *head("b", 6)[0]]


POOL: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}


def branch(operator: str) -> Any:
    """A body that reads what is around it."""
    return helper.make_graph([node(operator, ["a"], ["inner"])], operator, [], [onnx.ValueInfoProto(name="inner")])


@pytest.mark.parametrize(
    "nodes",
    [
        stays(node("LRN", ["a"], ["b"], size=3)),
        stays(node("Softmax", ["a"], ["b"], axis=1)),
        stays(node("Transpose", ["a"], ["t"], perm=[0, 1, 3, 2]), node("Transpose", ["t"], ["b"], perm=[0, 1, 3, 2])),
        stays(conv("a", "w_grouped", "b", group=2, pads=[1, 1, 1, 1])),
        stays(node("Concat", ["a", "one"], ["b1"], axis=0), node("Slice", ["b1", "from", "to", "from"], ["b"])),
        stays(node("Mul", ["a", "row"], ["b0"]), node("Reshape", ["b0", "same"], ["b"])),
        stays(node("Shape", ["a"], ["s"]), node("Expand", ["a", "s"], ["b"])),
        stays(node("MaxPool", ["a"], ["p", "at"], **POOL), node("MaxUnpool", ["p", "at"], ["b"], **POOL)),
        stays(node("If", ["yes"], ["b"], then_branch=branch("Relu"), else_branch=branch("Abs"))),
        stays(node("RandomNormalLike", ["a"], ["noise"], seed=1.0), node("Add", ["a", "noise"], ["b"])),
    ],
    ids=["lrn", "softmax", "transpose", "groups", "batch", "reshape", "its own size", "places", "branches", "noise"],
)
def test_channels_stay_where_we_cannot_follow(tmp_path: Path, nodes: list[NodeProto]) -> None:
    constants = {
        "w1": W1,
        "w_grouped": values(6, 3, 3, 3),
        "one": values(1, 6, 8, 8),
        "from": np.array([0]),
        "to": np.array([-1]),
        "row": values(8),
        "same": np.array([0, 6, 8, 8]),
        "yes": np.array(1) > 0,
        "w_fc": values(4, 6 * 64),
    }
    network = loaded(tmp_path, nodes, constants)
    assert not any(layer == "conv_w1" for each in network.channels for layer, _ in each.makers)
    path = tmp_path / "same.onnx"
    network.with_weights({"fc": np.zeros_like(network.weights("fc"))}).save(path)
    assert [layer.filter_shape for layer in OnnxNetwork.load(path).layers] == [
        layer.filter_shape for layer in network.layers
    ]


def test_the_networks_own_scores_stay(tmp_path: Path) -> None:
    network = loaded(tmp_path, stays(node("Relu", ["a"], ["b"])), {"w1": W1, **head("b", 6)[1]})
    assert {layer for each in network.channels for layer, _ in each.makers} == {"conv_w1"}


def test_a_network_that_does_not_narrow_is_saved_whole(tmp_path: Path) -> None:
    network = loaded(tmp_path, stays(node("Relu", ["a"], ["b"])), {"w1": W1, **head("b", 6)[1]})
    whole = OnnxNetwork.load(network.path)
    assert whole.channels == ()
    whole.with_changes(without_some(network).changes()).save(tmp_path / "whole.onnx")
    assert OnnxNetwork.load(tmp_path / "whole.onnx").layers == whole.layers
