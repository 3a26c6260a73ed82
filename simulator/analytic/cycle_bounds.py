"""How few cycles does a layer take under any completion of a mapping that is chosen in part? For the search.

Passes of a layer differ in size, and so in time. The time of a pass is a maximum of paths (pass_cycles.py), each of
which grows evenly with n, e, g, with p and with the psum bus's work: so as many passes of average size take no longer.
Where a path depends on more than that, columns that stall one another, it is taken to cost nothing.
"""

from typing import NamedTuple

import numpy as np

from simulator.analytic.coding import Floats, Ints, LayerStreams
from simulator.analytic.elementwise import Whole
from simulator.analytic.pass_cycles import PassFrame, pass_frame
from simulator.analytic.stream_bounds import slope_and_beyond
from simulator.analytic.strip_heights import by_height
from simulator.mapping.partial import PartialMappings
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer

_ROUNDING = 1e-9


def least_cycles(layer: Layer, partial: PartialMappings, accelerator: Accelerator, streams: LayerStreams) -> Floats:
    """Total cycles of the whole batch, whole numbers in float64: no completion of a partial mapping takes fewer."""
    if not len(partial):
        return np.zeros(0)
    bound = _Bound(layer, partial, accelerator, streams)
    alone = bound.feature_maps() + bound.filter_loads()
    return np.asarray(np.ceil((alone + np.maximum(bound.by_array(), bound.by_link())) * (1 - _ROUNDING)), np.float64)


class _Pass(NamedTuple):
    """A pass, or the average of many. psum_beats: cycles of the psum bus for one window of one ofmap row and group;
    column: at most so many of them are one set's."""

    n: Whole
    e: Whole
    g: Whole
    q: Whole
    r: Whole
    p: Whole
    psum_beats: Whole
    column: Whole


class _Work(NamedTuple):
    """Of all passes on different filters, at least: how many, their p, and their psum_beats."""

    passes: Whole
    p: Whole
    psum_beats: Whole


class _Bound:
    """Cycles of many partial mappings of one layer, summed from what q and r, and then the filters, are cut into."""

    def __init__(self, layer: Layer, partial: PartialMappings, accelerator: Accelerator, streams: LayerStreams) -> None:
        self._layer, self._partial, self._streams = layer, partial, streams
        self._frame, self._heights = pass_frame(layer, accelerator), by_height(layer, streams)
        self._core_a_link = accelerator.clock.core_mhz / accelerator.dram.clock_mhz
        self._cycles_a_bit = self._core_a_link / accelerator.dram.bits
        self._filters, self._channels = layer.M // layer.G, layer.C // layer.G
        self._strips = self._heights.strips[partial.e]
        self._images, self._groups = -(-layer.N // partial.n), -(-layer.G // partial.g)
        self._tiles = self._strips * self._images * self._groups
        self._chunks = _channel_chunks(self._channels, partial)
        self._most_groups = -(-self._filters // partial.least_m)
        self._last = self._filters - (partial.least_groups - 1) * partial.most_m
        self._has_p = _is_one(partial.least_p, partial.most_p)
        self._has_all = (
            self._has_p and _is_one(partial.least_t, partial.most_t) and _is_one(partial.least_m, partial.most_m)
        )

    def feature_maps(self) -> Floats:
        """Ifmap tiles loaded and ofmap tiles dumped, while nothing else happens."""
        layer, e = self._layer, self._partial.e
        stays = (self._strips == 1) & (sum(times for _, _, times in self._chunks) == 1)
        loads = np.where(stays, 1, self._partial.least_groups)
        bits = layer.N * (layer.C * loads * self._heights.ifmap_bits[e] + layer.M * self._heights.ofmap_bits[e])
        return np.asarray(bits * self._cycles_a_bit)

    def filter_loads(self) -> Whole:
        """From the filter buffer into the PEs, one row of one set after another."""
        of_channels = sum(times * r * self._row_loads(q * self._layer.S) for q, r, times in self._chunks)
        return of_channels * (self._layer.R * self._layer.G) * self._strips * self._images

    def by_array(self) -> Whole:
        """The first filter transfer, and all passes behind their filter loads."""
        layer, partial, work = self._layer, self._partial, self._work()
        total: Whole = 0
        for index, (q, r, times) in enumerate(self._chunks):
            starting, adding = self._pass_cycles(q, r, work.p / work.passes, work.psum_beats / work.passes)
            total = total + times * adding + (starting - adding if index == 0 else 0)
        words = partial.g * partial.q * partial.r * partial.least_p * partial.least_t * (layer.R * layer.S)
        return total * work.passes * self._tiles + words * self._slope_and_beyond()[0] * self._cycles_a_bit

    def by_link(self) -> Whole:
        """All filter transfers, waits between them for passes, and the last pass."""
        layer, partial = self._layer, self._partial
        slope, beyond = self._slope_and_beyond()
        bits = slope * (self._filters * self._channels * layer.R * layer.S)
        for q, r, times in self._chunks:
            bits = bits + times * partial.least_passes * beyond[partial.most_filters * q * r]
        transfers = bits * layer.G * self._strips * self._images * self._cycles_a_bit
        return transfers + self._last_pass() + (self._tiles * self._waits() if self._has_all else 0)

    def _slope_and_beyond(self) -> tuple[float, Floats]:
        partial, tap = self._partial, self._layer.R * self._layer.S
        return slope_and_beyond(self._streams.filters, tap, int((partial.most_filters * partial.q * partial.r).max()))

    def _over_groups(self, of: Whole) -> Whole:
        """The sum over all groups of m, of something of how many filters a group has; all chosen."""
        return (self._partial.least_groups - 1) * of(self._partial.most_m) + of(self._last)

    def _rests(self) -> Ints:
        """p chosen: at most so many filters are not in whole sets."""
        return np.asarray(np.minimum(self._most_groups * (self._partial.most_p - 1), self._filters))

    def _row_loads(self, window: Ints) -> Whole:
        """Beats of one row's filters over all sets on filters. A whole set's are rounded up, a rest's may not be."""
        p, beat = self._partial.most_p, self._frame.filter_beat
        of_set = -(-p * window // beat)
        if self._has_all:
            return self._over_groups(lambda filters: filters // p * of_set - (-(filters % p * window) // beat))
        if self._has_p:
            rests = self._rests()
            return (self._filters - rests) / p * of_set + rests * window / beat
        return self._filters * window / beat

    def _work(self) -> _Work:
        partial, filters, beat = self._partial, self._filters, self._frame.psum_beat
        p, t, passes = partial.most_p, partial.most_t, partial.least_passes
        if not self._has_p:
            return _Work(passes, np.maximum(filters / t, passes), filters / beat)

        def interleaved(filters: Whole) -> Whole:
            return -(-(filters // p) // t) * p + filters % p

        if self._has_all:
            beats = self._over_groups(lambda filters: filters // p * -(-p // beat) - (-(filters % p) // beat))
            return _Work(passes, self._over_groups(interleaved), beats)
        in_full_groups = (partial.least_groups - 1) * -(-(partial.least_m // p) // t) * p
        rests = self._rests()
        beats = (filters - rests) / p * -(-p // beat) + rests / beat
        return _Work(passes, np.maximum(interleaved(filters), in_full_groups + 1), beats)

    def _pass_cycles(self, q: Ints, r: Ints, p: Whole, psum_beats: Whole) -> tuple[Floats, Floats]:
        """Of a tile of average size, with p and psum_beats that may be averages: (starting psums, adding to them)."""
        layer, beat = self._layer, self._frame.psum_beat
        n, e, g = layer.N / self._images, layer.E / self._strips, layer.G / self._groups
        column = np.minimum(-(-self._partial.most_p // beat), (p + beat - 1) / beat)
        return _least_pass_cycles(self._frame, _Pass(n, e, g, q, r, p, psum_beats, column))

    def _waits(self) -> Whole:
        """For a pass, by the smaller one after it, which has its filters early; all chosen; of one tile."""
        p, t, total = self._partial.most_p, self._partial.most_t, 0
        column = -(-p // self._frame.psum_beat)
        for q, r, times in self._chunks:
            one_set, _ = self._pass_cycles(q, r, p, column)
            all_sets, _ = self._pass_cycles(q, r, p, t * column)

            def of_group(filters: Ints) -> Whole:
                sets, rest = filters // p % t, filters % p
                before_sets = (sets > 0) & (filters >= p * t)
                before_rest = np.where((sets == 0) & (filters >= p), all_sets, one_set)  # noqa: B023
                wait = before_sets * np.maximum(0, all_sets - self._longest_transfer(sets * p, q * r))  # noqa: B023
                is_after = (rest > 0) & (filters >= p)
                return wait + is_after * np.maximum(0, before_rest - self._longest_transfer(rest, q * r))  # noqa: B023

            total = total + times * self._over_groups(of_group)
        return total

    def _longest_transfer(self, filters: Ints, channels: Ints) -> Floats:
        """Cycles of the link for a pass's filters, of an average of groups; rounded up twice by less than one."""
        words = filters * channels * (self._layer.R * self._layer.S)
        bits = self._layer.G / self._groups * self._streams.filters(words)
        return bits * self._cycles_a_bit + self._core_a_link + 1

    def _last_pass(self) -> Whole:
        """The last pass of the layer, behind its filter load."""
        p, t = self._partial.most_p, self._partial.most_t
        if self._has_all:
            sets, rest = self._last // p % t, self._last % p
            return self._last_tile(np.where(rest > 0, rest, p), np.where(rest > 0, 1, np.where(sets > 0, sets, t)))
        one = self._last_tile(np.ones_like(p), 1)
        return self._last_of_sets(one) if self._has_p else one

    def _last_of_sets(self, one: Floats) -> Whole:
        """p chosen: the last pass has whole sets; or it has a rest, whose filters came while a pass with whole sets
        ran, if the last group of m is sure to have any."""
        partial, whole = self._partial, self._last_tile(self._partial.most_p, 1)
        q, r = self._last_channels()
        behind = whole + one - self._longest_transfer(partial.most_p - 1, q * r)
        with_rest = np.where(partial.most_p > 1, np.minimum(whole, np.maximum(one, behind)), whole)
        has_sets = (self._most_groups == partial.least_groups) & (self._last >= partial.most_p)
        return np.where(has_sets, with_rest, one)

    def _last_tile(self, p: Ints, t: Whole) -> Floats:
        """Cycles of a pass of the last images, strip, groups and channels."""
        layer, partial = self._layer, self._partial
        n, e = layer.N - (self._images - 1) * partial.n, layer.E - (self._strips - 1) * partial.e
        g = layer.G - (self._groups - 1) * partial.g
        column = -(-p // self._frame.psum_beat)
        starting, adding = _least_pass_cycles(
            self._frame, _Pass(n, e, g, *self._last_channels(), p, t * column, column)
        )
        return np.where(self._channels > partial.q * partial.r, adding, starting)

    def _last_channels(self) -> tuple[Ints, Ints]:
        q, r = self._partial.q, self._partial.r
        sets, rest = self._channels % (q * r) // q, self._channels % q
        return np.where(rest > 0, rest, q), np.where(rest > 0, 1, np.where(sets > 0, sets, r))


def _is_one(least: Ints, most: Ints) -> bool:
    return bool((least == most).all())


def _channel_chunks(channels: int, partial: PartialMappings) -> list[tuple[Ints, Ints, Ints]]:
    """(q, r, times) of the passes that the channels are cut into: full, of the sets that remain, of the rest."""
    q, r = partial.q, partial.r
    sets, rest = channels % (q * r) // q, channels % q
    chunks = [(q, r, channels // (q * r)), (q, sets, 1 * (sets > 0)), (rest, 1 * (rest > 0), 1 * (rest > 0))]
    return [chunk for chunk in chunks if chunk[2].any()]


def _least_pass_cycles(frame: PassFrame, kind: _Pass) -> tuple[Floats, Floats]:
    """Behind the filter load: (of a pass that starts psums, of one that adds to them). The paths of pass_cycles.py
    without stalls."""
    n, e, g, q, r, p, psum_beats, column = kind
    words, new = q * frame.S, q * frame.tap_step
    window, step = -(-words // frame.ifmap_beat), -(-new // frame.ifmap_beat)
    row_sets = ((e - 1) * frame.row_step + frame.R) * g * r
    slots, psums = p * words, e * g * psum_beats
    pace, others = np.maximum(slots, psums), frame.F - 1
    image = row_sets * (window + others * step)
    until_end = (row_sets - 1) * window + slots + others * pace + _tail(frame, kind, row_sets, window)
    last, last_words = (step, new) if others else (window, words)
    by_words = n * image - last + last_words * p + _tail(frame, kind, row_sets, last)
    starting = np.maximum(until_end + (n - 1) * np.maximum(frame.F * pace, image), by_words) + 1
    arrivals = psums - column + p + frame.hop * frame.R * r + (n * frame.F - 1) * pace
    return starting, np.maximum(starting, arrivals)


def _tail(frame: PassFrame, kind: _Pass, row_sets: Whole, spacing: Ints) -> Floats:
    """From the last slot of the last column to the last psum on the bus."""
    g, r, R = kind.g, kind.r, frame.R
    up = np.maximum(frame.hop * R, frame.hop * R * r - (r - 1) * spacing)
    same_row = g * kind.psum_beats - (g - 1) * r * spacing
    all_columns = kind.e * g * kind.psum_beats - (row_sets - (R * g - g + 1) * r) * spacing
    columns = np.maximum(np.maximum(kind.psum_beats, same_row), all_columns) - kind.column
    return np.asarray(up + np.maximum(columns, 0))
