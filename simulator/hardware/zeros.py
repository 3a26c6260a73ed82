"""MAC slots by which operand is zero, without a loop over MACs.

For one channel, filter row and tap, the slots with a non-zero ifmap word and a non-zero weight are (ofmap positions
that meet a non-zero word) x (filters with a non-zero weight): the double sum over filters and positions separates.
"""

import numpy as np
import numpy.typing as npt

from native.tensor_scans import nonzero_positions
from simulator.mapping.passes import chunks
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Gate
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors

Counts = npt.NDArray[np.int64]


def count_mac_slots(layer: Layer, tensors: LayerTensors, mapping: RowStationaryMapping) -> Counts:
    """int64 (2, 2, 2, 2): [first slot of a PE's window][last][ifmap word is zero][filter word is zero]."""
    positions = nonzero_positions(
        tensors.ifmap, (layer.R, layer.S), (layer.U, layer.V), (layer.E, layer.F), layer.padding[:2]
    )
    nonzero = np.stack([positions, layer.N * layer.E * layer.F - positions])
    filters = np.count_nonzero(tensors.filters.reshape(layer.G, -1, *layer.filter_shape[1:]), axis=1)
    weights = np.stack([filters, layer.M // layer.G - filters]).reshape(2, layer.C, layer.R, layer.S)
    first, last = _window_ends(layer, mapping)
    slots = np.zeros((2, 2, 2, 2), np.int64)
    for is_first, is_last in np.ndindex(2, 2):
        chosen = ((first == is_first) & (last == is_last)).astype(np.int64)
        slots[is_first, is_last] = np.einsum("acis,bcis,cs->ab", nonzero, weights, chosen)
    return slots


def slots_done(slots: Counts, gate: Gate) -> Counts:
    """int64 (2, 2): [first][last] slots in which something with this gate is done."""
    done = {
        Gate.NEVER: slots.sum(axis=(2, 3)),
        Gate.ZERO_IFMAP: slots[:, :, 0].sum(axis=2),
        Gate.ZERO_FILTER: slots[:, :, :, 0].sum(axis=2),
        Gate.ZERO_EITHER: slots[:, :, 0, 0],
    }[gate]
    return np.asarray(done, np.int64)


def _window_ends(layer: Layer, mapping: RowStationaryMapping) -> tuple[Counts, Counts]:
    """(C, S) each: 1 where a channel's tap is the first, or the last, of the window of the PE that has it."""
    first, last = np.zeros((2, layer.C // layer.G, layer.S), np.int64)
    for chunk in chunks(range(layer.C // layer.G), mapping.q, mapping.r):
        first[chunk.start : chunk.stop : chunk.interleaved, 0] = 1
        last[chunk.start + chunk.interleaved - 1 : chunk.stop : chunk.interleaved, -1] = 1
    return np.tile(first, (layer.G, 1)), np.tile(last, (layer.G, 1))
