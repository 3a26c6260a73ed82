"""The files of `picojoule prune -o DIR`. Each is written whole; docs/reference.md defines them."""

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from picojoule import __version__
from picojoule.manifest import distribution_versions
from picojoule.options import PruneOptions
from pruning.onnx_network import OnnxNetwork
from pruning.state import npz_bytes, write_whole
from pruning.summary import Pruning, pruning_text
from simulator.report.pictures.plots import write_plot
from simulator.report.pictures.pruning_figures import pruning_figures
from simulator.report.pictures.stored_runs import StoredPruning, read_stored
from simulator.report.run_folder import csv_text, json_text, write_files
from simulator.spec.load import accelerator_sha256, energy_table_sha256

_TEXTS = ("manifest.json", "layers.csv", "steps.csv", "summary.txt")
_PICTURES = {"path.svg": "pruning-path", "layers.svg": "pruned-energy"}
"""Figures of `picojoule plot`, by the file that each is drawn to."""
PRUNE_FILES = ("pruned.onnx", "masks.npz", *_TEXTS, *_PICTURES)


def identity_of(options: PruneOptions, model: Path) -> dict[str, Any]:
    """What decides a run's steps: the options, the model's and the data's content, and what computes with them."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    data = Path(str(options.data))
    files = sorted(data.glob("*.bin")) if data.is_dir() else [data]
    tuned = {"torch": version("torch")} if options.finetune else {}
    return {
        "options": given,
        "model": _sha256(model),
        "data": [_sha256(file) for file in files if file.is_file()],
        "versions": {"picojoule": __version__, "python": platform.python_version(), **distribution_versions(), **tuned},
    }


def write_pruning(folder: Path, network: OnnxNetwork, pruning: Pruning, options: PruneOptions) -> None:
    """Raises OutputError."""
    pruned = pruning.answer.network
    pruned.save(folder / "pruned.onnx")
    masks = {layer.name: pruned.weights(layer.name) != 0 for layer in pruned.layers}
    write_whole(folder / "masks.npz", npz_bytes(masks))
    manifest = {
        **identity_of(options, network.path),
        "sha256": {
            "arch": accelerator_sha256(pruning.accelerator),
            "energy_table": energy_table_sha256(pruning.accelerator),
        },
        "result": pruning.to_dict(),
    }
    texts = (json_text(manifest), csv_text(pruning.layer_rows()), csv_text(_step_rows(pruning)), pruning_text(pruning))
    write_files(folder, dict(zip(_TEXTS, texts, strict=True)))
    stored = read_stored(folder)
    assert isinstance(stored, StoredPruning)
    drawn = {figure.name: figure for figure in pruning_figures(stored)}
    for name, figure in _PICTURES.items():
        write_plot(drawn[figure], folder / name)


def _step_rows(pruning: Pruning) -> list[dict[str, Any]]:
    """The history: one dict a step, what was tried as `kept:accuracy` pairs."""
    return [
        {
            "round": step.round.number,
            "layer": step.layer,
            "accepted": step.is_accepted,
            "accuracy": step.accuracy,
            "weights": sum(step.kept.values()),
            "layer_weights": step.kept.get(step.layer, ""),
            "energy": step.total_energy,
            "predicted_energy": "" if step.predicted is None else sum(step.predicted.values()),
            "trials": " ".join(f"{trial.kept}:{trial.measured:.6f}" for trial in step.trials),
        }
        for step in pruning.steps
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
