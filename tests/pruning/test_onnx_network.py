"""Does an ONNX model with replaced weights compute what such a network computes, and what its saved file computes?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper  # noqa: E402  onnx may be missing

from pruning.network import PrunableNetwork  # noqa: E402
from pruning.onnx_network import OnnxNetwork  # noqa: E402
from simulator.errors import OutputError, PruningError  # noqa: E402
from simulator.spec.layer import Layer  # noqa: E402
from tests.workloads.onnx_models import model_of, saved, values  # noqa: E402
from workloads import open_workload  # noqa: E402
from workloads.trained_models import trained_model  # noqa: E402

Array = npt.NDArray[Any]
node = helper.make_node
IMAGE = (4, 6, 5)
NODES = [
    node("Conv", ["x", "w1"], ["a"], name="plain", pads=[1, 0, 2, 1], strides=[1, 2]),
    node("BatchNormalization", ["a", "g", "b", "m", "v"], ["an"]),
    node("Relu", ["an"], ["r"]),
    node("Conv", ["r", "w2"], ["c"], name="grouped", group=2, pads=[1, 1, 1, 1]),
    node("Conv", ["c", "w3"], ["d"], name="depthwise", group=6, pads=[1, 1, 1, 1]),
    node("Conv", ["c", "w4"], ["e"], name="branch"),
    node("Add", ["d", "e"], ["s"]),
    node("Flatten", ["s"], ["f"]),
    node("Gemm", ["f", "w5"], ["h"], name="fc", transB=1, alpha=0.5),
    node("Gemm", ["h", "w6"], ["i"], name="untransposed"),
    node("MatMul", ["i", "w7"], ["y"], name="product"),
]
CONSTANTS: dict[str, Array] = {
    "w1": values(8, 4, 3, 3),
    "g": values(8, seed=1),
    "b": values(8, seed=2),
    "m": values(8, seed=3),
    "v": values(8, seed=4) ** 2 + 0.5,
    "w2": values(6, 4, 3, 3),
    "w3": values(6, 1, 3, 3),
    "w4": values(6, 6, 1, 1),
    "w5": values(16, 6 * 7 * 2),  # "s" is 6 x 7 x 2; large enough to be kept apart from the model
    "w6": values(16, 20),
    "w7": values(20, 10),
}
WEIGHTS_OF = {"plain": "w1", "grouped": "w2", "depthwise": "w3", "branch": "w4", "fc": "w5", "untransposed": "w6"}
WEIGHTS_OF["product"] = "w7"


def file_of(
    folder: Path, constants: Mapping[str, Array] = CONSTANTS, *, images: int | str = "N", name: str = "net.onnx"
) -> Path:
    return saved(model_of(NODES, constants, image=(images, *IMAGE)), folder, name)


@pytest.fixture
def network(tmp_path: Path) -> OnnxNetwork:
    return OnnxNetwork.load(file_of(tmp_path))


@pytest.fixture
def images() -> Array:
    return values(11, *IMAGE, seed=7)


def half_removed(network: OnnxNetwork, seed: int = 0) -> dict[str, Array]:
    """Every layer's weights, about half of them zero."""
    kept = np.random.default_rng(seed)
    weights = {layer.name: network.weights(layer.name) for layer in network.layers}
    return {name: np.where(kept.random(each.shape) < 0.5, each, np.float32(0)) for name, each in weights.items()}


def scores_of(path: Path, images: Array) -> Array:
    """By onnxruntime as anyone would run the file."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores: Array = session.run(None, {"x": images})[0]
    return scores


def test_layers_are_those_that_are_simulated(network: OnnxNetwork) -> None:
    assert network.layers == open_workload(network.path, batch=1).layers
    assert [layer.name for layer in network.layers] == list(WEIGHTS_OF)
    assert (network.image_shape, network.classes) == (IMAGE, 10)
    prunable: PrunableNetwork = network
    assert prunable.layers == network.layers


def test_weights_are_the_models_own(network: OnnxNetwork) -> None:
    for layer in network.layers:
        stored = CONSTANTS[WEIGHTS_OF[layer.name]]
        expected = stored.T if layer.name in ("untransposed", "product") else stored
        assert np.array_equal(network.weights(layer.name), expected.reshape(layer.filter_shape)), layer.name
        with pytest.raises(ValueError, match="read-only"):
            network.weights(layer.name)[0] = 0


def test_weights_go_back_to_where_they_came_from(network: OnnxNetwork, images: Array) -> None:
    same = network.with_weights({layer.name: network.weights(layer.name) for layer in network.layers})
    assert np.array_equal(same.scores(images), network.scores(images))


@pytest.mark.parametrize("layer", WEIGHTS_OF)
def test_scores_are_those_of_a_model_made_with_the_weights(tmp_path: Path, images: Array, layer: str) -> None:
    network = OnnxNetwork.load(file_of(tmp_path))
    weights = half_removed(network)[layer]
    transposed = layer in ("untransposed", "product")
    stored = CONSTANTS[WEIGHTS_OF[layer]]
    by_hand = weights.reshape(len(weights), -1).T if transposed else weights.reshape(stored.shape)
    made = file_of(tmp_path, {**CONSTANTS, WEIGHTS_OF[layer]: by_hand}, name="made.onnx")
    changed = network.with_weights({layer: weights})
    np.testing.assert_allclose(changed.scores(images), scores_of(made, images), rtol=1e-4, atol=1e-3)
    assert np.abs(changed.scores(images) - network.scores(images)).max() > 0.1
    assert np.array_equal(changed.weights(layer), weights)
    assert np.array_equal(network.as_stored(layer, weights), by_hand)


def test_a_network_is_not_changed_by_those_made_from_it(network: OnnxNetwork, images: Array) -> None:
    before, weights = network.scores(images), half_removed(network)
    changed = network.with_weights(weights)
    after = changed.scores(images)
    again = changed.with_weights({"fc": network.weights("fc")})
    for array in weights.values():
        array[:] = 7
    assert np.array_equal(network.scores(images), before)
    assert np.array_equal(changed.scores(images), after)
    assert np.array_equal(again.weights("fc"), network.weights("fc"))
    assert np.array_equal(again.weights("plain"), changed.weights("plain"))


def test_layer_inputs_times_weights_are_the_next_layers_inputs(network: OnnxNetwork, images: Array) -> None:
    """The network without its BatchNormalization, layer by layer from the definition."""
    changed = network.with_weights(half_removed(network))
    inputs = changed.layer_inputs(list(WEIGHTS_OF), images)
    layers = {layer.name: layer for layer in changed.layers}
    assert np.array_equal(inputs["plain"], images)
    outputs = {name: output_of(changed, layers[name], inputs[name]) for name in WEIGHTS_OF}
    scale, shift = CONSTANTS["g"] / np.sqrt(CONSTANTS["v"] + 1e-5), CONSTANTS["b"]
    by_channel = (slice(None), np.newaxis, np.newaxis)
    normal = (outputs["plain"] - CONSTANTS["m"][by_channel]) * scale[by_channel] + shift[by_channel]
    np.testing.assert_allclose(inputs["grouped"], np.maximum(normal, 0), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(inputs["depthwise"], outputs["grouped"], rtol=1e-4, atol=1e-3)
    assert np.array_equal(inputs["branch"], inputs["depthwise"])
    np.testing.assert_allclose(inputs["fc"], outputs["depthwise"] + outputs["branch"], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(inputs["untransposed"], outputs["fc"] / 2, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(inputs["product"], outputs["untransposed"], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(changed.scores(images), outputs["product"][:, :, 0, 0], rtol=1e-4, atol=1e-3)


def output_of(network: OnnxNetwork, layer: Layer, ifmap: Array) -> Array:
    assert ifmap.dtype == np.float32
    assert ifmap.shape == layer.with_batch(len(ifmap)).ifmap_shape
    padding = layer.padding
    padded = np.pad(ifmap, ((0, 0), (0, 0), (padding[0], padding[2]), (padding[1], padding[3])))
    weights, channels, per_group = network.weights(layer.name), layer.C // layer.G, layer.M // layer.G
    windows = np.lib.stride_tricks.sliding_window_view(padded, (layer.R, layer.S), (2, 3))[:, :, :: layer.U, :: layer.V]
    return np.stack(
        [
            np.einsum("ncefrs,crs->nef", windows[:, (m // per_group) * channels :][:, :channels], weights[m])
            for m in range(layer.M)
        ],
        axis=1,
    )


def test_inputs_of_some_layers_are_those_among_all(network: OnnxNetwork, images: Array) -> None:
    together = network.layer_inputs(list(WEIGHTS_OF), images)
    for name in WEIGHTS_OF:
        (alone,) = network.layer_inputs([name], images).values()
        np.testing.assert_allclose(alone, together[name], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 4, 64])
def test_the_batch_that_is_run_at_once_does_not_matter(tmp_path: Path, images: Array, batch: int) -> None:
    path = file_of(tmp_path)
    network = OnnxNetwork.load(path, batch=batch, threads=2)
    np.testing.assert_allclose(network.scores(images), scores_of(path, images), rtol=1e-4, atol=1e-3)


def test_a_model_for_a_fixed_batch_takes_any_number_of_images(tmp_path: Path, images: Array) -> None:
    fixed = OnnxNetwork.load(file_of(tmp_path, images=4, name="fixed.onnx"))
    free = OnnxNetwork.load(file_of(tmp_path))
    assert fixed.layers == free.layers
    for count in (1, 4, 11):
        some = images[:count]
        np.testing.assert_allclose(fixed.scores(some), free.scores(some), rtol=1e-4, atol=1e-3)
        found, expected = (each.layer_inputs(["fc", "product"], some) for each in (fixed, free))
        for name in found:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-3)


def test_the_same_run_gives_the_same_bits(tmp_path: Path, images: Array) -> None:
    path = file_of(tmp_path)
    first, second = (OnnxNetwork.load(path).with_weights(half_removed(OnnxNetwork.load(path))) for _ in range(2))
    assert np.array_equal(first.scores(images), second.scores(images))


def as_it_is(path: Path) -> None:
    onnx.save(model_of(NODES, CONSTANTS, image=("N", *IMAGE)), path)


def with_external_data(path: Path) -> None:
    model = model_of(NODES, CONSTANTS, image=("N", *IMAGE))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def with_a_file_for_each_tensor(path: Path) -> None:
    model = model_of(NODES, CONSTANTS, image=("N", *IMAGE))
    onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=0)


def with_float_data(path: Path) -> None:
    model = model_of(NODES, CONSTANTS, image=("N", *IMAGE))
    for tensor in model.graph.initializer:
        listed = helper.make_tensor(
            tensor.name, TensorProto.FLOAT, tensor.dims, CONSTANTS[tensor.name].ravel().tolist()
        )
        tensor.CopyFrom(listed)
    onnx.save(model, path)


@pytest.mark.parametrize("store", [as_it_is, with_external_data, with_a_file_for_each_tensor, with_float_data])
def test_the_saved_file_is_the_pruned_network(tmp_path: Path, images: Array, store: Any) -> None:
    (tmp_path / "original").mkdir()
    (tmp_path / "pruned").mkdir()
    store(tmp_path / "original" / "net.onnx")
    network = OnnxNetwork.load(tmp_path / "original" / "net.onnx")
    originally = {path.name: path.read_bytes() for path in (tmp_path / "original").iterdir()}
    pruned = network.with_weights(half_removed(network))
    saved_as = tmp_path / "pruned" / "small.onnx"
    pruned.save(saved_as)
    for tensor in onnx.load(saved_as).graph.initializer:
        onnx.checker.check_tensor(tensor)
    again = OnnxNetwork.load(saved_as)
    assert again.layers == network.layers
    assert np.array_equal(again.scores(images), pruned.scores(images))
    np.testing.assert_allclose(scores_of(saved_as, images), pruned.scores(images), rtol=1e-4, atol=1e-3)
    for layer in network.layers:
        assert np.array_equal(again.weights(layer.name), pruned.weights(layer.name))
    expected = {"small.onnx", "small.onnx.data"} if len(originally) > 1 else {"small.onnx"}
    assert {path.name for path in saved_as.parent.iterdir()} == expected
    assert {path.name: path.read_bytes() for path in (tmp_path / "original").iterdir()} == originally


def test_only_the_replaced_values_differ_in_the_saved_file(network: OnnxNetwork, tmp_path: Path) -> None:
    network.with_weights({"fc": half_removed(network)["fc"]}).save(tmp_path / "pruned.onnx")
    before, after = onnx.load(network.path), onnx.load(tmp_path / "pruned.onnx")
    changed = [
        now.name for then, now in zip(before.graph.initializer, after.graph.initializer, strict=True) if then != now
    ]
    assert changed == ["w5"]
    for model in (before, after):
        model.graph.ClearField("initializer")
    assert before == after


def test_a_file_is_replaced_whole_but_never_the_original(network: OnnxNetwork, tmp_path: Path) -> None:
    target = tmp_path / "pruned.onnx"
    target.write_bytes(b"an earlier one")
    network.save(target)
    assert OnnxNetwork.load(target).layers == network.layers
    with pytest.raises(OutputError, match=r"net\.onnx: is the model that was pruned; give another path"):
        network.save(network.path)
    with pytest.raises(OutputError, match=r"model\.onnx: cannot be written \(No such file or directory\)"):
        network.save(tmp_path / "none" / "model.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "pruned.onnx"]


def test_a_half_precision_model_keeps_its_type(tmp_path: Path) -> None:
    weights = values(20, 5).astype(np.float16)
    model = model_of(
        [node("MatMul", ["x", "w"], ["y"])], {"w": weights}, image=("N", 20), input_type=TensorProto.FLOAT16
    )
    network = OnnxNetwork.load(saved(model, tmp_path))
    third = network.with_weights({"y": np.float32(1 / 3) * network.weights("y")})
    assert np.array_equal(
        third.weights("y"), (weights.T.astype(np.float32) * np.float32(1 / 3)).astype(np.float16)[:, :, None, None]
    )
    third.save(tmp_path / "third.onnx")
    assert onnx.load(tmp_path / "third.onnx").graph.initializer[0].data_type == TensorProto.FLOAT16
    images = values(3, 20)
    assert np.array_equal(OnnxNetwork.load(tmp_path / "third.onnx").scores(images), third.scores(images))
    with pytest.raises(PruningError, match=r"y: 100 new weights are NaN or infinite as float16; give finite ones"):
        network.with_weights({"y": np.full((5, 20, 1, 1), 1e5, np.float32)})
    assert np.all(network.as_stored("y", np.full((5, 20, 1, 1), 1e5, np.float32)) == np.float32(1e5))


def test_rows_of_an_image_are_positions(tmp_path: Path) -> None:
    """A product over L rows an image is a 1x1 CONV over L positions; the mean over them is what is scored."""
    weights, images = values(6, 10), values(5, 4, 6)
    nodes = [node("MatMul", ["x", "w"], ["z"], name="tokens"), node("ReduceMean", ["z"], ["y"], axes=[1], keepdims=0)]
    network = OnnxNetwork.load(saved(model_of(nodes, {"w": weights}, image=("N", 4, 6)), tmp_path), batch=2)
    assert np.array_equal(network.layer_inputs(["tokens"], images)["tokens"], images.swapaxes(1, 2)[..., None])
    np.testing.assert_allclose(network.scores(images), (images @ weights).mean(1), rtol=1e-5, atol=1e-5)


def test_what_a_branch_reads_from_around_it_is_computed(tmp_path: Path) -> None:
    """The bodies of an If name tensors that are not among its inputs."""
    bodies = {
        f"{which}_branch": helper.make_graph(
            [node("Identity", [read], [which])], which, [], [onnx.ValueInfoProto(name=which)]
        )
        for which, read in (("then", "r"), ("else", "x"))
    }
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("ReduceMax", ["x"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["any"], to=TensorProto.BOOL),
        node("If", ["any"], ["i"], **bodies),
        node("MatMul", ["i", "w"], ["y"], name="fc"),
    ]
    images = values(3, 20)
    network = OnnxNetwork.load(saved(model_of(nodes, {"w": values(20, 5)}, image=("N", 20)), tmp_path))
    assert np.array_equal(network.layer_inputs(["fc"], images)["fc"][..., 0, 0], np.maximum(images, 0))


def test_what_does_not_fit_the_network_is_named(network: OnnxNetwork, images: Array) -> None:
    with pytest.raises(PruningError, match=r"net\.onnx: has no layer 'conv9'; its layers: plain, grouped, depthwise"):
        network.weights("conv9")
    with pytest.raises(PruningError, match=r"fc: weights of shape 16x84; the layer has 16x6x7x2"):
        network.with_weights({"fc": CONSTANTS["w5"]})
    with pytest.raises(PruningError, match=r"plain: 288 new weights are NaN or infinite as float32; give finite ones"):
        network.with_weights({"plain": np.full((8, 4, 3, 3), np.nan, np.float32)})
    with pytest.raises(PruningError, match=r"images of shape 11x4x6; the network takes Nx4x6x5, N >= 1"):
        network.scores(images[..., 0])
    with pytest.raises(PruningError, match=r"images of shape 0x4x6x5; the network takes Nx4x6x5, N >= 1"):
        network.layer_inputs(["fc"], images[:0])
    with pytest.raises(PruningError, match=r"net\.onnx: 0 threads, 64 images at once; give at least 1"):
        OnnxNetwork.load(network.path, threads=0)


def test_the_shipped_network_can_be_pruned() -> None:
    network = OnnxNetwork.load(trained_model("digits").path)
    assert [layer.filter_shape for layer in network.layers] == [
        (16, 1, 3, 3),
        (32, 16, 3, 3),
        (32, 32, 3, 3),
        (64, 32, 4, 4),
        (10, 64, 1, 1),
    ]
