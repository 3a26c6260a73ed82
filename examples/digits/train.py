"""Trains the small network that picojoule ships on scikit-learn's digits, and writes digits.onnx and digits.toml.

    python train.py -o OUT [--epochs 60] [--seed 0] [--threads 1]

OUT is a folder; both files are put there whole. README.md says what the network is and what it reaches.
"""

import argparse
import hashlib
import platform
import tempfile
from collections import OrderedDict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from workloads.data_sets import DIGITS_SEED, DIGITS_SIZES, LabelledImages, open_labelled

BATCH = 32
PEAK_LEARNING_RATE = 0.05
WARM_UP = 0.2
"""Share of the epochs in which the learning rate rises from 0 to its peak; it then falls to 0, both linearly."""
SCALE = 1 / 16
"""Pixels are 0 to 16."""


def small_network() -> nn.Sequential:
    """Three CONV layers with BatchNormalization and two FC layers: (N, 1, 8, 8) to (N, 10)."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 1
    for index, filters in enumerate((16, 32, 32), start=1):
        parts[f"conv{index}"] = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        parts[f"bn{index}"] = nn.BatchNorm2d(filters)
        parts[f"relu{index}"] = nn.ReLU()
        channels = filters
        if index == 2:
            parts["pool2"] = nn.MaxPool2d(2)
    parts["flatten"] = nn.Flatten()
    parts["fc4"] = nn.Linear(channels * 4 * 4, 64)
    parts["relu4"] = nn.ReLU()
    parts["drop4"] = nn.Dropout(0.3)
    parts["fc5"] = nn.Linear(64, 10)
    return nn.Sequential(parts)


def moved(images: Tensor) -> Tensor:
    """Each image moved by up to 1 pixel either way; what enters is 0, the background."""
    padded = functional.pad(images, (1, 1, 1, 1))
    first_row, first_column = torch.randint(0, 3, (2, len(images), 1))
    rows, columns = first_row + torch.arange(8), first_column + torch.arange(8)
    return padded[torch.arange(len(images))[:, None, None], 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)


def train(network: nn.Sequential, examples: LabelledImages, epochs: int) -> None:
    images, labels = torch.from_numpy(examples.images), torch.from_numpy(examples.labels)
    optimizer = torch.optim.SGD(network.parameters(), lr=0, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = len(labels) // BATCH
    network.train()
    for epoch in range(epochs):
        order = torch.randperm(len(labels))
        for step in range(steps):
            done = (epoch + step / steps) / epochs
            optimizer.param_groups[0]["lr"] = PEAK_LEARNING_RATE * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
            rows = order[step * BATCH : (step + 1) * BATCH]
            loss = functional.cross_entropy(network(moved(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def right(network: nn.Sequential, examples: LabelledImages) -> int:
    """Images whose label is the network's first choice."""
    network.eval()
    with torch.no_grad():
        chosen = network(torch.from_numpy(examples.images)).argmax(1).numpy()
    return int(np.sum(chosen == examples.labels))


def export(network: nn.Sequential, path: Path) -> None:
    """For a batch of any size, BatchNormalization folded, weights inside."""
    torch.onnx.export(
        network.eval(),
        (torch.zeros(1, 1, 8, 8),),
        path,
        dynamo=False,
        input_names=["images"],
        output_names=["scores"],
        dynamic_axes={"images": {0: "batch"}, "scores": {0: "batch"}},
    )


def description(model: Path, reached: dict[str, int], given: argparse.Namespace) -> str:
    """What digits.toml says: how the model was made, and what it reaches."""
    packages = ("torch", "onnx", "numpy", "scikit-learn")
    versions = "\n".join(f'{name} = "{version(name)}"' for name in packages)
    sizes = "\n".join(f"{name} = {size}" for name, size in DIGITS_SIZES.items())
    judged = DIGITS_SIZES["test"]
    return f"""# Written by examples/digits/train.py, which made the model. Accuracies are measured, by torch.
title = "Three CONV and two FC layers on scikit-learn's digits"
data = "digits"
sha256 = "{hashlib.sha256(model.read_bytes()).hexdigest()}"

[training]
seed = {given.seed}
epochs = {given.epochs}
threads = {given.threads}

[split]  # drawn from seed {DIGITS_SEED}: workloads.data_sets.partition
seed = {DIGITS_SEED}
{sizes}

[preprocessing]  # (image x scale - mean) / std
scale = {SCALE}
mean = [0.0]
std = [1.0]

[accuracy]  # images of the test split, {reached["test"] / judged:.2%}; it was not looked at in training
right = {reached["test"]}
judged = {judged}
threshold_right = {reached["threshold"]}

[versions]
python = "{platform.python_version()}"
{versions}
"""


def run(given: argparse.Namespace) -> None:
    torch.set_num_threads(given.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(given.seed)
    splits = {name: open_labelled("digits", split=name, scale=SCALE) for name in DIGITS_SIZES}
    network = small_network()
    train(network, splits["train"], given.epochs)
    reached = {name: right(network, examples) for name, examples in splits.items()}
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".digits.", dir=given.out) as aside:
        model, manifest = Path(aside) / "digits.onnx", Path(aside) / "digits.toml"
        export(network, model)
        manifest.write_text(description(model, reached, given), encoding="utf-8")
        for path in (model, manifest):
            path.replace(given.out / path.name)
    print(", ".join(f"{name} {count / DIGITS_SIZES[name]:.2%}" for name, count in reached.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write digits.onnx and digits.toml to")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="another number sums in another order: other weights")
    given = parser.parse_args()
    if given.epochs < 1 or given.threads < 1:
        parser.error("--epochs and --threads must be at least 1")
    run(given)


if __name__ == "__main__":
    main()
