"""Are the files the same whoever runs the points, and what is lost when a worker dies?"""

from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest

import simulator.sweep.workers
from picojoule.sweep import write
from simulator.sweep.evaluate import Outcome, Task
from simulator.sweep.results import SweepResult
from simulator.sweep.sweep import sweep
from tests.sweep.conftest import SMALL, WriteSpec, files_of
from tests.sweep.fatal import FATAL_ROWS, dies_at_one_machine, dies_once


def swept(spec: Path, folder: Path, workers: int) -> SweepResult:
    result = sweep(spec, folder, workers=workers)
    write(folder, result)
    return result


@pytest.mark.parametrize(
    ("worker", "workers"), [(None, 2), (None, 3), (dies_once, 2)], ids=["two", "three", "two, one killed"]
)
def test_files_are_the_same(
    tmp_path: Path,
    write_spec: WriteSpec,
    monkeypatch: pytest.MonkeyPatch,
    worker: Callable[[Task], Outcome] | None,
    workers: int,
) -> None:
    spec = write_spec(SMALL)
    swept(spec, tmp_path / "one", 1)
    monkeypatch.setenv("PICOJOULE_TEST_MARK", str(tmp_path / "mark"))
    if worker is not None:
        monkeypatch.setattr(simulator.sweep.workers, "evaluate", worker)
    result = swept(spec, tmp_path / "several", workers)
    assert (tmp_path / "mark").exists() is (worker is dies_once)
    assert result.is_whole
    assert files_of(tmp_path / "several") == files_of(tmp_path / "one")
    assert not active_children()


def test_a_point_that_kills_every_worker_is_named_and_the_others_finish(
    tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", dies_at_one_machine)
    spec = write_spec('network = "alexnet"\nlayers = ["CONV3"]\n[grid]\npe_array.rows = [8, 10, 12, 14, 16]')
    result = sweep(spec, tmp_path / "out", workers=2)
    (lost,) = result.failures
    assert lost.point.parameters == {"pe_array.rows": FATAL_ROWS}
    assert lost.outcome.reason == (
        "its worker ended 3 times, most likely for want of memory; use fewer workers, and go on"
    )
    assert not result.is_whole
