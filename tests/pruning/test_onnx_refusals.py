"""Which ONNX models are not pruned, and is it said before any work, layer by layer, why?"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import NodeProto, helper

from pruning.onnx_network import OnnxNetwork
from simulator.errors import PruningError, WorkloadError
from tests.workloads.onnx_models import model_of, saved, values

Array = npt.NDArray[Any]
node = helper.make_node
W = values(4, 4, 3, 3)
TWO = [
    node("Conv", ["x", "w"], ["a"], name="one", pads=[1, 1, 1, 1]),
    node("Conv", ["a", "w"], ["b"], name="two", pads=[1, 1, 1, 1]),
]
POOLED = [node("GlobalAveragePool", ["b"], ["p"]), node("Flatten", ["p"], ["y"])]
ONE = [node("Conv", ["x", "w"], ["b"], name="one", pads=[1, 1, 1, 1]), *POOLED]
REFUSED: dict[str, tuple[list[NodeProto], dict[str, Array], str]] = {
    "shared": (
        [*TWO, *POOLED],
        {"w": W},
        """2 layers cannot be pruned
  one: its weights 'w' are also those of two; export the model with a copy for each layer
  two: its weights 'w' are also those of one; export the model with a copy for each layer""",
    ),
    "read by others": (
        [*ONE, node("ReduceSum", ["w"], ["z"], name="sum"), node("Add", ["y", "z"], ["v"])],
        {"w": W},
        "one: its weights 'w' are also read by node 'sum' (ReduceSum); export the model with a copy for each",
    ),
    "transposed": (
        [node("Transpose", ["t"], ["w"], perm=[1, 0, 2, 3]), *ONE],
        {"t": W},
        "one: its weights 'w' are made by Transpose, not stored as an initializer; export with constant folding",
    ),
    "quantized": (
        [node("DequantizeLinear", ["q", "s"], ["w"]), *ONE],
        {"q": (W * 30).astype(np.int8), "s": np.array(0.03, np.float32)},
        "one: its weights 'w' are quantized; prune the float model, and quantize it afterwards",
    ),
    "not finite": (
        ONE,
        {"w": np.where(np.abs(W) == np.abs(W).max(), np.nan, W)},
        "one: 1 weights are NaN or infinite; train the model again",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_weights_that_cannot_be_replaced_alone_are_named(tmp_path: Path, what: str) -> None:
    nodes, constants, message = REFUSED[what]
    outputs = ["v"] if what == "read by others" else ["y"]
    path = saved(model_of(nodes, constants, image=("N", 4, 6, 6), outputs=outputs), tmp_path)
    with pytest.raises(PruningError) as raised:
        OnnxNetwork.load(path)
    assert str(raised.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("outputs", "found"), [(["b"], "'b' 2x4x6x6"), (["y", "b"], "'y' 2x4, 'b' 2x4x6x6")], ids=["maps", "two"]
)
def test_an_output_that_is_not_scores_is_named(tmp_path: Path, outputs: list[str], found: str) -> None:
    path = saved(model_of(ONE, {"w": W}, image=("N", 4, 6, 6), outputs=outputs), tmp_path)
    message = rf"puts out {found} for 2 images; a network with one output, N x classes, is needed"
    with pytest.raises(PruningError, match=message):
        OnnxNetwork.load(path)


def test_scores_that_are_not_of_each_image_are_refused_before_any_work(tmp_path: Path) -> None:
    """Its open batch says that it takes any number of images; its output is their mean."""
    mean = node("ReduceMean", ["y"], ["z"], axes=[0], keepdims=1)
    path = saved(model_of([*ONE, mean], {"w": W}, image=("N", 4, 6, 6), outputs=["z"]), tmp_path)
    with pytest.raises(PruningError, match=r"puts out 'z' 1x4 for 2 images; a network with one output, N x classes"):
        OnnxNetwork.load(path)


def test_a_model_that_changed_since_it_was_read_is_not_mixed_with_new_weights(tmp_path: Path) -> None:
    path = saved(model_of(ONE, {"w": W}, image=("N", 4, 6, 6)), tmp_path)
    network = OnnxNetwork.load(path)
    saved(model_of(ONE, {"w": 2 * W}, image=("N", 4, 6, 6)), tmp_path, path.name)
    with pytest.raises(PruningError, match=r"net\.onnx: is no longer the model that was read; put that file back"):
        network.save(tmp_path / "pruned.onnx")
    path.unlink()
    with pytest.raises(WorkloadError, match=r"net\.onnx: cannot be read"):
        network.save(tmp_path / "pruned.onnx")
    assert not list(tmp_path.iterdir())
