"""Do the distributions that `make wheel` builds hold everything, and work outside the checkout?"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[2]
TREES = ("simulator", "native", "workloads", "pruning", "picojoule")
NOT_SHIPPED = {".c", ".h", ".pyc", ".sh", ".so"}
"""Suffixes that a wheel has no use for, or that are checked apart."""
NEWER_PYTHONS = ("python3.12", "python3.13", "python3.14")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel built from it and repaired."""
    checkout = tmp_path_factory.mktemp("dist") / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*_cache", ".git", ".venv", "build", "*.egg-info"))
    # The environment that runs the tests has the build tools: nothing is made for the copy.
    run("make", "wheel", f"PY={sys.executable}", "--assume-old=.venv/.dev", cwd=checkout)
    return checkout / "dist"


@pytest.fixture(scope="module")
def wheel_files(distributions: Path) -> set[str]:
    with zipfile.ZipFile(only(distributions, "*.whl")) as wheel:
        return set(wheel.namelist())


def test_one_wheel_serves_every_python_from_3_11(distributions: Path, wheel_files: set[str]) -> None:
    assert "-cp311-abi3-" in only(distributions, "*.whl").name
    assert [name for name in wheel_files if name.startswith("native/_kernels")] == ["native/_kernels.abi3.so"]


@pytest.mark.skipif(sys.platform != "linux", reason="manylinux is of Linux")
def test_one_wheel_serves_every_linux_with_the_c_library_that_it_names(distributions: Path) -> None:
    wheel = only(distributions, "*.whl")
    tags = wheel.name.removesuffix(".whl").rpartition("-")[2].split(".")
    assert all(tag.startswith("manylinux") for tag in tags)
    shown = run(sys.executable, "-m", "auditwheel", "show", wheel, cwd=distributions)
    assert f'"{tags[-1]}"' in shown
    assert set(re.findall(r"lib[\w+-]+\.so[.\d]*", shown)) <= {"libc.so.6"}


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


def test_the_wheel_is_installed_and_runs_without_a_compiler(distributions: Path, tmp_path: Path) -> None:
    programs = new_environment(tmp_path, sys.executable)
    only_python = {**outside_the_checkout(), "PATH": str(programs)}
    assert shutil.which("cc", path=str(programs)) is None
    run(*pip_install(programs), "--only-binary", ":all:", only(distributions, "*.whl"), cwd=tmp_path, env=only_python)
    check_that_it_runs(programs, tmp_path, only_python)


def test_the_sdist_is_installed_with_a_compiler(distributions: Path, tmp_path: Path) -> None:
    programs = new_environment(tmp_path, sys.executable)
    run(*pip_install(programs), only(distributions, "*.tar.gz"), cwd=tmp_path)
    check_that_it_runs(programs, tmp_path, outside_the_checkout())


@pytest.mark.parametrize("python", NEWER_PYTHONS)
def test_the_same_wheel_runs_on_newer_pythons(distributions: Path, tmp_path: Path, python: str) -> None:
    if not is_there(python):
        pytest.skip(f"no {python}")
    programs = new_environment(tmp_path, python)
    run(*pip_install(programs), "--only-binary", ":all:", only(distributions, "*.whl"), cwd=tmp_path)
    check_that_it_runs(programs, tmp_path, outside_the_checkout())


def new_environment(folder: Path, python: str) -> Path:
    """The folder of programs of a virtual environment with pip and nothing else."""
    run(python, "-m", "venv", folder / "venv", cwd=folder)
    return folder / "venv" / "bin"


def pip_install(programs: Path) -> tuple[str | Path, ...]:
    return programs / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check"


def check_that_it_runs(programs: Path, folder: Path, environment: dict[str, str]) -> None:
    """Doctor finds nothing wrong, a layer is simulated, and the kernels are the installed ones."""
    assert "0.1.0" in run(programs / "picojoule", "doctor", cwd=folder, env=environment)
    command = ("simulate", "alexnet", "--layers", "CONV5", "--batch", "1", "--json")
    result = json.loads(run(programs / "picojoule", *command, cwd=folder, env=environment))
    assert result["total"]["macs"] == 384 // 2 * 256 * 3 * 3 * 13 * 13
    program = "import native._kernels as k; print(k.__file__)"
    where = run(programs / "python", "-c", program, cwd=folder, env=environment)
    assert Path(where.strip()).is_relative_to(folder / "venv")


def is_there(python: str) -> bool:
    """That a command of this name makes environments: a name alone may be a version manager's, of one not chosen."""
    try:
        return subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def outside_the_checkout() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What the command prints; fails with everything it said."""
    environment = outside_the_checkout() if env is None else env
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path
