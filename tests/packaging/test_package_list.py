"""Does the explicit package list name every package of ours, and nothing else?"""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = ("simulator", "native", "workloads", "pruning", "picojoule")


def test_every_folder_with_python_files_is_a_listed_package() -> None:
    found = {source.parent for tree in TREES for source in (ROOT / tree).rglob("*.py")}
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(".".join(folder.relative_to(ROOT).parts) for folder in found)


def test_every_listed_tree_says_that_it_is_typed() -> None:
    assert all((ROOT / tree / "py.typed").exists() for tree in TREES)
