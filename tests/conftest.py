"""Which tests run by default, and how hypothesis runs them."""

from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

MARKER_OF_FOLDER = {"benchmarks": "benchmark", "torch": "torch"}
"""Folders that `make test` leaves out (pyproject.toml: addopts), whoever forgets the marker."""

# No test is timed: speed belongs in tests/benchmarks. The parent is hypothesis's own choice, reproducible under CI.
settings.register_profile("picojoule", parent=settings(), deadline=None)
settings.load_profile("picojoule")


@pytest.hookimpl(tryfirst=True)  # before `-m` deselects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = MARKER_OF_FOLDER.get(item.path.relative_to(TESTS).parts[0])
        if marker:
            item.add_marker(marker)
