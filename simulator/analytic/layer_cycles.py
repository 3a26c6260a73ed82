"""How long does a layer take, in closed form: its passes one after another, with the DRAM link.

While a pass runs after its own filters are in, the next pass's filters come over the link; ifmaps load and ofmaps leave
while nothing runs. So from the start of one pass to the start of the next go its filter load, the longer of the rest of
it and the next one's filter transfer, and the transfers between the two. Passes come in a few kinds, repeated in nested
loops, and so do neighbours: a `_Run` is such a run of passes, and runs are joined and repeated without walking them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from simulator.analytic.coding import Floats, LayerStreams, StreamBits
from simulator.analytic.cuts import cut, ofmap_groups, strips_of
from simulator.analytic.elementwise import Whole, chosen, larger
from simulator.analytic.pass_cycles import PassKind, mapped_pes, pass_states, pass_times
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCycles:
    """Of one mapping, as LayerResult has them. pe_cycles add up to PEs x total_cycles."""

    processing_cycles: int
    total_cycles: int
    pe_cycles: Mapping[PeState, int]
    active_pes: int
    passes: int


AnyMapping = Any
"""A RowStationaryMapping, or a MappingGrid for many."""


class _Run(NamedTuple):
    """Passes in a row, in cycles. first: the first one's filter transfer; last: the last one, after its filter load;
    between: from the end of the first transfer to the end of the last load, transfers of feature maps left out; busy:
    in which passes run."""

    first: Whole
    last: Whole
    between: Whole
    busy: Whole


def layer_time(
    layer: Layer, mapping: AnyMapping, accelerator: Accelerator, streams: LayerStreams
) -> tuple[Whole, Whole]:
    """(processing cycles, total cycles) of a layer, whole batch, under one mapping or under each of many.

    A transfer takes the link's whole cycles for the expected bits of its streams: exact where these are.
    """
    return _LayerTime(layer, mapping, accelerator, streams).both()


def layer_cycles(
    layer: Layer, mapping: RowStationaryMapping, accelerator: Accelerator, streams: LayerStreams
) -> LayerCycles:
    """Time of a layer under a mapping, and where its PE-cycles go."""
    time = _LayerTime(layer, mapping, accelerator, streams)
    processing, total = time.both()
    states = Counter({PeState.DRAM_WAIT: accelerator.pes * (total - processing)})
    for kind, times in time.kinds.items():
        of_pass, mapped = pass_states(layer, kind, accelerator), mapped_pes(layer, kind)
        for state, pe_cycles in of_pass.items():
            states[state] += times * pe_cycles
        states[PeState.UNMAPPED] += times * (sum(of_pass.values()) // mapped) * (accelerator.pes - mapped)
    return LayerCycles(
        processing_cycles=processing,
        total_cycles=total,
        pe_cycles=MappingProxyType({state: states[state] for state in PeState}),
        active_pes=max(mapped_pes(layer, kind) for kind in time.kinds),
        passes=sum(time.kinds.values()),
    )


class _LayerTime:
    """Adds up one layer's time from the inside out: filters, channels, strips, ofmap channels, images, groups.

    `kinds` gathers the kinds of pass and how often each runs; only for one mapping.
    """

    def __init__(self, layer: Layer, mapping: AnyMapping, accelerator: Accelerator, streams: LayerStreams) -> None:
        self._layer, self._mapping, self._accelerator, self._streams = layer, mapping, accelerator, streams
        self._channels = _in_sets(layer.C // layer.G, mapping.q, mapping.r)
        self.kinds: Counter[PassKind] = Counter()

    def both(self) -> tuple[Whole, Whole]:
        """(processing, total) cycles."""
        layer, mapping, moved = self._layer, self._mapping, 0 * self._mapping.g
        over_groups = []
        for g, g_times in _pieces(layer.G, mapping.g):
            over_images = []
            for n, n_times in _pieces(layer.N, mapping.n):
                over_images.append((self._over_ofmaps(n, g, g_times * n_times), n_times))
                moved = moved + g_times * n_times * self._feature_maps(n * g)
            over_groups.append((_in_order(over_images), g_times))
        run = _in_order(over_groups)
        return run.busy, run.first + run.between + run.last + moved

    def _over_ofmaps(self, n: Whole, g: Whole, times: Whole) -> _Run:
        full, rest = ofmap_groups(self._layer, self._mapping)
        runs = []
        for m, m_times in ((self._mapping.m, full), (rest, 1 + 0 * full)):
            filters = _in_sets(m, self._mapping.p, self._mapping.t)
            over_strips = []
            for e, e_times in _pieces(self._layer.E, self._mapping.e):
                tile = (n, e, g)
                over_strips.append((self._over_channels(tile, filters, times * m_times * e_times), e_times))
            runs.append((_in_order(over_strips), m_times))
        return _in_order(runs)

    def _over_channels(
        self, tile: tuple[Whole, Whole, Whole], filters: list[tuple[Whole, Whole, Whole]], times: Whole
    ) -> _Run:
        """Passes of one tile: its first channels start psums, all others add to those."""
        (first_q, first_r, full), *others = self._channels
        chunks = [(False, first_q, first_r, 1 + 0 * full), (True, first_q, first_r, full - 1)]
        chunks += [(True, q, r, q_times) for q, r, q_times in others]
        runs = []
        for reads_psums, q, r, q_times in chunks:
            over_filters = []
            for p, t, p_times in filters:
                kind = PassKind(*tile, p, q, r, t, reads_psums)
                over_filters.append((self._pass(kind, times * q_times * p_times), p_times))
            runs.append((_in_order(over_filters), q_times))
        return _in_order(runs)

    def _pass(self, kind: PassKind, times: Whole) -> _Run:
        if isinstance(times, int) and times:
            self.kinds[kind] += times
        return _one_pass(self._layer, kind, self._accelerator, self._streams.filters)

    def _feature_maps(self, planes: Whole) -> Whole:
        """Cycles of ifmap loads and ofmap dumps for n*g planes, over all strips, channels and ofmap channels."""
        layer, mapping, streams = self._layer, self._mapping, self._streams
        full, rest = ofmap_groups(layer, mapping)
        strips = -(-layer.E // mapping.e)
        channel_passes = sum(times for _, _, times in self._channels)
        stays = (strips == 1) & (channel_passes == 1)  # the tile is there for every group of ofmap channels
        loads = chosen(1 * stays, 1 + 0 * full, full + 1)
        total = 0 * planes
        for words, strip_times in _strip_streams(layer, mapping.e, "stored"):
            bits = streams.ifmap(words)
            for q, r, times in self._channels:
                total = total + loads * strip_times * times * self._link(planes * q * r * bits)
        for words, strip_times in _strip_streams(layer, mapping.e, "ofmap"):
            bits = streams.ofmap(words)
            total = total + strip_times * (
                full * self._link(planes * mapping.m * bits) + self._link(planes * rest * bits)
            )
        return total

    def _link(self, bits: float | Floats) -> Whole:
        return _link_cycles(bits, self._accelerator)


def _one_pass(layer: Layer, kind: PassKind, accelerator: Accelerator, filters: StreamBits) -> _Run:
    load, rest = pass_times(layer, kind, accelerator)
    words = kind.p * kind.t * kind.q * kind.r * (layer.R * layer.S)
    transfer = _link_cycles(kind.g * filters(words), accelerator)
    return _Run(first=transfer, last=rest, between=load, busy=load + rest)


def _in_order(runs: Iterable[tuple[_Run, Whole]]) -> _Run:
    """Runs one after another, each so many times in a row; those of no times are not there."""
    whole: _Run | None = None
    present: Whole | None = None
    for run, times in runs:
        many = _repeated(run, times)
        if whole is None or present is None:
            whole, present = many, 1 * (times > 0)
            continue
        joined = _joined(whole, many)
        both, here = present * (times > 0), 1 * (times > 0)
        whole = _Run(*(chosen(both, a, chosen(here, b, c)) for a, b, c in zip(joined, many, whole, strict=True)))
        present = larger(present, here)
    assert whole is not None
    return whole


def _repeated(run: _Run, times: Whole) -> _Run:
    seam = larger(run.last, run.first)
    return _Run(run.first, run.last, times * run.between + (times - 1) * seam, times * run.busy)


def _joined(run: _Run, other: _Run) -> _Run:
    """The other's filters come while the run's last pass runs, or it waits for them."""
    between = run.between + larger(run.last, other.first) + other.between
    return _Run(run.first, other.last, between, run.busy + other.busy)


def _in_sets(whole: int | Whole, interleaved: Whole, sets: Whole) -> list[tuple[Whole, Whole, Whole]]:
    """(interleaved, sets, times) of the passes that channels or filters are cut into, in order."""
    of = cut(whole, interleaved, sets)
    (_, some, rest), (full, has_some, has_rest) = of.sizes, of.times
    parts = [(interleaved, sets, full), (interleaved, some // interleaved, has_some), (rest, 1 + 0 * rest, has_rest)]
    return [(larger(a, 1), larger(b, 1), times) for a, b, times in parts if _any(times)]


def _pieces(whole: int, size: Whole) -> list[tuple[Whole, Whole]]:
    """(size, times) of the pieces that a dimension is cut into: those of the size, then what remains."""
    rest = whole % size
    parts = ((size, whole // size), (rest, 1 * (rest > 0)))
    return [(larger(length, 1), times) for length, times in parts if _any(times)]


def _any(times: Whole) -> bool:
    return bool(times) if isinstance(times, int) else bool(times.any())


def _strip_streams(layer: Layer, e: Whole, field: str) -> list[tuple[Whole, Whole]]:
    """(words, times) of the `stored` or `ofmap` streams of one channel."""
    if isinstance(e, int):
        return list(getattr(strips_of(layer, e), field))
    heights = np.unique(e)
    of_heights = [getattr(strips_of(layer, height), field) for height in heights.tolist()]
    table = np.zeros((max(map(len, of_heights)), 2, int(heights.max()) + 1), np.int64)
    for height, streams in zip(heights, of_heights, strict=True):
        table[: len(streams), :, height] = streams
    return [(words[e], times[e]) for words, times in table]


def _link_cycles(bits: float | Floats, accelerator: Accelerator) -> Whole:
    """Whole core cycles that the DRAM link needs for so many bits, a link word at a time."""
    core_a_link = accelerator.clock.core_mhz / accelerator.dram.clock_mhz
    if isinstance(bits, np.ndarray):
        return np.ceil(np.ceil(bits / accelerator.dram.bits) * core_a_link).astype(np.int64)
    return ceil(ceil(bits / accelerator.dram.bits) * core_a_link)
