"""Does `picojoule prune` save what it says, by simulation of the file that it writes, and go on where it stopped?"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import pruning.loop
from picojoule.__main__ import EXIT_INTERRUPTED
from picojoule.options import PruneOptions
from picojoule.prune_files import PRUNE_FILES
from picojoule.pruning_inputs import limits_of
from pruning.judging import check_above_chance, divided
from pruning.onnx_network import OnnxNetwork
from simulator import simulate
from simulator.errors import PruningError
from tests.cli.conftest import Run
from workloads.data_sets import LabelledImages, open_labelled
from workloads.trained_models import trained_model

DIGITS = trained_model("digits")
QUICK = ("--calibration-images", "64", "--samples", "512", "--batch", "4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run on the digits network."""
    from picojoule.__main__ import main

    place = tmp_path_factory.mktemp("prune") / "run"
    assert main(["prune", "digits", *QUICK, "-o", str(place)]) == 0
    return place


def result_of(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "manifest.json").read_text())["result"]
    assert isinstance(found, dict)
    return found


def energy_images(batch: int = 4) -> np.ndarray:
    """The first in the order drawn from seed 0, as the command takes them."""
    data = open_labelled("digits", scale=DIGITS.scale)
    return data.images[np.random.default_rng(0).permutation(len(data.labels))[:batch]]


def test_the_file_written_has_the_energy_reported(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", energy_images())
    found = result_of(folder)
    for model, energy in ((DIGITS.path, "before"), (folder / "pruned.onnx", "after")):
        ran = simulate(model, images=tmp_path / "images.npy", accelerator="eyeriss-estimation")
        assert ran.total()["energy"] == found["energy"][energy]  # type: ignore[index]
    assert found["saved"] > 0.3  # type: ignore[operator]


def test_the_file_written_has_the_accuracy_reported(folder: Path) -> None:
    data = open_labelled("digits", scale=DIGITS.scale)
    judged = data.take(np.random.default_rng(0).permutation(len(data.labels))[4 + 64 :])
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(folder / "pruned.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: judged.images})
    accuracy = result_of(folder)["accuracy"]
    assert float((scores.argmax(axis=1) == judged.labels).mean()) == accuracy["after"]  # type: ignore[index]
    assert accuracy["after"] >= accuracy["limit"] == pytest.approx(accuracy["before"] - 0.01)  # type: ignore[index]


def test_masks_are_the_weights_that_are_left(folder: Path) -> None:
    pruned = OnnxNetwork.load(folder / "pruned.onnx")
    with np.load(folder / "masks.npz", allow_pickle=False) as masks:
        for layer in pruned.layers:
            assert np.array_equal(masks[layer.name], pruned.weights(layer.name) != 0)


def test_the_history_has_every_step(folder: Path) -> None:
    steps = list(csv.DictReader((folder / "steps.csv").open()))
    energies = [float(step["energy"]) for step in steps]
    assert energies == sorted(energies, reverse=True)
    assert steps[0]["layer"] == ""
    assert {step["layer"] for step in steps[1:]} == {layer.name for layer in OnnxNetwork.load(DIGITS.path).layers}
    assert all(float(step["accuracy"]) >= result_of(folder)["accuracy"]["limit"] for step in steps)  # type: ignore[index]


def test_predicted_savings_are_near_the_simulated_ones(folder: Path) -> None:
    assert 0 < result_of(folder)["prediction_error"] <= 0.03  # type: ignore[operator]


def test_channels_that_no_layer_reads_are_out_of_the_file(run: Run, folder: Path, tmp_path: Path) -> None:
    ran = run("prune", "digits", *QUICK, "--channel-rounds", "1", "-o", tmp_path / "run")
    assert ran.code == 0
    found = result_of(tmp_path / "run")
    assert found["saved"] > result_of(folder)["saved"] + 0.05  # type: ignore[operator]
    narrow, whole = OnnxNetwork.load(tmp_path / "run" / "pruned.onnx"), OnnxNetwork.load(DIGITS.path)
    macs = [sum(layer.macs for layer in each.layers) for each in (narrow, whole)]
    assert macs[0] < 0.7 * macs[1]
    assert f"why: channels that were taken out leave {100 * macs[0] / macs[1]:.1f} % of the MACs" in ran.out
    np.save(tmp_path / "images.npy", energy_images())
    again = simulate(narrow.path, images=tmp_path / "images.npy", accelerator="eyeriss-estimation")
    assert again.total()["energy"] == found["energy"]["after"]  # type: ignore[index]
    data = open_labelled("digits", scale=DIGITS.scale)
    judged = data.take(np.random.default_rng(0).permutation(len(data.labels))[4 + 64 :])
    right = narrow.scores(judged.images).argmax(axis=1) == judged.labels
    assert float(right.mean()) == found["accuracy"]["after"]  # type: ignore[index]
    with np.load(tmp_path / "run" / "masks.npz", allow_pickle=False) as masks:  # in the shapes that were given
        assert {name: masks[name].shape for name in masks.files} == {
            layer.name: layer.filter_shape for layer in whole.layers
        }


def test_channels_save_energy_where_zero_weights_do_not(run: Run, tmp_path: Path) -> None:
    argv = ("prune", "digits", *QUICK, "--arch", "eyeriss-v1", "--channel-rounds", "1", "-o", tmp_path)
    assert run(*argv).code == 0
    assert result_of(tmp_path)["saved"] > 0.15  # type: ignore[operator]


def test_a_network_without_channels_to_take_out(run: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    weights = onnx.numpy_helper.from_array(np.eye(10, 64, dtype=np.float32), "w")
    nodes = [onnx.helper.make_node("Flatten", ["x"], ["f"]), onnx.helper.make_node("Gemm", ["f", "w"], ["y"], transB=1)]
    given = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ("N", 1, 8, 8))
    graph = onnx.helper.make_graph(nodes, "one", [given], [onnx.ValueInfoProto(name="y")], [weights])
    path = tmp_path / "one.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    ran = run("prune", path, "--data", "digits", "--channel-rounds", "1", "-o", tmp_path / "run")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {path}: --channel-rounds: no channel between its layers can be taken out")


def test_interrupted_and_resumed_it_writes_the_same(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, visits = pruning.loop._Run._visit, []

    def stopped(*args: object) -> object:
        visits.append(1)
        if len(visits) == 4:
            raise KeyboardInterrupt
        return visit(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(pruning.loop._Run, "_visit", stopped)
        assert run("prune", "digits", *QUICK, "-o", tmp_path).code == EXIT_INTERRUPTED
    assert not (tmp_path / "pruned.onnx").exists()
    assert run("prune", "digits", *QUICK, "--resume", "-o", tmp_path).code == 0
    for name in PRUNE_FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_text_says_what_was_saved_and_why_no_more(folder: Path) -> None:
    text = (folder / "summary.txt").read_text()
    assert text.startswith(
        "digits.onnx on eyeriss-estimation, batch 4: pruned; energy and cycles simulated\naccuracy 99."
    )
    for part in ("share of", "level", "why: total cycles fall by ", "energy saved: ", "energy = counts x table"):
        assert part in text


def test_where_zero_weights_save_nothing_it_says_so(run: Run, tmp_path: Path) -> None:
    ran = run("prune", "digits", *QUICK, "--arch", "eyeriss-v1", "-o", tmp_path)
    assert ran.code == 0
    assert "why: on eyeriss-v1 a zero weight stops no MAC and moves like any other word" in ran.out
    assert result_of(tmp_path)["saved"] < 0.05  # type: ignore[operator]


def test_an_energy_may_end_it_first(run: Run, tmp_path: Path) -> None:
    ran = run("prune", "digits", *QUICK, "--target-energy", "90", "--max-accuracy-loss", "5", "-o", tmp_path, "--json")
    found = json.loads(ran.out)
    assert found["ended_by"] == "the energy asked for is reached"
    assert 0.1 <= found["saved"] < 0.5


def test_runs_side_by_side_at_equal_accuracy(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("prune", "digits", *QUICK, "--method", "magnitude", "--max-accuracy-loss", "3", "-o", tmp_path).code == 0
    ran = run("prune", "compare", folder, tmp_path, "--json")
    found = json.loads(ran.out)
    ours, magnitude = found["runs"]
    assert found["accuracy"] == result_of(folder)["accuracy"]["limit"]  # type: ignore[index]
    assert min(ours["accuracy"], magnitude["accuracy"]) >= found["accuracy"]
    assert ours["energy"] < magnitude["energy"] <= found["original_energy"]
    steps = csv.DictReader((tmp_path / "steps.csv").open())
    fit = [float(step["energy"]) for step in steps if float(step["accuracy"]) >= found["accuracy"]]
    assert magnitude["energy"] == min(fit)
    assert "magnitude     energy" in run("prune", "compare", folder, tmp_path).out


def test_shares_that_are_measured_divide_a_round_otherwise(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("prune", "digits", *QUICK, "--shares", "measured", "-o", tmp_path).code == 0
    steps = [json.loads((each / "steps.json").read_text())["steps"] for each in (folder, tmp_path)]
    by_energy, measured = (each[1]["round"] for each in steps)
    assert by_energy["layers"] == measured["layers"]
    assert by_energy["floors"] != measured["floors"]
    assert by_energy["floors"][-1] == pytest.approx(measured["floors"][-1])  # the whole is the same
    compared = json.loads(run("prune", "compare", folder, tmp_path, "--json").out)
    assert [each["shares"] for each in compared["runs"]] == ["energy", "measured"]


def test_runs_that_cannot_be_compared(run: Run, folder: Path, tmp_path: Path) -> None:
    none = run("prune", "compare", folder, tmp_path)
    assert (none.code, none.out) == (2, "")
    assert none.err.startswith(f"picojoule: {tmp_path}: no folder of a pruning run (")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["options"]["seed"] = 1
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "steps.csv").write_text((folder / "steps.csv").read_text())
    other = run("prune", "compare", folder, tmp_path)
    assert (other.code, other.out) == (2, "")
    assert other.err.startswith(
        f"picojoule: {tmp_path}: pruned another model, or judged on other images or another acc"
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("prune", DIGITS.path), f"{DIGITS.path}: no labelled images to judge it by; give --data"),
        (("prune", DIGITS.path, "--data", "none.npz"), "none.npz: "),
        (
            ("prune", "digits", "--min-accuracy", "90", "--max-accuracy-loss", "1"),
            "--max-accuracy-loss and --min-accuracy",
        ),
        (
            ("prune", "digits", "--sparser-maps", "1"),
            "--sparser-maps: is a part of fine-tuning; give --finetune EPOCHS",
        ),
        (("prune", "digits", "--gradual", "20"), "--gradual: is a part of fine-tuning; give --finetune EPOCHS"),
        (("prune", "digits", "--distillation", "0.5"), "--distillation: is a part of fine-tuning; give --finetune"),
        (("prune", "digits", "--min-accuracy", "100"), "the network's own accuracy is 0.99"),
        (("prune", "digits", "--batch", "1790"), "digits: 1797 images; 1790 to simulate (the batch), at least 8 to "),
        (("prune", DIGITS.path, "--data", "digits", "--mean", "1e6"), "the model's own accuracy is "),
    ],
)
def test_what_is_refused(run: Run, tmp_path: Path, argv: tuple[object, ...], message: str) -> None:
    ran = run(*argv, "-o", tmp_path / "run")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message}")
    assert not (tmp_path / "run" / "pruned.onnx").exists()


def test_guessing_is_not_knowing() -> None:
    labels = np.arange(1000) % 10
    data = LabelledImages(images=np.zeros((1000, 1, 1, 1), np.float32), labels=labels)
    check_above_chance(0.2, data, 10)
    with pytest.raises(PruningError, match=r"own accuracy is 11.0 % of 1000 images, where guessing gives 10.0 %; give"):
        check_above_chance(0.11, data, 10)


def test_limits() -> None:
    def limits(**options: float) -> tuple[float, float]:
        found = limits_of(PruneOptions(**options), 0.9, 200.0)  # type: ignore[arg-type]
        return found.min_accuracy, found.target_energy

    assert limits() == pytest.approx((0.89, 0))
    assert limits(max_accuracy_loss=2.5) == pytest.approx((0.875, 0))
    assert limits(min_accuracy=80) == pytest.approx((0.8, 0))
    assert limits(target_energy=40) == pytest.approx((0.0, 80))
    assert limits(target_energy=40, max_accuracy_loss=1) == pytest.approx((0.89, 80))


def test_no_image_serves_two_ends() -> None:
    data = LabelledImages(images=np.arange(300, dtype=np.float32).reshape(300, 1, 1, 1), labels=np.zeros(300, np.int64))
    parts = divided(data, batch=10, calibration=40, seed=0)
    groups = [set(part.ravel().tolist()) for part in (parts.energy, parts.calibration.images, parts.judged.images)]
    assert [len(group) for group in groups] == [10, 40, 250]
    assert len(set.union(*groups)) == 300
