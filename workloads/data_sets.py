"""Which labelled images is a network judged on? An .npz file, CIFAR-10 in its binary layout, or scikit-learn's digits.

Images are preprocessed as the network was trained to see them: (image x scale - mean) / std, per channel.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulator.errors import WorkloadError, nearby_file, suggestion

Array = NDArray[Any]
Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]

DIGITS = "digits"
DIGITS_SIZES = {"train": 997, "threshold": 400, "test": 400}
DIGITS_SEED = 0
"""How scikit-learn's 1,797 digits are split, here and where the shipped network was trained: see `partition`."""
CIFAR10_FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
_CIFAR10_SHAPE = (3, 32, 32)
_CIFAR10_RECORD = 1 + 3 * 32 * 32
"""Bytes: a label, then three planes of 32 x 32, red first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledImages:
    """images: (N, C, H, W), or (N, features), as the network takes them; labels: (N), class numbers from 0.

    source  where they came from, for messages
    """

    images: Images
    labels: Labels
    source: str = "labelled images"

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise WorkloadError(
                f"{self.source}: {len(self.labels)} labels for {len(self.images)} images; every image has one label, "
                "in the same order"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Indices) -> Self:
        """These images, in this order."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])

    def check_fits(self, image_shape: Sequence[int], classes: int) -> None:
        """Raise WorkloadError unless a network that takes such images, and knows so many classes, fits these."""
        found, needed = self.images.shape[1:], tuple(image_shape)
        if found != needed:
            hint = _channels_last_hint(found, needed)
            raise WorkloadError(f"{self.source}: images are {_text(found)}; the network takes {_text(needed)}{hint}")
        largest = int(self.labels.max())
        if largest >= classes:
            raise WorkloadError(
                f"{self.source}: a label is {largest}; the network knows classes 0 to {classes - 1}, give labels as it "
                "was trained with"
            )


def open_labelled(
    path: str | Path,
    *,
    split: str | None = None,
    scale: float | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> LabelledImages:
    """The images and labels of an .npz file, of a folder with CIFAR-10's binary files, or of "digits".

    path       the .npz has `images`, N x C x H x W of any real type, and `labels`, N class numbers
    split      CIFAR-10: "train", or "test" if nothing is said; digits: one of DIGITS_SIZES, or all; an .npz has none
    scale      what pixels are multiplied by, first; 1 if nothing is said
    mean, std  what is then taken off, and divided by: one value, or one a channel; 0 and 1 if nothing is said

    Raises WorkloadError for what cannot be read, and for labels that do not fit the images.
    """
    where = str(path)
    images, labels = _opened(path, split)
    _check_images(images, where)
    classes = _class_numbers(labels, where)
    with np.errstate(over="ignore"):  # found, and named, below
        seen = images.astype(np.float32)
    _preprocess(seen, _by_channel("scale", (1.0 if scale is None else scale,), seen, where), np.multiply)
    _preprocess(seen, _by_channel("mean", (0.0,) if mean is None else mean, seen, where), np.subtract)
    _preprocess(seen, _by_channel("std", (1.0,) if std is None else std, seen, where), np.divide)
    _check_finite(seen, where)
    return LabelledImages(images=seen, labels=classes, source=where)


def partition(count: int, sizes: Mapping[str, int], *, seed: int) -> dict[str, Indices]:
    """Disjoint parts of 0 ... count - 1, drawn from the seed: the same for every version of numpy.

    A part depends on the seed, `count` and the sizes up to its own. Raises WorkloadError if there are not enough.
    """
    wanted = sum(sizes.values())
    if min(sizes.values(), default=1) < 1 or wanted > count:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise WorkloadError(
            f"parts of {listed} images from {count}; every part needs 1 or more, together {count} at most"
        )
    order = np.argsort(np.random.SFC64(seed).random_raw(count), kind="stable").astype(np.int64)
    ends = np.cumsum(list(sizes.values()))
    return {name: order[end - size : end] for (name, size), end in zip(sizes.items(), ends, strict=True)}


def _opened(path: str | Path, split: str | None) -> tuple[Array, Array]:
    """Images and labels as they are stored."""
    if str(path) == DIGITS:
        return _digits(split)
    if Path(path).is_dir():
        return _cifar10(Path(path), split or "test")
    return _npz(Path(path), split)


def _digits(split: str | None) -> tuple[Array, Array]:
    """1,797 images, 1 x 8 x 8, values 0 to 16."""
    try:
        from sklearn.datasets import load_digits  # the demo extra: optional, and seconds to import
    except ModuleNotFoundError as error:
        raise WorkloadError(
            f"{DIGITS}: needs the package {error.name!r}, which is not installed; pip install 'picojoule[demo]'"
        ) from None
    digits = load_digits()
    images, labels = np.asarray(digits.images)[:, np.newaxis], np.asarray(digits.target)
    if split is None:
        return images, labels
    _check_split(split, DIGITS, tuple(DIGITS_SIZES))
    rows = partition(len(labels), DIGITS_SIZES, seed=DIGITS_SEED)[split]
    return images[rows], labels[rows]


def _cifar10(folder: Path, split: str) -> tuple[Array, Array]:
    _check_split(split, str(folder), tuple(CIFAR10_FILES))
    records = np.concatenate([_records(folder / name) for name in CIFAR10_FILES[split]])
    return records[:, 1:].reshape(-1, *_CIFAR10_SHAPE), records[:, 0]


def _records(path: Path) -> Array:
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise WorkloadError(
            f"{path}: cannot be read ({error.strerror or error}); give the folder with CIFAR-10's binary files"
        ) from None
    if len(content) == 0 or len(content) % _CIFAR10_RECORD:
        raise WorkloadError(
            f"{path}: {len(content)} bytes are no whole number of records of {_CIFAR10_RECORD}; download it again"
        )
    return content.reshape(-1, _CIFAR10_RECORD)


def _npz(path: Path, split: str | None) -> tuple[Array, Array]:
    if split is not None:
        raise WorkloadError(
            f"{path}: split {split!r} was asked for; only CIFAR-10 and digits have splits; leave it out"
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            absent = [name for name in ("images", "labels") if name not in arrays]
            if absent:
                raise WorkloadError(
                    f"{path}: has no {' and no '.join(map(repr, absent))}; numpy.savez(images=, labels=)"
                )
            return arrays["images"], arrays["labels"]
    except OSError as error:
        remedy = f"give an .npz file, a folder with CIFAR-10's binary files, or {DIGITS!r}"
        hint = suggestion(str(path), [DIGITS], nearby_file(path, remedy))
        raise WorkloadError(f"{path}: cannot be read ({error.strerror or error}); {hint}") from None
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise WorkloadError(
            f"{path}: not an .npz file of numbers, or a damaged one ({error}); use numpy.savez"
        ) from None


def _check_split(split: str, where: str, known: tuple[str, ...]) -> None:
    if split not in known:
        hint = suggestion(split, known, f"choose from {', '.join(known)}")
        raise WorkloadError(f"{where}: has no split {split!r}; {hint}")


def _check_images(images: Array, where: str) -> None:
    if images.dtype.kind not in "iufb":
        raise WorkloadError(f"{where}: images are {images.dtype}; give real numbers")
    if images.ndim not in (2, 4) or 0 in images.shape:
        raise WorkloadError(
            f"{where}: images of shape {_text(images.shape)}; give N x C x H x W or N x features, not empty"
        )


def _class_numbers(labels: Array, where: str) -> Labels:
    if labels.ndim != 1:
        raise WorkloadError(f"{where}: labels of shape {_text(labels.shape)}; give N class numbers, one for each image")
    if labels.dtype.kind not in "iuf":
        raise WorkloadError(f"{where}: labels are {labels.dtype}; give class numbers from 0")
    wrong = np.flatnonzero(~(np.isfinite(labels) & (labels >= 0) & (labels == np.floor(labels))))
    if len(wrong):
        raise WorkloadError(f"{where}: label {wrong[0]} is {labels[wrong[0]]}; give class numbers: whole, from 0")
    return labels.astype(np.int64)


def _by_channel(name: str, values: Sequence[float], images: Images, where: str) -> Images:
    """One value, or one for each channel, in a shape that goes with the images."""
    channels = images.shape[1]
    if len(values) not in (1, channels):
        raise WorkloadError(f"{where}: {len(values)} values of {name} for {channels} channels; give 1 or {channels}")
    if not np.isfinite(values).all() or (name != "mean" and 0 in values):
        listed = ", ".join(str(value) for value in values)
        raise WorkloadError(f"{where}: {name} {listed}; give finite numbers{'' if name == 'mean' else ', not 0'}")
    return np.array(values, np.float32).reshape((1, -1) + (1,) * (images.ndim - 2))


def _preprocess(images: Images, values: Images, operation: np.ufunc) -> None:
    """In place: data sets are large."""
    with np.errstate(over="ignore", invalid="ignore"):  # found, and named, afterwards
        operation(images, values, out=images)


def _check_finite(images: Images, where: str) -> None:
    for at, image in enumerate(images):
        if not np.isfinite(image).all():
            raise WorkloadError(f"{where}: image {at} has NaN or infinite values; give finite ones")


def _channels_last_hint(found: tuple[int, ...], needed: tuple[int, ...]) -> str:
    is_last = len(needed) == 3 and found == (*needed[1:], needed[0])
    return ": channels come first, use images.transpose(0, 3, 1, 2)" if is_last else ""


def _text(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape) or "()"
