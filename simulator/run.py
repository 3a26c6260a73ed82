"""`simulate`: a network on an accelerator. Joins workloads, mapping and hardware; what each does is theirs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread

from simulator.analytic.mapping_cost import dense_objective
from simulator.errors import MappingError, SpecError, WorkerError
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.fold import find_fold, fold_layer
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.workload import Workload

Progress = Callable[[str, int, int], None]


def simulate(
    network: str | Path | Workload,
    *,
    accelerator: str | Path | Accelerator = "eyeriss-v1",
    batch: int | None = None,
    layers: Sequence[str] | None = None,
    images: Path | None = None,
    mapping: str | Path | None = None,
    seed: int = 0,
    functional: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> NetworkResult:
    """Simulate a network, layer by layer, on real or synthetic tensors.

    network      a built-in name, an .onnx model, a layer trace (.npz), a SCALE-Sim topology (.csv), or a Workload,
                 which has its batch, layers, images and seed already
    accelerator  a shipped name, a TOML file, or an Accelerator
    mapping      a published set or a TOML file; by default each layer's mapping of least energy for dense tensors
    functional   step every pass with its values and compare each ofmap with the integer convolution, bit for bit
    jobs         worker processes, a layer at a time; the result is the same for any number. They are spawned, so a
                 script that asks for more than one needs `if __name__ == "__main__":`
    progress     called with (layer, passes done, passes); with several jobs, once a layer

    Raises PicojouleError for input that cannot be used.
    """
    if jobs < 1:
        raise SpecError(f"jobs: {jobs} worker processes; give at least 1")
    machine = accelerator if isinstance(accelerator, Accelerator) else load_accelerator(accelerator)
    workload = _workload(network, batch, layers, images, seed)
    tasks = [
        _LayerTask(layer=layer, workload=workload, mapping=chosen, accelerator=machine, functional=functional)
        for layer, chosen in zip(workload.layers, choose_mappings(workload.layers, machine, mapping), strict=True)
    ]
    outcomes = tuple(_run_here(tasks, progress) if jobs == 1 else _run_in_workers(tasks, jobs, progress))
    return NetworkResult(
        network=workload.name,
        arch=machine.name,
        batch=workload.batch,
        provenance=workload.provenance,
        layers=tuple(outcome.result for outcome in outcomes),
        notes=(*_notes(workload, outcomes), *workload.notes),
    )


def choose_mappings(
    layers: Sequence[Layer], accelerator: Accelerator, mapping: str | Path | None
) -> tuple[RowStationaryMapping, ...]:
    """One mapping a layer: from a published set or file, else by search. Raises MappingError if a layer has none."""
    if mapping is None:
        found: dict[Layer, RowStationaryMapping] = {}
        return tuple(_least_energy_mapping(layer, accelerator, found) for layer in layers)
    table = load_mappings(mapping)
    return tuple(_named_mapping(layer, table, str(mapping)) for layer in layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LayerTask:
    """All that one layer's run depends on; goes to a worker process."""

    layer: Layer
    workload: Workload
    mapping: RowStationaryMapping
    accelerator: Accelerator
    functional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    result: LayerResult
    zeroed: tuple[int, int, int]


def _workload(
    network: str | Path | Workload, batch: int | None, layers: Sequence[str] | None, images: Path | None, seed: int
) -> Workload:
    if isinstance(network, Workload):
        if (batch, layers, images, seed) != (None, None, None, 0):
            raise SpecError(
                f"{network.name}: a Workload has its batch, layers, images and seed already; give them to open_workload"
            )
        return network
    # workloads imports simulator.spec: importing it here, when it is used, keeps the two packages free of a cycle.
    from workloads import open_workload

    return open_workload(network, batch=batch, layers=layers, images=images, seed=seed)


def _least_energy_mapping(
    layer: Layer, accelerator: Accelerator, found: dict[Layer, RowStationaryMapping]
) -> RowStationaryMapping:
    fold = find_fold(layer, accelerator)
    run = fold_layer(layer, fold) if fold.is_needed else layer
    shape = replace(run, name="")  # networks repeat layers: the same shape has the same mapping
    if shape not in found:
        found[shape] = find_mapping(run, accelerator, dense_objective(run, accelerator))
    return found[shape]


def _named_mapping(layer: Layer, table: Mapping[str, RowStationaryMapping], where: str) -> RowStationaryMapping:
    if layer.name not in table:
        raise MappingError(
            f"{where}: no mapping for layer {layer.name}, only for {', '.join(table)}; add a table [{layer.name}], "
            "choose layers, or leave the mapping to the search"
        )
    return table[layer.name]


def _run_here(tasks: Sequence[_LayerTask], progress: Progress | None) -> Iterator[_Outcome]:
    return (_run(task, progress) for task in tasks)


def _run(task: _LayerTask, progress: Progress | None = None) -> _Outcome:
    tensors = task.workload.tensors_of(task.layer)
    name = task.layer.name
    result = simulate_layer(
        task.layer,
        tensors,
        task.mapping,
        task.accelerator,
        functional=task.functional,
        progress=None if progress is None else lambda done, total: progress(name, done, total),
    )
    return _Outcome(result=result, zeroed=tensors.zeroed)


def _run_in_workers(tasks: Sequence[_LayerTask], jobs: int, progress: Progress | None) -> list[_Outcome]:
    """A terminal sends Ctrl-C to every process: the workers leave it to this one, which ends them as after an error."""
    others = set(active_children())
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn"))
    try:
        with _interrupts_ignored():  # workers start with the first task, and inherit this
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
def _interrupts_ignored() -> Iterator[None]:
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


def _notes(workload: Workload, outcomes: Sequence[_Outcome]) -> Iterator[str]:
    if workload.not_costed:
        yield f"not costed: {', '.join(workload.not_costed)}"
    for index, name in enumerate(("ifmap", "filter", "ofmap")):
        zeroed = [f"{each.result.layer.name} {each.zeroed[index]}" for each in outcomes if each.zeroed[index]]
        if zeroed:
            yield f"{name} values that 16 bits round to zero: {', '.join(zeroed)}"
    folded = [each.result.layer.name for each in outcomes if each.result.is_folded]
    if folded:
        yield f"run folded, beyond the chip's filter size (DEVIATIONS): {', '.join(folded)}"
