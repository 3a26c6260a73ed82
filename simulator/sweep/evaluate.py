"""What does one point cost? What a worker is sent, what it does with it, and what it sends back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from simulator.choices import open_network
from simulator.errors import ConservationError, PicojouleError, WorkerError
from simulator.estimation import estimate
from simulator.run import simulate
from simulator.spec.accelerator import Accelerator
from simulator.spec.bits import with_bits
from simulator.spec.load import accelerator_sha256
from simulator.spec.workload import Workload
from simulator.sweep.code_identity import code_sha256, sources_sha256

Way = Literal["estimate", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadChoice:
    """Which layers run on which words: everything but the machine."""

    network: str
    batch: int | None
    layers: tuple[str, ...] | None
    bits: str | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One point, with all that determines it; goes to a worker.

    key              SHA-256 of what determines the result
    workload_sha256  of what the choice meant where the sweep was started: a file may be another one elsewhere
    sources          SHA-256 of the code that the sweep was started with
    """

    key: str
    choice: WorkloadChoice
    workload_sha256: str
    accelerator: Accelerator
    by: Way
    objective: str
    sources: str


def task_of(choice: WorkloadChoice, accelerator: Accelerator, *, by: Way, objective: str) -> Task:
    """The task of a point, its key included. Raises PicojouleError for a network that cannot be opened."""
    _, digest = opened(choice)
    determines = {
        "accelerator": accelerator_sha256(accelerator),
        "workload": digest,
        "by": by,
        "objective": objective,
        "code": code_sha256(),
    }
    return Task(
        key=hashlib.sha256(json.dumps(determines).encode()).hexdigest(),
        choice=choice,
        workload_sha256=digest,
        accelerator=accelerator,
        by=by,
        objective=objective,
        sources=sources_sha256(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Figures, or the reason why there are none.

    figures   total of the network, as the JSON object of a run has it, nested fields with a dot
    is_final  the same would come of it again. Not so if a worker was lost: then nothing is stored
    """

    figures: Mapping[str, int | float] | None = None
    reason: str | None = None
    is_final: bool = True


def evaluate(task: Task) -> Outcome:
    """Run a point. A machine that cannot run the network is an outcome, with its reason.

    Raises WorkerError where this is not the picojoule, or the network's file not the file, of who started the sweep.
    """
    if task.sources != sources_sha256():
        raise WorkerError("cluster: a worker runs another picojoule, numpy or simpy than this one; install the same")
    workload, digest = opened(task.choice)
    if digest != task.workload_sha256:
        raise WorkerError(f"{task.choice.network}: is another file where a worker runs; give all workers the same one")
    try:
        return Outcome(figures=_figures(task, workload))
    except ConservationError:
        raise
    except PicojouleError as error:
        return Outcome(reason=" ".join(str(error).split()))
    except MemoryError:
        return Outcome(reason="not enough memory; lower the batch, or use fewer workers", is_final=False)


@lru_cache(maxsize=16)
def opened(choice: WorkloadChoice) -> tuple[Workload, str]:
    """The workload and the SHA-256 of what determines it. Raises PicojouleError."""
    workload = open_network(choice.network, batch=choice.batch, layers=choice.layers, images=None, seed=choice.seed)
    if choice.bits is not None:
        workload = replace(workload, layers=with_bits(workload.layers, choice.bits))
    determines = [workload.provenance.sha256, *(asdict(layer) for layer in workload.layers)]
    return workload, hashlib.sha256(json.dumps(determines).encode()).hexdigest()


def _figures(task: Task, workload: Workload) -> dict[str, int | float]:
    run = estimate if task.by == "estimate" else simulate
    result = run(workload, accelerator=task.accelerator, objective=task.objective)
    return dict(_flat(result.total()))


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Mapping[str, int | float]:
    flat: dict[str, int | float] = {}
    for name, value in fields.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
