"""Into how many passes, sets and strips does a mapping cut a layer, and of which sizes?

The same formulas for one mapping and for many: with ints for a RowStationaryMapping, with int64 arrays for a
MappingGrid. One mapping costs microseconds so.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from simulator.analytic.coding import Floats, Ints, StreamBits
from simulator.spec.layer import Layer

Count = TypeVar("Count", int, Ints)
Count_co = TypeVar("Count_co", int, Ints, covariant=True)
Amount = float | npt.NDArray[np.number[Any]]
"""Of one mapping or of many: a count, or the expectation of one."""
Streams = tuple[tuple[int, int], ...]
"""(words, how many streams have so many)."""


class Mappings(Protocol[Count_co]):
    """One mapping, or many at once."""

    @property
    def m(self) -> Count_co: ...
    @property
    def n(self) -> Count_co: ...
    @property
    def e(self) -> Count_co: ...
    @property
    def p(self) -> Count_co: ...
    @property
    def q(self) -> Count_co: ...
    @property
    def r(self) -> Count_co: ...
    @property
    def t(self) -> Count_co: ...


class Cut(NamedTuple, Generic[Count]):
    """Channels or filters cut into passes of `interleaved` in each of so many sets: up to three sizes, each `times`."""

    sizes: tuple[Count, Count, Count]
    times: tuple[Count, Count, Count]
    sets: Count
    """Sets at work, over all passes."""

    @property
    def passes(self) -> Count:
        return self.times[0] + self.times[1] + self.times[2]

    @property
    def parts(self) -> list[tuple[Count, Count]]:
        """(size, times) of the passes that there are."""
        parts = zip(self.sizes, self.times, strict=True)
        return [(size, times) for size, times in parts if not (isinstance(times, int) and times == 0)]


def cut(whole: int | Count, interleaved: Count, sets: Count) -> Cut[Count]:
    """Passes of interleaved*sets, one of as many full sets as remain, one of the rest."""
    size = interleaved * sets
    remainder = whole % size
    rest = remainder % interleaved
    some = remainder - rest
    return Cut((size, some, rest), (whole // size, (some > 0) * 1, (rest > 0) * 1), -(-whole // interleaved))


def ofmap_groups(layer: Layer, mapping: Mappings[Count]) -> tuple[Count, Count]:
    """Full groups of m ofmap channels before the last one, and the channels of that."""
    filters = layer.M // layer.G
    full = -(-filters // mapping.m) - 1
    return full, filters - full * mapping.m


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """One channel's words in all strips of a height: brought from DRAM and leaving for it, strip by strip, and sent
    into the array."""

    stored: Streams
    ofmap: Streams
    stored_words: int
    sent_words: int


@lru_cache(maxsize=1 << 14)
def strips_of(layer: Layer, e: int) -> Strips:
    """All strips of e ofmap rows."""
    stored: dict[int, int] = {}
    ofmap: dict[int, int] = {}
    sent_rows, F = 0, layer.F
    for rows, times in _unlike_strips(layer, e):
        words, outputs = len(stored_rows(layer, rows)) * layer.W, len(rows) * F
        stored[words] = stored.get(words, 0) + times
        ofmap[outputs] = ofmap.get(outputs, 0) + times
        sent_rows += times * _rows_sent(layer, rows)
    return Strips(
        stored=tuple(stored.items()),
        ofmap=tuple(ofmap.items()),
        stored_words=sum(words * times for words, times in stored.items()),
        sent_words=sent_rows * _columns_sent(layer),
    )


def _unlike_strips(layer: Layer, e: int) -> list[tuple[range, int]]:
    """Strips and how many are like them, from the top: those in a row that are whole and away from the ifmap's edges
    are alike."""
    E, top = layer.E, layer.padding[0]
    first = min(-(-top // (layer.U * e)), -(-E // e))
    last_row = (layer.H + top - layer.R) // layer.U  # the last ofmap row whose windows end within the ifmap
    end = max(first, min(E, last_row + 1) // e)
    ones = [(range(start, min(start + e, E)), 1) for start in (*range(0, first * e, e), *range(end * e, E, e))]
    alike = [(range(first * e, first * e + e), end - first)] if end > first else []
    return [*ones[:first], *alike, *ones[first:]]


def stored_rows(layer: Layer, rows: range) -> range:
    """Ifmap rows that a strip of ofmap rows needs from DRAM: all that its windows span, padding not."""
    first = max(0, rows.start * layer.U - layer.padding[0])
    return range(first, min(layer.H, (rows.stop - 1) * layer.U + layer.R - layer.padding[0]))


def strip_words(layer: Layer, e: Count, field: str) -> Count:
    """`stored_words` or `sent_words` of the strips of each height."""
    if isinstance(e, int):
        words: int = getattr(strips_of(layer, e), field)
        return words
    sums = np.zeros(layer.E + 1, np.int64)
    for height in np.flatnonzero(np.bincount(e)).tolist():
        sums[height] = getattr(strips_of(layer, height), field)
    return sums[e]


def strip_bits(layer: Layer, e: int | Ints, field: str, bits: StreamBits) -> float | Floats:
    """Coded bits of the `stored` or `ofmap` streams of one channel in all strips of each height."""
    if isinstance(e, int):
        streams: Streams = getattr(strips_of(layer, e), field)
        return sum(times * bits(words) for words, times in streams)
    heights = np.flatnonzero(np.bincount(e))
    of_heights: list[Streams] = [getattr(strips_of(layer, height), field) for height in heights.tolist()]
    sizes = np.zeros((2, len(heights), max(map(len, of_heights))), np.int64)
    for row, streams in enumerate(of_heights):
        sizes[:, row, : len(streams)] = np.array(streams).T
    sums = np.zeros(layer.E + 1)
    sums[heights] = (bits(sizes[0]) * sizes[1]).sum(axis=1)
    return sums[e]


def _rows_sent(layer: Layer, rows: range) -> int:
    """Rows of words that a strip's PEs take, each counted once, padding not."""
    return _met(rows, layer.U, layer.R, layer.padding[0], layer.H)


@lru_cache(maxsize=1 << 10)
def _columns_sent(layer: Layer) -> int:
    return _met(range(layer.F), layer.V, layer.S, layer.padding[1], layer.W)


def _met(positions: range, stride: int, taps: int, before: int, size: int) -> int:
    """Coordinates before..before+size-1 that a window of so many taps meets, a stride apart."""
    first = positions.start * stride - before
    if stride <= taps:
        return max(0, min((positions.stop - 1) * stride + taps - before, size) - max(first, 0))
    return sum(positions_on_words(first + tap, stride, len(positions), size) for tap in range(taps))


def positions_on_words(start: int, stride: int, positions: int, size: int) -> int:
    """How many of start, start + stride … lie in 0..size-1, of so many."""
    first, end = max(0, -(start // stride)), min(positions, -(-(size - start) // stride))
    return max(0, end - first)
