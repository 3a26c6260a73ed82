"""Is a sweep on a Dask cluster the same sweep, and does it outlive its workers? Scheduler and workers of Dask's own."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from picojoule.sweep import write
from simulator.errors import WorkerError
from simulator.sweep.sweep import sweep
from tests.cli.test_processes import ROOT, environment
from tests.sweep.conftest import SMALL, WriteSpec, files_of
from tests.sweep.test_faults import POINTS, SPEC, command, stored, sweeping, wait_for

pytestmark = pytest.mark.distributed


@dataclass(slots=True, kw_only=True)
class Cluster:
    """A scheduler on this machine, and the workers that were started for it."""

    address: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *options, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """No nanny: a worker that is killed stays dead."""
        return self.start("dask_worker", self.address, "--nthreads", "1", "--no-nanny")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.chdir(tmp_path)  # workers keep their scratch files where they are started
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Cluster(address=f"tcp://127.0.0.1:{port}")
    found.start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port))
    yield found
    for process in found.processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_files_are_the_same(tmp_path: Path, write_spec: WriteSpec, cluster: Cluster) -> None:
    spec = write_spec(SMALL)
    write(tmp_path / "one", sweep(spec, tmp_path / "one"))
    for _ in range(2):
        cluster.start_worker()
    wait_for_workers(cluster, 2)
    write(tmp_path / "dask", sweep(spec, tmp_path / "dask", cluster=cluster.address))
    assert files_of(tmp_path / "dask") == files_of(tmp_path / "one")


@pytest.mark.parametrize("seed", [1])
def test_a_worker_and_the_driver_killed_at_random(
    tmp_path: Path, write_spec: WriteSpec, cluster: Cluster, seed: int
) -> None:
    rng, spec, folder = random.Random(seed), write_spec(SPEC), tmp_path / "out"
    one = [*command(spec, tmp_path / "one")[:-1], "1"]
    subprocess.run(one, check=True, capture_output=True, env=environment(), cwd=ROOT)
    workers = [cluster.start_worker() for _ in range(2)]
    wait_for_workers(cluster, 2)
    on_cluster = ("--cluster", cluster.address)
    with sweeping(spec, folder, *on_cluster) as process:
        wait_for(120, lambda: stored(folder) > 0)
        time.sleep(rng.uniform(0, 1))
        workers[0].kill()
        size = stored(folder)
        wait_for(120, lambda: stored(folder) > size or process.poll() is not None)
        process.kill()
    cluster.start_worker()
    with sweeping(spec, folder, *on_cluster) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert f"{POINTS} points" in out
    assert files_of(folder) == files_of(tmp_path / "one")


def test_nobody_at_the_address(tmp_path: Path, write_spec: WriteSpec) -> None:
    with pytest.raises(WorkerError, match=r"--cluster nowhere: is no address; give one such as tcp://10.0.0.1:8786"):
        sweep(write_spec(SMALL), tmp_path / "out", cluster="nowhere")
    with pytest.raises(WorkerError, match=r"--cluster tcp://127.0.0.1:1: no Dask scheduler answers there"):
        sweep(write_spec(SMALL), tmp_path / "out", cluster="tcp://127.0.0.1:1")


def wait_for_workers(cluster: Cluster, count: int) -> None:
    from distributed import Client

    wait_for(60, lambda: answers(cluster.address))
    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def answers(address: str) -> bool:
    host, port = address.removeprefix("tcp://").split(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False
