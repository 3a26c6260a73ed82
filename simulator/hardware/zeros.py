"""MAC slots by which operand is zero, without a loop over MACs.

For one channel, filter row and tap, the slots with a non-zero ifmap word and a non-zero weight are (ofmap positions
that meet a non-zero word) x (filters with a non-zero weight): the double sum over filters and positions separates.
"""

import numpy as np
import numpy.typing as npt

from native.tensor_scans import nonzero_positions
from simulator.counts import Access, Action, Level, Tensor
from simulator.mapping.passes import ProcessingPass, chunks
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Gate, Gating
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors, Words

Counts = npt.NDArray[np.int64]


def count_mac_slots(layer: Layer, tensors: LayerTensors, mapping: RowStationaryMapping) -> Counts:
    """int64 (2, 2, 2, 2): [first slot of a PE's window][last][ifmap word is zero][filter word is zero]."""
    positions = nonzero_positions(
        tensors.ifmap, (layer.R, layer.S), (layer.U, layer.V), (layer.E, layer.F), layer.padding[:2]
    )
    nonzero = np.stack([positions, layer.N * layer.E * layer.F - positions])
    filters = np.count_nonzero(tensors.filters.reshape(layer.G, -1, *layer.filter_shape[1:]), axis=1)
    weights = np.stack([filters, layer.M // layer.G - filters]).reshape(2, layer.C, layer.R, layer.S)
    return _slots(nonzero, weights, _window_ends(layer, mapping))


def count_pass_slots(step: ProcessingPass, layer: Layer, tensors: LayerTensors) -> Counts:
    """The MAC slots of one pass, in the same form; those of all passes add up to the layer's."""
    tile, chunk = step.tile, step.channels
    in_group = tensors.filters.reshape(layer.G, -1, *layer.filter_shape[1:])
    used = in_group[tile.groups.start : tile.groups.stop, step.filters.slice, chunk.slice]
    filters = np.count_nonzero(used, axis=1).reshape(-1, layer.R, layer.S)
    positions = _pass_positions(step, layer, tensors.ifmap)
    first, last = np.zeros((2, chunk.size, layer.S), np.int64)
    first[:: chunk.interleaved, 0] = 1
    last[chunk.interleaved - 1 :: chunk.interleaved, -1] = 1
    return _slots(
        np.stack([positions, len(tile.images) * len(tile.rows) * layer.F - positions]),
        np.stack([filters, step.filters.size - filters]),
        np.tile([first, last], (1, len(tile.groups), 1)),
    )


def slot_accesses(slots: Counts, gating: Gating) -> dict[Access, int]:
    """Spad accesses that the MAC slots make."""
    reads, writes = slots_done(slots, gating.psum_spad_read), slots_done(slots, gating.psum_spad_write)
    return {
        Access(Level.SPAD, Tensor.IFMAP, Action.READ): int(slots_done(slots, gating.ifmap_spad_read).sum()),
        Access(Level.SPAD, Tensor.FILTER, Action.READ): int(slots_done(slots, gating.filter_spad_read).sum()),
        Access(Level.SPAD, Tensor.PSUM, Action.READ): int(reads[0].sum()),
        Access(Level.SPAD, Tensor.PSUM, Action.WRITE): int(writes[:, 0].sum()),
    }


def slots_done(slots: Counts, gate: Gate) -> Counts:
    """int64 (2, 2): [first][last] slots in which something with this gate is done."""
    done = {
        Gate.NEVER: slots.sum(axis=(2, 3)),
        Gate.ZERO_IFMAP: slots[:, :, 0].sum(axis=2),
        Gate.ZERO_FILTER: slots[:, :, :, 0].sum(axis=2),
        Gate.ZERO_EITHER: slots[:, :, 0, 0],
    }[gate]
    return np.asarray(done, np.int64)


def _slots(nonzero: Counts, weights: Counts, ends: Counts) -> Counts:
    """(2, C, R, S): positions that meet a non-zero word, and a zero; filters with a non-zero weight, and a zero one."""
    first, last = ends
    slots = np.zeros((2, 2, 2, 2), np.int64)
    for is_first, is_last in np.ndindex(2, 2):
        chosen = ((first == is_first) & (last == is_last)).astype(np.int64)
        slots[is_first, is_last] = np.einsum("acis,bcis,cs->ab", nonzero, weights, chosen)
    return slots


def _pass_positions(step: ProcessingPass, layer: Layer, ifmap: Words) -> Counts:
    """(channels of the pass, R, S): ofmap positions of the pass that meet a non-zero word."""
    tile = step.tile
    first = tile.rows.start * layer.U - layer.padding[0]
    end = min(layer.H, first + (len(tile.rows) - 1) * layer.U + layer.R)
    in_groups = ifmap.reshape(layer.N, layer.G, -1, layer.H, layer.W)
    block = in_groups[(*tile.where, step.channels.slice, slice(max(0, first), max(0, end)))]
    if not block.size:
        return np.zeros((len(tile.groups) * step.channels.size, layer.R, layer.S), np.int64)
    words = np.ascontiguousarray(block).reshape(len(tile.images), -1, *block.shape[3:])
    ofmap_size, padding = (len(tile.rows), layer.F), (max(0, -first), layer.padding[1])
    return nonzero_positions(words, (layer.R, layer.S), (layer.U, layer.V), ofmap_size, padding)


def _window_ends(layer: Layer, mapping: RowStationaryMapping) -> Counts:
    """(2, C, S): 1 where a channel's tap is the first, or the last, of the window of the PE that has it."""
    first, last = np.zeros((2, layer.C // layer.G, layer.S), np.int64)
    for chunk in chunks(range(layer.C // layer.G), mapping.q, mapping.r):
        first[chunk.start : chunk.stop : chunk.interleaved, 0] = 1
        last[chunk.start + chunk.interleaved - 1 : chunk.stop : chunk.interleaved, -1] = 1
    return np.tile([first, last], (1, layer.G, 1))
