"""Words of every access that no zero gates, from what MEANING says of each: coordinate by coordinate, PE by PE."""

from collections import Counter

from simulator.counts import Access, Action, Level, Tensor
from simulator.mapping.passes import ProcessingPass, processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer

IFMAP, FILTER, PSUM = Tensor.IFMAP, Tensor.FILTER, Tensor.PSUM


def words_moved(layer: Layer, mapping: RowStationaryMapping) -> Counter[Access]:
    """For a machine whose GLB is bypassed by no tensor."""
    words: Counter[Access] = Counter()
    for step in processing_passes(layer, mapping):
        words.update(_ifmap_words(layer, step))
        words.update(_filter_words(layer, step))
        words.update(_psum_words(layer, step))
    return words


def _ifmap_words(layer: Layer, step: ProcessingPass) -> dict[Access, int]:
    tile, (top, left, _, _) = step.tile, layer.padding
    planes = len(tile.images) * len(tile.groups) * step.channels.sets * step.channels.interleaved
    # Of an ifmap without padding: negative, or beyond H and W, is padding.
    taken = {y * layer.U + i - top for y in tile.rows for i in range(layer.R)}
    columns = {x * layer.V + s - left for x in range(layer.F) for s in range(layer.S)}
    sent = [(y, x) for y in taken for x in columns if 0 <= y < layer.H and 0 <= x < layer.W]
    brought = [y for y in range(min(taken), max(taken) + 1) if 0 <= y < layer.H]
    loaded = planes * len(brought) * layer.W if step.loads_ifmap else 0
    per_pe = len(tile.images) * step.channels.interleaved * len(columns)
    delivered = sum(per_pe for _ in _pes(layer, step))
    return {
        Access(Level.DRAM, IFMAP, Action.READ): loaded,
        Access(Level.GLB, IFMAP, Action.FILL): loaded,
        Access(Level.GLB, IFMAP, Action.READ): planes * len(sent),
        Access(Level.NOC, IFMAP, Action.DELIVERY): delivered,
        Access(Level.SPAD, IFMAP, Action.WRITE): delivered,
    }


def _filter_words(layer: Layer, step: ProcessingPass) -> dict[Access, int]:
    filters = step.filters.sets * step.filters.interleaved
    channels = step.channels.sets * step.channels.interleaved
    whole = len(step.tile.groups) * filters * channels * layer.R * layer.S
    per_pe = step.filters.interleaved * step.channels.interleaved * layer.S
    delivered = sum(per_pe for _ in _pes(layer, step))
    return {
        Access(Level.DRAM, FILTER, Action.READ): whole,
        Access(Level.GLB, FILTER, Action.FILL): whole,
        Access(Level.GLB, FILTER, Action.READ): whole,
        Access(Level.NOC, FILTER, Action.DELIVERY): delivered,
        Access(Level.SPAD, FILTER, Action.WRITE): delivered,
    }


def _psum_words(layer: Layer, step: ProcessingPass) -> dict[Access, int]:
    """A column's psums go in at the bottom, from PE to PE, and out at the top."""
    tile = step.tile
    per_pe = len(tile.images) * layer.F * step.filters.interleaved
    top = (step.channels.sets - 1, 0)
    hops = sum(per_pe for *_, channel_set, i in _pes(layer, step) if (channel_set, i) != top)
    collected = sum(per_pe for *_, channel_set, i in _pes(layer, step) if (channel_set, i) == top)
    finished = tile.planes * len(tile.rows) * layer.F if step.is_last else 0
    return {
        Access(Level.GLB, PSUM, Action.READ): collected if step.channels.start else 0,
        Access(Level.NOC, PSUM, Action.DELIVERY): collected if step.channels.start else 0,
        Access(Level.NOC, PSUM, Action.HOP): hops,
        Access(Level.NOC, PSUM, Action.COLLECT): collected,
        Access(Level.GLB, PSUM, Action.WRITE): collected,
        Access(Level.GLB, PSUM, Action.DUMP): finished,
        Access(Level.DRAM, PSUM, Action.WRITE): finished,
    }


def _pes(layer: Layer, step: ProcessingPass) -> list[tuple[int, int, int, int, int]]:
    """Every PE at work: (group, filter set, ofmap row, channel set, filter row)."""
    return [
        (group, filter_set, row, channel_set, i)
        for group in step.tile.groups
        for filter_set in range(step.filters.sets)
        for row in step.tile.rows
        for channel_set in range(step.channels.sets)
        for i in range(layer.R)
    ]
