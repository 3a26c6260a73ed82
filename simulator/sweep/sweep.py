"""`sweep`: every point of a SPEC, each computed once, on whatever workers there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import SpecError
from simulator.sweep.evaluate import Outcome
from simulator.sweep.points import Point, PointMaker, count_of_points, listed_points
from simulator.sweep.results import SweepResult, SweptPoint, with_front
from simulator.sweep.spec_file import SweepSpec, load_sweep
from simulator.sweep.store import PointStore
from simulator.sweep.workers import LocalProcesses, ThisProcess, Workers

Progress = Callable[[int, int], None]


def sweep(
    spec: str | Path | SweepSpec,
    folder: str | Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Run a sweep, keeping each point in `folder` as it ends; points that are there already are not run again.

    workers   processes of this machine; the result is the same for any number. They are spawned, so a script that asks
              for more than one needs `if __name__ == "__main__":`
    cluster   address of a Dask scheduler, whose workers run the points instead
    progress  called with (points done, points)

    A point that cannot be run is in the result with its reason. Raises PicojouleError for input that cannot be used.
    """
    if workers < 1:
        raise SpecError(f"workers: {workers} processes; give at least 1")
    maker = PointMaker(spec=spec if isinstance(spec, SweepSpec) else load_sweep(spec))
    with PointStore(Path(folder)) as store, _workers(workers, cluster) as helpers:
        count = _Count(total=count_of_points(maker.spec), progress=progress)
        evaluation = _Evaluation(store=store, workers=helpers, count=count)
        if maker.spec.file.search is None:
            points = evaluation(listed_points(maker))
        else:
            from simulator.sweep.search import searched_points  # the search extra

            points = searched_points(maker, evaluation)
    return SweepResult(
        spec=maker.spec,
        points=with_front(points, maker.spec.file.front),
        energy_unit=maker.energy_unit,
    )


@dataclass(slots=True, kw_only=True)
class _Count:
    """Points that are done, and who is told."""

    total: int
    progress: Progress | None
    done: int = 0

    def add(self, points: int) -> None:
        self.done += points
        if self.progress is not None:
            self.progress(self.done, self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluation:
    """Points to outcomes: from the store where they are there, else from the workers, and then stored."""

    store: PointStore
    workers: Workers
    count: _Count

    def __call__(self, points: Sequence[Point]) -> list[SweptPoint]:
        tasks = {point.task.key: point.task for point in points if point.task is not None}
        known = self.store.outcomes(tasks)
        missing = [task for key, task in tasks.items() if key not in known]
        self.count.add(len(points) - len(missing))
        for task, outcome in self.workers.outcomes(missing) if missing else ():
            if outcome.is_final:
                self.store.keep(task.key, outcome)
            known[task.key] = outcome
            self.count.add(1)
        return [SweptPoint(point=point, outcome=_outcome(point, known)) for point in points]


def _outcome(point: Point, known: Mapping[str, Outcome]) -> Outcome:
    return Outcome(reason=point.reason) if point.task is None else known[point.task.key]


def _workers(count: int, cluster: str | None) -> Workers:
    if cluster is not None:
        from simulator.sweep.dask_workers import DaskCluster

        return DaskCluster(cluster)
    return ThisProcess() if count == 1 else LocalProcesses(count)
