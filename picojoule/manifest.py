"""manifest.json: everything that decided a run's figures and nothing else: the same run gives the same bytes."""

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from picojoule import __version__
from picojoule.options import RunOptions
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import accelerator_fields, accelerator_sha256, energy_table_sha256

DISTRIBUTIONS = ("numpy", "simpy", "cffi", "pydantic", "onnx", "onnxruntime")


def manifest_of(network: str, options: RunOptions, accelerator: Accelerator, result: NetworkResult) -> dict[str, Any]:
    """As docs/reference.md defines it: JSON values only."""
    return {
        "network": result.network,
        "method": result.method.value,
        "arch": result.arch,
        "energy_unit": accelerator.energy.unit,
        "arguments": {"network": network, **_arguments(options)},
        "batch": result.batch,
        "seed": options.seed,
        "data": result.to_dict()["data"],
        "sha256": {
            "arch": accelerator_sha256(accelerator),
            "energy_table": energy_table_sha256(accelerator),
            "workload": result.provenance.sha256,
        },
        "mapping": {layer.layer.name: layer.mapping.to_dict() for layer in result.layers},
        "shape": {layer.layer.name: _shape_of(layer.layer) for layer in result.layers},
        "accelerator": accelerator_fields(accelerator),
        "versions": {"picojoule": __version__, "python": platform.python_version(), **distribution_versions()},
    }


def _shape_of(layer: Layer) -> dict[str, Any]:
    """Everything that `Layer` takes but its name."""
    return {field: value for field, value in asdict(layer).items() if field != "name"}


def _arguments(options: RunOptions) -> dict[str, Any]:
    given = {**asdict(options), "layers": options.layer_names}
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def distribution_versions() -> dict[str, str | None]:
    """Versions of what a run computes with; None for what is not installed."""
    return {name: version_of(name) for name in DISTRIBUTIONS}


def version_of(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
