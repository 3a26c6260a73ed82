"""Does a sweep survive whatever is killed, whenever? The command in processes of its own, as a person runs it."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.test_processes import PICOJOULE, ROOT, environment
from tests.sweep.conftest import WriteSpec, files_of

SPEC = """
network = "alexnet"
layers = ["CONV2", "CONV3"]
batch = 4
by = "simulate"

[grid]
pe_array.rows = [5, 8, 12]
pe_array.columns = [6, 14]
glb.banks = [16, 25]
"""
POINTS = 12


def command(spec: Path, folder: Path) -> list[str]:
    return [*PICOJOULE, "sweep", str(spec), "-o", str(folder), "--workers", "2"]


@contextmanager
def sweeping(spec: Path, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command at work, with its workers; all are gone when the block ends."""
    process = subprocess.Popen(
        [*command(spec, folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def workers_of(driver: int) -> list[int]:
    """Those of its children that are spawned; multiprocessing's own resource tracker is none of them."""
    children = [int(word) for word in Path(f"/proc/{driver}/task/{driver}/children").read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def stored(folder: Path) -> int:
    """Bytes of stored points: they grow as points end."""
    size = 0
    for path in folder.glob("points.sqlite*"):
        with suppress(FileNotFoundError):  # SQLite's own files come and go
            size += path.stat().st_size
    return size


def wait_for(seconds: float, condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the same sweep that nothing happened to, by one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "spec.toml").write_text(SPEC)
    one = [*command(folder / "spec.toml", folder / "out")[:-1], "1"]
    subprocess.run(one, check=True, capture_output=True, env=environment(), cwd=ROOT)
    return files_of(folder / "out")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers")
@pytest.mark.parametrize("seed", [1])
def test_workers_killed_at_random(
    tmp_path: Path, write_spec: WriteSpec, undisturbed: dict[str, bytes], seed: int
) -> None:
    """The same run goes on, to the same files."""
    rng = random.Random(seed)
    with sweeping(write_spec(SPEC), tmp_path / "out") as process:
        for _ in range(2):
            size = stored(tmp_path / "out")
            wait_for(120, lambda size=size: stored(tmp_path / "out") > size and workers_of(process.pid))
            time.sleep(rng.uniform(0, 0.3))
            alive = workers_of(process.pid) if process.poll() is None else []
            if alive:
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(alive), signal.SIGKILL)
        out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert f"{POINTS} points" in out
    assert files_of(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("seed", [3])
def test_driver_killed_at_random(
    tmp_path: Path, write_spec: WriteSpec, undisturbed: dict[str, bytes], seed: int
) -> None:
    """The next run goes on from there, to the same files; the workers of the dead one end by themselves."""
    rng, spec, kills = random.Random(seed), write_spec(SPEC), 0
    for _ in range(2):
        with sweeping(spec, tmp_path / "out") as process:
            size = stored(tmp_path / "out")
            wait_for(120, lambda size=size: stored(tmp_path / "out") > size or process.poll() is not None)
            time.sleep(rng.uniform(0, 0.5))
            if process.poll() is None:
                kills += 1
                workers = workers_of(process.pid)
                os.kill(process.pid, signal.SIGKILL)
                wait_for(
                    30, lambda workers=workers: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers)
                )
    assert kills
    ran = subprocess.run(command(spec, tmp_path / "out"), capture_output=True, text=True, env=environment(), cwd=ROOT)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert files_of(tmp_path / "out") == undisturbed


def test_ctrl_c_is_one_line_and_keeps_what_is_finished(
    tmp_path: Path, write_spec: WriteSpec, undisturbed: dict[str, bytes]
) -> None:
    spec = write_spec(SPEC)
    with sweeping(spec, tmp_path / "out") as process:
        wait_for(120, lambda: bool(workers_of(process.pid)))
        size = stored(tmp_path / "out")
        wait_for(120, lambda: stored(tmp_path / "out") > size)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert out == ""
    assert err == "picojoule: interrupted\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["points.sqlite"]
    subprocess.run(command(spec, tmp_path / "out"), check=True, capture_output=True, env=environment(), cwd=ROOT)
    assert files_of(tmp_path / "out") == undisturbed
