"""Two small networks on CIFAR-10, and each with four fifths of its weights gone: real zeros to judge estimates on.

`python train.py --data cifar-10-batches-bin -o out` writes squeeze.onnx, vgg.onnx, their pruned forms and images.npy,
the four images after the 45,000 that were trained on. Needs torch (extra `torch`); a quarter of an hour on one core.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

TRAINED, BATCH, PEAK_RATE = 45_000, 128, 0.08
PRUNED_SHARE, FEWEST_WEIGHTS = 0.8, 500


def conv(inputs: int, outputs: int, size: int) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, 1, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Fire(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is not there where types are checked
    """A squeeze layer, and two that expand it side by side."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.sq = conv(inputs, squeezed, 1)
        self.a = conv(squeezed, expanded, 1)
        self.b = conv(squeezed, expanded, 3)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        maps = self.sq(maps)
        return torch.cat([self.a(maps), self.b(maps)], 1)


def squeeze() -> nn.Sequential:
    """conv1, five fire modules, a 1 x 1 layer and an average."""
    return nn.Sequential(
        conv(3, 48, 3),
        nn.MaxPool2d(2),
        Fire(48, 16, 32),
        Fire(64, 16, 48),
        nn.MaxPool2d(2),
        Fire(96, 24, 64),
        Fire(128, 32, 96),
        nn.MaxPool2d(2),
        Fire(192, 32, 96),
        nn.Conv2d(192, 10, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def vgg() -> nn.Sequential:
    """Six 3 x 3 layers in pairs, and two FC layers."""
    parts: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        parts += [conv(inputs, outputs, 3), conv(outputs, outputs, 3), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10))


def read(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """All 50,000 training images, normalised, and their labels."""
    files = [np.fromfile(folder / f"data_batch_{i}.bin", np.uint8).reshape(-1, 3073) for i in range(1, 6)]
    raw = np.concatenate(files)
    images, labels = raw[:, 1:].reshape(-1, 3, 32, 32), raw[:, 0].astype(np.int64)
    mean = images.mean((0, 2, 3))[None, :, None, None] / 255
    std = images.std((0, 2, 3))[None, :, None, None] / 255
    return torch.tensor(((images / 255.0 - mean) / std).astype(np.float32)), torch.tensor(labels)


def train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """SGD with one cycle of the learning rate; every other batch mirrored."""
    batches = TRAINED // BATCH
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * batches)
    network.train()
    for _ in range(epochs):
        order = torch.randperm(TRAINED)
        for batch in range(batches):
            rows = order[batch * BATCH : (batch + 1) * BATCH]
            chosen = images[rows].flip(3) if batch % 2 else images[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(chosen), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    network.eval()


def export(network: nn.Module, path: Path) -> None:
    axes = {"images": {0: "batch"}, "scores": {0: "batch"}}
    names = {"input_names": ["images"], "output_names": ["scores"]}
    torch.onnx.export(network, (torch.zeros(1, 3, 32, 32),), path, dynamo=False, dynamic_axes=axes, **names)


def write_pruned(path: Path) -> None:
    """The same model without the smaller four fifths of each layer's weights."""
    model = onnx.load(path)
    for initializer in model.graph.initializer:
        weights = numpy_helper.to_array(initializer)
        if weights.ndim in (2, 4) and weights.size > FEWEST_WEIGHTS:
            least = np.quantile(np.abs(weights), PRUNED_SHARE)
            kept = np.where(np.abs(weights) < least, 0, weights).astype(weights.dtype)
            initializer.CopyFrom(numpy_helper.from_array(kept, initializer.name))
    onnx.save(model, path.with_name(f"{path.stem}_pruned.onnx"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CIFAR-10 in its standard binary layout")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    images, labels = read(options.data)
    np.save(options.out / "images.npy", images[TRAINED : TRAINED + 4].numpy())
    for name, build, epochs in (("squeeze", squeeze, 3), ("vgg", vgg, 2)):
        torch.manual_seed(0)
        network = build()
        train(network, images, labels, epochs)
        export(network, options.out / f"{name}.onnx")
        write_pruned(options.out / f"{name}.onnx")
        print(f"{options.out / name}.onnx and its pruned form: written", flush=True)


if __name__ == "__main__":
    main()
