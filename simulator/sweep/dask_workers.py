"""Points on a Dask cluster, whose scheduler and workers were started with Dask's own commands.

Dask sends what a dead worker had in hand to another one, and gives a point up that several workers died of. It pickles
what it sends: use a cluster, and a network, that you trust.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self

from simulator.errors import WorkerError
from simulator.sweep.evaluate import Outcome, Task, evaluate
from simulator.sweep.workers import lost

_SECONDS_TO_CONNECT = 10
_IN_FLIGHT = 2000
"""Tasks that the scheduler holds at one time, if it has no more than half as many threads."""


class DaskCluster:
    """The workers of the scheduler at an address, such as tcp://10.0.0.1:8786. Raises WorkerError."""

    def __init__(self, address: str) -> None:
        if not re.fullmatch(r"(\w+://)?\S+:\d+", address):
            raise WorkerError(f"--cluster {address}: is no address; give one such as tcp://10.0.0.1:8786")
        self._address = address
        self._client: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        client = self._connected()
        from distributed import as_completed

        waiting, running = iter(tasks), dict[str, Task]()
        ended = as_completed([], loop=client.loop)

        def submit(count: int) -> None:
            for task in islice(waiting, count):
                future = client.submit(evaluate, task, pure=False)
                running[future.key] = task
                ended.add(future)

        submit(max(_IN_FLIGHT, 2 * sum(client.nthreads().values())))
        for future in ended:
            yield running.pop(future.key), self._outcome(future)
            submit(1)

    def _connected(self) -> Any:
        if self._client is None:
            try:
                from distributed import Client
            except ModuleNotFoundError as error:
                raise WorkerError(
                    f"--cluster: needs the package {error.name!r}, which is not installed; "
                    "pip install 'picojoule[distributed]'"
                ) from None
            try:
                self._client = Client(self._address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
            except (OSError, ValueError) as error:
                raise WorkerError(
                    f"--cluster {self._address}: no Dask scheduler answers there ({error}); start one with "
                    "`dask scheduler`, and give the address that it prints"
                ) from None
        return self._client

    def _outcome(self, future: Any) -> Outcome:
        from distributed import KilledWorker

        try:
            outcome: Outcome = future.result()
        except KilledWorker as error:
            return lost(error.allowed_failures + 1)
        except ModuleNotFoundError as error:
            raise WorkerError(
                f"--cluster {self._address}: a worker has no {error.name!r}; install the same picojoule on all of them"
            ) from None
        if future.cancelled():
            raise WorkerError(f"--cluster {self._address}: the scheduler went away; run the sweep again, it goes on")
        return outcome
