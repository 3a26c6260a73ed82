"""`picojoule doctor`: is this installation whole, and is each package the one that came with it?"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import packages_distributions

from picojoule import __version__
from picojoule.installation import PACKAGES, folder_of
from picojoule.manifest import version_of

_REQUIRED = ("cffi", "cyclopts", "matplotlib", "numpy", "pydantic", "pyyaml", "rich", "simpy")
_EXTRAS = {
    "onnx": ("onnx", "onnxruntime"),
    "torch": ("torch", "onnxscript"),
    "distributed": ("dask", "distributed"),
    "search": ("optuna",),
    "demo": ("scikit-learn",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; `fault` is what keeps picojoule from running as it should, and what would help."""

    subject: str
    found: str
    fault: str = ""


def examine() -> tuple[Finding, ...]:
    """Everything that is looked at, in the order it is printed."""
    return (
        Finding(subject="picojoule", found=__version__),
        Finding(subject="Python", found=f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *_packages(),
        _kernel(),
        *_required(),
        *_extras(),
    )


def report_text(findings: tuple[Finding, ...]) -> str:
    """One line a finding, its fault below it, and a verdict."""
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.subject:<{width}}  {finding.found}")
        if finding.fault:
            lines.append(f"{'':<{width}}  FAULT: {finding.fault}")
    faults = sum(bool(finding.fault) for finding in findings)
    verdict = "no faults" if not faults else f"{faults} fault{'s' if faults > 1 else ''}"
    return "\n".join([*lines, verdict]) + "\n"


def _packages() -> Iterator[Finding]:
    """Where each generic import name leads. That it leads to ours was checked before the command; others may wait."""
    owners = packages_distributions()
    for name in PACKAGES:
        others = sorted(set(owners.get(name, ())) - {"picojoule"})
        fault = f"{', '.join(others)} also installs a package {name!r}; uninstall one of them" if others else ""
        yield Finding(subject=f"package {name}", found=str(folder_of(name)), fault=fault)


def _kernel() -> Finding:
    try:
        kernel = import_module("native._kernels")
    except ImportError as error:
        return Finding(
            subject="compiled kernel",
            found="missing",
            fault=f"{error}; install picojoule again, with a C compiler (in a checkout: `make demo`)",
        )
    return Finding(subject="compiled kernel", found=str(kernel.__file__))


def _required() -> Iterator[Finding]:
    for name in _REQUIRED:
        found = version_of(name)
        fault = "" if found else f"install it: `pip install {name}`"
        yield Finding(subject=name, found=found or "missing", fault=fault)


def _extras() -> Iterator[Finding]:
    for extra, names in _EXTRAS.items():
        versions = {name: version_of(name) for name in names}
        shown = ", ".join(f"{name} {found or 'missing'}" for name, found in versions.items())
        hint = "" if all(versions.values()) else f" (optional: `pip install 'picojoule[{extra}]'`)"
        yield Finding(subject=f"extra {extra}", found=shown + hint)
