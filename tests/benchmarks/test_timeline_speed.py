"""What does a timeline cost? `make bench`. Beside the simulation in the same process, on one core."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from simulator.run import simulate
from simulator.spec.load import load_accelerator
from simulator.timeline.window import Window
from simulator.timeline.write import write_timeline
from workloads import open_workload

pytestmark = pytest.mark.benchmark
Record = Callable[[str, object], None]


def test_a_million_slices(record_property: Record) -> None:
    """Target 10 s and 1 GB, simulation included in the memory; in a process of its own, whose memory is its own."""
    found = in_a_process(8_000_000)
    for name, value in found.items():
        record_property(name, value)
    assert found["slices"] >= 1e6
    assert found["timeline s"] * 1e6 / found["slices"] <= 10
    assert found["peak bytes"] <= 1e9


def test_overhead_of_the_default_windows(record_property: Record) -> None:
    """AlexNet CONV at batch 4: simulating and drawing take at most twice what simulating takes."""
    found = in_a_process(None)
    for name, value in found.items():
        record_property(name, value)
    assert found["simulation s"] + found["timeline s"] <= 2 * found["simulation s"]


def in_a_process(cycles: int | None) -> dict[str, float]:
    code = (
        "import json; from tests.benchmarks.test_timeline_speed import alexnet_timeline;"
        f"print(json.dumps(alexnet_timeline({cycles})))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def alexnet_timeline(cycles: int | None) -> dict[str, float]:
    """Medians of processor time over five rounds: AlexNet CONV at batch 4, and the timeline of the first cycles."""
    import resource

    machine, workload = load_accelerator("eyeriss-v1"), open_workload("alexnet", batch=4, layers=["CONV*"])
    window = None if cycles is None else Window(first=0, end=cycles)
    simulating, drawing = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "alexnet.pftrace"
        for _ in range(5):
            start = time.process_time()
            result = simulate(workload, accelerator=machine, mapping="jssc2017")
            between = time.process_time()
            written = write_timeline(file, result, workload, machine, window)
            simulating.append(between - start)
            drawing.append(time.process_time() - between)
        size = file.stat().st_size
    return {
        "simulation s": median(simulating),
        "timeline s": median(drawing),
        "slices": written.slices,
        "bytes": size,
        "peak bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
