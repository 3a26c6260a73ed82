"""Which points are worth a look where there are too many for all? A multi-objective search, NSGA-II by Optuna.

It asks for a whole generation at a time, and is told what came of it in the order of its points, so that it asks for
the same ones whoever runs them, and whenever: a search that was stopped asks again from its first point on, and what is
stored answers at once. A point that fails is as bad as can be.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from simulator.errors import SpecError, WorkerError
from simulator.sweep.machine_fields import Value
from simulator.sweep.points import Point, PointMaker
from simulator.sweep.results import SweptPoint
from simulator.sweep.spec_file import Parameters, Range, Search

if TYPE_CHECKING:
    from optuna import Trial

Evaluate = Callable[[Sequence[Point]], list[SweptPoint]]


def searched_points(maker: PointMaker, evaluate: Evaluate) -> list[SweptPoint]:
    """All points that the search asked for, in that order. Raises WorkerError if one was lost: what it would have asked
    for next rests on it."""
    search, found = maker.spec.file.search, list[SweptPoint]()
    assert search is not None
    study = _study(search, len(maker.spec.file.front))
    while len(found) < search.trials:
        trials = [study.ask() for _ in range(min(search.population, search.trials - len(found)))]
        points = [
            maker.point(number, _parameters(trial, search)) for number, trial in enumerate(trials, start=len(found) + 1)
        ]
        for trial, swept in zip(trials, evaluate(points), strict=True):
            if not swept.outcome.is_final:
                raise WorkerError(
                    f"point {swept.point.number}: {swept.outcome.reason}; the search cannot go on without it"
                )
            study.tell(trial, swept.costs(maker.spec.file.front) or [inf] * len(maker.spec.file.front))
            found.append(swept)
    return found


def _study(search: Search, objectives: int) -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise SpecError(
            f"[search]: needs the package {error.name!r}, which is not installed; pip install 'picojoule[search]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.NSGAIISampler(population_size=search.population, seed=search.seed)
    return optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)


def _parameters(trial: "Trial", search: Search) -> Parameters:
    return {field: _suggested(trial, field, of_field) for field, of_field in search.fields.items()}


def _suggested(trial: "Trial", field: str, of_field: Range | tuple[Value, ...]) -> Value:
    if not isinstance(of_field, Range):
        # By place: Optuna's choices are numbers, words and truths, and a list of names is a choice too.
        place: int = trial.suggest_categorical(field, list(range(len(of_field))))
        return of_field[place]
    low, high, step = of_field.low, of_field.high, of_field.step
    if of_field.is_whole:
        whole: int = trial.suggest_int(field, int(low), int(high), step=int(step or 1), log=of_field.log)
        return whole
    number: float = trial.suggest_float(field, low, high, step=step, log=of_field.log)
    return number
