"""Are labelled images read as they were stored and preprocessed as asked, and is what does not fit refused by name?"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.errors import WorkloadError
from workloads.data_sets import DIGITS_SIZES, LabelledImages, open_labelled, partition

RECORDS = 6
IMAGES = np.arange(4 * 3 * 2 * 2, dtype=np.uint8).reshape(4, 3, 2, 2)
LABELS = np.array([1, 0, 2, 1])


def saved(folder: Path, images: Any = IMAGES, labels: Any = LABELS) -> Path:
    np.savez(folder / "data.npz", images=images, labels=labels)
    return folder / "data.npz"


def cifar10(folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Six files in the standard layout, a few records each: all pixels, all labels, in the order of the files."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (6, RECORDS, 3, 32, 32), dtype=np.uint8)
    labels = generator.integers(0, 10, (6, RECORDS), dtype=np.uint8)
    for at, name in enumerate([*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]):
        content = [bytes([label]) + image.tobytes() for image, label in zip(pixels[at], labels[at], strict=True)]
        (folder / name).write_bytes(b"".join(content))
    return pixels, labels


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.float64, np.bool_])
def test_an_npz_is_read_as_float32(tmp_path: Path, kind: type) -> None:
    data = open_labelled(saved(tmp_path, IMAGES.astype(kind), LABELS.astype(np.float32)))
    assert (data.images.dtype.name, data.labels.dtype.name) == ("float32", "int64")
    assert np.array_equal(data.images, IMAGES.astype(kind).astype(np.float32))
    assert np.array_equal(data.labels, LABELS)


def test_preprocessing_scales_then_centres_then_divides_each_channel(tmp_path: Path) -> None:
    mean, std = (0.5, 0.25, 0.0), (2.0, 4.0, 8.0)
    data = open_labelled(saved(tmp_path), scale=1 / 2, mean=mean, std=std)
    for channel in range(3):
        expected = (IMAGES[:, channel] / 2 - mean[channel]) / std[channel]
        assert np.array_equal(data.images[:, channel], expected.astype(np.float32))


def test_one_mean_serves_all_channels(tmp_path: Path) -> None:
    assert np.array_equal(open_labelled(saved(tmp_path), mean=[3]).images, IMAGES.astype(np.float32) - 3)


def test_cifar10_is_read_by_split_planes_and_labels_in_place(tmp_path: Path) -> None:
    pixels, labels = cifar10(tmp_path)
    train, test = open_labelled(tmp_path, split="train"), open_labelled(tmp_path)
    assert np.array_equal(train.images, pixels[:5].reshape(-1, 3, 32, 32))
    assert np.array_equal(train.labels, labels[:5].ravel())
    assert np.array_equal(test.images, pixels[5])
    assert np.array_equal(test.labels, labels[5])


def test_digits_are_sixteen_greys_and_their_splits_are_all_of_them_once() -> None:
    pytest.importorskip("sklearn")
    whole = open_labelled("digits", scale=1 / 16)
    assert whole.images.shape == (1797, 1, 8, 8)
    assert (whole.images.min(), whole.images.max()) == (0, 1)
    assert np.array_equal(np.bincount(whole.labels), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    parts = [open_labelled("digits", split=name, scale=1 / 16) for name in DIGITS_SIZES]
    assert [len(part) for part in parts] == list(DIGITS_SIZES.values())
    together = np.concatenate([part.images for part in parts])
    assert np.array_equal(np.sort(together.sum((1, 2, 3))), np.sort(whole.images.sum((1, 2, 3))))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "fewer labels": ({"labels": LABELS[:3]}, "3 labels for 4 images; every image has one label"),
    "one-hot labels": ({"labels": np.eye(4)}, "labels of shape 4x4; give N class numbers, one for each image"),
    "negative label": ({"labels": [1, -1, 0, 2]}, "label 1 is -1; give class numbers: whole, from 0"),
    "fraction": ({"labels": [1, 0, 0.5, 2]}, "label 2 is 0.5; give class numbers"),
    "NaN label": ({"labels": [np.nan, 0, 0, 2]}, "label 0 is nan; give class numbers"),
    "words": ({"labels": ["cat", "dog", "cat", "cat"]}, "labels are <U3; give class numbers from 0"),
    "complex": ({"images": IMAGES + 1j}, "images are complex128; give real numbers"),
    "one image": ({"images": IMAGES[0]}, "images of shape 3x2x2; give N x C x H x W or N x features, not empty"),
    "none": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "images of shape 0x3x2x2; give N x C x H x W"),
    "NaN": ({"images": np.where(IMAGES == 30, np.nan, IMAGES)}, "image 2 has NaN or infinite values; give finite ones"),
    "too large": ({"images": np.where(IMAGES == 30, 1e39, IMAGES)}, "image 2 has NaN or infinite values"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_labelled_image_is_named(tmp_path: Path, what: str) -> None:
    stored, message = REFUSED[what]
    with pytest.raises(WorkloadError, match=rf"data\.npz: {re.escape(message)}"):
        open_labelled(saved(tmp_path, **stored))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mean": (1.0, 2.0)}, "2 values of mean for 3 channels; give 1 or 3"),
        ({"std": (1.0, 0.0, 1.0)}, "std 1.0, 0.0, 1.0; give finite numbers, not 0"),
        ({"scale": 0.0}, "scale 0.0; give finite numbers, not 0"),
        ({"mean": (np.inf,)}, "mean inf; give finite numbers"),
        ({"split": "test"}, "split 'test' was asked for; only CIFAR-10 and digits have splits; leave it out"),
    ],
)
def test_preprocessing_that_cannot_be_is_named(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkloadError, match=rf"data\.npz: {re.escape(message)}$"):
        open_labelled(saved(tmp_path), **given)


def test_files_that_are_no_data_set_are_named(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"none\.npz: cannot be read \(No such file or directory\); give an \.npz"):
        open_labelled(tmp_path / "none.npz")
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WorkloadError, match=r"data\.npz: not an \.npz file of numbers, or a damaged one \(.*\)"):
        open_labelled(path)
    np.savez(path, x=IMAGES)
    with pytest.raises(WorkloadError, match=r"data\.npz: has no 'images' and no 'labels'; numpy\.savez"):
        open_labelled(path)
    np.save(tmp_path / "plain.npy", IMAGES)
    with pytest.raises(WorkloadError, match=r"plain\.npy: not an \.npz file of numbers"):
        open_labelled(tmp_path / "plain.npy")


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(
        WorkloadError, match=r"data\.npz: not an \.npz file of numbers, or a damaged one \(Object arrays"
    ):
        open_labelled(saved(tmp_path, np.array([None] * 4, object)))


def test_a_folder_that_is_not_cifar10_is_named(tmp_path: Path) -> None:
    cifar10(tmp_path)
    with pytest.raises(WorkloadError, match="has no split 'validation'; choose from train, test"):
        open_labelled(tmp_path, split="validation")
    (tmp_path / "test_batch.bin").write_bytes(bytes(3073 * 2 - 1))
    with pytest.raises(WorkloadError, match=r"test_batch\.bin: 6145 bytes are no whole number of records of 3073"):
        open_labelled(tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(WorkloadError, match=r"data_batch_4\.bin: cannot be read \(No such file or directory\)"):
        open_labelled(tmp_path, split="train")


def test_images_and_labels_must_fit_the_network(tmp_path: Path) -> None:
    data = open_labelled(saved(tmp_path))
    data.check_fits((3, 2, 2), 3)
    with pytest.raises(WorkloadError, match=r"data\.npz: images are 3x2x2; the network takes 1x8x8$"):
        data.check_fits((1, 8, 8), 3)
    with pytest.raises(WorkloadError, match=r"takes 2x3x2: channels come first, use images\.transpose\(0, 3, 1, 2\)"):
        LabelledImages(images=np.zeros((1, 3, 2, 2), np.float32), labels=np.zeros(1, np.int64)).check_fits((2, 3, 2), 3)
    with pytest.raises(WorkloadError, match=r"data\.npz: a label is 2; the network knows classes 0 to 1"):
        data.check_fits((3, 2, 2), 2)


def test_labels_and_images_stay_together_when_some_are_taken(tmp_path: Path) -> None:
    data = open_labelled(saved(tmp_path)).take(np.array([2, 0]))
    assert np.array_equal(data.images, IMAGES[[2, 0]])
    assert data.labels.tolist() == [2, 1]


def test_a_partition_is_disjoint_and_always_the_same() -> None:
    parts = partition(20, {"a": 5, "b": 12}, seed=1)
    assert [len(part) for part in parts.values()] == [5, 12]
    together = np.concatenate(list(parts.values()))
    assert len(set(together.tolist())) == 17
    assert together.min() >= 0
    assert together.max() < 20
    assert np.array_equal(together, np.concatenate(list(partition(20, {"a": 5, "b": 12}, seed=1).values())))
    assert not np.array_equal(parts["a"], partition(20, {"a": 5}, seed=2)["a"])
    assert partition(10, {"all": 10}, seed=0)["all"].tolist() == [9, 3, 1, 8, 2, 4, 0, 5, 6, 7]


def test_a_partition_of_too_few_is_refused() -> None:
    with pytest.raises(
        WorkloadError, match="parts of a 5, b 6 images from 10; every part needs 1 or more, together 10"
    ):
        partition(10, {"a": 5, "b": 6}, seed=0)
    with pytest.raises(WorkloadError, match="parts of a 0 images from 10"):
        partition(10, {"a": 0}, seed=0)
