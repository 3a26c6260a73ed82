"""How long does a sweep take, and do two workers halve it? `make bench`.

Efficiency is the time of one process / (2 x the time of two workers), in the same run, starting them included: of two
local processes, and of two workers of a Dask cluster (extra `distributed`).
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.sweep.sweep import sweep
from tests.sweep.test_dask import Cluster, cluster, wait_for_workers  # noqa: F401 - a fixture

pytestmark = pytest.mark.benchmark
Record = Callable[[str, object], None]
HEAD = 'network = "alexnet"\nlayers = ["CONV*"]\nbatch = 4\n'
ACCELERATORS = (
    "[grid]\npe_array.rows = [8, 10, 12, 14, 16]\npe_array.columns = [8, 11, 14, 17, 20]\n"
    '"glb.capacity_kb" = [64, 80, 100, 128, 200]\npe.spads.filter_words = [112, 224, 336, 448]\n'
)
"""500 of them."""
SIMULATIONS = HEAD + 'by = "simulate"\n' + ACCELERATORS


def seconds(spec: Path, folder: Path, workers: int, address: str | None = None) -> float:
    start = time.perf_counter()
    sweep(spec, folder, workers=workers, cluster=address)
    return time.perf_counter() - start


def test_500_accelerators_by_estimate(tmp_path: Path, record_property: Record) -> None:
    """Target 60 s on two cores, from the shell to the picture; and again, when all of it is stored."""
    (tmp_path / "spec.toml").write_text(HEAD + ACCELERATORS)
    command = [sys.executable, "-m", "picojoule", "sweep", str(tmp_path / "spec.toml"), "-o", str(tmp_path / "out")]
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        subprocess.run([*command, "--workers", "2"], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    record_property("seconds", taken[0])
    record_property("seconds when repeated", taken[1])
    assert taken[0] <= 60


def test_two_local_workers(tmp_path: Path, record_property: Record) -> None:
    """Target 85 %."""
    spec = tmp_path / "spec.toml"
    spec.write_text(SIMULATIONS)
    alone, together = seconds(spec, tmp_path / "one", 1), seconds(spec, tmp_path / "two", 2)
    record_property("seconds by one", alone)
    record_property("% efficiency of two", 100 * alone / (2 * together))
    assert alone / (2 * together) >= 0.85


@pytest.mark.distributed
def test_two_workers_of_a_cluster(
    tmp_path: Path,
    cluster: Cluster,  # noqa: F811
    record_property: Record,
) -> None:
    """The same on a Dask cluster on this machine."""
    spec = tmp_path / "spec.toml"
    spec.write_text(SIMULATIONS)
    alone = seconds(spec, tmp_path / "one", 1)
    for _ in range(2):
        cluster.start_worker()
    wait_for_workers(cluster, 2)
    together = seconds(spec, tmp_path / "two", 1, cluster.address)
    record_property("% efficiency of two", 100 * alone / (2 * together))
    assert alone / (2 * together) >= 0.85
