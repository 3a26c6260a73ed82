"""Filters beyond the chip's limits: a filter too tall for the array, or too wide for the ifmap spad, runs folded.

Our extension (DEVIATIONS). A fold turns pieces of a filter into channels: an R x S filter on C channels becomes an
R/a x S/b filter on C*a*b channels whose ifmaps are shifted copies, with the same MACs and the same ofmap.
"""

from dataclasses import dataclass, replace

import numpy as np

from simulator.errors import MappingError
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Pieces that a filter's rows and columns are cut into, each of the same size."""

    rows: int
    columns: int

    @property
    def is_needed(self) -> bool:
        return self.rows * self.columns > 1


def find_fold(layer: Layer, accelerator: Accelerator) -> Fold:
    """The fewest equal pieces that fit the array's height and the spads. Raises MappingError if not even one word
    fits."""
    return Fold(
        rows=layer.R // _largest_divisor(layer.R, accelerator.pe_array.rows),
        columns=layer.S // _largest_divisor(layer.S, _widest_window(layer, accelerator)),
    )


def fold_layer(layer: Layer, fold: Fold) -> Layer:
    """The folded layer: padding is part of its ifmap, so that it is stored and moved like any word."""
    R, S = layer.R // fold.rows, layer.S // fold.columns
    return replace(
        layer,
        C=layer.C * fold.rows * fold.columns,
        H=(layer.E - 1) * layer.U + R,
        W=(layer.F - 1) * layer.V + S,
        R=R,
        S=S,
        padding=(0, 0, 0, 0),
    )


def fold_tensors(layer: Layer, tensors: LayerTensors, fold: Fold) -> LayerTensors:
    """The tensors of the folded layer: channel c*rows*columns + i*columns + j is piece (i, j) of channel c."""
    folded = fold_layer(layer, fold)
    top, left, bottom, right = layer.padding
    padded = np.pad(tensors.ifmap, ((0, 0), (0, 0), (top, bottom), (left, right)))
    shifted = [
        padded[:, :, i * folded.R : i * folded.R + folded.H, j * folded.S : j * folded.S + folded.W]
        for i in range(fold.rows)
        for j in range(fold.columns)
    ]
    pieces = tensors.filters.reshape(*tensors.filters.shape[:2], fold.rows, folded.R, fold.columns, folded.S)
    return replace(
        tensors,
        ifmap=np.ascontiguousarray(np.stack(shifted, axis=2).reshape(folded.ifmap_shape)),
        filters=np.ascontiguousarray(pieces.transpose(0, 1, 2, 4, 3, 5).reshape(folded.filter_shape)),
    )


def _widest_window(layer: Layer, accelerator: Accelerator) -> int:
    spads = accelerator.pe.spads
    widest = (spads.words - 1) // 2 if isinstance(spads, PooledSpad) else min(spads.ifmap_words, spads.filter_words)
    if widest < 1:
        raise MappingError(
            f"{layer.name}: the spads of {accelerator.name} hold no window of even one word; enlarge them"
        )
    return widest


def _largest_divisor(size: int, most: int) -> int:
    return next(divisor for divisor in range(min(size, most), 0, -1) if size % divisor == 0)
