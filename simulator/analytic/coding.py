"""How many bits does a stream take as it moves: raw, run-length coded, or behind a map of its non-zero words?

Expected sizes, from a density: each word of a stream is non-zero with that probability, independently of the others.
"""

from cmath import rect
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise, repeat, zip_longest
from math import ceil, exp, expm1, log, log1p, pi
from operator import mul
from typing import Any, Protocol, overload

import numpy as np
import numpy.typing as npt

from simulator.spec.accelerator import Accelerator, RunLengthCode
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_SHORTEST_TABLE, _LONGEST_TABLE = 1 << 9, 1 << 16
_SETTLED = 1e-11
"""Link words between a table's end and its asymptote, from where on the asymptote does."""
_NEVER = 1e-17
"""Probability of a pair as long as can be, from which down there are none: a float beside 1 does not tell."""
_FADED = 0.5
"""The same, from which down the longest pairs no longer set the mean."""


class Coding(StrEnum):
    """How tensors that move coded are coded. Which tensors do is the machine's to say (accelerator.compression)."""

    RUN_LENGTH = "run_length"
    """Pairs of run and level, as on the chip."""
    SIGNIFICANCE_MAP = "significance_map"
    """A bit for each word, and the words that are not zero: the analytic variant of Asilomar 2017."""


class StreamBits(Protocol):
    """Expected bits of one stream of so many words: a float for an int, float64 of their shape for an array."""

    @overload
    def __call__(self, words: int, /) -> float: ...
    @overload
    def __call__(self, words: Ints, /) -> Floats: ...
    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStreams:
    """What codes each tensor of a layer on its way over the DRAM link."""

    ifmap: StreamBits
    filters: StreamBits
    ofmap: StreamBits


def layer_streams(
    layer: Layer, densities: Densities, accelerator: Accelerator, coding: Coding = Coding.RUN_LENGTH
) -> LayerStreams:
    """The coders of a layer's tensors on a machine: raw where the machine does not code the tensor."""
    code = accelerator.compression

    def stream(is_coded: bool, word_bits: int, density: float) -> StreamBits:
        if not is_coded:
            return raw(word_bits)
        if coding is Coding.SIGNIFICANCE_MAP:
            return significance_map(word_bits, density)
        return run_length(code, density, level_bits=word_bits)

    return LayerStreams(
        ifmap=stream(code.codes_ifmap(from_input=layer.from_input), layer.ifmap_bits, densities.ifmap),
        filters=stream(code.filter, layer.filter_bits, densities.filters),
        ofmap=stream(code.ofmap, layer.ifmap_bits, densities.ofmap),
    )


def raw(word_bits: int) -> StreamBits:
    """Every word as it is."""
    return _Proportional(bits_per_word=float(word_bits))


def significance_map(word_bits: int, density: float) -> StreamBits:
    """A bit for a zero, 1 + word_bits for any other word."""
    return _Proportional(bits_per_word=1 + word_bits * density)


def run_length(code: RunLengthCode, density: float, *, level_bits: int | None = None) -> StreamBits:
    """Whole link words of pairs (zeros before, level). Words of another width than the code's are its levels then."""
    longest_pair, pairs = 1 << code.run_bits, pairs_per_word(code, level_bits)
    if density in (0, 1):
        return _Periodic(period=pairs * (longest_pair if density == 0 else 1), word_bits=code.word_bits)
    return _Renewing(longest_pair=longest_pair, pairs=pairs, density=float(density), word_bits=code.word_bits)


def pairs_per_word(code: RunLengthCode, level_bits: int | None = None) -> int:
    """Pairs that a link word holds beside its end bit, if levels have another width than the code's own."""
    if level_bits in (None, code.level_bits):
        return code.pairs
    return (code.word_bits - 1) // (code.run_bits + level_bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proportional:
    bits_per_word: float

    @overload
    def __call__(self, words: int, /) -> float: ...
    @overload
    def __call__(self, words: Ints, /) -> Floats: ...
    def __call__(self, words: int | Ints, /) -> float | Floats:
        if isinstance(words, int):
            return words * self.bits_per_word
        return np.multiply(words, self.bits_per_word, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Periodic:
    """A link word for each `period` words begun."""

    period: int
    word_bits: int

    @overload
    def __call__(self, words: int, /) -> float: ...
    @overload
    def __call__(self, words: Ints, /) -> Floats: ...
    def __call__(self, words: int | Ints, /) -> float | Floats:
        if isinstance(words, int):
            return float(-(-words // self.period) * self.word_bits)
        return np.multiply(-(-words // self.period), self.word_bits, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renewing:
    """Link words of a random stream: each begins where the `pairs` pairs of the one before it end.

    Exact, but for streams beyond 2**16 words of a density within about 1e-3 of 0 or 1e-4 of 1: these are off by less
    than one link word.
    """

    longest_pair: int
    pairs: int
    density: float
    word_bits: int

    @overload
    def __call__(self, words: int, /) -> float: ...
    @overload
    def __call__(self, words: Ints, /) -> Floats: ...
    def __call__(self, words: int | Ints, /) -> float | Floats:
        longest = words if isinstance(words, int) else int(words.max(initial=0))
        return self.word_bits * self._table(longest).link_words(words)

    def _table(self, longest: int) -> "_LinkWords":
        """A table that ends beyond the longest stream, or is so long that its asymptote does."""
        length = _SHORTEST_TABLE
        while True:
            table = _link_words(self.longest_pair, self.pairs, self.density, length)
            if length > longest or table.is_settled or length >= _LONGEST_TABLE:
                return table
            length *= 2


@dataclass(frozen=True, kw_only=True, eq=False)
class _LinkWords:
    """Expected link words of streams of 0, 1, 2 … words: `slope` a word and `offset`, and what fades as streams grow.

    ahead   link words that the pairs of the shortest streams fill beyond that; `fading` of it stays with every longest
            pair
    swings  what the last link word, which may not be full, takes beyond its mean, for each of the table's words
    """

    pairs: int
    longest_pair: int
    slope: float
    offset: float
    ahead: float
    fading: float
    swings: list[float]
    is_settled: bool

    @overload
    def link_words(self, words: int) -> float: ...
    @overload
    def link_words(self, words: Ints) -> Floats: ...
    def link_words(self, words: int | Ints) -> float | Floats:
        end = len(self.swings)
        if not isinstance(words, int):
            listed = self._table[np.minimum(words, end - 1)]
            return np.where(words < end, listed, words * self.slope + self.offset)
        if words <= self.pairs:
            return float(words > 0)  # exactly: a transfer takes a link word more for the least fraction of one
        return self._level(words) + self.swings[words] if words < end else words * self.slope + self.offset

    @cached_property
    def _table(self) -> Floats:
        words = np.arange(len(self.swings))
        return np.where(words <= self.pairs, words > 0, self._level(words) + self.swings)

    def _level(self, words: Any) -> Any:
        """Link words without the swings: of one stream, or of many."""
        ahead = self.ahead - (words - 1) % self.longest_pair * self.slope
        return words * self.slope + self.offset + self.fading ** -(-words // self.longest_pair) * ahead


@lru_cache(maxsize=1024)
def _link_words(longest_pair: int, pairs: int, density: float, length: int) -> _LinkWords:
    """Table of streams of less than `length` words, or of fewer if beyond them nothing is left of what fades.

    L words begin N pairs, of at most K words each, and ceil(N/pairs) link words. A pair begins at the first word, and
    at the nth after it with probability u(n) = density + q^K u(n-K), where q = 1 - density and u(n < 0) = 0. Their sum
    E[N] is L/mean + (K-1)/mean, less what is ahead and fades. What is left of the last link word is `_swings`.
    """
    beyond = longest_pair * log1p(-density)
    fading, ends = exp(beyond), -expm1(beyond)
    mean, short = ends / density, _short_of_longest(longest_pair, density)
    # (K-1)/mean less what is ahead, times mean * ends: one of two sums is lost to rounding, at either end of densities.
    over = mean - ends - longest_pair * fading if fading < _FADED else (longest_pair - 1) * ends - short
    swings = _swings(longest_pair, pairs, density, length)
    return _LinkWords(
        pairs=pairs,
        longest_pair=longest_pair,
        slope=1 / (pairs * mean),
        offset=(over / (mean * ends) + (pairs - 1) / 2) / pairs,
        ahead=short / (pairs * mean * ends),
        fading=fading,
        swings=swings,
        is_settled=len(swings) < length,
    )


def _short_of_longest(longest_pair: int, density: float) -> float:
    """longest_pair, a power of 2, less the mean of pairs: the sum of 1 - q^k over k from 0 up to longest_pair - 1.

    In doublings, as the difference itself is lost to rounding where next to no word is not zero.
    """
    short, words = 0.0, 1
    while words < longest_pair:
        beyond = -expm1(words * log1p(-density))
        short, words = short * (2 - beyond) + words * beyond, 2 * words
    return short


def _swings(longest_pair: int, pairs: int, density: float, length: int) -> list[float]:
    """Of streams of 0, 1, 2 … words: E[ceil(N/pairs) - N/pairs] less its mean over all remainders of N.

    ceil(N/m) - N/m is (m - 1)/2m less the sum of w^N / (1 - w)m over the roots of unity w that are not 1.
    """
    turns = [rect(1, 2 * pi * k / pairs) for k in range(1, pairs // 2 + 1)]
    shares = [(1 if 2 * k == pairs else 2) / pairs / (turn - 1) for k, turn in enumerate(turns, 1)]
    parts = [
        _swing(turn, share, (longest_pair, density), length)
        for turn, share in zip(turns or [0j], shares or [0j], strict=True)
    ]
    return parts[0] if len(parts) == 1 else [sum(part) for part in zip_longest(*parts, fillvalue=0.0)]


def _swing(turn: complex, share: complex, pair: tuple[int, float], length: int) -> list[float]:
    """Real part of share * E[turn^N], a longest pair of words at a time until that has faded.

    By its first pair, of X words, g(L) = E[turn^N] is turn * E[g(L-X)]. So g(L) is no more than the largest of the K
    before it, and g(L+1) = (q + turn*density) g(L) + turn*q^K (g(L+1-K) - g(L-K)) from g(L <= 0) = 1, g(1) = turn on.
    """
    longest, density = pair
    fading = faded = (1 - density) ** longest
    along, across, last = 1 - density + turn * density, turn * fading, share * turn
    if fading < _NEVER:
        # A density a rounding below 1 leaves |along| at 1: then it never fades within any length.
        settled = 2 + ceil(log(_SETTLED) / log(max(abs(along), _SETTLED))) if abs(along) < 1 else length
        powers = accumulate(repeat(along, min(length, settled) - 2), mul, initial=last)
        return [share.real, *(each.real for each in powers)]
    swing = [share, *accumulate(repeat(along, min(longest, length) - 1), mul, initial=last)]
    last = swing[-1]
    while len(swing) < length and max(faded, *map(abs, swing[-longest:])) > _SETTLED:
        for before, after in pairwise(swing[-longest - 1 :]):
            last = along * last + across * (after - before)
            swing.append(last)
        faded *= fading
    return [each.real for each in swing[:length]]
