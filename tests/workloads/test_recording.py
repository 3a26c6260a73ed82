"""Is what `record` stores what the model computes, and is nothing stored when it cannot?"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper

from simulator.errors import OutputError, WorkloadError
from simulator.spec.workload import Origin
from tests.workloads.onnx_models import IMAGE, model_of, saved, saved_images, values
from workloads import open_workload, record

NODES = [
    helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1], strides=[2, 1]),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2]),
    helper.make_node("Flatten", ["p"], ["f"]),
    helper.make_node("Gemm", ["f", "v", "b"], ["y"], name="fc", transB=1),
]
CONSTANTS = {"w": values(4, 3, 3, 3), "v": values(5, 4 * 3 * 6), "b": values(5)}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(model_of(NODES, CONSTANTS, image=("N", *IMAGE)), tmp_path)


@pytest.mark.parametrize("batch", [None, 2])
def test_a_trace_is_the_model_on_its_images(model: Path, tmp_path: Path, batch: int | None) -> None:
    images, trace = saved_images(tmp_path, 3), tmp_path / "trace.npz"
    record(model, images, trace, batch=batch)
    recorded, direct = open_workload(trace), open_workload(model, images=images, batch=batch)
    assert recorded.layers == direct.layers
    assert recorded.batch == (batch or 3)
    assert recorded.not_costed == direct.not_costed == ("MaxPool x1", "Flatten x1")
    for layer in direct.layers:
        one, other = recorded.tensors_of(layer), direct.tensors_of(layer)
        one.check(layer)
        for name in ("ifmap", "filters", "ofmap", "ifmap_scale", "filter_scale", "ofmap_scale", "zeroed"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_trace_says_where_its_values_are_from(model: Path, tmp_path: Path) -> None:
    record(model, saved_images(tmp_path), tmp_path / "trace.npz")
    provenance = open_workload(tmp_path / "trace.npz").provenance
    assert (provenance.weights, provenance.activations) == (Origin.REAL, Origin.REAL)
    assert "weights of net.onnx; activations of 2 images, run by onnxruntime" in provenance.detail


def test_recording_again_gives_the_same_file(model: Path, tmp_path: Path) -> None:
    images, traces = saved_images(tmp_path), [tmp_path / "a.npz", tmp_path / "b.npz"]
    for trace in traces:
        record(model, images, trace)
    assert traces[0].read_bytes() == traces[1].read_bytes()


def test_a_folder_that_is_not_there_is_named_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none/trace\.npz: its folder does not exist; create .*none first"):
        record(tmp_path / "no.onnx", tmp_path / "no.npy", tmp_path / "none" / "trace.npz")


def test_an_output_that_cannot_be_written_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "trace.npz").mkdir()
    with pytest.raises(OutputError, match=r"trace\.npz: cannot be written \(Is a directory\)"):
        record(model, saved_images(tmp_path), tmp_path / "trace.npz")


def test_a_run_that_fails_leaves_no_file_and_keeps_an_earlier_one(tmp_path: Path) -> None:
    """The second layer's NaN comes when the first has already been written."""
    broken = {**CONSTANTS, "v": np.full((5, 72), np.nan, np.float32)}
    model = saved(model_of(NODES, broken, image=("N", *IMAGE)), tmp_path)
    images, folder = saved_images(tmp_path), tmp_path / "out"
    folder.mkdir()
    with pytest.raises(WorkloadError, match="fc: filters: 360 of 360 values are NaN or infinite"):
        record(model, images, folder / "new.npz")
    assert list(folder.iterdir()) == []
    (folder / "old.npz").write_bytes(b"earlier")
    with pytest.raises(WorkloadError):
        record(model, images, folder / "old.npz")
    assert (folder / "old.npz").read_bytes() == b"earlier"
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["net.onnx", "trace", "trace.npy"])
def test_a_trace_that_simulate_would_not_know_is_refused(model: Path, tmp_path: Path, name: str) -> None:
    before = model.read_bytes()
    with pytest.raises(OutputError, match=rf"{name}: a layer trace is known by its ending; give a path .* in \.npz"):
        record(model, saved_images(tmp_path), tmp_path / name)
    assert model.read_bytes() == before


def test_only_onnx_models_can_be_recorded(tmp_path: Path) -> None:
    images = saved_images(tmp_path)
    with pytest.raises(WorkloadError, match=r"alexnet: images need a network to run on them; give an \.onnx model"):
        record(Path("alexnet"), images, tmp_path / "trace.npz")
