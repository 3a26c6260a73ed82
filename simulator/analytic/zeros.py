"""In how many MAC slots is which operand zero, and what is therefore not done? From densities, or from words.

A slot is a window's first where its PE has not added to the psum before (the first tap of its first channel), and its
last where it adds no more. Which zero stops what is the machine's to say (accelerator.gating).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.analytic.coding import Floats, Ints
from simulator.analytic.cuts import Amount, Count, positions_on_words
from simulator.mapping.fold import Fold, fold_layer
from simulator.spec.accelerator import Gate, Gating
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors, Words

_BLOCK_FILTERS = 255  # as many non-zero words as a byte counts
_BLOCK_WORDS = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotsDone:
    """What the MAC slots of a layer do. `psum_reads` and `psum_writes` depend on the mapping."""

    macs: float
    nonzero_macs: float
    ifmap_reads: float
    filter_reads: float
    psum_reads: Amount
    psum_writes: Amount


def expected_slots(layer: Layer, densities: Densities, gating: Gating, q: Count) -> SlotsDone:
    """For words that are not zero with the probability that their tensor's density is.

    Slots on padding are no matter of chance: they are counted, as zeros. With densities of 1 everything is exact.
    """
    images_and_filters, channels = layer.N * layer.M, layer.C // layer.G
    rows, columns = _slots_on_words(layer)
    windows = images_and_filters * layer.E * layer.F * layer.R
    of_channel = images_and_filters * rows
    sets = -(-channels // q)
    return _slots_done(
        gating,
        _Slots(windows * channels * layer.S, of_channel * channels * sum(columns), densities).done,
        lambda gate: sets * _Slots(windows, of_channel * columns[0], densities).done(gate),
        lambda gate: sets * _Slots(windows, of_channel * columns[-1], densities).done(gate),
    )


def counted_slots(layer: Layer, tensors: LayerTensors, gating: Gating, q: int) -> SlotsDone:
    """For the words there are.

    For one channel, filter row and tap, the slots where neither is zero are (ofmap positions that meet a non-zero word)
    x (filters with a non-zero weight): every position meets every filter.
    """
    positions = _nonzero_positions(layer, tensors.ifmap)
    weights = _nonzero_weights(layer, tensors.filters)
    most_positions, most_weights = layer.N * layer.E * layer.F, layer.M // layer.G

    def done(gate: Gate) -> Ints:
        """(G, C/G, S): over images, filters, ofmap positions and filter rows."""
        met = positions if gate in (Gate.ZERO_IFMAP, Gate.ZERO_EITHER) else np.full_like(positions, most_positions)
        kept = weights if gate in (Gate.ZERO_FILTER, Gate.ZERO_EITHER) else np.full_like(weights, most_weights)
        return np.asarray((met * kept).sum(axis=2), np.int64)

    channels = layer.C // layer.G
    ends = np.minimum(np.arange(q, channels + q, q), channels) - 1
    return _slots_done(
        gating,
        lambda gate: int(done(gate).sum()),
        lambda gate: int(done(gate)[:, ::q, 0].sum()),
        lambda gate: int(done(gate)[:, ends, -1].sum()),
    )


def folded_densities(layer: Layer, fold: Fold, densities: Densities) -> Densities:
    """Densities of the folded layer, whose ifmap stores its padding as words: the share that is no padding is exact,
    and evenly spread."""
    folded = fold_layer(layer, fold)
    top, left = layer.padding[:2]
    rows = sum(_overlap(i * folded.R, folded.H, top, layer.H) for i in range(fold.rows))
    columns = sum(_overlap(j * folded.S, folded.W, left, layer.W) for j in range(fold.columns))
    share = rows * columns / (fold.rows * folded.H * fold.columns * folded.W)
    return Densities(ifmap=densities.ifmap * share, filters=densities.filters, ofmap=densities.ofmap)


def _slots_done(
    gating: Gating, every: Callable[[Gate], float], first: Callable[[Gate], Amount], last: Callable[[Gate], Amount]
) -> SlotsDone:
    """From what is done in all slots, and in those that begin and end a window, under each gate."""
    reads, writes = gating.psum_spad_read, gating.psum_spad_write
    return SlotsDone(
        macs=every(gating.mac),
        nonzero_macs=every(Gate.ZERO_EITHER),
        ifmap_reads=every(gating.ifmap_spad_read),
        filter_reads=every(gating.filter_spad_read),
        psum_reads=every(reads) - first(reads),
        psum_writes=every(writes) - last(writes),
    )


class _Slots(NamedTuple):
    """MAC slots, those among them whose ifmap word is no padding, and how many words are not zero elsewhere."""

    all: int
    on_words: int
    densities: Densities

    def done(self, gate: Gate) -> float:
        if gate is Gate.NEVER:
            return self.all
        if gate is Gate.ZERO_FILTER:
            return self.all * self.densities.filters
        not_zero = self.on_words * self.densities.ifmap
        return not_zero if gate is Gate.ZERO_IFMAP else not_zero * self.densities.filters


@lru_cache(maxsize=1 << 10)
def _slots_on_words(layer: Layer) -> tuple[int, tuple[int, ...]]:
    """Ofmap rows whose filter row is no padding, over all filter rows; ofmap columns of which no padding is under a
    tap, for each tap."""
    top, left = layer.padding[:2]
    rows = sum(positions_on_words(i - top, layer.U, layer.E, layer.H) for i in range(layer.R))
    return rows, tuple(positions_on_words(s - left, layer.V, layer.F, layer.W) for s in range(layer.S))


def _overlap(start: int, size: int, other_start: int, other_size: int) -> int:
    return max(0, min(start + size, other_start + other_size) - max(start, other_start))


def _nonzero_positions(layer: Layer, ifmap: Words) -> Ints:
    """(G, C/G, R, S): ofmap positions of all images that meet a non-zero word; padding is none.

    Positions separate into rows and columns, and counting them is a product with 0 and 1, of floats for speed: exact,
    as a layer has less than 2**53 words.
    """
    top, left = layer.padding[:2]
    exact = np.dtype("float32" if layer.W < 1 << 24 else "float64")
    of_columns = _meets(layer.W, left, layer.V, (layer.F, layer.S)).astype(exact)
    of_rows = _meets(layer.H, top, layer.U, (layer.E, layer.R)).astype(np.float64)
    planes = ifmap.reshape(-1, layer.H, layer.W)
    step = max(1, _BLOCK_WORDS // (layer.H * layer.W))
    by_plane = [_plane_positions(planes[at : at + step], of_rows, of_columns) for at in range(0, len(planes), step)]
    positions = np.concatenate(by_plane).reshape(layer.N, layer.G, -1, layer.R, layer.S).sum(axis=0)
    return np.asarray(np.rint(positions), np.int64)


def _plane_positions(planes: Words, of_rows: Floats, of_columns: npt.NDArray[np.floating[Any]]) -> Floats:
    """(planes, R, S)."""
    by_row = (planes != 0).astype(of_columns.dtype) @ of_columns
    return np.asarray(of_rows.T @ by_row, np.float64)


def _meets(size: int, before: int, stride: int, positions_and_taps: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(size, taps): does a window, at any of its positions, meet this coordinate with this tap?"""
    positions, taps = positions_and_taps
    start = np.arange(size)[:, None] + before - np.arange(taps)
    return np.asarray((start % stride == 0) & (start >= 0) & (start < positions * stride), np.bool_)


def _nonzero_weights(layer: Layer, filters: Words) -> Ints:
    """(G, C/G, R, S): filters of a group with a non-zero weight there."""
    grouped = filters.reshape(layer.G, layer.M // layer.G, -1)
    counts = np.zeros((layer.G, grouped.shape[2]), np.int64)
    for start in range(0, grouped.shape[1], _BLOCK_FILTERS):
        nonzero: npt.NDArray[np.bool_] = grouped[:, start : start + _BLOCK_FILTERS] != 0
        counts += np.add.reduce(nonzero.view(np.uint8), axis=1, dtype=np.uint8)
    return counts.reshape(layer.G, *layer.filter_shape[1:])
