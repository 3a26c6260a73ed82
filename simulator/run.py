"""`simulate`: a network on an accelerator. Joins workloads, mapping and hardware; what each does is theirs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread

from simulator.choices import (
    Goal,
    Mappings,
    densities_of,
    given_mappings,
    goal_of,
    machine_of,
    notes_of,
    open_network,
    search_mapping,
)
from simulator.errors import SpecError, WorkerError
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult, Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Workload

Progress = Callable[[str, int, int], None]


def simulate(
    network: str | Path | Workload,
    *,
    accelerator: str | Path | Accelerator = "eyeriss-v1",
    batch: int | None = None,
    layers: Sequence[str] | None = None,
    images: Path | None = None,
    mapping: str | Path | Mappings | None = None,
    objective: str | None = None,
    energy: str | Path | None = None,
    seed: int = 0,
    functional: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> NetworkResult:
    """Simulate a network, layer by layer, on real or synthetic tensors.

    network      a built-in name, an .onnx model, a layer trace (.npz), a SCALE-Sim topology (.csv), or a Workload,
                 which has its batch, layers, images and seed already
    accelerator  a shipped name, a TOML file, or an Accelerator
    mapping      a published set, a TOML file or a mapping for each layer's name; by default each layer's is searched
    objective    what the search makes least: "energy" (the default), "latency" or "edp", for zeros of the densities
                 that the tensors were drawn from, or have
    energy       a file with an energy table in place of the accelerator's own
    functional   step every pass with its values and compare each ofmap with the integer convolution, bit for bit
    jobs         worker processes, a layer at a time; the result is the same for any number. They are spawned, so a
                 script that asks for more than one needs `if __name__ == "__main__":`
    progress     called with (layer, passes done, passes); with several jobs, once a layer

    Raises PicojouleError for input that cannot be used.
    """
    if jobs < 1:
        raise SpecError(f"jobs: {jobs} worker processes; give at least 1")
    machine, goal = machine_of(accelerator, energy), goal_of(objective)
    workload = open_network(network, batch=batch, layers=layers, images=images, seed=seed)
    given = given_mappings(workload.layers, mapping, objective)
    tasks = [
        _LayerTask(layer=layer, workload=workload, mapping=of_layer or goal, accelerator=machine, functional=functional)
        for layer, of_layer in zip(workload.layers, given, strict=True)
    ]
    outcomes = tuple(_run_here(tasks, progress) if jobs == 1 else _run_in_workers(tasks, jobs, progress))
    results = tuple(outcome.result for outcome in outcomes)
    return NetworkResult(
        network=workload.name,
        method=Method.SIMULATED,
        arch=machine.name,
        batch=workload.batch,
        provenance=workload.provenance,
        layers=results,
        notes=(*notes_of(workload, results), *_zeroed_notes(outcomes)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LayerTask:
    """All that one layer's run depends on; goes to a worker process."""

    layer: Layer
    workload: Workload
    mapping: RowStationaryMapping | Goal
    accelerator: Accelerator
    functional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    result: LayerResult
    zeroed: tuple[int, int, int]


def _run_here(tasks: Sequence[_LayerTask], progress: Progress | None) -> Iterator[_Outcome]:
    return (_run(task, progress) for task in tasks)


def _run(task: _LayerTask, progress: Progress | None = None) -> _Outcome:
    tensors = task.workload.tensors_of(task.layer)
    name = task.layer.name
    result = simulate_layer(
        task.layer,
        tensors,
        _mapping(task, tensors),
        task.accelerator,
        functional=task.functional,
        progress=None if progress is None else lambda done, total: progress(name, done, total),
    )
    return _Outcome(result=result, zeroed=tensors.zeroed)


def _mapping(task: _LayerTask, tensors: LayerTensors) -> RowStationaryMapping:
    if isinstance(task.mapping, RowStationaryMapping):
        return task.mapping
    return search_mapping(task.layer, densities_of(task.layer, task.workload, tensors), task.accelerator, task.mapping)


def _run_in_workers(tasks: Sequence[_LayerTask], jobs: int, progress: Progress | None) -> list[_Outcome]:
    """A terminal sends Ctrl-C to every process: the workers leave it to this one, which ends them as after an error."""
    others = set(active_children())
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn"))
    try:
        with interrupts_ignored():  # workers start with the first task, and inherit this
            futures = [pool.submit(_run, task) for task in tasks]
        _await(futures, progress)
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise WorkerError(
            f"jobs: one of {jobs} workers ended before its layer did, most likely for want of memory; give fewer "
            'jobs. (In a script of your own, workers need `if __name__ == "__main__":` around the call)'
        ) from None
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """In the main thread; Python lets no other thread change it."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal(SIGINT, SIG_IGN)
    try:
        yield
    finally:
        signal(SIGINT, before)


def _await(futures: Sequence[Future[_Outcome]], progress: Progress | None) -> None:
    """Until all are done, or the first has failed."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result().result
            if progress is not None:
                progress(result.layer.name, result.passes, result.passes)


def _zeroed_notes(outcomes: Sequence[_Outcome]) -> Iterator[str]:
    for index, name in enumerate(("ifmap", "filter", "ofmap")):
        zeroed = [f"{each.result.layer.name} {each.zeroed[index]}" for each in outcomes if each.zeroed[index]]
        if zeroed:
            yield f"{name} values that 16 bits round to zero: {', '.join(zeroed)}"
