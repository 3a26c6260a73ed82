"""Which code computes a point? A stored result is that of this code only.

The sources and tables of what computes are hashed, so that a change to any of them is other code, released or not. The
compiled kernels are part of a key, but not of what a cluster's workers must have in common: compilers differ, and
results do not.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

_PACKAGES = ("native", "simulator", "workloads")
_SUFFIXES = (".py", ".toml", ".csv")
_SHOWS_ONLY = "report"
"""Computes no figure."""
_LIBRARIES = ("numpy", "simpy")
"""Random words and the order of events are theirs."""


@cache
def sources_sha256() -> str:
    """Of sources, tables and the libraries that figures rest on; the same on every machine with the same picojoule."""
    digest = hashlib.sha256()
    for name, path in _source_files():
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()


@cache
def code_sha256() -> str:
    """Of the sources and of the kernels compiled from them on this machine."""
    digest = hashlib.sha256(sources_sha256().encode())
    for kernels in sorted(Path(str(files("native"))).glob("_kernels*")):
        if kernels.suffix == ".so":
            digest.update(kernels.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[tuple[str, Path]]:
    for package in _PACKAGES:
        folder = Path(str(files(package)))
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.suffix in _SUFFIXES and place.parts[0] != _SHOWS_ONLY:
                yield f"{package}/{place.as_posix()}", path
