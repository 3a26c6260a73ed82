"""How long does a layer take, in closed form: its passes one after another, with the DRAM link.

While a pass runs after its own filters are in, the next pass's filters come over the link; ifmaps load and ofmaps leave
while nothing runs. So from the start of one pass to the start of the next go its filter load, the longer of the rest of
it and the next one's filter transfer, and the transfers between the two. Passes come in a few kinds, repeated in nested
loops, and so do neighbours: a `_Run` is such a run of passes, and runs are joined and repeated without walking them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from simulator.analytic.coding import Floats, LayerStreams
from simulator.analytic.cuts import cut, ofmap_groups, strips_of
from simulator.analytic.elementwise import Whole, chosen, larger
from simulator.analytic.pass_cycles import PassKind, PassTiming, PeCycles, pass_frame, pass_pe_cycles, pass_timing
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
_MAPPED = tuple(PeState(state) for state in PeCycles._fields)


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
    kinds = time.kinds.values()
    states = dict.fromkeys(PeState, 0)
    states[PeState.DRAM_WAIT] = accelerator.pes * (total - processing)
    for kind in kinds:
        kind.add_to(states, accelerator.pes)
    return LayerCycles(
        processing_cycles=processing,
        total_cycles=total,
        pe_cycles=MappingProxyType(states),
        active_pes=max(kind.timing.mapped_pes for kind in kinds),
        passes=sum(kind.starts + kind.adds for kind in kinds),
    )


@dataclass(slots=True)
class _Passes:
    """Passes of one kind: as runs of a single pass that starts psums or adds to them, and how many there are of each,
    counted only for one mapping."""

    timing: PassTiming
    starting: _Run
    adding: _Run
    starts: int = 0
    adds: int = 0

    def add_to(self, states: dict[PeState, int], pes: int) -> None:
        """PE-cycles of all these passes, on a machine of so many PEs."""
        timing = self.timing
        idle_pes = pes - timing.mapped_pes
        for times, adds, rest in ((self.starts, False, timing.starting), (self.adds, True, timing.adding)):
            if times:
                states[PeState.UNMAPPED] += times * (timing.filters + rest) * idle_pes
                for state, pe_cycles in zip(_MAPPED, pass_pe_cycles(timing, adds), strict=True):
                    states[state] += times * pe_cycles


class _LayerTime:
    """Adds up one layer's time from the inside out: filters, channels, strips, ofmap channels, images, groups.

    `kinds` gathers the kinds of pass; only for one mapping.
    """

    def __init__(self, layer: Layer, mapping: AnyMapping, accelerator: Accelerator, streams: LayerStreams) -> None:
        self._layer, self._mapping, self._accelerator, self._streams = layer, mapping, accelerator, streams
        self._frame = pass_frame(layer, accelerator)
        self._channels = _in_sets(layer.C // layer.G, mapping.q, mapping.r)
        self._strips = _pieces(layer.E, mapping.e)
        full, rest = ofmap_groups(layer, mapping)
        groups = ((mapping.m, full), (rest, 1 + 0 * full))
        self._ofmaps = [(_in_sets(m, mapping.p, mapping.t), times) for m, times in groups if _any(times)]
        self.kinds: dict[PassKind, _Passes] = {}

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
        runs = []
        for filters, m_times in self._ofmaps:
            over_strips = []
            for e, e_times in self._strips:
                over_strips.append((self._over_channels((n, e, g), filters, times * m_times * e_times), e_times))
            runs.append((_in_order(over_strips), m_times))
        return _in_order(runs)

    def _over_channels(
        self, tile: tuple[Whole, Whole, Whole], filters: list[tuple[Whole, Whole, Whole]], times: Whole
    ) -> _Run:
        """Passes of one tile: its first channels start psums, all others add to those."""
        runs, starts = [], 1
        for q, r, q_times in self._channels:
            adds = q_times - starts
            passes = [(self._passes(PassKind(*tile, p, q, r, t)), p_times) for p, t, p_times in filters]
            if starts:
                runs.append((_in_order([(each.starting, p_times) for each, p_times in passes]), 1 + 0 * q_times))
            if _any(adds):
                runs.append((_in_order([(each.adding, p_times) for each, p_times in passes]), adds))
            for each, p_times in passes:
                each.starts += starts * times * p_times
                each.adds += adds * times * p_times
            starts = 0
        return _in_order(runs)

    def _passes(self, kind: PassKind) -> _Passes:
        if not isinstance(kind.p, int):
            return self._new_passes(kind, PassTiming(self._frame, kind))
        if kind not in self.kinds:
            self.kinds[kind] = self._new_passes(kind, pass_timing(self._frame, kind))
        return self.kinds[kind]

    def _new_passes(self, kind: PassKind, timing: PassTiming) -> _Passes:
        words = kind.p * kind.t * kind.q * kind.r * (self._layer.R * self._layer.S)
        transfer = self._link(kind.g * self._streams.filters(words))
        load, starting, adding = timing.filters, timing.starting, timing.adding
        return _Passes(
            timing, _Run(transfer, starting, load, load + starting), _Run(transfer, adding, load, load + adding)
        )

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


def _in_order(runs: Iterable[tuple[_Run, Whole]]) -> _Run:
    """Runs one after another, each so many times in a row; of many mappings, those of no times are not there."""
    (run, times), *others = runs
    whole, present = _repeated(run, times), 1 * (times > 0)
    for run, times in others:
        many = _repeated(run, times)
        joined = _joined(whole, many)
        if isinstance(times, int):
            whole = joined
            continue
        both, here = present * (times > 0), 1 * (times > 0)
        whole = _Run(*(chosen(both, a, chosen(here, b, c)) for a, b, c in zip(joined, many, whole, strict=True)))
        present = larger(present, here)
    return whole


def _repeated(run: _Run, times: Whole) -> _Run:
    if isinstance(times, int) and times == 1:
        return run
    first, last, between, busy = run
    return _Run(first, last, times * between + (times - 1) * larger(last, first), times * busy)


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
