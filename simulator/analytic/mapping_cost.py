"""What does each of many mappings cost in energy, and what does no completion of a mapping chosen in part cost less
than? For the search, which asks for tens of thousands at a time.

The same energy as of access_counts.py's counts, a test holds; here each term is summed over what changes it only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator.analytic.coding import Coding, LayerStreams, StreamBits, layer_streams
from simulator.analytic.stream_bounds import slope_and_beyond
from simulator.analytic.strip_heights import by_height
from simulator.analytic.zeros import expected_slots
from simulator.counts import Access, Action, Level, Tensor
from simulator.energy import energy_per_bit
from simulator.mapping.partial import PartialMappings, filter_passes
from simulator.mapping.search import MappingGrid, Objective, Sizes
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Counts = tuple[Ints, Ints, Ints]
IFMAP, FILTER, PSUM = Tensor.IFMAP, Tensor.FILTER, Tensor.PSUM
READ, WRITE, FILL, DUMP, DELIVERY = Action.READ, Action.WRITE, Action.FILL, Action.DUMP, Action.DELIVERY
_MANY_WORDS = 1 << 16


SpadEnergy = Callable[[Ints], Floats]
"""Energy of the spad accesses of all MAC slots, at each q: it decides how many psums PEs begin and pass on."""


def energy_objective(streams: LayerStreams, spads: SpadEnergy) -> Objective:
    """Energy without MACs, in the table's unit, of one layer whose tensors move in such streams.

    The optimum is exact if no stream of filters takes fewer bits a word than an endless one: every coder of coding.py
    keeps to that, but for the link word by which its sizes of extreme densities are off.
    """
    return Objective(
        cost_of=lambda layer, grid, accelerator: _Energy(layer, accelerator, streams, spads).cost_of(grid),
        bound_of=lambda layer, partial, accelerator: _Energy(layer, accelerator, streams, spads).bound_of(partial),
        sizes=Sizes.COUNTED if _is_proportional(streams.filters) else Sizes.EVERY,
    )


def expected_energy(
    layer: Layer, accelerator: Accelerator, densities: Densities, coding: Coding = Coding.RUN_LENGTH
) -> Objective:
    """energy_objective of tensors of these densities: that of access_counts.expected_moves."""
    price = _Prices(layer, accelerator)

    def spads(q: Ints) -> Floats:
        done = expected_slots(layer, densities, accelerator.gating, q)
        operands = done.ifmap_reads * price(Level.SPAD, IFMAP, READ)
        operands += done.filter_reads * price(Level.SPAD, FILTER, READ)
        psums = done.psum_reads * price(Level.SPAD, PSUM, READ) + done.psum_writes * price(Level.SPAD, PSUM, WRITE)
        return np.asarray(operands + psums, np.float64)

    return energy_objective(layer_streams(layer, densities, accelerator, coding), spads)


def dense_objective(layer: Layer, accelerator: Accelerator) -> Objective:
    """Energy of a layer without a zero word but its padding: access_counts.dense_energy."""
    return expected_energy(layer, accelerator, Densities(ifmap=1.0, filters=1.0, ofmap=1.0))


@lru_cache(maxsize=256)
def _is_proportional(stream: StreamBits) -> bool:
    """Does cutting a stream cost nothing? No cut saves bits, so if the finest one costs none, none does."""
    return bool(np.isclose(stream(1) * _MANY_WORDS, stream(_MANY_WORDS), rtol=1e-12))


class _Prices:
    """Energy of one word of a tensor of a layer, accessed raw."""

    def __init__(self, layer: Layer, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._bits = {IFMAP: layer.ifmap_bits, FILTER: layer.filter_bits, PSUM: layer.psum_bits}

    def __call__(self, level: Level, tensor: Tensor, *actions: Action) -> float:
        return self._bits[tensor] * sum(self.of_bit(level, tensor, action) for action in actions)

    def of_bit(self, level: Level, tensor: Tensor, action: Action) -> float:
        return energy_per_bit(Access(level, tensor, action), self._accelerator)


class _Energy:
    """One layer's energy on one machine: its terms, each by the parameters that change it."""

    def __init__(self, layer: Layer, accelerator: Accelerator, streams: LayerStreams, spads: SpadEnergy) -> None:
        self._layer, self._streams, self._heights = layer, streams, by_height(layer, streams)
        self._group_words = layer.M // layer.G * (layer.C // layer.G) * layer.R * layer.S
        uncut = _is_proportional(streams.filters)
        self._uncut_filter_bits = streams.filters(self._group_words) if uncut else None
        self._price_ifmaps(_Prices(layer, accelerator))
        self._price_filters(_Prices(layer, accelerator), FILTER in accelerator.glb.bypass)
        self._price_psums(_Prices(layer, accelerator))
        self._spads = spads

    def cost_of(self, grid: MappingGrid) -> Floats:
        filters, m, p, t = self._layer.M // self._layer.G, grid.m, grid.p, grid.t
        groups = -(-filters // m)
        last = filters - (groups - 1) * m
        passes = (groups - 1) * filter_passes(m, p, t) + filter_passes(last, p, t)
        sets = (groups - 1) * -(-m // p) + -(-last // p)
        channels = _by_channels(self._layer, _largest(grid.q), _largest(grid.r))
        bits = self._filter_bits(grid, channels, groups, last)
        return self._total(grid, channels, (groups, passes, sets), bits)

    def bound_of(self, partial: PartialMappings) -> Floats:
        counts = partial.least_groups, partial.least_passes, partial.least_sets
        channels = _by_channels(self._layer, _largest(partial.q), _largest(partial.r))
        return self._total(partial, channels, counts, self._least_filter_bits(partial, channels))

    def _price_ifmaps(self, price: _Prices) -> None:
        layer, heights, planes = self._layer, self._heights, self._layer.N * self._layer.C
        taken = layer.S + (layer.F - 1) * min(layer.S, layer.V)
        word = price(Level.NOC, IFMAP, DELIVERY) + price(Level.SPAD, IFMAP, WRITE)
        self._of_set = planes * layer.R * layer.E * taken * word
        self._of_pass = heights.sent * (planes * price(Level.GLB, IFMAP, READ))
        fills = heights.stored * price(Level.GLB, IFMAP, FILL)
        self._of_load = planes * (heights.ifmap_bits * price.of_bit(Level.DRAM, IFMAP, READ) + fills)

    def _price_filters(self, price: _Prices, bypasses: bool) -> None:
        layer = self._layer
        words = layer.G * self._group_words
        spads = price(Level.NOC, FILTER, DELIVERY) + price(Level.SPAD, FILTER, WRITE)
        self._of_image_group = words * layer.E * spads
        self._of_filters = 0.0 if bypasses else words * price(Level.GLB, FILTER, FILL, READ)
        self._of_group_bit = layer.G * price.of_bit(Level.DRAM, FILTER, READ)

    def _price_psums(self, price: _Prices) -> None:
        layer, planes = self._layer, self._layer.N * self._layer.M
        outputs = planes * layer.E * layer.F
        begun = price(Level.GLB, PSUM, READ) + price(Level.NOC, PSUM, DELIVERY)
        collected = price(Level.GLB, PSUM, WRITE) + price(Level.NOC, PSUM, Action.COLLECT)
        hop = price(Level.NOC, PSUM, Action.HOP)
        self._of_channel_pass = outputs * (begun + collected - hop)
        self._of_channel_set = outputs * layer.R * hop
        always = outputs * (price(Level.GLB, PSUM, DUMP) - begun)
        self._of_ofmap = self._heights.ofmap_bits * (planes * price.of_bit(Level.DRAM, PSUM, WRITE)) + always

    def _total(
        self, chosen: MappingGrid | PartialMappings, channels: "_ByChannels", counts: Counts, bits: Floats | float
    ) -> Floats:
        """From how many ofmap groups, filter passes and filter sets there are, and the bits of one group's filters."""
        groups, passes, sets = counts
        e, at = chosen.e, channels.at(chosen.q, chosen.r)
        strips, images = self._heights.strips[e], -(-self._layer.N // chosen.n)
        psums = channels.passes * self._of_channel_pass + channels.sets * self._of_channel_set
        total = (psums + self._spads(channels.q))[at]
        total += self._of_ofmap[e] + self._of_pass[e] * passes + self._of_set * sets
        total += images * (self._of_image_group + strips * (self._of_filters + self._of_group_bit * bits))
        stays = (strips == 1) & channels.is_one[at]  # one tile an image group: it is there for every ofmap group
        return np.asarray(total + self._of_load[e] * np.where(stays, 1, groups), np.float64)

    def _least_filter_bits(self, partial: PartialMappings, channels: "_ByChannels") -> Floats | float:
        """No completion's _filter_bits are fewer."""
        if self._uncut_filter_bits is not None:
            return self._uncut_filter_bits
        tap, at = self._layer.R * self._layer.S, channels.at(partial.q, partial.r)
        largest = _largest(partial.most_filters * partial.q * partial.r)
        slope, beyond = slope_and_beyond(self._streams.filters, tap, largest)
        total = np.full(len(partial), slope * self._group_words)
        for sizes, often in channels.chunks:
            total += beyond[partial.most_filters * sizes[at]] * (partial.least_passes * often[at])
        return total

    def _filter_bits(self, grid: MappingGrid, channels: "_ByChannels", groups: Ints, last: Ints) -> Floats | float:
        """Of one group's filters: one stream for each chunk of filters and chunk of channels."""
        if self._uncut_filter_bits is not None:
            return self._uncut_filter_bits
        tap, at = self._layer.R * self._layer.S, channels.at(grid.q, grid.r)
        largest = _largest(grid.p * grid.t * grid.q * grid.r)
        stream = self._streams.filters(np.arange(largest + 1, dtype=np.int64) * tap)
        total = np.zeros(len(grid))
        for filters, times in _filter_chunks(grid, groups, last):
            for sizes, often in channels.chunks:
                total += stream[filters * sizes[at]] * (times * often[at])
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ByChannels:
    """What q and r decide, at q*stride + r (with 0 as with 1): passes and PE sets on different channels, and chunks of
    channels (size, how many)."""

    stride: int
    q: Ints
    passes: Ints
    sets: Ints
    is_one: npt.NDArray[np.bool_]
    chunks: tuple[tuple[Ints, Ints], ...]

    def at(self, q: Ints, r: Ints) -> Ints:
        return q * self.stride + r


@lru_cache(maxsize=64)
def _by_channels(layer: Layer, most_q: int, most_r: int) -> _ByChannels:
    channels = layer.C // layer.G
    q = np.maximum(np.repeat(np.arange(most_q + 1), most_r + 1), 1)
    r = np.maximum(np.tile(np.arange(most_r + 1), most_q + 1), 1)
    size, full = q * r, channels // (q * r)
    sets_left, rest = channels % size // q, channels % q
    chunks = (size, full), (sets_left * q, np.minimum(sets_left, 1)), (rest, np.minimum(rest, 1))
    passes = sum((times for _, times in chunks), np.zeros_like(q))
    return _ByChannels(
        stride=most_r + 1,
        q=q,
        passes=passes,
        sets=-(-channels // q),
        is_one=passes == 1,
        chunks=chunks,
    )


def _filter_chunks(grid: MappingGrid, groups: Ints, last: Ints) -> tuple[tuple[Ints, Ints], ...]:
    """(filters of a pass, how many such passes) over all ofmap groups: whole p*t, whole p, the rest; in all but the
    last group, in the last."""
    size = grid.p * grid.t
    others = groups - 1
    chunks: list[tuple[Ints, Ints]] = [(size, others * (grid.m // size) + last // size)]
    for whole, times in ((grid.m, others), (last, np.ones_like(last))):
        left = whole % size
        rest = left % grid.p
        chunks += [(left - rest, times * (left > rest)), (rest, times * (rest > 0))]
    return tuple(chunks)


def _largest(values: Ints) -> int:
    return int(values.max(initial=1))
