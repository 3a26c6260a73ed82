"""Does data move one way? A module imports nothing further right in ARCHITECTURE.md's picture."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What each folder's modules may import of ours. `picojoule`, the command line, joins everything and is not listed.
ALLOWED = {
    "native": {"native"},
    "simulator/spec": {"simulator.spec", "simulator.errors", "simulator.counts"},
    "simulator/mapping": {"simulator.mapping", "simulator.spec", "simulator.errors"},
    "simulator/analytic": {
        "simulator.analytic",
        "simulator.mapping",
        "simulator.spec",
        "simulator.counts",
        "simulator.energy",
        "simulator.results",
        "simulator.errors",
    },
    "simulator/hardware": {
        "simulator.hardware",
        "simulator.mapping",
        "simulator.spec",
        "simulator.errors",
        "simulator.counts",
        "simulator.energy",
        "simulator.results",
        "native",
    },
    "simulator/timeline": {
        "simulator.timeline",
        "simulator.hardware",
        "simulator.mapping",
        "simulator.spec",
        "simulator.errors",
        "simulator.counts",
        "simulator.energy",
        "simulator.results",
        "native",
    },
    "simulator/report": {
        "simulator.report",
        "simulator.results",
        "simulator.energy",
        "simulator.counts",
        "simulator.mapping",
        "simulator.spec",
        "simulator.errors",
        "simulator.analytic.compare",
        "simulator.analytic.calibration",
    },
    "simulator/sweep": {
        "simulator.sweep",
        "simulator.estimation",
        "simulator.run",
        "simulator.choices",
        "simulator.results",
        "simulator.counts",
        "simulator.spec",
        "simulator.errors",
    },
    "workloads": {"workloads", "simulator.spec", "simulator.errors"},
    "pruning": {"pruning", "workloads", "simulator.spec", "simulator.errors", "native"},
}
JOINING = {
    "pruning/simulated_energy.py": {
        "simulator.run",
        "simulator.estimation",
        "simulator.results",
        "simulator.counts",
    },
    "pruning/summary.py": {"simulator.report.text_table", "simulator.results"},
}
"""Modules that join further: pruning's method is handed energy as a function, these make that function and show it."""


@pytest.mark.parametrize("folder", list(ALLOWED))
def test_imports(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        allowed = ALLOWED[folder] | JOINING.get(path.relative_to(ROOT).as_posix(), set())
        strangers = {name for name in ours(path) if not is_allowed(name, allowed)}
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"


def test_the_kernels_have_one_door() -> None:
    for folder in ("simulator", "workloads", "picojoule", "pruning"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "native._kernels" not in ours(path), path


def ours(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {
        name for name in names if name.split(".")[0] in ("simulator", "native", "workloads", "picojoule", "pruning")
    }


def is_allowed(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)
