"""Does the program end as a shell expects: exit codes, signals, pipes, streams that take no more, foreign packages?"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICOJOULE = (sys.executable, "-m", "picojoule")
SMALL = ("simulate", "alexnet", "--layers", "FC3")


def environment(**extra: str) -> dict[str, str]:
    """This environment, with the checkout's packages importable from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **extra}


def completed(*argv: str, cwd: Path = ROOT, **extra: str) -> subprocess.CompletedProcess[str]:
    command = [*PICOJOULE, *argv]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**extra), cwd=cwd, check=False)


def test_a_run_that_succeeds() -> None:
    ran = completed(*SMALL)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout
    assert "…" not in ran.stdout


@pytest.mark.parametrize("argv", [("simulat",), ("simulate",), ("simulate", "nowhere.onnx"), ("arch", "show", "none")])
def test_a_mistake_is_one_message_and_exit_code_2(argv: tuple[str, ...], tmp_path: Path) -> None:
    ran = completed(*argv, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("picojoule: ")
    assert ran.stderr.count("picojoule: ") == 1
    assert "Traceback" not in ran.stderr


def test_json_can_be_read_by_another_program() -> None:
    assert json.loads(completed(*SMALL, "--json").stdout)["layers"][0]["name"] == "FC3"


@pytest.mark.parametrize("argv", [("networks",), ("--help",), SMALL])
def test_a_closed_pipe_ends_it_quietly(argv: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([*PICOJOULE, *argv], stdout=writer, stderr=subprocess.PIPE, env=environment(), check=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
@pytest.mark.parametrize("argv", [("networks",), ("--help",)])
def test_a_full_disk_is_one_message(argv: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*PICOJOULE, *argv], stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), check=False
        )
    assert ran.returncode == 2
    assert ran.stderr == "picojoule: output cannot be written: No space left on device\n"


def test_closed_streams_are_no_error() -> None:
    def closed(stream: int) -> int:
        command = [*PICOJOULE, "networks"]
        return subprocess.run(command, preexec_fn=lambda: os.close(stream), env=environment(), check=False).returncode

    assert closed(1) == 0
    assert closed(2) == 0


def test_a_name_outside_the_encoding_is_escaped(tmp_path: Path) -> None:
    shown = completed("arch", "show", "eyeriss-v1").stdout.replace('name = "eyeriss-v1"', 'name = "café"')
    (tmp_path / "mine.toml").write_text(shown, encoding="utf-8")
    ran = completed("arch", "show", str(tmp_path / "mine.toml"), PYTHONIOENCODING="ascii:strict")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert 'name = "caf\\xe9"' in ran.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path: Path, jobs: str) -> None:
    """To the whole group, as a terminal sends it; while a simulation of many minutes runs."""
    argv = ("simulate", "vgg16", "--batch", "64", "--functional", "--jobs", jobs, "-o", str(tmp_path / "run"))
    command = [*PICOJOULE, *argv]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    )
    try:
        time.sleep(3)
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    # CPython kills itself with the signal, which shells call 130 too, if it arrived inside code that exec() ran.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, err) == ("", "picojoule: interrupted\n")
    assert not list(tmp_path.iterdir())


def test_progress_is_drawn_on_stderr_if_that_is_a_terminal() -> None:
    ours, theirs = pty.openpty()
    ran = subprocess.run(
        [*PICOJOULE, *SMALL],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm"),
        check=True,
    )
    os.close(theirs)
    drawn = _all_of(ours)
    assert b"FC3" in drawn
    assert b"passes" in drawn
    assert b"\x1b" not in ran.stdout


@pytest.mark.parametrize("name", ["simulator", "native", "workloads", "pruning"])
@pytest.mark.parametrize("kind", ["package", "module"])
def test_a_foreign_package_of_the_same_name_is_named(tmp_path: Path, name: str, kind: str) -> None:
    place = tmp_path / name if kind == "package" else tmp_path / f"{name}.py"
    (place / "__init__.py" if kind == "package" else place).parent.mkdir(exist_ok=True)
    (place / "__init__.py" if kind == "package" else place).write_text("raise SystemExit('imported')")
    ran = completed("networks", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"picojoule: {place}: shadows picojoule's own package {name!r} in {ROOT}; "
        "run from another folder, or install picojoule in an environment of its own\n"
    )


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "picojoule").symlink_to(ROOT / "picojoule")
    program = "import picojoule.installation as i; i.ROOT = i.Path('/x'); print(i._fault_of('pruning_'))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), cwd=tmp_path, check=True
    )
    assert ran.stdout == "/x/pruning_: the package is missing; install picojoule again\n"


def test_help_imports_nothing_slow() -> None:
    program = (
        "import sys; from picojoule.__main__ import main; main(['--help']);"
        "print(sorted({'numpy', 'pydantic', 'simpy', 'onnx', 'onnxruntime', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def _all_of(terminal: int) -> bytes:
    """Everything written to a pseudo-terminal whose other side is closed."""
    read = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says EIO at the end
            chunk = b""
        if not chunk:
            os.close(terminal)
            return read
        read += chunk
