"""`write_timeline`: the simulated layers that a window meets, run again and written as they go, whole file or none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from simulator.errors import OutputError
from simulator.hardware.layer_run import as_run, replay_layer
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.workload import Workload
from simulator.timeline.layer_recorder import LayerRecorder
from simulator.timeline.series import step_of
from simulator.timeline.trace_file import TraceFile
from simulator.timeline.tracks import described_tracks
from simulator.timeline.window import LayerWindow, Window, layer_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Slices in the file; and, if it was full before the window ended, the cycle of the run up to which it goes."""

    slices: int
    full_at: int | None


def write_timeline(
    file: Path, result: NetworkResult, workload: Workload, accelerator: Accelerator, window: Window | None = None
) -> Written:
    """Write what a simulation's layers did in the window, for ui.perfetto.dev. One cycle is one of its nanoseconds.

    result, workload, accelerator  of the same run; layers follow one another on one clock
    window                         without one, the beginning of each layer

    Raises SpecError if the run ends before the window begins, OutputError if the file cannot be written.
    """
    windows = list(layer_windows(result.layers, window))
    cycles = sum(each.end - each.first for each in windows if each is not None)
    unit = accelerator.energy.unit
    clock = f"1 ns is 1 cycle at {accelerator.clock.core_mhz:g} MHz"
    run = f"{result.network}, batch {result.batch}, on {result.arch}; {clock}"
    with _new_file(file) as stream:
        trace = TraceFile(stream, described_tracks(run, unit, accelerator.pe_array.rows))
        for layer, of_layer in zip(result.layers, windows, strict=True):
            if of_layer is None:
                continue
            recorder = _record(trace, layer, of_layer, workload, accelerator, step_of(cycles))
            if recorder.is_full:
                return Written(slices=trace.slices, full_at=of_layer.start + recorder.end)
        return Written(slices=trace.slices, full_at=None)


def _record(
    trace: TraceFile,
    result: LayerResult,
    window: LayerWindow,
    workload: Workload,
    accelerator: Accelerator,
    step: int,
) -> LayerRecorder:
    run = as_run(result.layer, workload.tensors_of(result.layer), accelerator)
    recorder = LayerRecorder(trace, window, run, accelerator, step)
    recorder.layer_begins(result)
    replay_layer(*run, result.mapping, accelerator, recorder)
    recorder.layer_ends()
    return recorder


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Under another name until all is written: nobody sees half of it, and what goes wrong leaves nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb", buffering=1 << 20) as stream:
            yield stream
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place with --timeline"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
