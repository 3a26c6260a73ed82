"""Access counts in closed form, for dense tensors: from layer, mapping and accelerator alone, for many mappings at
once.

Never walks the passes: it sums over them. A test holds every count against the simulator's, word for word and bit for
bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.counts import Access, Action, Level, Tensor
from simulator.energy import energy_per_bit
from simulator.mapping.search import MappingGrid
from simulator.spec.accelerator import Accelerator, RunLengthCode
from simulator.spec.layer import Layer

Ints = npt.NDArray[np.int64]
Count = TypeVar("Count", int, Ints)
Moved = Mapping[Access, tuple[Ints, Ints]]
IFMAP, FILTER, PSUM = Tensor.IFMAP, Tensor.FILTER, Tensor.PSUM


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """How a dimension is cut into passes of `interleaved` in each of so many sets: up to three sizes, each `times`."""

    sizes: tuple[Ints, Ints, Ints]
    times: tuple[Ints, Ints, Ints]
    sets: Ints

    @property
    def passes(self) -> Ints:
        return self.times[0] + self.times[1] + self.times[2]


def dense_energy(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> npt.NDArray[np.float64]:
    """Energy of each mapping, in the table's unit, if no word were zero. Without the MACs, which no mapping changes."""
    total = np.zeros(len(grid))
    for access, (_, bits) in dense_counts(layer, grid, accelerator).items():
        total += bits * energy_per_bit(access, accelerator)
    return total


def dense_counts(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> Moved:
    """Access -> (words, bits) of each mapping, int64 of the grid's length, for tensors without a zero word."""
    channels = _cut(np.full(len(grid), layer.C // layer.G), grid.q, grid.r)
    words = _array_words(layer, grid, channels, accelerator.compression) | _spad_words(layer, channels)
    moved = {access: (count, count * accelerator.word_bits) for access, count in words.items()}
    ifmap, filters, ofmap = _dram_traffic(layer, grid, channels, accelerator)
    moved[Access(Level.DRAM, IFMAP, Action.READ)] = ifmap
    moved[Access(Level.DRAM, FILTER, Action.READ)] = filters
    moved[Access(Level.DRAM, PSUM, Action.WRITE)] = ofmap
    for access, (count, _) in (
        (Access(Level.GLB, IFMAP, Action.FILL), ifmap),
        (Access(Level.GLB, FILTER, Action.FILL), filters),
        (Access(Level.GLB, FILTER, Action.READ), filters),
        (Access(Level.GLB, PSUM, Action.DUMP), ofmap),
    ):
        if access.tensor not in accelerator.glb.bypass:
            moved[access] = (count, count * accelerator.word_bits)
    return moved


def _array_words(layer: Layer, grid: MappingGrid, channels: _Cut, code: RunLengthCode) -> dict[Access, Ints]:
    """What crosses the array's edge and moves inside it."""
    outputs = layer.N * layer.M * layer.E * layer.F
    filter_passes, filter_sets = _over_ofmap_groups(layer, grid)
    taken = layer.S + (layer.F - 1) * min(layer.S, layer.V)
    ifmap_taken = filter_sets * (layer.N * layer.C * layer.R * layer.E * taken)
    filters_taken = -(-layer.N // grid.n) * (layer.M * (layer.C // layer.G) * layer.R * layer.S * layer.E)
    psums_read, psums_written = (channels.passes - 1) * outputs, channels.passes * outputs
    return {
        Access(Level.GLB, IFMAP, Action.READ): filter_passes
        * _by_strips(layer, code, grid.e, "sent")
        * (layer.N * layer.C),
        Access(Level.GLB, PSUM, Action.READ): psums_read,
        Access(Level.GLB, PSUM, Action.WRITE): psums_written,
        Access(Level.NOC, IFMAP, Action.DELIVERY): ifmap_taken,
        Access(Level.NOC, FILTER, Action.DELIVERY): filters_taken,
        Access(Level.NOC, PSUM, Action.DELIVERY): psums_read,
        Access(Level.NOC, PSUM, Action.HOP): (channels.sets * layer.R - channels.passes) * outputs,
        Access(Level.NOC, PSUM, Action.COLLECT): psums_written,
        Access(Level.SPAD, IFMAP, Action.WRITE): ifmap_taken,
        Access(Level.SPAD, FILTER, Action.WRITE): filters_taken,
    }


def _spad_words(layer: Layer, channels: _Cut) -> dict[Access, Ints]:
    """MAC slots: each reads an ifmap and a filter word; a window's psum is started by its first and leaves with its
    last."""
    slots = np.full(len(channels.sets), layer.macs)
    windows = channels.sets * (layer.N * layer.M * layer.E * layer.F * layer.R)
    return {
        Access(Level.SPAD, IFMAP, Action.READ): slots,
        Access(Level.SPAD, FILTER, Action.READ): slots,
        Access(Level.SPAD, PSUM, Action.READ): slots - windows,
        Access(Level.SPAD, PSUM, Action.WRITE): slots - windows,
    }


def _dram_traffic(
    layer: Layer, grid: MappingGrid, channels: _Cut, accelerator: Accelerator
) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints], tuple[Ints, Ints]]:
    """(words, bits) of ifmap reads, filter reads and ofmap writes. A coded word costs a pair, zero or not."""
    code, word_bits = accelerator.compression, accelerator.word_bits
    strips, image_groups = -(-layer.E // grid.e), -(-layer.N // grid.n)
    ofmap_groups = -(-(layer.M // layer.G) // grid.m)
    stays = (strips == 1) & (channels.passes == 1)  # one tile an image group: it is there for every ofmap group
    loads = np.where(stays, 1, ofmap_groups) * (layer.N * layer.C)
    ifmap = loads * _by_strips(layer, code, grid.e, "stored")
    filters = strips * image_groups * (layer.M * (layer.C // layer.G) * layer.R * layer.S)
    ofmap = np.full(len(grid), layer.N * layer.M * layer.E * layer.F)
    ifmap_bits, filter_bits, ofmap_bits = ifmap * word_bits, filters * word_bits, ofmap * word_bits
    if code.codes_ifmap(from_input=layer.from_input):
        ifmap_bits = loads * _by_strips(layer, code, grid.e, "stored_bits")
    if code.filter:
        filter_bits = strips * image_groups * layer.G * _coded_filters(layer, grid, channels, code)
    if code.ofmap:
        ofmap_bits = layer.N * layer.M * _by_strips(layer, code, grid.e, "ofmap_bits")
    return (ifmap, ifmap_bits), (filters, filter_bits), (ofmap, ofmap_bits)


def _over_ofmap_groups(layer: Layer, grid: MappingGrid) -> tuple[Ints, Ints]:
    """Passes, and PE sets at work in them, that the filters of one group take, over all groups of m ofmap channels."""
    full, last = _ofmap_groups(layer, grid)
    in_full, in_last = _cut(grid.m, grid.p, grid.t), _cut(last, grid.p, grid.t)
    return full * in_full.passes + in_last.passes, full * in_full.sets + in_last.sets


def _ofmap_groups(layer: Layer, grid: MappingGrid) -> tuple[Ints, Ints]:
    """Full groups of m ofmap channels before the last one, and the channels of that."""
    filters = layer.M // layer.G
    full = -(-filters // grid.m) - 1
    return full, filters - full * grid.m


def _coded_filters(layer: Layer, grid: MappingGrid, channels: _Cut, code: RunLengthCode) -> Ints:
    """Bits of one group's filters, one stream a pass."""
    full, last = _ofmap_groups(layer, grid)
    total = np.zeros(len(grid), np.int64)
    for times, cut in ((full, _cut(grid.m, grid.p, grid.t)), (1, _cut(last, grid.p, grid.t))):
        for filters, filter_times in zip(cut.sizes, cut.times, strict=True):
            for inputs, input_times in zip(channels.sizes, channels.times, strict=True):
                stream = _coded(filters * inputs * (layer.R * layer.S), code)
                total += times * filter_times * input_times * stream
    return total


def _cut(whole: Ints, interleaved: Ints, sets: Ints) -> _Cut:
    """Passes of interleaved*sets, one of as many full sets as remain, one of the rest."""
    size = interleaved * sets
    remainder = whole % size
    full_sets, rest = remainder // interleaved, remainder % interleaved
    return _Cut(
        sizes=(size, full_sets * interleaved, rest),
        times=(whole // size, (full_sets > 0).astype(np.int64), (rest > 0).astype(np.int64)),
        sets=-(-whole // interleaved),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _StripWords:
    """One channel's words in all strips of a height: brought from DRAM, sent into the array, and their coded bits."""

    stored: int
    sent: int
    stored_bits: int
    ofmap_bits: int


@lru_cache(maxsize=4096)
def _strip_words(layer: Layer, code: RunLengthCode, e: int) -> _StripWords:
    strips = [range(start, min(start + e, layer.E)) for start in range(0, layer.E, e)]
    stored = [_stored_words(layer, rows) for rows in strips]
    return _StripWords(
        stored=sum(stored),
        sent=sum(_sent_words(layer, rows) for rows in strips),
        stored_bits=sum(_coded(words, code) for words in stored),
        ofmap_bits=sum(_coded(len(rows) * layer.F, code) for rows in strips),
    )


def _by_strips(layer: Layer, code: RunLengthCode, e: Ints, field: str) -> Ints:
    """A field of _StripWords for each e of the grid."""
    sums = np.zeros(layer.E + 1, np.int64)
    for height in np.flatnonzero(np.bincount(e)).tolist():
        sums[height] = getattr(_strip_words(layer, code, height), field)
    return sums[e]


def _stored_words(layer: Layer, rows: range) -> int:
    """Words of one channel that a strip of ofmap rows needs from DRAM: whole rows, padding not."""
    first = max(0, rows.start * layer.U - layer.padding[0])
    end = min(layer.H, (rows.stop - 1) * layer.U + layer.R - layer.padding[0])
    return max(0, end - first) * layer.W


def _sent_words(layer: Layer, rows: range) -> int:
    """Words of one channel that a strip's PEs take, each counted once, padding not."""
    top, left = layer.padding[:2]
    lines = _met(rows, layer.U, layer.R, top, layer.H)
    return lines * _met(range(layer.F), layer.V, layer.S, left, layer.W)


def _met(positions: range, stride: int, taps: int, before: int, size: int) -> int:
    """Coordinates before..before+size-1 that a window of so many taps meets, a stride apart."""
    if stride <= taps:
        first, end = positions.start * stride, (positions.stop - 1) * stride + taps
        return max(0, min(end, before + size) - max(first, before))
    return sum(before <= x * stride + tap < before + size for x in positions for tap in range(taps))


def _coded(words: Count, code: RunLengthCode) -> Count:
    """Bits of a run-length-coded stream without zeros: a pair a word, whole code words."""
    return -(-words // code.pairs) * code.word_bits
