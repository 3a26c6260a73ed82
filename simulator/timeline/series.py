"""Amounts that come over time, added up between the moments at which a counter is drawn."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_LEAST_STEP, _MOST_STEPS = 16, 1 << 14


def step_of(cycles: int) -> int:
    """Cycles between the values of a counter over so many cycles in all: a power of two that leaves few enough."""
    step = _LEAST_STEP
    while step * _MOST_STEPS < cycles:
        step *= 2
    return step


class Series:
    """Amounts between `edges`, cycles of which each is `step` after the last, except the last one itself."""

    def __init__(self, edges: Ints, step: int) -> None:
        self._edges, self._step = edges, step
        self._before = 0.0
        self._between = np.zeros(len(edges) - 1)

    def add(self, begin: int, amounts: npt.NDArray[np.float64] | Ints, scale: float = 1.0) -> None:
        """From cycle `begin` on: by cycle begin + k, amounts[k] * scale have come; the first of them is 0."""
        some = self._near(begin, begin + len(amounts) - 1)
        values = amounts[np.clip(self._edges[some] - begin, 0, len(amounts) - 1)]
        self._add(some, np.asarray(values * scale, np.float64))

    def add_evenly(self, begin: int, cycles: int, amount: float) -> None:
        """An amount, the same share of it in each of the cycles from `begin` on."""
        some = self._near(begin, begin + cycles)
        self._add(some, amount * np.clip(self._edges[some] - begin, 0, cycles) / cycles)

    @property
    def rates(self) -> Floats:
        """Mean amount a cycle from each edge to the next."""
        return np.asarray(self._between / np.diff(self._edges), np.float64)

    @property
    def totals(self) -> Floats:
        """All that has come by each edge but the last, from the beginning of time."""
        return self._before + np.concatenate(([0.0], np.cumsum(self._between)[:-1]))

    def _near(self, begin: int, end: int) -> slice:
        """The edges from the last one at or before `begin` to the first one at or after `end`."""
        first, last = self._edges[0], len(self._edges) - 1
        low = min(max((begin - first) // self._step, 0), last)
        high = min(max(-((first - end) // self._step), 0), last)
        return slice(int(low), int(high) + 1)

    def _add(self, some: slice, values: Floats) -> None:
        if some.start == 0:
            self._before += float(values[0])
        self._between[some.start : some.stop - 1] += np.diff(values)
