"""Trains a network on CIFAR-10 and exports it as ONNX, with held-aside images for `picojoule record`.

    python train.py --data DIR -o OUT [--network alexnet] [--epochs 8] [--seed 0] [--threads 2] [--bfloat16]

DIR holds CIFAR-10 in its standard binary layout (`data_batch_1.bin` … `test_batch.bin`). The state is saved after each
epoch: run the same command again to go on from there, to the same weights. README.md says what is written to OUT.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from cifar10 import (
    SPLITS,
    TEST_FILE,
    TRAINING_FILES,
    Examples,
    Normalisation,
    augmented,
    fault_of,
    read_cifar10,
    split,
    write_examples,
)
from network import NETWORKS, export_onnx, macs_of
from torch import Tensor, nn
from torch.nn import functional

BATCH = 128
PEAK_LEARNING_RATE = 0.05
WARM_UP = 0.25
"""Share of the steps in which the learning rate rises from 0 to its peak; it then falls to 0, both linearly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that determines the weights, with the data and the versions of the manifest."""

    network: str
    seed: int
    epochs: int
    threads: int
    bfloat16: bool


def train_epoch(
    network: nn.Sequential,
    optimizer: torch.optim.SGD,
    batches: Iterator[tuple[float, Tensor, Tensor]],
    *,
    bfloat16: bool,
) -> float:
    """Mean loss over one epoch of (learning rate, images, labels)."""
    losses = []
    network.train()
    for learning_rate, images, labels in batches:
        optimizer.param_groups[0]["lr"] = learning_rate
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = functional.cross_entropy(network(images.to(memory_format=torch.channels_last)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def shuffled(
    examples: Examples, normalise: Normalisation, epoch: int, epochs: int
) -> Iterator[tuple[float, Tensor, Tensor]]:
    """One epoch's batches, each with the learning rate of its step."""
    steps = len(examples.labels) // BATCH
    order = torch.randperm(len(examples.labels))
    for step in range(steps):
        done = (epoch + step / steps) / epochs
        learning_rate = PEAK_LEARNING_RATE * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
        batch = examples[order[step * BATCH : (step + 1) * BATCH]]
        yield learning_rate, augmented(normalise(batch.images)), batch.labels


def accuracy(network: nn.Sequential, examples: Examples, normalise: Normalisation) -> float:
    """Per cent of the images whose label is the network's first choice."""
    network.eval()
    right = 0
    with torch.no_grad():
        for images, labels in zip(torch.split(examples.images, 500), torch.split(examples.labels, 500), strict=True):
            right += int((network(normalise(images)).argmax(1) == labels).sum().item())
    return 100 * right / len(examples.labels)


def save_state(path: Path, network: nn.Sequential, optimizer: torch.optim.SGD, progress: dict[str, object]) -> None:
    """Weights and momenta as arrays, progress as JSON text: an npz without pickles, put in place whole."""
    arrays = {f"network.{name}": value.numpy() for name, value in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        arrays[f"momentum.{name}"] = optimizer.state[parameter]["momentum_buffer"].numpy()
    unfinished = path.with_suffix(".tmp.npz")
    np.savez(unfinished, progress=np.array(json.dumps(progress)), **arrays)
    unfinished.replace(path)


def load_state(
    path: Path, network: nn.Sequential, optimizer: torch.optim.SGD, settings: Settings
) -> list[dict[str, float]]:
    """Puts the saved weights and momenta in place and returns the history, one entry for each finished epoch."""
    with np.load(path) as arrays:
        progress = json.loads(str(arrays["progress"]))
        if progress["settings"] != asdict(settings):
            sys.exit(f"{path}: begun with {progress['settings']}, not {asdict(settings)}; use these or another -o")
        network.load_state_dict({name: torch.from_numpy(arrays[f"network.{name}"]) for name in network.state_dict()})
        for name, parameter in network.named_parameters():
            optimizer.state[parameter]["momentum_buffer"] = torch.from_numpy(arrays[f"momentum.{name}"])
    history: list[dict[str, float]] = progress["history"]
    return history


def train(
    network: nn.Sequential, splits: dict[str, Examples], normalise: Normalisation, settings: Settings, state: Path
) -> list[dict[str, float]]:
    """Trains from the saved state, if there is one, and returns the history. An epoch's random numbers hang on seed and
    epoch alone, so that a run that was stopped ends with the same weights as one that was not."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0, momentum=0.9, weight_decay=5e-4, nesterov=True)
    history = load_state(state, network, optimizer, settings) if state.exists() else []
    for epoch in range(len(history), settings.epochs):
        start = time.perf_counter()
        torch.manual_seed(settings.seed * 1_000_003 + epoch)
        batches = shuffled(splits["train"], normalise, epoch, settings.epochs)
        loss = train_epoch(network, optimizer, batches, bfloat16=settings.bfloat16)
        reached = accuracy(network, splits["threshold"], normalise)
        seconds = time.perf_counter() - start
        history.append({"epoch": epoch + 1, "loss": loss, "threshold_accuracy": reached, "seconds": seconds})
        save_state(state, network, optimizer, {"settings": asdict(settings), "history": history})
        print(
            f"epoch {epoch + 1}/{settings.epochs}: loss {loss:.3f}, threshold {reached:.2f} %, {seconds:.0f} s",
            flush=True,
        )
    return history


def write_whole(folder: Path, write: Callable[[Path], list[Path]]) -> dict[str, str]:
    """SHA-256 of each file that `write` makes; it makes them in a folder aside, so that none is ever half there."""
    aside = folder / "unfinished"
    aside.mkdir(exist_ok=True)
    hashes = {}
    for path in write(aside):
        hashes[path.name] = sha256(path)
        path.replace(folder / path.name)
    aside.rmdir()
    return hashes


def write_json(path: Path, content: Mapping[str, object]) -> list[Path]:
    path.write_text(json.dumps(content, indent=1) + "\n")
    return [path]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(data: Path, out: Path, settings: Settings, images: int) -> None:
    torch.set_num_threads(settings.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(settings.seed)
    network = NETWORKS[settings.network]().to(memory_format=torch.channels_last)
    splits = split(read_cifar10(data, TRAINING_FILES), settings.seed)
    normalise = Normalisation.of(splits["train"].images)
    history = train(network, splits, normalise, settings, out / "state.npz")
    reached = {name: accuracy(network, splits[name], normalise) for name in ("threshold", "curves")}
    reached["test"] = accuracy(network, read_cifar10(data, [TEST_FILE]), normalise)
    shown = splits["curves"][torch.arange(images)]
    written = write_whole(out, lambda folder: export_onnx(network, folder) + write_examples(folder, shown, normalise))
    manifest = {
        "settings": asdict(settings),
        "versions": {name: version(name) for name in ("torch", "numpy", "onnx", "onnxscript")},
        "data_sha256": {name: sha256(data / name) for name in [*TRAINING_FILES, TEST_FILE]},
        "splits": SPLITS,
        "normalisation": asdict(normalise),
        "macs": macs_of(network),
        "accuracy": reached,
        "history": history,
        "written_sha256": written,
    }
    write_whole(out, lambda folder: write_json(folder / "manifest.json", manifest))
    print(f"accuracy: {', '.join(f'{name} {per_cent:.2f} %' for name, per_cent in reached.items())}; wrote {out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with CIFAR-10's data_batch_1.bin … test_batch.bin"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write to, and to go on from")
    parser.add_argument("--network", choices=NETWORKS, default="alexnet")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="another number sums in another order: other weights")
    parser.add_argument("--images", type=int, default=16, help="held-aside images to write (default 16)")
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16: twice as fast where there is it")
    given = parser.parse_args()
    if fault := fault_of(given.data):
        parser.error(f"{given.data}: {fault}; give the folder with CIFAR-10's binary files (cifar-10-batches-bin)")
    if not (1 <= given.images <= SPLITS["curves"] and given.epochs >= 1 and given.threads >= 1):
        parser.error(f"--images must be 1 to {SPLITS['curves']}, --epochs and --threads at least 1")
    settings = Settings(
        network=given.network, seed=given.seed, epochs=given.epochs, threads=given.threads, bfloat16=given.bfloat16
    )
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        run(given.data, given.out, settings, given.images)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on after the last finished epoch", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
