"""Run-length coding and MAC slots as loops over words and MACs."""

from itertools import product

import numpy as np

from simulator.mapping.passes import chunks
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors


def encode(words: list[int], longest_run: int) -> list[tuple[int, int]]:
    """Pairs of (zeros before, level). A run that is too long, and one at the end, spends a pair whose level is a
    zero."""
    pairs, run = [], 0
    for word in words:
        if word or run == longest_run:
            pairs.append((run, word))
            run = 0
        else:
            run += 1
    if run:
        pairs.append((run - 1, 0))
    return pairs


def decode(pairs: list[tuple[int, int]]) -> list[int]:
    return [word for run, level in pairs for word in [0] * run + [level]]


def mac_slots(layer: Layer, tensors: LayerTensors, mapping: RowStationaryMapping) -> np.ndarray:
    """(2, 2, 2, 2) [first slot of a PE's window][last][ifmap zero][filter zero], one MAC after another."""
    slots = np.zeros((2, 2, 2, 2), np.int64)
    top, left = layer.padding[:2]
    in_chunk = {
        channel: (channel - chunk.start) % chunk.interleaved / max(1, chunk.interleaved - 1)
        if chunk.interleaved > 1
        else None
        for chunk in chunks(range(layer.C // layer.G), mapping.q, mapping.r)
        for channel in range(chunk.start, chunk.stop)
    }
    sizes = (layer.N, layer.M, layer.E, layer.F, layer.C // layer.G, layer.R, layer.S)
    for image, m, y, x, c, i, s in product(*map(range, sizes)):
        row, column = y * layer.U + i - top, x * layer.V + s - left
        group = m // (layer.M // layer.G)
        is_stored = 0 <= row < layer.H and 0 <= column < layer.W
        word = tensors.ifmap[image, group * (layer.C // layer.G) + c, row, column] if is_stored else 0
        place = in_chunk[c]
        first = s == 0 and place in (None, 0)
        last = s == layer.S - 1 and place in (None, 1)
        slots[int(first), int(last), int(word == 0), int(tensors.filters[m, c, i, s] == 0)] += 1
    return slots
