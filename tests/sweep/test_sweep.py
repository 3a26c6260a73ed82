"""Are a sweep's figures those of `estimate` and `simulate`, is each point run once, and do failures stay alone?"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import simulator.sweep.workers
from simulator.errors import ConservationError, MappingError, SpecError, WorkerError
from simulator.estimation import estimate
from simulator.run import simulate
from simulator.spec.load import load_accelerator
from simulator.sweep.evaluate import Outcome, Task, evaluate
from simulator.sweep.machine_fields import changed
from simulator.sweep.points import PointMaker, listed_points
from simulator.sweep.spec_file import load_sweep
from simulator.sweep.sweep import sweep
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.sweep.conftest import SMALL, WriteSpec, files_of

POINTS = 9
IMPOSSIBLE = 3
"""Of SMALL: one bank holds no tile and its psums."""


class Counted:
    """Evaluates, and notes each task; raises at the task of that number."""

    def __init__(self, raises_at: int = 0, error: BaseException | None = None) -> None:
        self.tasks: list[Task] = []
        self._at, self._error = raises_at, error

    def __call__(self, task: Task) -> Outcome:
        self.tasks.append(task)
        if self._error is not None and len(self.tasks) == self._at:
            raise self._error
        return evaluate(task)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """In the place of whoever evaluates in this process."""
    stand_in = Counted()
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", stand_in)
    return stand_in


@pytest.mark.parametrize("by", ["estimate", "simulate"])
def test_figures_are_those_of_the_run_itself(tmp_path: Path, write_spec: WriteSpec, by: str) -> None:
    spec = write_spec(f'network = "alexnet"\nlayers = ["CONV3"]\nbatch = 2\nby = "{by}"\n[[points]]\nglb.banks = 20\n')
    (found,) = sweep(spec, tmp_path / "out").points
    machine = changed(load_accelerator("eyeriss-v1"), {"glb.banks": 20})
    way = estimate if by == "estimate" else simulate
    total = way("alexnet", accelerator=machine, layers=["CONV3"], batch=2).total()
    figures = found.figures()
    assert figures is not None
    assert (figures["energy.total"], figures["total_cycles"]) == (total["energy"]["total"], total["total_cycles"])
    assert figures["energy_per_image"] == total["energy"]["total"] / 2
    assert figures["pe_cycles.active"] == total["pe_cycles"]["active"]


def test_narrower_words_and_objectives(tmp_path: Path, write_spec: WriteSpec) -> None:
    bits = "weight=8,activation=8"
    spec = write_spec(
        f'network = "alexnet"\nlayers = ["CONV3"]\nobjective = "latency"\n[grid]\nbits = ["{bits}", "psum=12"]'
    )
    first, second = sweep(spec, tmp_path / "out").points
    total = estimate("alexnet", layers=["CONV3"], bits=bits, objective="latency").total()
    assert first.figures() is not None
    assert first.outcome.figures is not None
    assert first.outcome.figures["energy.total"] == total["energy"]["total"]
    assert first.outcome.figures != second.outcome.figures


def test_a_repeated_sweep_runs_nothing(tmp_path: Path, write_spec: WriteSpec, counted: Counted) -> None:
    first = sweep(write_spec(SMALL), tmp_path / "out")
    assert len(counted.tasks) == POINTS
    assert sweep(write_spec(SMALL), tmp_path / "out").rows() == first.rows()
    assert len(counted.tasks) == POINTS


def test_only_what_is_new_runs(tmp_path: Path, write_spec: WriteSpec, counted: Counted) -> None:
    sweep(write_spec(SMALL), tmp_path / "out")
    sweep(write_spec(SMALL.replace("[4, 8, 12]", "[12, 6, 8]")), tmp_path / "out")
    assert [task.accelerator.pe_array.rows for task in counted.tasks[POINTS:]] == [6] * 3
    sweep(write_spec(SMALL.replace("[grid]", 'objective = "edp"\n[grid]')), tmp_path / "out")
    assert len(counted.tasks) == 2 * POINTS + 3


def test_the_same_machine_runs_once(tmp_path: Path, write_spec: WriteSpec, counted: Counted) -> None:
    spec = write_spec(
        'network = "alexnet"\nlayers = ["CONV3"]\n[[points]]\nglb.banks = 16\n[[points]]\n"glb.capacity_kb" = 64'
    )
    first, second = sweep(spec, tmp_path / "out").points
    assert len(counted.tasks) == 1
    assert first.outcome == second.outcome
    assert (first.is_on_front, second.is_on_front) == (True, False)


def test_a_point_that_fails_has_its_reason_and_the_others_finish(tmp_path: Path, write_spec: WriteSpec) -> None:
    spec = write_spec(SMALL)
    with pytest.raises(MappingError) as alone:
        estimate(
            "alexnet",
            layers=["CONV3"],
            accelerator=changed(load_accelerator("eyeriss-v1"), {"pe_array.rows": 4, "glb.banks": 1}),
        )
    result = sweep(spec, tmp_path / "out")
    assert [swept.point.number for swept in result.failures] == [1, 4, 7]
    assert result.failures[0].outcome.reason == " ".join(str(alone.value).split())
    assert all(swept.figures() for swept in result.points if swept not in result.failures)
    assert result.is_whole


def test_a_bug_is_no_failing_point(tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Counted(raises_at=2, error=ConservationError("words lost"))
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", broken)
    with pytest.raises(ConservationError):
        sweep(write_spec(SMALL), tmp_path / "out")


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", Counted(raises_at=5, error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sweep(write_spec(SMALL), tmp_path / "out")
    further = Counted()
    monkeypatch.setattr(simulator.sweep.workers, "evaluate", further)
    assert sweep(write_spec(SMALL), tmp_path / "out").rows() == sweep(write_spec(SMALL), tmp_path / "other").rows()
    assert len(further.tasks) == POINTS - 4 + POINTS


def test_a_lost_point_is_not_stored(tmp_path: Path, write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(_: object, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        for task in tasks:
            yield task, simulator.sweep.workers.lost(3)

    with monkeypatch.context() as patch:
        patch.setattr(simulator.sweep.workers.ThisProcess, "outcomes", forgetful)
        result = sweep(write_spec(SMALL), tmp_path / "out")
    assert not result.is_whole
    assert not result.front
    assert "its worker ended 3 times" in str(result.failures[0].outcome.reason)
    assert sweep(write_spec(SMALL), tmp_path / "out").is_whole


def test_each_network_has_its_front(tmp_path: Path, write_spec: WriteSpec) -> None:
    """Energies of two networks are never set against each other."""
    spec = write_spec('layers = ["CONV1*"]\n[grid]\nnetwork = ["alexnet", "vgg16"]\nglb.banks = [25, 50]')
    result = sweep(spec, tmp_path / "out")
    assert {swept.point.network for swept in result.front} == {"alexnet", "vgg16"}


def test_the_front_is_of_the_objectives_asked_for(tmp_path: Path, write_spec: WriteSpec) -> None:
    result = sweep(write_spec('front = ["area"]\n' + SMALL), tmp_path / "out")
    areas = [swept.point.area_kb or 0 for swept in result.points if swept.outcome.figures]
    assert [swept.point.area_kb for swept in result.front] == [min(areas)]


def test_progress_counts_to_the_end(tmp_path: Path, write_spec: WriteSpec) -> None:
    told: list[tuple[int, int]] = []
    sweep(write_spec(SMALL), tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert told == [(done, POINTS) for done in range(POINTS + 1)]


def test_no_workers(tmp_path: Path, write_spec: WriteSpec) -> None:
    with pytest.raises(SpecError, match="workers: 0 processes; give at least 1"):
        sweep(write_spec(SMALL), tmp_path / "out", workers=0)


def test_the_command(tmp_path: Path, write_spec: WriteSpec, run: Run) -> None:  # noqa: F811
    ran = run("sweep", write_spec(SMALL), "-o", tmp_path / "out", "--workers", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (tmp_path / "out" / "summary.txt").read_text()
    assert "9 points, all figures analytic" in ran.out
    assert "failed: 3 points, the first 1: CONV3: no mapping fits" in ran.out
    with (tmp_path / "out" / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "out" / "front.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [row for row in rows if row["on_front"] == "True"]
    assert [row["point"] for row in rows] == [str(number) for number in range(1, POINTS + 1)]
    assert sum(bool(row["reason"]) for row in rows) == IMPOSSIBLE
    before = files_of(tmp_path / "out")
    assert run("sweep", write_spec(SMALL), "-o", tmp_path / "out", "--workers", 1, "--json").code == 0
    assert files_of(tmp_path / "out") == before


def test_nothing_but_failures(tmp_path: Path, write_spec: WriteSpec, run: Run) -> None:  # noqa: F811
    spec = write_spec('network = "alexnet"\n[[points]]\n"glb.capacity_kb" = 4\n')
    ran = run("sweep", spec, "-o", tmp_path / "out", "--workers", 1)
    assert ran.code == 0
    assert "0 on the front" in ran.out
    assert (tmp_path / "out" / "front.csv").read_text().startswith("point,network,")


def test_a_bad_spec_writes_nothing(tmp_path: Path, write_spec: WriteSpec, run: Run) -> None:  # noqa: F811
    ran = run("sweep", write_spec("[grid]\npe_array.row = [1]"), "-o", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean 'pe_array.rows'?" in ran.err
    assert not (tmp_path / "out").exists()


def test_a_worker_with_other_code_or_files_is_refused(write_spec: WriteSpec) -> None:
    task = listed_points(PointMaker(spec=load_sweep(write_spec(SMALL))))[0].task
    assert task is not None
    refused: dict[str, Any] = {"sources": "0" * 64, "workload_sha256": "0" * 64}
    for name, value in refused.items():
        with pytest.raises(WorkerError, match=r"another picojoule|another file where a worker runs"):
            evaluate(replace(task, **{name: value}))
