"""Do groups, branches and FC layers go through the loop, and is what is reported what the file gives?"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from pruning.judging import Accuracy
from pruning.layer_methods import Method
from pruning.loop import PruningStep, answer, prune
from pruning.onnx_network import OnnxNetwork
from pruning.onnx_run import OnnxRun
from pruning.rounds import Limits, Plan
from pruning.simulated_energy import energies_on
from simulator import simulate
from simulator.errors import PruningError
from simulator.spec.load import load_accelerator
from tests.pruning.test_onnx_network import CONSTANTS, IMAGE, WEIGHTS_OF, Array, file_of
from tests.workloads.onnx_models import values
from workloads import open_workload
from workloads.data_sets import LabelledImages

MACHINE = load_accelerator("eyeriss-estimation")
LIMITS = Limits(min_accuracy=0.8)


@pytest.fixture
def network(tmp_path: Path) -> OnnxNetwork:
    return OnnxNetwork.load(file_of(tmp_path))


def own_choices(network: OnnxNetwork, count: int) -> LabelledImages:
    """Images with the classes that the network gives them: accuracy 1 at the start."""
    images = values(count, *IMAGE, seed=5)
    return LabelledImages(images=images, labels=network.scores(images).argmax(axis=1).astype(np.int64))


def simulated_images() -> Array:
    return values(2, *IMAGE, seed=6)


def pruned(network: OnnxNetwork, method: Method) -> list[PruningStep[OnnxNetwork]]:
    with energies_on(MACHINE, simulated_images()) as energies:
        return list(
            prune(
                network,
                images=values(64, *IMAGE, seed=4),
                energy_of=energies.of,
                accuracy_of=Accuracy(own_choices(network, 100)),
                limits=LIMITS,
                plan=Plan(method=method, rounds=1),
                predict_of=energies.predicted,
            )
        )


@pytest.mark.parametrize("method", Method)
def test_groups_branches_and_fc_layers(network: OnnxNetwork, method: Method, tmp_path: Path) -> None:
    steps = pruned(network, method)
    if method is not Method.GLOBAL_MAGNITUDE:
        assert {step.layer for step in steps} == {"", *WEIGHTS_OF}
    for before, step in pairwise(steps):
        assert step.accuracy >= LIMITS.min_accuracy
        assert step.total_energy <= before.total_energy
        for name in WEIGHTS_OF:
            assert not step.network.weights(name)[before.network.weights(name) == 0].any()
    best = answer(steps, LIMITS)
    assert best.total_energy < steps[0].total_energy
    best.network.save(tmp_path / "pruned.onnx")
    np.save(tmp_path / "images.npy", simulated_images())
    read = OnnxNetwork.load(tmp_path / "pruned.onnx")
    assert Accuracy(own_choices(network, 100))(read) == best.accuracy
    ran = simulate(open_workload(str(tmp_path / "pruned.onnx"), images=tmp_path / "images.npy"), accelerator=MACHINE)
    assert {layer.layer.name: layer.energy.total for layer in ran.layers} == dict(best.energy)


@pytest.mark.parametrize("layer", WEIGHTS_OF)
def test_scores_from_a_layer_on_are_those_of_the_whole(network: OnnxNetwork, layer: str) -> None:
    """Also where another branch reads what the layer reads; for the same images again, and for others."""
    prepared = network.prepared(layer)
    some, others = values(70, *IMAGE, seed=1), values(5, *IMAGE, seed=2)
    for seed in (0, 1):
        weights = values(*network.weights(layer).shape, seed=seed)
        for images in (some, others, some):
            expected = network.with_weights({layer: weights}).scores(images)
            found = prepared.with_weights({layer: weights}).scores(images)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_what_is_ahead_of_a_layer_is_computed_once(network: OnnxNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    images, ahead = values(4, *IMAGE, seed=1), OnnxRun.tensors
    runs = []

    def counted(run: OnnxRun, *given: Any) -> Any:
        runs.append(run)
        return ahead(run, *given)

    monkeypatch.setattr(OnnxRun, "tensors", counted)
    monkeypatch.delattr(OnnxRun, "outputs")  # the whole model is never run
    prepared = network.prepared("fc")
    for seed in (0, 1, 2):
        prepared.with_weights({"fc": values(*network.weights("fc").shape, seed=seed)}).scores(images)
    assert len(runs) == 1


def test_a_network_prepared_for_one_layer_may_change_in_others(network: OnnxNetwork) -> None:
    images = values(4, *IMAGE, seed=1)
    changed = {"plain": values(*network.weights("plain").shape, seed=3)}
    expected = network.with_weights(changed).scores(images)
    assert np.array_equal(network.prepared("fc").with_weights(changed).scores(images), expected)


def test_tensors_too_large_to_keep_are_computed_anew(network: OnnxNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pruning.onnx_prefix._MOST_BYTES", 100)
    images = values(4, *IMAGE, seed=1)
    assert np.array_equal(network.prepared("fc").scores(images), network.scores(images))


def test_changes_are_all_that_differs(network: OnnxNetwork) -> None:
    """Biases and BatchNormalization too, as fine-tuning changes them."""
    changes = {"w1": CONSTANTS["w1"] * 2, "b": CONSTANTS["b"] + 1}
    changed = network.with_changes(changes)
    assert dict(network.changes()) == {}
    assert set(changed.changes()) == {"w1", "b"}
    assert np.array_equal(changed.constants(["b", "m"])["b"], changes["b"])
    images = values(4, *IMAGE, seed=1)
    assert not np.array_equal(changed.scores(images), network.scores(images))
    assert np.array_equal(network.with_changes(changed.changes()).scores(images), changed.scores(images))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("w9", CONSTANTS["w1"], "has no initializer 'w9'"),
        ("w1", CONSTANTS["w1"][:2], "'w1' is 8x4x3x3 float32; 2x4x3x3 float32 is given"),
        ("w1", CONSTANTS["w1"] * np.float32(np.nan), "288 new values of 'w1' are NaN or infinite; give finite ones"),
    ],
)
def test_changes_that_do_not_fit(network: OnnxNetwork, name: str, change: Array, message: str) -> None:
    with pytest.raises(PruningError, match=message):
        network.with_changes({name: change})


def test_the_energy_of_feature_maps_is_what_no_weight_stops(network: OnnxNetwork) -> None:
    """MACs, spads and filters are left out."""
    with energies_on(MACHINE, simulated_images()) as energies:
        maps = energies.of_maps(network)
        for layer in energies.simulated(network).layers:
            by_level = layer.energy.by_level()
            moved = by_level["noc"] + by_level["glb"] + by_level["dram"]
            filters = sum(
                energy
                for access, energy in layer.energy.of_access.items()
                if access.tensor.value == "filter" and access.level.value != "spad"
            )
            assert maps[layer.layer.name] == pytest.approx(moved - filters)
            assert 0 < maps[layer.layer.name] < layer.energy.total
