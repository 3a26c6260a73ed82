"""Who runs the points? This process, processes of this machine, or a Dask cluster (dask_workers.py).

All are handed tasks and hand back outcomes, in whatever order they come about; nobody but the caller keeps anything, so
that a worker that dies loses the points in its hands and no more. Those are run again.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, connection, get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Protocol, Self

from simulator.run import interrupts_ignored
from simulator.sweep.evaluate import Outcome, Task, evaluate

ATTEMPTS = 3
"""Of a point that is run alone, after its worker died among others."""


class Workers(Protocol):
    """Whoever runs points; `with` ends them, at once if it ends with an error."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as they end."""


class ThisProcess:
    """Runs one point after the other, here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        for task in tasks:
            yield task, evaluate(task)


class LocalProcesses:
    """Processes of this machine.

    When one of them dies, `concurrent.futures` gives up all of its pool, and cannot tell which point did it. So a new
    pool goes on with the others, and every point that was in hand is run again at the end, alone: whoever kills its
    worker then is known.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._others = set(active_children())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for worker in set(active_children()) - self._others:
                worker.terminate()
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        waiting, suspects = deque(tasks), list[Task]()
        running: dict[Future[Outcome], Task] = {}
        while waiting or running:
            while waiting and len(running) < 2 * self._count:  # one in hand and one at hand for each
                task = waiting.popleft()
                running[self._submit(task)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                outcome = _outcome(future)
                if outcome is None:
                    suspects.append(task)
                else:
                    yield task, outcome
        for task in suspects:
            yield task, self._alone(task)

    def _alone(self, task: Task) -> Outcome:
        for _ in range(ATTEMPTS):
            outcome = _outcome(self._submit(task))
            if outcome is not None:
                return outcome
        return lost(ATTEMPTS)

    def _submit(self, task: Task) -> Future[Outcome]:
        """To the pool, or to a new one if a worker of that has died."""
        while True:
            if self._pool is None:
                spawn = get_context("spawn")
                self._pool = ProcessPoolExecutor(self._count, mp_context=spawn, initializer=_end_with_parent)
            try:
                with interrupts_ignored():  # by the workers, which start here: Ctrl-C is for who started the sweep
                    return self._pool.submit(evaluate, task)
            except BrokenProcessPool:
                self._pool = None


def lost(attempts: int) -> Outcome:
    """Of a point that ends whoever runs it: another machine, or more memory, may still do it."""
    return Outcome(
        reason=f"its worker ended {attempts} times, most likely for want of memory; use fewer workers, and go on",
        is_final=False,
    )


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """None if the worker died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _end_with_parent() -> None:
    """A worker that waits for tasks does not see that nobody is left to send any."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_when_ready, args=(parent.sentinel,), daemon=True).start()


def _end_when_ready(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
