"""How long does the report of a VGG-16 run take, from the command to the page, with a Python that starts anew?"""

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark
MOST_SECONDS, MOST_BYTES = 5.0, 2_000_000


def picojoule(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "picojoule", *map(str, words)], check=True, capture_output=True)


def test_report_of_vgg16(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    picojoule("simulate", "vgg16", "-o", tmp_path / "run")
    page = tmp_path / "page.html"
    benchmark(picojoule, "report", tmp_path / "run", "-o", page)
    assert page.stat().st_size <= MOST_BYTES
    assert benchmark.stats is not None
    assert benchmark.stats.stats.min <= MOST_SECONDS
