"""Do the built distributions hold everything, and work outside the checkout?"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[2]
TREES = ("simulator", "native", "workloads", "pruning", "picojoule")
NOT_SHIPPED = {".c", ".h", ".pyc", ".sh", ".so"}
"""Suffixes that a wheel has no use for, or that are checked apart."""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    checkout = folder / "checkout"
    # An earlier build's egg-info lists files of its own, which setuptools would ship whatever MANIFEST.in says.
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*_cache", ".git", ".venv", "build", "*.egg-info"))
    run(sys.executable, "-m", "build", "--outdir", folder, checkout, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel_files(distributions: Path) -> set[str]:
    with zipfile.ZipFile(only(distributions, "*.whl")) as wheel:
        return set(wheel.namelist())


def test_one_wheel_serves_every_python_from_3_11(distributions: Path, wheel_files: set[str]) -> None:
    assert "-cp311-abi3-" in only(distributions, "*.whl").name
    assert [name for name in wheel_files if name.startswith("native/_kernels")] == ["native/_kernels.abi3.so"]


def test_the_wheel_holds_our_packages_and_nothing_else(wheel_files: set[str]) -> None:
    top = {name.split("/")[0] for name in wheel_files}
    assert {name for name in top if not name.endswith(".dist-info")} == set(TREES)
    assert not {name for name in wheel_files if name.endswith((".c", ".h"))}


def test_the_wheel_holds_every_module_and_data_file(wheel_files: set[str]) -> None:
    files = {path for tree in TREES for path in (ROOT / tree).rglob("*") if path.is_file()}
    shipped = {path.relative_to(ROOT).as_posix() for path in files if path.suffix not in NOT_SHIPPED}
    assert shipped - wheel_files == set()


def test_the_sdist_holds_what_building_and_testing_take(distributions: Path) -> None:
    with tarfile.open(only(distributions, "*.tar.gz")) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    ours = [path for path in (ROOT / "native").rglob("*") if path.suffix in {".c", ".h", ".sh"}]
    needed = {path.relative_to(ROOT).as_posix() for path in ours}
    assert needed | {"LICENSE", "Makefile", "README.md", "setup.py", "tests/conftest.py"} <= held


@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_an_installed_distribution_simulates_outside_the_checkout(
    distributions: Path, tmp_path: Path, pattern: str
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "-qq", only(distributions, pattern), cwd=tmp_path)
    assert "0.1.0" in run(programs / "picojoule", "doctor", cwd=tmp_path)
    command = ("simulate", "alexnet", "--layers", "CONV5", "--batch", "1", "--json")
    result = json.loads(run(programs / "picojoule", *command, cwd=tmp_path))
    assert result["total"]["macs"] == 384 // 2 * 256 * 3 * 3 * 13 * 13
    where = run(programs / "python", "-c", "import native._kernels as k; print(k.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; fails with everything it said."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path
