"""CIFAR-10 as train.py uses it: reading, splitting, normalising, augmenting, and writing held-aside images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SPLITS = {"train": 40_000, "threshold": 5_000, "curves": 5_000}
"""Of the 50,000 training images, in a seeded order. Weights see `train` only; `threshold` is for choices made later
(how far to prune), `curves` for the figures shown."""
TRAINING_FILES = [f"data_batch_{number}.bin" for number in range(1, 6)]
TEST_FILE = "test_batch.bin"
_RECORD_BYTES = 1 + 3 * 32 * 32
_FILE_BYTES = 10_000 * _RECORD_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """images: (N, 3, 32, 32) uint8; labels: (N,) int64."""

    images: Tensor
    labels: Tensor

    def __getitem__(self, rows: Tensor) -> "Examples":
        return Examples(images=self.images[rows], labels=self.labels[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of each channel of the train split, in pixel units (0 to 255)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, images: Tensor) -> "Normalisation":
        pixels = images.double()
        return cls(mean=tuple(pixels.mean((0, 2, 3)).tolist()), std=tuple(pixels.std((0, 2, 3)).tolist()))

    def __call__(self, images: Tensor) -> Tensor:
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return (images.float() - mean) / std


def fault_of(folder: Path) -> str | None:
    """What keeps the folder from being CIFAR-10 in its binary layout."""
    for path in (folder / name for name in [*TRAINING_FILES, TEST_FILE]):
        if not path.is_file():
            return f"no {path.name}"
        if path.stat().st_size != _FILE_BYTES:
            return f"{path.name} has {path.stat().st_size} bytes, not {_FILE_BYTES}"
    return None


def read_cifar10(folder: Path, names: list[str]) -> Examples:
    """Records of 1 label byte and 3,072 pixel bytes: three 32x32 planes, red first."""
    records = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, _RECORD_BYTES) for name in names])
    images = torch.from_numpy(np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32))
    return Examples(images=images, labels=torch.from_numpy(records[:, 0].astype(np.int64)))


def split(examples: Examples, seed: int) -> dict[str, Examples]:
    order = torch.randperm(len(examples.labels), generator=torch.Generator().manual_seed(seed))
    return dict(zip(SPLITS, (examples[rows] for rows in torch.split(order, list(SPLITS.values()))), strict=True))


def augmented(images: Tensor) -> Tensor:
    """Each image moved by up to 2 pixels either way (the edge is the mean colour, 0) and, at even odds, mirrored."""
    count = len(images)
    padded = functional.pad(images, (2, 2, 2, 2))
    first_row, first_column = torch.randint(0, 5, (2, count, 1))
    rows, columns = first_row + torch.arange(32), first_column + torch.arange(32)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns.flip(1), columns)
    moved = padded[torch.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2).contiguous()


def write_examples(folder: Path, examples: Examples, normalise: Normalisation) -> list[Path]:
    paths = [folder / "images.npy", folder / "labels.npy"]
    np.save(paths[0], normalise(examples.images).numpy())
    np.save(paths[1], examples.labels.numpy())
    return paths
