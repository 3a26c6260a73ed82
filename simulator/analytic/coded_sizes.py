"""How many bits do the words there are take as they move, stream by stream? Exact, for one mapping."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from simulator.analytic.coding import Coding, Ints, pairs_per_word
from simulator.analytic.cuts import cut, ofmap_groups, stored_rows
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import RunLengthCode
from simulator.spec.layer import Layer
from simulator.spec.tensors import Words

Nonzero = npt.NDArray[np.bool_]
_BLOCK_WORDS = 1 << 21  # looked at together: their positions take 8 bytes each


class WordBits:
    """Bits of streams of words of one width, coded one way."""

    def __init__(self, code: RunLengthCode, coding: Coding, word_bits: int) -> None:
        self._coding, self._word_bits = coding, word_bits
        self._longest_pair, self._link_bits = 1 << code.run_bits, code.word_bits
        self._pairs = pairs_per_word(code, word_bits)

    def __call__(self, nonzero: Nonzero, starts: Ints) -> int:
        """All streams together: stream i is nonzero[starts[i]:starts[i + 1]]."""
        if self._coding is Coding.SIGNIFICANCE_MAP:
            return nonzero.size + self._word_bits * int(np.count_nonzero(nonzero))
        pairs = run_length_pairs(nonzero, starts, self._longest_pair)
        return int((-(-pairs // self._pairs)).sum()) * self._link_bits


def run_length_pairs(nonzero: Nonzero, starts: Ints, longest_pair: int) -> Ints:
    """Pairs of each stream nonzero[starts[i]:starts[i + 1]].

    One for each non-zero word, and one more for each `longest_pair` zeros before it; what zeros are left at the end
    take theirs, the last one not full.
    """
    positions = np.flatnonzero(nonzero)
    ends = np.searchsorted(positions, starts)
    counts = np.diff(ends)
    begins, is_empty = starts[:-1], counts == 0
    before = np.empty_like(positions)
    before[1:] = positions[:-1]
    before[ends[:-1][~is_empty]] = begins[~is_empty] - 1
    gaps = positions - before - 1
    long = np.flatnonzero(gaps >= longest_pair)
    stream = np.searchsorted(ends[1:], long, side="right")
    full = np.bincount(stream, gaps[long] // longest_pair, len(begins)).astype(np.int64)
    last = begins - 1
    last[~is_empty] = positions[ends[1:][~is_empty] - 1]
    trailing = starts[1:] - 1 - last
    return np.asarray(counts + full - (-trailing // longest_pair), np.int64)


def ifmap_strip_bits(layer: Layer, ifmap: Words, e: int, bits: WordBits) -> int:
    """Every channel's rows of every strip, halo again, each loaded once."""
    strips = [range(start, min(start + e, layer.E)) for start in range(0, layer.E, e)]
    return _strip_bits(ifmap, [stored_rows(layer, rows) for rows in strips], bits)


def ofmap_strip_bits(layer: Layer, ofmap: Words, e: int, bits: WordBits) -> int:
    """Every channel's rows of every strip."""
    return _strip_bits(ofmap, [range(start, min(start + e, layer.E)) for start in range(0, layer.E, e)], bits)


def filter_pass_bits(layer: Layer, filters: Words, mapping: RowStationaryMapping, bits: WordBits) -> int:
    """Every pass's filters of every group, one stream each, brought once."""
    rows = filters.reshape(layer.M, -1)
    return sum(
        bits(*_streams_of(rows[starts[0] : starts[-1], words], starts, passes))
        for words, passes in _channels_of_passes(layer, mapping)
        for starts in _blocks(_filters_of_passes(layer, mapping), rows.shape[1])
    )


def _strip_bits(words: Words, strips: list[range], bits: WordBits) -> int:
    planes = words.reshape(-1, *words.shape[2:])
    total = 0
    for rows in filter(len, strips):
        step = max(1, _BLOCK_WORDS // (len(rows) * words.shape[3]))
        for start in range(0, len(planes), step):
            nonzero = planes[start : start + step, rows.start : rows.stop] != 0
            total += bits(nonzero.ravel(), np.arange(len(nonzero) + 1) * (len(rows) * words.shape[3]))
    return total


def _channels_of_passes(layer: Layer, mapping: RowStationaryMapping) -> Iterator[tuple[slice, int]]:
    """Words of a filter that passes of one size take, and how many passes share them."""
    channels = cut(layer.C // layer.G, mapping.q, mapping.r)
    start = 0
    for size, passes in channels.parts:
        stop = start + size * passes * layer.R * layer.S
        yield slice(start, stop), passes
        start = stop


def _filters_of_passes(layer: Layer, mapping: RowStationaryMapping) -> Ints:
    """Where the filters of each pass begin among all M, and M."""
    full, last = ofmap_groups(layer, mapping)
    sizes = [size for m in (*[mapping.m] * full, last) for size in _pass_sizes(m, mapping)]
    return np.append(0, np.cumsum(np.tile(sizes, layer.G)))


def _pass_sizes(m: int, mapping: RowStationaryMapping) -> list[int]:
    return [size for size, times in cut(m, mapping.p, mapping.t).parts for _ in range(times)]


def _blocks(starts: Ints, row_words: int) -> Iterator[Ints]:
    """Runs of passes that are looked at together: a block of words, or one pass."""
    at, filters = 0, _BLOCK_WORDS // row_words
    while at < len(starts) - 1:
        stop = max(at + 1, int(np.searchsorted(starts, starts[at] + filters, side="right")) - 1)
        yield starts[at : stop + 1]
        at = stop


def _streams_of(words: Words, starts: Ints, times: int) -> tuple[Nonzero, Ints]:
    """Each pass's rows, of the first of so many pieces of every row, then of the next: words and starts of streams."""
    pieces = (words != 0).reshape(len(words), times, -1).transpose(1, 0, 2)
    begins = np.arange(times)[:, None] * len(words) + starts[:-1] - starts[0]
    return pieces.ravel(), np.append(begins, times * len(words)) * pieces.shape[2]
