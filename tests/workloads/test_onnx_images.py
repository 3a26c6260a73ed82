"""Are the right images run, as many as asked for, and the wrong ones refused?"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper

from simulator.errors import WorkloadError
from simulator.spec.workload import Origin
from tests.workloads.onnx_models import IMAGE, as_floats, model_of, saved, saved_images, values
from workloads import open_workload

NODES = [
    helper.make_node("Conv", ["x", "w"], ["c"], name="first"),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("Conv", ["r", "u"], ["y"], name="second"),
]
CONSTANTS = {"w": values(4, 3, 3, 3), "u": values(2, 4, 1, 1)}


def network(folder: Path, batch: int | str = "N") -> Path:
    return saved(model_of(NODES, CONSTANTS, image=(batch, *IMAGE)), folder)


def test_the_first_layer_works_on_the_images(tmp_path: Path) -> None:
    workload = open_workload(network(tmp_path), images=saved_images(tmp_path))
    tensors = workload.tensors_of(workload.layers[0])
    found = as_floats(tensors.ifmap, tensors.ifmap_scale)
    np.testing.assert_allclose(found, values(2, *IMAGE, seed=5), atol=2**-12)


def test_zeros_of_a_relu_stay_zeros(tmp_path: Path) -> None:
    workload = open_workload(network(tmp_path), images=saved_images(tmp_path))
    first, second = (workload.tensors_of(layer) for layer in workload.layers)
    assert np.array_equal(first.ofmap, second.ifmap)
    assert 0.2 < np.mean(second.ifmap == 0) < 0.8
    assert first.ofmap.min() == 0


def test_batch_is_the_number_of_images_unless_said(tmp_path: Path) -> None:
    images = saved_images(tmp_path, 3)
    assert open_workload(network(tmp_path), images=images).batch == 3
    assert open_workload(network(tmp_path), images=images, batch=2).batch == 2
    assert open_workload(network(tmp_path)).batch == 1
    assert open_workload(network(tmp_path), batch=5).batch == 5


def test_a_smaller_batch_is_the_first_images(tmp_path: Path) -> None:
    images = saved_images(tmp_path, 3)
    one, three = (open_workload(network(tmp_path), images=images, batch=batch) for batch in (1, 3))
    small, large = (work.tensors_of(work.layers[0]) for work in (one, three))
    found = as_floats(large.ifmap, large.ifmap_scale)[:1]
    np.testing.assert_allclose(found, as_floats(small.ifmap, small.ifmap_scale), atol=2**-12)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_model_of_fixed_batch_runs_in_chunks(tmp_path: Path, batch: int) -> None:
    images = saved_images(tmp_path, 4)
    fixed = open_workload(network(tmp_path, batch), images=images)
    free = open_workload(network(tmp_path), images=images)
    assert fixed.batch == 4
    for layer in fixed.layers:
        assert np.array_equal(fixed.tensors_of(layer).ofmap, free.tensors_of(layer).ofmap)


def test_a_model_of_fixed_batch_has_that_batch_unless_said(tmp_path: Path) -> None:
    assert open_workload(network(tmp_path, 4)).batch == 4
    assert open_workload(network(tmp_path, 4), batch=8).batch == 8


def test_a_batch_that_is_no_multiple_of_the_fixed_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"was exported for batches of 4 images; 3 is no multiple of it; export it"):
        open_workload(network(tmp_path, 4), images=saved_images(tmp_path, 3))


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"images2\.npy: holds 2 images; a batch of 5 needs as many"):
        open_workload(network(tmp_path), images=saved_images(tmp_path), batch=5)


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"images0\.npy: holds 0 images; a batch of 1 needs as many"):
        open_workload(network(tmp_path), images=saved_images(tmp_path, 0))


REFUSED: dict[str, tuple[Any, str]] = {
    "uint8": (np.zeros((2, *IMAGE), np.uint8), "images are uint8; give float32, scaled as the network was trained"),
    "float64": (np.zeros((2, *IMAGE)), "images are float64; give float32"),
    "size": (np.zeros((2, 3, 9, 7), np.float32), "shape 2x3x9x7; the network takes Nx3x8x7$"),
    "rank": (np.zeros(IMAGE, np.float32), "shape 3x8x7; the network takes Nx3x8x7$"),
    "scalar": (np.float32(1), r"shape \(\); the network takes Nx3x8x7$"),
    "channels last": (
        np.zeros((2, 8, 7, 3), np.float32),
        r"shape 2x8x7x3; the network takes Nx3x8x7: channels come first, use images\.transpose\(0, 3, 1, 2\)$",
    ),
    "objects": (np.array([{}]), r"not an \.npy file of numbers, or a truncated one"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_images_of_another_type_or_shape_are_refused(tmp_path: Path, what: str) -> None:
    array, message = REFUSED[what]
    np.save(tmp_path / "X.npy", array)
    with pytest.raises(WorkloadError, match=rf"X\.npy: {message}"):
        open_workload(network(tmp_path), images=tmp_path / "X.npy")


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_images_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    images = values(2, *IMAGE)
    images[1, 0, 3, 3] = value
    np.save(tmp_path / "X.npy", images)
    with pytest.raises(WorkloadError, match=r"X\.npy: image 1 has NaN or infinite values; give finite ones"):
        open_workload(network(tmp_path), images=tmp_path / "X.npy")


@pytest.mark.parametrize("keep", [0, 40, 200])
def test_truncated_image_files_are_refused(tmp_path: Path, keep: int) -> None:
    path = saved_images(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WorkloadError, match=r"images2\.npy: not an \.npy file of numbers, or a truncated one"):
        open_workload(network(tmp_path), images=path)


def test_missing_image_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        WorkloadError, match=r"X\.npy: cannot be read \(No such file or directory\); give an \.npy file"
    ):
        open_workload(network(tmp_path), images=tmp_path / "X.npy")


def test_without_images_weights_are_real_and_activations_synthetic(tmp_path: Path) -> None:
    workload = open_workload(network(tmp_path), batch=2, seed=3)
    assert (workload.provenance.weights, workload.provenance.activations) == (Origin.REAL, Origin.SYNTHETIC)
    assert "seed 3; density assumed: 0.5" in workload.provenance.detail
    first, second = (workload.tensors_of(layer) for layer in workload.layers)
    assert np.count_nonzero(first.ifmap) == first.ifmap.size, "the network's input is dense"
    assert np.mean(first.ofmap != 0) == pytest.approx(0.5, abs=0.15)
    assert np.count_nonzero(second.ofmap) == second.ofmap.size, "no ReLU follows"
    found = as_floats(first.filters, first.filter_scale)
    np.testing.assert_allclose(found, CONSTANTS["w"], atol=2**-12)


def test_each_input_of_a_run_is_in_its_hash(tmp_path: Path) -> None:
    path, images = network(tmp_path), saved_images(tmp_path, 3)
    runs = [
        open_workload(path, images=images),
        open_workload(path, images=images, batch=2),
        open_workload(path, images=saved_images(tmp_path, 4, seed=6)),
        open_workload(path),
        open_workload(path, seed=1),
    ]
    assert len({run.provenance.sha256 for run in runs}) == len(runs)
    assert open_workload(path, images=images).provenance == runs[0].provenance


def test_tensors_travel_to_workers_and_are_gone_afterwards(tmp_path: Path) -> None:
    workload = open_workload(network(tmp_path), images=saved_images(tmp_path))
    layer, folder = workload.layers[1], workload.tensors_of.folder  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(workload.tensors_of))
    assert np.array_equal(copy(layer).ofmap, workload.tensors_of(layer).ofmap)
    del copy
    assert folder.is_dir(), "a worker's copy does not own the files"
    del workload
    assert not folder.exists()
