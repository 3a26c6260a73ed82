"""How many bits does a stream take as it moves: raw, run-length coded, or behind a map of its non-zero words?

Expected sizes, from a density: each word of a stream is non-zero with that probability, independently of the others.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import expm1, log1p
from typing import Protocol, overload

import numpy as np
import numpy.typing as npt

from simulator.spec.accelerator import Accelerator, RunLengthCode
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_SHORTEST_TABLE, _LONGEST_TABLE = 1 << 9, 1 << 16
_SETTLED = 1e-8
"""Link words between a table's end and its asymptote, from where on the asymptote does."""


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
    return _Renewing(longest_pair=longest_pair, pairs=pairs, density=density, word_bits=code.word_bits)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LinkWords:
    """Expected link words of streams of 0, 1, 2 … words; beyond the table, `slope` a word and `offset`."""

    table: Floats
    slope: float
    offset: float
    is_settled: bool

    @overload
    def link_words(self, words: int) -> float: ...
    @overload
    def link_words(self, words: Ints) -> Floats: ...
    def link_words(self, words: int | Ints) -> float | Floats:
        if isinstance(words, int):
            return float(self.table[words]) if words < len(self.table) else words * self.slope + self.offset
        listed = self.table[np.minimum(words, len(self.table) - 1)]
        return np.where(words < len(self.table), listed, words * self.slope + self.offset)


@lru_cache(maxsize=1024)
def _link_words(longest_pair: int, pairs: int, density: float, length: int) -> _LinkWords:
    """Link words renew after X, the words of `pairs` pairs: of long streams there are L/E[X] + E[X(X-1)]/2E[X]^2.

    What a table of the first L differs from that by is a mean of its differences over the X.max words before, so it
    never grows again.
    """
    mean, square = _pair_moments(longest_pair, density)
    of_word = pairs * mean
    variance = pairs * (square - mean * mean)
    slope, offset = 1 / of_word, (variance + of_word * (of_word - 1)) / (2 * of_word * of_word)
    table = np.zeros(length)
    np.cumsum(_renewals(longest_pair, pairs, density, length - 1), out=table[1:])
    window = pairs * longest_pair
    last = np.arange(max(0, length - window), length)
    is_settled = window < length and bool(np.abs(table[last] - last * slope - offset).max() < _SETTLED)
    return _LinkWords(table=table, slope=slope, offset=offset, is_settled=is_settled)


def _pair_moments(longest_pair: int, density: float) -> tuple[float, float]:
    """Mean of the words that a pair covers, and of their square: geometric, cut at the longest."""
    log_beyond = longest_pair * log1p(-density)
    within, beyond = -expm1(log_beyond), np.exp(log_beyond)
    mean = within / density
    return mean, float(2 * (mean - longest_pair * beyond) / density - mean)


def _renewals(longest_pair: int, pairs: int, density: float, length: int) -> Floats:
    """Probability that a link word begins at each of so many words.

    The renewal sequence of f has the generating function 1 / (1 - F(z)). With q = 1 - density and pairs of at most K
    words, one pair has 1 - f(z) = (1 - z)(1 - (qz)^K) / (1 - qz). Read off by a Fourier transform on a circle that is
    small enough for the coefficients beyond to vanish in those before.
    """
    z, z_to_longest, growth = _circle(longest_pair, 4 * (length + 1))
    q = 1 - density
    pair = 1 - (1 - z) * (1 - q**longest_pair * z_to_longest) / (1 - q * z)
    return np.fft.irfft(1 / (1 - pair**pairs), 4 * (length + 1))[:length] * growth[:length]


@lru_cache(maxsize=16)
def _circle(longest_pair: int, points: int) -> tuple[Complexes, Complexes, Floats]:
    """Half of the points of a circle around 0, their powers, and what its radius takes from each coefficient."""
    log_radius = -13 * np.log(10) / points  # coefficients a whole turn further on are 1e-13 of themselves
    turns = np.arange(points // 2 + 1)
    z = np.exp(log_radius - 2j * np.pi * turns / points)
    powers = np.exp(longest_pair * log_radius - 2j * np.pi * (longest_pair * turns % points) / points)
    return z, powers, np.exp(-log_radius * np.arange(points // 4))
