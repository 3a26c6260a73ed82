"""A layer as a least-squares problem: which products of inputs and outputs say how well it does its work?

A group of a layer is Y = X A: each row of X is the input window of one sampled position (image, ofmap row, ofmap
column), each column of A one filter. Pruning needs X only through the sums in `Gram`, whose size does not grow with the
samples. Padding counts as zeros and zero inputs count as inputs. Biases are left out: they are not pruned and cancel in
Y − X A.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pruning.factors import Factors, factorise
from simulator.errors import PruningError
from simulator.spec.layer import Layer

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

_BLOCK_WORDS = 1 << 25
"""Words of one block of X: 128 MB in single precision."""
_MOST_SAMPLES_IN_BLOCK = 1024
"""Sums of more products than this leave single precision, so that rounding does not grow with the samples."""
_FEWEST_IMAGES, _SAMPLES_AN_IMAGE = 512, 8
_DOUBLE_INPUTS = 4096
"""With more inputs a group's sums are kept in single precision: FC1 of AlexNet, 9216 x 9216, takes 340 MB."""


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: cached_property
class Gram:
    """Sums over the samples of a layer, of each of its G groups: all that its least-squares problem depends on.

    xx       (G, inputs, inputs): X'X of the network as pruned so far; inputs are in the order of a filter's words
    xy       (G, inputs, outputs): X'Y, where Y is what the original network computes at the same positions
    yy       (G, outputs): squared length of each column of Y, in double precision
    samples  positions summed over; with fewer than inputs, or dead inputs (all zero), xx is singular, which the solvers
             allow
    """

    xx: Floats
    xy: Floats
    yy: NDArray[np.float64]
    samples: int

    def __post_init__(self) -> None:
        groups, inputs, outputs = self.xy.shape
        if self.xx.shape != (groups, inputs, inputs) or self.yy.shape != (groups, outputs):
            raise PruningError(
                f"sums of shapes {self.xx.shape}, {self.xy.shape}, {self.yy.shape}; give (G, inputs, inputs), "
                "(G, inputs, outputs) and (G, outputs)"
            )
        for sums in (self.xx, self.xy, self.yy):
            if not np.isfinite(sums).all():
                raise PruningError("sums over samples that are not finite; look for NaN or huge activations or weights")

    @cached_property
    def factors(self) -> tuple[Factors, ...]:
        """Found when first asked for: a search prunes the same sums to several numbers of weights."""
        return factorise(self.xx)

    def of(self, inputs: Indices, outputs: Indices) -> "Gram":
        """Of the problem that has these inputs and outputs alone, of each group."""
        groups, whole, all_outputs = self.xy.shape
        if len(inputs) == whole and len(outputs) == all_outputs:
            return self
        each = np.arange(groups)
        return Gram(
            xx=self.xx[np.ix_(each, inputs, inputs)],
            xy=self.xy[np.ix_(each, inputs, outputs)],
            yy=self.yy[:, outputs],
            samples=self.samples,
        )

    def correlation(self, columns: Floats) -> Floats:
        """X'(Y − X A): what is left for each weight to explain; half the residual's descent. Shape and type of xy."""
        left = np.matmul(self.xx, columns.astype(self.xx.dtype, copy=False))
        return np.subtract(self.xy, left, out=left)

    def residual(self, columns: Floats) -> NDArray[np.float64]:
        """‖Y − X A‖² of every output, (G, outputs): yy − A'(xy + X'(Y − X A)); not below zero by rounding."""
        rest = self.correlation(columns)
        rest += self.xy
        explained = np.einsum("gio,gio->go", columns, rest, dtype=np.float64, optimize=False)
        residual: NDArray[np.float64] = np.maximum(self.yy - explained, 0)
        return residual


def as_columns(weights: Floats, groups: int) -> Floats:
    """Filters (M, C/G, R, S) as (G, inputs, outputs): a filter is a column."""
    if weights.ndim != 4 or len(weights) % groups:
        raise PruningError(f"weights of shape {weights.shape} in {groups} groups; give filters (M, C/G, R, S)")
    return weights.reshape(groups, len(weights) // groups, -1).swapaxes(1, 2)


def columns_of(layer: Layer, weights: Floats) -> Floats:
    """A layer's filters as columns. Raises PruningError for those of another layer, and for NaN or infinite ones."""
    if weights.shape != layer.filter_shape:
        raise PruningError(f"{layer.name}: weights of shape {weights.shape}; the layer has {layer.filter_shape}")
    bad = int((~np.isfinite(weights)).sum())
    if bad:
        raise PruningError(f"{layer.name}: {bad} weights that are NaN or infinite; repair the model")
    return as_columns(weights, layer.G)


def as_filters(columns: Floats, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The opposite of `as_columns`: filters of that shape."""
    return np.ascontiguousarray(columns.swapaxes(1, 2), np.float32).reshape(shape)


def images_for(layer: Layer, samples: int) -> int:
    """Images to draw so many samples from. An FC layer has one position an image; a CONV layer has several, but
    neighbours are much alike."""
    return max(_FEWEST_IMAGES, -(-samples // min(layer.E * layer.F, _SAMPLES_AN_IMAGE)))


def draw_positions(layer: Layer, images: int, samples: int, seed: int) -> Indices:
    """Sampled positions (image * E + row) * F + column, each at most once, in order; all where there are no more.

    Drawn evenly from all positions of all images. The same numbers and seed give the same positions.
    """
    if images < 1 or samples < 1:
        raise PruningError(f"{layer.name}: {samples} samples of {images} images; at least one of each is needed")
    positions = images * layer.E * layer.F
    if samples >= positions:
        return np.arange(positions, dtype=np.int64)
    drawn = np.random.default_rng(seed).choice(positions, samples, replace=False, shuffle=False)
    return np.sort(drawn).astype(np.int64, copy=False)


def input_windows(layer: Layer, inputs: Floats, positions: Indices) -> NDArray[np.float32]:
    """X, (G, samples, inputs): the ifmap words that each position's filters meet, zeros where they meet padding."""
    image, within = np.divmod(positions, layer.E * layer.F)
    row, column = np.divmod(within, layer.F)
    rows = row[:, None] * layer.U - layer.padding[0] + np.arange(layer.R)
    columns = column[:, None] * layer.V - layer.padding[1] + np.arange(layer.S)
    # Words beyond the ifmap are taken from its edge, then zeroed.
    inside = ((rows >= 0) & (rows < layer.H))[:, :, None] & ((columns >= 0) & (columns < layer.W))[:, None, :]
    words = inputs[
        image[:, None, None, None],
        np.arange(layer.C)[None, :, None, None],
        rows.clip(0, layer.H - 1)[:, None, :, None],
        columns.clip(0, layer.W - 1)[:, None, None, :],
    ]
    words *= inside[:, None]
    windows: NDArray[np.float32] = words.reshape(len(positions), layer.G, -1).swapaxes(0, 1)
    return windows.astype(np.float32, copy=False)


def layer_gram(
    layer: Layer, inputs: Floats, positions: Indices, *, original_inputs: Floats, original_weights: Floats
) -> Gram:
    """Sums over the positions of one layer. Inputs are (N, C, H, W), of the network as pruned so far and as given.

    Fewer samples than inputs and inputs that are zero at every position are allowed: see `Gram`. Raises PruningError
    for NaN or infinite values, shapes that are not the layer's, and no positions.
    """
    for what, values in (("inputs", inputs), ("original inputs", original_inputs)):
        _check_inputs(layer, what, values)
    if not len(positions) or positions[-1] >= len(inputs) * layer.E * layer.F or len(inputs) != len(original_inputs):
        raise PruningError(
            f"{layer.name}: {len(positions)} positions of {len(inputs)} and {len(original_inputs)} images; "
            "draw some, from images that both networks have seen"
        )
    filters = columns_of(layer, original_weights).astype(np.float32, copy=False)

    def block(chosen: Indices) -> tuple[Floats, Floats]:
        x = input_windows(layer, inputs, chosen)
        original = x if original_inputs is inputs else input_windows(layer, original_inputs, chosen)
        return x, np.matmul(original, filters)

    return sum_samples(block, positions, like=filters)


def sum_samples(block: Callable[[Indices], tuple[Floats, Floats]], positions: Indices, *, like: Floats) -> Gram:
    """Sums of blocks of samples: `block` gives X and Y of some positions; A has the shape of `like`."""
    groups, inputs, outputs = like.shape
    kept: type[np.floating] = np.float64 if inputs <= _DOUBLE_INPUTS else np.float32
    xx, xy = np.zeros((groups, inputs, inputs), kept), np.zeros((groups, inputs, outputs), kept)
    yy = np.zeros((groups, outputs))
    step = min(_MOST_SAMPLES_IN_BLOCK, max(1, _BLOCK_WORDS // (groups * (inputs + outputs))))
    for start in range(0, len(positions), step):
        x, y = block(positions[start : start + step])
        x = x.astype(kept, copy=False)
        for group in range(groups):
            xx[group] += x[group].T @ x[group]
            xy[group] += x[group].T @ y[group]
        yy += np.einsum("gso,gso->go", y, y, dtype=np.float64)
    return Gram(xx=xx, xy=xy, yy=yy, samples=len(positions))


def _check_inputs(layer: Layer, what: str, values: Floats) -> None:
    if values.shape[1:] != layer.ifmap_shape[1:]:
        raise PruningError(
            f"{layer.name}: {what} of shape {values.shape}; it takes (N, {layer.C}, {layer.H}, {layer.W})"
        )
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise PruningError(
            f"{layer.name}: {bad} {what} that are NaN or infinite; check the preprocessing and the model"
        )
