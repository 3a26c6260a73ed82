"""Which way of pruning leaves a network with the least energy at equal accuracy? Runs the cells of the comparison.

    python experiment.py --data DIR --dense OUT -o CELLS [--methods dense magnitude …] [--seeds 0 1 2]

DIR holds CIFAR-10 in its binary layout, OUT what train.py wrote. A cell is one method with one seed: the network is
pruned in rounds and trained, all with as many SGD steps as the dense reference (the method `dense`) gets more. How deep
is given for each way of pruning; results.py shows what that lost. Cells that are finished are left alone, one that was
stopped goes on from its last step. README.md says what the files hold.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from cifar10 import (
    TEST_FILE,
    TRAINING_FILES,
    Examples,
    Normalisation,
    augmented,
    fault_of,
    read_cifar10,
    split,
)
from network import NETWORKS
from torch import Tensor

from pruning.fine_tuning import Trainable, Tuning, fine_tuned
from pruning.judging import Accuracy, Certainty
from pruning.layer_methods import Method
from pruning.loop import PruningStep, prune
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Limits, Order, Plan
from pruning.shares import Shares
from pruning.simulated_energy import Energies, energies_on
from pruning.state import store_steps, stored_steps, write_whole
from pruning.torch_export import exported
from simulator.spec.load import load_accelerator
from workloads.data_sets import LabelledImages

ORIGINAL, DENSE, TAUGHT = "original", "dense", "dense-taught"
"""The network as it was trained; that after as many SGD steps more as a pruned one gets; and as pruned ones get them,
its former self being the teacher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How layers' weights are chosen, in which order layers come; how many epochs of training end each round; what
    a round may lose before it, in certainty; the same of a first round that takes channels, if there is one; what
    training is charged for dense feature maps; for what share of the energy it takes out weights on its way."""

    method: Method
    order: Order = Order.ENERGY
    shares: Shares = Shares.MEASURED
    epochs: tuple[int, ...] = (4, 8)
    loss_a_round: float = 0.01
    channel_loss: float | None = None
    sparser_maps: float = 0.0
    gradual: float = 0.0

    def plan(self, seed: int) -> Plan:
        return Plan(
            method=self.method,
            order=self.order,
            shares=self.shares,
            seed=seed,
            loss_a_round=self.loss_a_round,
            channel_loss=self.channel_loss,
            takes_back=False,
            rounds=len(self.epochs),
            channel_rounds=int(self.channel_loss is not None),
        )


CELLS: Mapping[str, Way] = {
    **{method.value: Way(method=method) for method in Method},
    **{
        f"{method.value}-channels{name}": Way(
            method=method, epochs=(0, 12), channel_loss=0.0145, loss_a_round=0.012, sparser_maps=charge
        )
        for method in Method
        for name, charge in (("", 0.0), ("-maps", 3.0))
    },
    **{
        f"{method.value}-channels-gradual": Way(
            method=method, epochs=(0, 12), channel_loss=0.0145, loss_a_round=0.009, sparser_maps=3.0, gradual=0.12
        )
        for method in Method
    },
    **{
        f"{method.value}-channels-only": Way(method=method, epochs=(6,), channel_loss=0.009, sparser_maps=1.0)
        for method in Method
    },
    Method.GLOBAL_MAGNITUDE.value: Way(method=Method.GLOBAL_MAGNITUDE, loss_a_round=0.12),
    **{
        f"magnitude{name}": Way(method=Method.MAGNITUDE, order=order, loss_a_round=0.12)
        for order, name in [(order, f"-{order.value}" * (order is not Order.ENERGY)) for order in Order]
    },
    "magnitude-deeper": Way(method=Method.MAGNITUDE, loss_a_round=0.2),
}
"""By name. With `-channels`, the first round takes whole channels; with `-maps`, training makes feature maps
sparser; with `-gradual`, it takes out weights too; with `-only`, none go, and it is half as long; with `-deeper`, a
round may lose more; with the name of an order, layers come in that."""
_DEFAULT = [ORIGINAL, DENSE, TAUGHT, "alternating-channels-maps", "magnitude", "magnitude-deeper"]
EPOCHS = 12
"""Of every network, in all."""
DISTILLATION = 0.9
CERTAINTY_IMAGES = 2500
"""Of `threshold`: how deep a round goes that is trained afterwards is decided by them."""
TRAINING_BATCH = 128
CALIBRATION_IMAGES = 8192
ENERGY_IMAGES = 16
BATCHES = (1, 4, 16)
MACHINES = ("eyeriss-estimation", "eyeriss-v1")


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: cached_property
class Data:
    """CIFAR-10 as train.py split it for the dense network."""

    folder: Path
    seed: int

    @cached_property
    def splits(self) -> dict[str, Examples]:
        return split(read_cifar10(self.folder, TRAINING_FILES), self.seed)

    @cached_property
    def normalise(self) -> Normalisation:
        return Normalisation.of(self.splits["train"].images)

    def labelled(self, name: str) -> LabelledImages:
        """The split as the network takes it; `test` is read from its own file."""
        found = read_cifar10(self.folder, [TEST_FILE]) if name == "test" else self.splits[name]
        return LabelledImages(
            images=self.normalise(found.images).numpy(), labels=found.labels.numpy(), source=f"CIFAR-10 {name}"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batches:
    """Epochs over the train split, augmented, in an order drawn by torch's generator."""

    data: Data

    def __len__(self) -> int:
        return len(self.data.splits["train"].labels) // TRAINING_BATCH

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        train = self.data.splits["train"]
        order = torch.randperm(len(train.labels))
        for rows in torch.split(order[: len(self) * TRAINING_BATCH], TRAINING_BATCH):
            images = augmented(self.data.normalise(train.images[rows]))
            yield images.to(memory_format=torch.channels_last), train.labels[rows]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """What every cell starts from: the dense network as file and module, the data, how it is fine-tuned."""

    network: OnnxNetwork
    trainable: Trainable
    data: Data
    tuning: Tuning

    def tune(self, network: OnnxNetwork, number: int, epochs: int, energies: Energies | None = None) -> OnnxNetwork:
        def show(done: int) -> None:
            print(f"  round {number}: {done} of {epochs} epochs of fine-tuning", flush=True)

        if not epochs:
            return network
        tuning = replace(self.tuning, epochs=epochs)
        return fine_tuned(
            network, self.trainable, Batches(data=self.data), tuning, number, energies=energies, done=show
        )


def run_dense(bench: Bench, distillation: float) -> OnnxNetwork:
    """As many SGD steps as a pruned network gets, in one go."""
    bench = replace(bench, tuning=replace(bench.tuning, distillation=distillation))
    return bench.tune(bench.network, 1, EPOCHS)


def run_pruned(bench: Bench, name: str, seed: int, folder: Path) -> tuple[OnnxNetwork, dict[str, Any]]:
    """The cell's network, and its history."""
    way = CELLS[name]
    bench = replace(bench, tuning=replace(bench.tuning, sparser_maps=way.sparser_maps, gradual=way.gradual))
    train = bench.data.labelled("train").images
    threshold = bench.data.labelled("threshold")
    drawn = np.random.default_rng((seed, 1)).choice(len(train), CALIBRATION_IMAGES, replace=False)
    plan = way.plan(seed)
    identity = {
        "method": name,
        "seed": seed,
        "plan": asdict(plan),
        "epochs": list(way.epochs),
        "tuning": asdict(bench.tuning),
    }
    images = bench.data.labelled("curves").images[:ENERGY_IMAGES]
    with energies_on(load_accelerator(MACHINES[0]), images) as energies:
        steps = list(stored_steps(folder, identity, bench.network))
        for step in prune(
            bench.network,
            images=np.ascontiguousarray(train[drawn]),
            energy_of=energies.of,
            accuracy_of=Accuracy(threshold),
            certainty_of=Certainty(threshold.take(np.arange(CERTAINTY_IMAGES))),
            limits=Limits(min_accuracy=0.0),
            plan=plan,
            predict_of=energies.predicted,
            maps_energy_of=energies.of_maps,
            fine_tune=lambda network, one: bench.tune(network, one.number, way.epochs[one.number - 1], energies),
            resume=steps[-1] if steps else None,
        ):
            steps.append(step)
            store_steps(folder, identity, steps)
            print(f"  {line(step, steps[0])}", flush=True)
    return steps[-1].network, {**identity, "steps": [history(step, steps[0]) for step in steps]}


def line(step: PruningStep[OnnxNetwork], first: PruningStep[OnnxNetwork]) -> str:
    left = history(step, first)
    return (
        f"{time.strftime('%H:%M:%S')} round {left['round']} {left['layer'] or 'end'}: "
        f"{100 * left['accuracy']:.2f} %, energy {100 * left['energy']:.1f} %, weights {100 * left['weights']:.1f} %"
        + ("" if left["accepted"] else " (not accepted)")
    )


def history(step: PruningStep[OnnxNetwork], first: PruningStep[OnnxNetwork]) -> dict[str, Any]:
    """A step as shares of the original's."""
    assert step.predicted is not None
    return {
        "round": step.round.number,
        "layer": step.layer,
        "accepted": step.is_accepted,
        "accuracy": step.accuracy,
        "energy": step.total_energy / first.total_energy,
        "predicted": sum(step.predicted.values()) / first.total_energy,
        "weights": sum(step.kept.values()) / sum(first.kept.values()),
        "probes": len(step.trials),
    }


def judged(bench: Bench, network: OnnxNetwork) -> dict[str, Any]:
    """A network that is done: which images of each split it has right, the test images for the only time; energy on
    images that no layer was fitted to."""
    right = {name: rightly_classified(network, bench.data.labelled(name)) for name in ("threshold", "curves", "test")}
    return {
        "accuracy": {name: float(each.mean()) for name, each in right.items()},
        "right": {name: np.packbits(each).tobytes().hex() for name, each in right.items()},
        "weights": {layer.name: int(np.count_nonzero(network.weights(layer.name))) for layer in network.layers},
        "energy": energy_of(bench, network),
    }


def rightly_classified(network: OnnxNetwork, data: LabelledImages) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray(network.scores(data.images).argmax(axis=1) == data.labels)


def energy_of(bench: Bench, network: OnnxNetwork) -> dict[str, dict[str, float]]:
    """Simulated energy of each layer in units of a MAC, by `machine batch`."""
    images = bench.data.labelled("curves").images
    found: dict[str, dict[str, float]] = {}
    for machine in MACHINES:
        for batch in BATCHES:
            with energies_on(load_accelerator(machine), images[:batch]) as energies:
                found[f"{machine} {batch}"] = dict(energies.of(network))
    return found


def run_cell(bench: Bench, name: str, seed: int, cells: Path) -> None:
    folder = cells / f"{name}-{seed}"
    done = folder / "cell.json"
    if done.exists():
        print(f"{folder}: finished", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    print(f"{folder}: begun or gone on with", flush=True)
    if name in (ORIGINAL, DENSE, TAUGHT):
        share = DISTILLATION if name == TAUGHT else 0.0
        network, found = bench.network if name == ORIGINAL else run_dense(bench, share), dict[str, Any]()
    else:
        network, found = run_pruned(bench, name, seed, folder)
    cell = {"method": name, "seed": seed, "tuning": asdict(bench.tuning), **found, **judged(bench, network)}
    network.save(folder / "network.onnx")
    print(f"{folder}: {cell['accuracy']}, {time.perf_counter() - start:.0f} s", flush=True)
    write_whole(done, (json.dumps(cell, indent=1) + "\n").encode())


def with_bench(
    dense: Path, data: Path, seed: int, threads: int, work: Callable[[Bench], None], *, narrows: bool = False
) -> None:
    manifest = json.loads((dense / "manifest.json").read_text())
    module = NETWORKS[manifest["settings"]["network"]]().to(memory_format=torch.channels_last)
    with np.load(dense / "state.npz") as arrays:
        module.load_state_dict({name: torch.from_numpy(arrays[f"network.{name}"]) for name in module.state_dict()})
    tuning = Tuning(
        epochs=EPOCHS,
        learning_rate=0.05,
        warm_up=0.15,
        seed=seed,
        threads=threads,
        bfloat16=True,
        distillation=DISTILLATION,
        temperature=4.0,
    )
    with TemporaryDirectory() as folder:
        images = torch.zeros(2, 3, 32, 32)
        network, trainable = exported(module, images, Path(folder) / "network.onnx", narrows=narrows)
        given = Data(folder=data, seed=manifest["settings"]["seed"])
        work(Bench(network=network, trainable=trainable, data=given, tuning=tuning))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with CIFAR-10's binary files")
    parser.add_argument("--dense", type=Path, required=True, help="what train.py wrote")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the cells")
    parser.add_argument("--methods", nargs="+", choices=[ORIGINAL, DENSE, TAUGHT, *CELLS], default=_DEFAULT)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1, help="another number sums in another order")
    given = parser.parse_args()
    if fault := fault_of(given.data):
        parser.error(f"{given.data}: {fault}; give the folder with CIFAR-10's binary files (cifar-10-batches-bin)")
    if not (given.dense / "manifest.json").exists():
        parser.error(f"{given.dense}: no manifest.json; give the folder that train.py wrote, when it has finished")
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a tenth of the time, to find bugs of torch's
    try:
        for seed in given.seeds:
            for name in given.methods:
                if name in (ORIGINAL, DENSE, TAUGHT) and seed != 0:
                    continue  # one of each serves every seed
                with_bench(
                    given.dense,
                    given.data,
                    seed,
                    given.threads,
                    lambda bench: run_cell(bench, name, seed, given.out),  # noqa: B023
                    narrows=name in CELLS and CELLS[name].channel_loss is not None,
                )
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on after the last finished step", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
