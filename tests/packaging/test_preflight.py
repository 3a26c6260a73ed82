"""Does a machine that lacks something say so in one line, before anything is installed?"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREFLIGHT = ROOT / "native" / "preflight.sh"


@pytest.fixture
def python_without(tmp_path: Path) -> Callable[[str], Path]:
    """A Python that fails every `-c` program with the given word in it."""

    def make(word: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f'#!/bin/sh\ncase "$2" in *{word}*) exit 1 ;; esac\nexec "{sys.executable}" "$@"\n')
        path.chmod(0o755)
        return path

    return make


def preflight(python: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", PREFLIGHT],
        env={**os.environ, "PYTHON": str(python), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_complete_machine_passes_silently() -> None:
    done = preflight(sys.executable)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_python() -> None:
    done = preflight("no-such-python")
    assert done.returncode == 1
    assert done.stderr == (
        "picojoule: no-such-python: no such command; "
        "install Python 3.11 or newer, or name one: make PYTHON=python3.12 demo\n"
    )


def test_python_too_old(python_without: Callable[[str], Path]) -> None:
    python = python_without("version_info")
    version = sys.version.split()[0]
    assert preflight(python).stderr == (
        f"picojoule: {python}: Python {version} is too old; need 3.11 or newer: make PYTHON=python3.12 demo\n"
    )


def test_no_venv(python_without: Callable[[str], Path]) -> None:
    python = python_without("ensurepip")
    assert preflight(python).stderr == (
        f"picojoule: {python}: cannot make virtual environments; install its venv package (Debian: python3-venv)\n"
    )


def test_no_python_headers(python_without: Callable[[str], Path]) -> None:
    python = python_without("Python.h")
    assert preflight(python).stderr == (
        f"picojoule: {python}: no C headers (Python.h); install its development package (Debian: python3-dev)\n"
    )


def test_no_compiler() -> None:
    assert preflight(sys.executable, CC="no-such-cc -m64").stderr == (
        "picojoule: no-such-cc: no such C compiler; "
        "install one (Debian: build-essential), or name one: make CC=gcc demo\n"
    )


def test_make_stops_at_the_message(tmp_path: Path) -> None:
    (tmp_path / "native").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(PREFLIGHT, tmp_path / "native")
    for source in ("pyproject.toml", "setup.py", "native/build_kernels.py"):
        (tmp_path / source).touch()
    done = subprocess.run(
        ["make", "demo", "PYTHON=no-such-python"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "picojoule: no-such-python: no such command" in done.stderr
    assert not (tmp_path / ".venv").exists()
