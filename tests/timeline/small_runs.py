"""Small simulated runs, and the timeline of each."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload
from simulator.timeline.window import Window
from simulator.timeline.write import write_timeline
from tests.timeline.trace_reader import Trace, read_trace

Drawn = tuple[Layer, LayerTensors, RowStationaryMapping]
PROVENANCE = Provenance(weights=Origin.SYNTHETIC, activations=Origin.SYNTHETIC, detail="drawn", sha256="")


def run_of(drawn: Sequence[Drawn], machine: Accelerator) -> tuple[NetworkResult, Workload]:
    """Layers that follow one another, called layer 0, layer 1, …"""
    layers = tuple(replace(layer, name=f"layer {index}") for index, (layer, _, _) in enumerate(drawn))
    tensors = {layer.name: of_layer for layer, (_, of_layer, _) in zip(layers, drawn, strict=True)}
    workload = Workload(
        name="drawn", layers=layers, tensors_of=lambda layer: tensors[layer.name], provenance=PROVENANCE
    )
    results = tuple(
        simulate_layer(layer, tensors[layer.name], mapping, machine)
        for layer, (_, _, mapping) in zip(layers, drawn, strict=True)
    )
    result = NetworkResult(
        network="drawn", method=Method.SIMULATED, arch=machine.name, batch=1, provenance=PROVENANCE, layers=results
    )
    return result, workload


def drawn_timeline(
    result: NetworkResult, workload: Workload, machine: Accelerator, window: Window | None = None
) -> Trace:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.pftrace"
        write_timeline(file, result, workload, machine, window)
        assert [path.name for path in Path(folder).iterdir()] == ["run.pftrace"]
        return read_trace(file)
