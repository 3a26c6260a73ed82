"""What does the height e of a strip of ofmap rows decide? For all heights of a layer at once."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.analytic.coding import Floats, Ints, LayerStreams
from simulator.mapping.partial import counted
from simulator.spec.layer import Layer

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByHeight:
    """What e decides, at e: strips, and over all of them one channel's words brought from DRAM, words sent into the
    array, and the bits of its streams; of the ofmap, the same."""

    strips: Ints
    stored: Ints
    sent: Ints
    ifmap_bits: Floats
    ofmap_bits: Floats


@lru_cache(maxsize=256)
def by_height(layer: Layer, streams: LayerStreams) -> ByHeight:
    """All strips of all heights, one after another, summed by height."""
    heights = np.arange(1, layer.E + 1)
    strips = -(-layer.E // heights)
    height = np.repeat(heights, strips)
    first = counted(strips) * height
    stop = np.minimum(first + height, layer.E)
    stored, ofmaps = _stored_words(layer, first, stop), (stop - first) * layer.F
    sent = _sent_lines(layer, first, stop) * _sent_columns(layer)
    begin = np.cumsum(strips) - strips

    return ByHeight(
        strips=np.concatenate([[0], strips]),
        stored=_summed(stored, begin),
        sent=_summed(sent, begin),
        ifmap_bits=_summed(streams.ifmap(stored), begin),
        ofmap_bits=_summed(streams.ofmap(ofmaps), begin),
    )


def _summed(of_strips: npt.NDArray[Number], begin: Ints) -> npt.NDArray[Number]:
    """At e: the sum over its strips, of which the first are at `begin`."""
    return np.concatenate([np.zeros(1, of_strips.dtype), np.add.reduceat(of_strips, begin)])


def _stored_words(layer: Layer, first: Ints, stop: Ints) -> Ints:
    """Words of one channel that strips of ofmap rows need from DRAM: whole rows, padding not."""
    top = np.maximum(0, first * layer.U - layer.padding[0])
    end = np.minimum(layer.H, (stop - 1) * layer.U + layer.R - layer.padding[0])
    return np.asarray(np.maximum(0, end - top) * layer.W)


def _sent_lines(layer: Layer, first: Ints, stop: Ints) -> Ints:
    """Ifmap rows that strips' PEs take, each counted once, padding not."""
    met = np.concatenate([[0], np.cumsum(_met(layer.E, layer.U, layer.R, layer.padding[0], layer.H))])
    return np.asarray(_stored_words(layer, first, stop) // layer.W if layer.U <= layer.R else met[stop] - met[first])


def _sent_columns(layer: Layer) -> int:
    """Words of an ifmap row that are taken, each counted once, padding not."""
    left = layer.padding[1]
    if layer.V <= layer.S:
        return max(0, min((layer.F - 1) * layer.V + layer.S - left, layer.W))
    return int(_met(layer.F, layer.V, layer.S, left, layer.W).sum())


def _met(positions: int, stride: int, taps: int, before: int, size: int) -> Ints:
    """How many of before..before+size-1 each of the positions of a window meets, a stride apart."""
    first = np.arange(positions) * stride
    return np.asarray(np.maximum(0, np.minimum(first + taps, before + size) - np.maximum(first, before)))
