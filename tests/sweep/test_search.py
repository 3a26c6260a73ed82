"""Does a search ask for the same points however often it is stopped, and does it find more than chance would?"""

from pathlib import Path

import pytest

import simulator.sweep.workers
from picojoule.sweep import write
from simulator.errors import WorkerError
from simulator.sweep.evaluate import Outcome, Task, evaluate
from simulator.sweep.sweep import sweep
from tests.sweep.conftest import WriteSpec, files_of

pytestmark = pytest.mark.distributed
TRIALS, POPULATION = 24, 8
SPEC = f"""
network = "alexnet"
layers = ["CONV3"]

[search]
trials = {TRIALS}
population = {POPULATION}
seed = 5

[search.fields]
pe_array.rows = {{ low = 4, high = 24 }}
pe_array.columns = {{ low = 4, high = 24, step = 2 }}
glb.banks = {{ low = 1, high = 64, log = true }}
clock.core_mhz = {{ low = 100.0, high = 250.0 }}
pe.spads.filter_words = [112, 224]
"""


def test_the_same_points_with_any_workers_and_after_any_stop(
    tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, calls = write_spec(SPEC), list[Task]()

    def stops(task: Task) -> Outcome:
        calls.append(task)
        if len(calls) in (5, 12):
            raise KeyboardInterrupt
        return evaluate(task)

    monkeypatch.setattr(simulator.sweep.workers, "evaluate", stops)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(spec, tmp_path / "stopped")
    write(tmp_path / "stopped", sweep(spec, tmp_path / "stopped"))
    monkeypatch.undo()
    result = sweep(spec, tmp_path / "two", workers=2)
    write(tmp_path / "two", result)
    assert files_of(tmp_path / "stopped") == files_of(tmp_path / "two")
    assert len(result.points) == TRIALS


def test_another_seed_asks_for_other_points(tmp_path: Path, write_spec: WriteSpec) -> None:
    first = sweep(write_spec(SPEC), tmp_path / "out")
    second = sweep(write_spec(SPEC.replace("seed = 5", "seed = 6")), tmp_path / "out")
    assert [each.point.parameters for each in first.points] != [each.point.parameters for each in second.points]


def test_later_generations_are_better(tmp_path: Path, write_spec: WriteSpec) -> None:
    """Of one objective the mean falls from the first generation, which is drawn at random, to the last."""
    text = SPEC.replace("[search]", 'front = ["energy"]\n[search]').replace(f"trials = {TRIALS}", "trials = 48")
    result = sweep(write_spec(text), tmp_path / "out")

    def mean(generation: slice) -> float:
        costs = [costs[0] for each in result.points[generation] if (costs := each.costs(["energy"]))]
        return sum(costs) / len(costs)

    assert mean(slice(-POPULATION, None)) < mean(slice(0, POPULATION))


def test_a_search_stops_at_a_lost_point(tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", lambda _: simulator.sweep.workers.lost(3))
    with pytest.raises(WorkerError, match="point 1: its worker ended 3 times"):
        sweep(write_spec(SPEC), tmp_path / "out")
