"""The DRAM link, and what moves over it: words, and the bits they take run-length coded or raw."""

from collections.abc import Generator, Sequence
from math import ceil

import numpy as np
import numpy.typing as npt
import simpy

from native.tensor_scans import run_length_pairs
from simulator.mapping.passes import OfmapTile, ProcessingPass
from simulator.spec.accelerator import Accelerator, RunLengthCode
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors, Words


class DramLink:
    """One link for reads and writes, first come first served; a transfer is never split."""

    def __init__(self, env: simpy.Environment, accelerator: Accelerator) -> None:
        self._env = env
        self._accelerator = accelerator
        self._link = simpy.Resource(env)

    def transfer(self, bits: int) -> Generator[simpy.Event, None, None]:
        """Hold the link for as many core cycles as the bits take, rounded up."""
        if not bits:
            return
        with self._link.request() as turn:
            yield turn
            yield self._env.timeout(self.cycles(bits))

    def cycles(self, bits: int) -> int:
        return ceil(self._accelerator.dram_cycles(bits))


class TensorSizes:
    """Bits of each chunk of a layer as it moves: what the coder of the machine makes of the real words.

    An ifmap or ofmap stream is one channel's rows of a tile; a filter stream is one group's filters of a pass.
    """

    def __init__(self, layer: Layer, tensors: LayerTensors, accelerator: Accelerator) -> None:
        self._layer, self._tensors, self._accelerator = layer, tensors, accelerator
        self._codes_ifmap = accelerator.compression.codes_ifmap(from_input=layer.from_input)
        self._planes: dict[tuple[str, int, int], npt.NDArray[np.int64]] = {}
        self._filters: dict[tuple[int, ...], int] = {}

    def ifmap_tile(self, step: ProcessingPass) -> tuple[int, int]:
        """(words, bits) of the pass's ifmap tile: whole rows, halo included, padding not."""
        layer, tile = self._layer, step.tile
        first = max(0, tile.rows.start * layer.U - layer.padding[0])
        end = min(layer.H, (tile.rows.stop - 1) * layer.U + layer.R - layer.padding[0])
        words = max(0, end - first) * layer.W * len(tile.images) * len(tile.groups) * step.channels.size
        if not self._codes_ifmap or not words:
            return words, words * self._accelerator.word_bits
        sizes = self._plane_sizes("ifmap", self._tensors.ifmap, first, end)
        return words, int(sizes[(*tile.where, step.channels.slice)].sum())

    def ofmap_tile(self, tile: OfmapTile) -> tuple[int, int]:
        """(words, bits) of a finished ofmap tile."""
        words = tile.planes * len(tile.rows) * self._layer.F
        if not self._accelerator.compression.ofmap:
            return words, words * self._accelerator.word_bits
        sizes = self._plane_sizes("ofmap", self._tensors.ofmap, tile.rows.start, tile.rows.stop)
        return words, int(sizes[(*tile.where, slice(tile.ofmaps.start, tile.ofmaps.stop))].sum())

    def filters(self, step: ProcessingPass) -> tuple[int, int]:
        """(words, bits) of the pass's filters."""
        layer, groups = self._layer, step.tile.groups
        filters, channels = step.filters.size, step.channels.size
        words = len(groups) * filters * channels * layer.R * layer.S
        if not self._accelerator.compression.filter:
            return words, words * self._accelerator.word_bits
        key = (groups.start, groups.stop, step.filters.start, filters, step.channels.start, channels)
        if key not in self._filters:
            self._filters[key] = self._coded_filters(step, groups)
        return words, self._filters[key]

    def _plane_sizes(self, name: str, words: Words, first: int, end: int) -> npt.NDArray[np.int64]:
        """Coded bits of rows first..end-1 of every plane: (N, groups, channels in a group)."""
        key = (name, first, end)
        if key not in self._planes:
            images, channels, height, width = words.shape
            starts = np.arange(images * channels, dtype=np.int64) * (height * width) + first * width
            bits = _coded_bits(words, starts, (1, 0, (end - first) * width), self._accelerator.compression)
            self._planes[key] = bits.reshape(images, self._layer.G, -1)
        return self._planes[key]

    def _coded_filters(self, step: ProcessingPass, groups: Sequence[int]) -> int:
        _, channels, R, S = self._tensors.filters.shape
        row, tap = channels * R * S, R * S
        filters_in_group = self._layer.M // self._layer.G
        starts = np.array([(group * filters_in_group + step.filters.start) * row for group in groups], np.int64)
        segments = (step.filters.size, row, step.channels.size * tap)
        bits = _coded_bits(
            self._tensors.filters, starts + step.channels.start * tap, segments, self._accelerator.compression
        )
        return int(bits.sum())


def _coded_bits(
    words: Words, starts: npt.NDArray[np.int64], segments: tuple[int, int, int], code: RunLengthCode
) -> npt.NDArray[np.int64]:
    """Bits of each stream, padded to whole code words at its end."""
    pairs = run_length_pairs(words, starts, segments, 2**code.run_bits - 1)
    return np.asarray(-(-pairs // code.pairs) * code.word_bits, np.int64)
