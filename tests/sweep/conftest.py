"""Sweeps small enough to run many times, and a way to write their SPEC."""

from collections.abc import Callable
from pathlib import Path

import pytest

from picojoule.sweep import PAGE, PICTURE, TEXTS

WriteSpec = Callable[[str], Path]
SMALL = """
network = "alexnet"
layers = ["CONV3"]

[grid]
pe_array.rows = [4, 8, 12]
"glb.capacity_kb" = [4, 64, 100]
"""


@pytest.fixture
def write_spec(tmp_path: Path) -> WriteSpec:
    """Writes a SPEC file and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "spec.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def files_of(folder: Path) -> dict[str, bytes]:
    """What a sweep puts out, whole, without the stored points: these lie in the order in which they ended."""
    return {name: (folder / name).read_bytes() for name in (*TEXTS, PICTURE, PAGE)}
