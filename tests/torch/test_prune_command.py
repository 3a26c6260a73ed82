"""Does `picojoule prune --finetune` train as its options say, and write the network that it reports?"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch.onnx")  # not "torch": this folder's own name could pass for it

import pruning.fine_tuning
from picojoule.__main__ import main
from pruning.fine_tuning import Tuning
from pruning.onnx_network import OnnxNetwork
from pruning.simulated_energy import Energies
from simulator import simulate
from workloads.data_sets import open_labelled
from workloads.trained_models import trained_model

pytestmark = pytest.mark.torch

DIGITS = trained_model("digits")
QUICK = ("--calibration-images", "128", "--samples", "512", "--batch", "4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("prune") / "run"
    assert main(["prune", "digits", *QUICK, "--finetune", "1", "--sparser-maps", "0.5", "-o", str(place)]) == 0
    return place


def test_the_file_written_has_the_energy_and_the_accuracy_reported(folder: Path, tmp_path: Path) -> None:
    found = json.loads((folder / "manifest.json").read_text())["result"]
    data = open_labelled("digits", scale=DIGITS.scale)
    order = np.random.default_rng(0).permutation(len(data.labels))
    np.save(tmp_path / "images.npy", data.images[order[:4]])
    ran = simulate(folder / "pruned.onnx", images=tmp_path / "images.npy", accelerator="eyeriss-estimation")
    assert ran.total()["energy"] == found["energy"]["after"]
    judged = data.take(order[4 + 128 :])
    right = OnnxNetwork.load(folder / "pruned.onnx").scores(judged.images).argmax(axis=1) == judged.labels
    assert right.mean() == found["accuracy"]["after"] >= found["accuracy"]["limit"]


def test_a_round_ends_with_training_by_the_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What training is given; it leaves the network as it is here. Rounds that fail are tried with half."""
    given: list[tuple[Tuning, Mapping[str, float]]] = []

    def noted(network: OnnxNetwork, *args: object, energies: Energies) -> OnnxNetwork:
        tuning = args[2]
        assert isinstance(tuning, Tuning)
        given.append((tuning, energies.of(network)))
        return network

    monkeypatch.setattr(pruning.fine_tuning, "fine_tuned", noted)
    argv = [
        "--finetune",
        "3",
        "--learning-rate",
        "0.25",
        "--gradual",
        "20",
        "--sparser-maps",
        "2",
        "--distillation",
        "0.75",
        "--seed",
        "7",
        "-o",
        str(tmp_path / "run"),
    ]
    assert main(["prune", "digits", *QUICK, *argv]) == 0
    whole = Tuning(epochs=3, learning_rate=0.25, gradual=0.2, sparser_maps=2, distillation=0.75, seed=7)
    assert list(dict.fromkeys(tuning for tuning, _ in given)) == [
        replace(whole, gradual=share) for share in (0.2, 0.1, 0.05)
    ]
    assert all(list(energy) == [layer.name for layer in OnnxNetwork.load(DIGITS.path).layers] for _, energy in given)
