"""Access counts in closed form: from layer, mapping and accelerator, and from which words are zero, or how many.

Never walks the passes: it sums over them. A test holds every count against the simulator's, word for word and bit for
bit. From densities they are expected counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Generic, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.analytic.coded_sizes import WordBits, filter_pass_bits, ifmap_strip_bits, ofmap_strip_bits
from simulator.analytic.coding import Coding, Floats, Ints, LayerStreams, StreamBits, layer_streams
from simulator.analytic.cuts import Amount, Count, Cut, Mappings, cut, ofmap_groups, strip_bits, strip_words
from simulator.analytic.zeros import SlotsDone, counted_slots, expected_slots
from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.energy import energy_per_bit
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors

DRAM_IFMAP = Access(Level.DRAM, Tensor.IFMAP, Action.READ)
DRAM_FILTER = Access(Level.DRAM, Tensor.FILTER, Action.READ)
DRAM_OFMAP = Access(Level.DRAM, Tensor.PSUM, Action.WRITE)
GLB_IFMAP_FILL = Access(Level.GLB, Tensor.IFMAP, Action.FILL)
GLB_IFMAP_READ = Access(Level.GLB, Tensor.IFMAP, Action.READ)
GLB_FILTER_FILL = Access(Level.GLB, Tensor.FILTER, Action.FILL)
GLB_FILTER_READ = Access(Level.GLB, Tensor.FILTER, Action.READ)
GLB_PSUM_READ = Access(Level.GLB, Tensor.PSUM, Action.READ)
GLB_PSUM_WRITE = Access(Level.GLB, Tensor.PSUM, Action.WRITE)
GLB_PSUM_DUMP = Access(Level.GLB, Tensor.PSUM, Action.DUMP)
NOC_IFMAP = Access(Level.NOC, Tensor.IFMAP, Action.DELIVERY)
NOC_FILTER = Access(Level.NOC, Tensor.FILTER, Action.DELIVERY)
NOC_PSUM = Access(Level.NOC, Tensor.PSUM, Action.DELIVERY)
NOC_PSUM_HOP = Access(Level.NOC, Tensor.PSUM, Action.HOP)
NOC_PSUM_COLLECT = Access(Level.NOC, Tensor.PSUM, Action.COLLECT)
SPAD_IFMAP_READ = Access(Level.SPAD, Tensor.IFMAP, Action.READ)
SPAD_IFMAP_WRITE = Access(Level.SPAD, Tensor.IFMAP, Action.WRITE)
SPAD_FILTER_READ = Access(Level.SPAD, Tensor.FILTER, Action.READ)
SPAD_FILTER_WRITE = Access(Level.SPAD, Tensor.FILTER, Action.WRITE)
SPAD_PSUM_READ = Access(Level.SPAD, Tensor.PSUM, Action.READ)
SPAD_PSUM_WRITE = Access(Level.SPAD, Tensor.PSUM, Action.WRITE)

Moved = Mapping[Access, tuple[Ints, Ints]]
ExpectedMoves = Mapping[Access, tuple[Floats, Floats]]
_DENSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0)


def count_accesses(
    layer: Layer,
    mapping: RowStationaryMapping,
    accelerator: Accelerator,
    zeros: Densities | LayerTensors,
    coding: Coding = Coding.RUN_LENGTH,
) -> AccessCounts:
    """Every count of a layer with a mapping: exact from tensors, expected values rounded from densities.

    The layer is as it runs: folded, with tensors or densities that are, where its filters need it.
    """
    traffic = _traffic(layer, mapping)
    if isinstance(zeros, Densities):
        done = expected_slots(layer, zeros, accelerator.gating, mapping.q)
        sizes = _expected_sizes(layer, mapping.e, traffic, layer_streams(layer, zeros, accelerator, coding))
    else:
        done = counted_slots(layer, zeros, accelerator.gating, mapping.q)
        sizes = _counted_sizes(layer, mapping, zeros, accelerator, coding)
    words, bits = _moves(layer, traffic, accelerator, done, sizes)
    return AccessCounts(
        words=_rounded(words),
        bits=_rounded(bits),
        macs=layer.macs,
        nonzero_macs=round(done.nonzero_macs),
        gated_macs=layer.macs - round(done.macs),
    )


def expected_moves(
    layer: Layer,
    grid: MappingGrid,
    accelerator: Accelerator,
    densities: Densities,
    coding: Coding = Coding.RUN_LENGTH,
) -> ExpectedMoves:
    """Access -> (words, bits) of each mapping, float64 of the grid's length: what count_accesses rounds."""
    traffic, done = _traffic(layer, grid), expected_slots(layer, densities, accelerator.gating, grid.q)
    sizes = _expected_sizes(layer, grid.e, traffic, layer_streams(layer, densities, accelerator, coding))
    words, bits = _moves(layer, traffic, accelerator, done, sizes)

    def of_each(amount: Amount) -> Floats:
        return np.broadcast_to(np.asarray(amount, np.float64), len(grid))

    return {access: (of_each(words[access]), of_each(bits[access])) for access in words}


def dense_counts(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> Moved:
    """Access -> (words, bits) of each mapping, int64 of the grid's length, for tensors without a zero word."""
    moved = expected_moves(layer, grid, accelerator, _DENSE)
    return {access: (words.astype(np.int64), bits.astype(np.int64)) for access, (words, bits) in moved.items()}


def dense_energy(layer: Layer, grid: MappingGrid, accelerator: Accelerator) -> npt.NDArray[np.float64]:
    """Energy of each mapping, in the table's unit, if no word were zero. Without the MACs, which no mapping changes."""
    total = np.zeros(len(grid))
    for access, (_, bits) in expected_moves(layer, grid, accelerator, _DENSE).items():
        total += bits * energy_per_bit(access, accelerator)
    return total


class _Traffic(NamedTuple, Generic[Count]):
    """How a mapping cuts a layer, and how often what moves.

    channels            of a group
    full, last          groups of m ofmap channels before the last one, and how the filters of that are cut
    of_full             how those of any other are
    images, strips      times that all filters come from DRAM, and times for each of these
    loads               of each ifmap strip from DRAM
    stored, sent        words of one channel in all strips: brought from DRAM, sent into the array
    """

    channels: Cut[Count]
    full: Count
    of_full: Cut[Count]
    last: Cut[Count]
    images: Count
    strips: Count
    loads: Count
    stored: Count
    sent: Count


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CodedSizes:
    """Bits over the link for every channel's strips and every pass's filters, if each came once; and for all ofmaps."""

    ifmap: Amount
    filters: Amount
    ofmap: Amount


def _moves(
    layer: Layer, traffic: _Traffic[Count], accelerator: Accelerator, done: SlotsDone, sizes: _CodedSizes
) -> tuple[dict[Access, Amount], dict[Access, Amount]]:
    """Words and bits of every access that the machine has: its tensor's width a word, but for what moves coded."""
    words = _words(layer, traffic, done)
    if Tensor.FILTER in accelerator.glb.bypass:
        del words[GLB_FILTER_FILL], words[GLB_FILTER_READ]
    width = {Tensor.IFMAP: layer.ifmap_bits, Tensor.FILTER: layer.filter_bits, Tensor.PSUM: layer.psum_bits}
    bits = {access: moved * width[access.tensor] for access, moved in words.items()}
    bits[DRAM_IFMAP] = traffic.loads * sizes.ifmap
    bits[DRAM_FILTER] = traffic.strips * traffic.images * sizes.filters
    bits[DRAM_OFMAP] = sizes.ofmap
    return words, bits


def _rounded(amounts: Mapping[Access, Amount]) -> Mapping[Access, int]:
    return MappingProxyType(
        {access: amount if isinstance(amount, int) else round(float(amount)) for access, amount in amounts.items()}
    )


def _expected_sizes(layer: Layer, e: Count, traffic: _Traffic[Count], streams: LayerStreams) -> _CodedSizes:
    return _CodedSizes(
        ifmap=layer.N * layer.C * strip_bits(layer, e, "stored", streams.ifmap),
        filters=layer.G * _filter_bits(layer, traffic, streams.filters),
        ofmap=layer.N * layer.M * strip_bits(layer, e, "ofmap", streams.ofmap),
    )


def _filter_bits(layer: Layer, traffic: _Traffic[Count], stream: StreamBits) -> Amount:
    """Of one group's filters, one stream a pass."""
    channels = traffic.channels.parts
    total: Amount = 0
    for times, filters in ((traffic.full, traffic.of_full), (1, traffic.last)):
        for together, passes in filters.parts:
            for inputs, input_passes in channels:
                words = together * inputs * (layer.R * layer.S)
                total = total + times * passes * input_passes * stream(words)
    return total


def _counted_sizes(
    layer: Layer, mapping: RowStationaryMapping, tensors: LayerTensors, accelerator: Accelerator, coding: Coding
) -> _CodedSizes:
    """From the words of the tensors that move coded; raw ones are as large as without zeros."""
    code = accelerator.compression
    of_maps, of_filters = WordBits(code, coding, layer.ifmap_bits), WordBits(code, coding, layer.filter_bits)
    sizes = _expected_sizes(layer, mapping.e, _traffic(layer, mapping), layer_streams(layer, _DENSE, accelerator))
    if code.codes_ifmap(from_input=layer.from_input):
        sizes = replace(sizes, ifmap=ifmap_strip_bits(layer, tensors.ifmap, mapping.e, of_maps))
    if code.filter:
        sizes = replace(sizes, filters=filter_pass_bits(layer, tensors.filters, mapping, of_filters))
    if code.ofmap:
        sizes = replace(sizes, ofmap=ofmap_strip_bits(layer, tensors.ofmap, mapping.e, of_maps))
    return sizes


def _traffic(layer: Layer, mapping: Mappings[Count]) -> _Traffic[Count]:
    channels, p, t = cut(layer.C // layer.G, mapping.q, mapping.r), mapping.p, mapping.t
    full, last = ofmap_groups(layer, mapping)
    strips = -(-layer.E // mapping.e)
    stays = (strips == 1) & (channels.passes == 1)  # one tile an image group: it is there for every ofmap group
    return _Traffic(
        channels=channels,
        full=full,
        of_full=cut(mapping.m, p, t),
        last=cut(last, p, t),
        images=-(-layer.N // mapping.n),
        strips=strips,
        loads=1 + full * (1 - stays * 1),
        stored=strip_words(layer, mapping.e, "stored_words"),
        sent=strip_words(layer, mapping.e, "sent_words"),
    )


def _words(layer: Layer, traffic: _Traffic[Count], done: SlotsDone) -> dict[Access, Amount]:
    """In the order of the simulator's counts, which is that of their names.

    A pass that is not the first for its channels takes back the psums that came out.
    """
    full, of_full, last, channels = traffic.full, traffic.of_full, traffic.last, traffic.channels
    ifmap_planes, weights = layer.N * layer.C, layer.M * (layer.C // layer.G) * layer.R * layer.S
    ifmap = traffic.loads * (ifmap_planes * traffic.stored)
    row_words = layer.S + (layer.F - 1) * min(layer.S, layer.V)
    ifmap_taken = (full * of_full.sets + last.sets) * (ifmap_planes * layer.R * layer.E * row_words)
    filters, filters_taken = traffic.strips * traffic.images * weights, traffic.images * (weights * layer.E)
    outputs = layer.N * layer.M * layer.E * layer.F
    taken, collected = (channels.passes - 1) * outputs, channels.passes * outputs
    return {
        DRAM_FILTER: filters,
        DRAM_IFMAP: ifmap,
        DRAM_OFMAP: outputs,
        GLB_FILTER_FILL: filters,
        GLB_FILTER_READ: filters,
        GLB_IFMAP_FILL: ifmap,
        GLB_IFMAP_READ: (full * of_full.passes + last.passes) * (ifmap_planes * traffic.sent),
        GLB_PSUM_DUMP: outputs,
        GLB_PSUM_READ: taken,
        GLB_PSUM_WRITE: collected,
        NOC_FILTER: filters_taken,
        NOC_IFMAP: ifmap_taken,
        NOC_PSUM_COLLECT: collected,
        NOC_PSUM: taken,
        NOC_PSUM_HOP: channels.sets * (layer.R * outputs) - collected,
        SPAD_FILTER_READ: done.filter_reads,
        SPAD_FILTER_WRITE: filters_taken,
        SPAD_IFMAP_READ: done.ifmap_reads,
        SPAD_IFMAP_WRITE: ifmap_taken,
        SPAD_PSUM_READ: done.psum_reads,
        SPAD_PSUM_WRITE: done.psum_writes,
    }
