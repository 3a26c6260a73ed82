"""Do our import names lead to our own packages? Others use `simulator`, `native`, `workloads` and `pruning` too.

Checked before every command (cheaply: nothing is imported); `picojoule doctor` shows the same at length.
"""

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("simulator", "native", "workloads", "pruning")
ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds picojoule and must hold the other packages: a checkout, or an environment's site-packages."""


def intruders() -> list[str]:
    """A message for each import name that does not lead to the package installed with picojoule."""
    return [message for name in PACKAGES if (message := _fault_of(name))]


def folder_of(name: str) -> Path | None:
    """The folder or file that an import of `name` would take; None if there is nothing."""
    spec = find_spec(name)
    return _place(spec) if spec else None


def _fault_of(name: str) -> str | None:
    place = folder_of(name)
    if place is None:
        return f"{ROOT / name}: the package is missing; install picojoule again"
    if place != ROOT / name:
        return (
            f"{place}: shadows picojoule's own package {name!r} in {ROOT}; "
            "run from another folder, or install picojoule in an environment of its own"
        )
    return None


def _place(spec: ModuleSpec) -> Path | None:
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
