"""Does the explicit package list name every package of ours, and its patterns every data file, and nothing else?"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TREES = ("simulator", "native", "workloads", "pruning", "picojoule")
NO_DATA = {".py", ".pyc", ".c", ".h", ".o", ".sh", ".so"}
"""Suffixes of code and of what is made from it; every other file is data that the code reads."""


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    """The [tool.setuptools] table."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "setuptools"
    ]
    return settings


def test_every_folder_with_python_files_is_a_listed_package(declared: dict[str, Any]) -> None:
    found = {source.parent for tree in TREES for source in (ROOT / tree).rglob("*.py")}
    assert sorted(declared["packages"]) == sorted(".".join(folder.relative_to(ROOT).parts) for folder in found)


def test_every_data_file_matches_a_pattern(declared: dict[str, Any]) -> None:
    files = {path for tree in TREES for path in (ROOT / tree).rglob("*") if path.is_file()}
    patterns = declared["package-data"]["*"]
    matched = {path for tree in TREES for pattern in patterns for path in (ROOT / tree).rglob(pattern)}
    assert {path for path in files if path.suffix not in NO_DATA} == matched


def test_every_listed_tree_says_that_it_is_typed() -> None:
    assert all((ROOT / tree / "py.typed").exists() for tree in TREES)
