"""Values through the PEs: every pass stepped cycle by cycle, and the ofmap compared with the convolution itself."""

import numpy as np
import numpy.typing as npt

from native.pe_array import PassValues, step_pass
from simulator.errors import ConservationError
from simulator.hardware.pe_array import PassPlan
from simulator.mapping.passes import ProcessingPass
from simulator.spec.accelerator import Arithmetic
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors, Words

Psums = npt.NDArray[np.int64]


class FunctionalArray:
    """The PE array with values. Each pass must take the cycles, and move the words, that its shape says it does."""

    def __init__(self, layer: Layer, tensors: LayerTensors, arithmetic: Arithmetic) -> None:
        top, left, bottom, right = layer.padding
        padded = np.pad(tensors.ifmap, ((0, 0), (0, 0), (top, bottom), (left, right)))
        self._layer, self._arithmetic = layer, arithmetic
        self._ifmap = padded.reshape(layer.N, layer.G, -1, *padded.shape[2:])
        self._filters = tensors.filters.reshape(layer.G, -1, *layer.filter_shape[1:])
        self._psums = np.zeros((layer.N, layer.G, layer.M // layer.G, layer.E, layer.F), np.int64)
        self.mac_slots = np.zeros((2, 2, 2, 2), np.int64)

    def run(self, step: ProcessingPass, plan: PassPlan) -> None:
        """Step the pass, leaving its psums in the GLB. Raises ConservationError where it does not go as planned."""
        stepped = step_pass(plan.shape, self._values(step, plan))
        self.mac_slots += stepped.mac_slots
        self._psums[self._tile(step)] = stepped.psums
        if (stepped.times, stepped.traffic) != (plan.times, plan.traffic):
            raise ConservationError(
                f"{self._layer.name}: a stepped pass gave {stepped.times}, {stepped.traffic}; its plan was {plan}"
            )

    def ofmap(self) -> Psums:
        """(N, M, E, F) integers as the array left them."""
        return self._psums.reshape(self._layer.ofmap_shape)

    def _values(self, step: ProcessingPass, plan: PassPlan) -> PassValues:
        tile, shape, first = step.tile, plan.shape, step.tile.rows.start * self._layer.U
        images, groups = tile.where
        rows, columns = slice(first, first + shape.tile_rows), slice(shape.tile_columns)
        return PassValues(
            ifmap=np.ascontiguousarray(self._ifmap[images, groups, step.channels.slice, rows, columns]),
            filters=np.ascontiguousarray(self._filters[groups, step.filters.slice, step.channels.slice]),
            psums=np.ascontiguousarray(self._psums[self._tile(step)]),
            stored=plan.stored,
            psum_bits=0 if self._arithmetic.psum == "exact" else self._arithmetic.psum_bits,
            product_shift=self._arithmetic.product_shift,
        )

    def _tile(self, step: ProcessingPass) -> tuple[slice, ...]:
        return (*step.tile.where, step.filters.slice, slice(step.tile.rows.start, step.tile.rows.stop))


def convolve(layer: Layer, tensors: LayerTensors, arithmetic: Arithmetic) -> Psums:
    """The layer's integer convolution, (N, M, E, F), with the machine's arithmetic and none of its structure."""
    ofmap = np.zeros((layer.N, layer.G, layer.M // layer.G, layer.E * layer.F), np.int64)
    top, left, bottom, right = layer.padding
    padded = np.pad(tensors.ifmap, ((0, 0), (0, 0), (top, bottom), (left, right)))
    padded = padded.reshape(layer.N, layer.G, -1, *padded.shape[2:])
    filters = tensors.filters.reshape(layer.G, -1, *layer.filter_shape[1:])
    for i, s in np.ndindex(layer.R, layer.S):
        window = padded[
            ..., i : i + (layer.E - 1) * layer.U + 1 : layer.U, s : s + (layer.F - 1) * layer.V + 1 : layer.V
        ]
        ofmap += _products(filters[..., i, s], window.reshape(*window.shape[:3], -1), arithmetic)
    if arithmetic.psum == "cut":
        ofmap = _wrap(ofmap, arithmetic.psum_bits)
    return ofmap.reshape(layer.ofmap_shape)


def _products(weights: Words, window: Words, arithmetic: Arithmetic) -> Psums:
    """Sum over channels of weight x word for one tap: weights (G, M/G, C/G), window (N, G, C/G, E*F)."""
    if arithmetic.psum == "exact" and weights.shape[-1] < 2**22:
        # Products are below 2**31 and fewer than 2**22 of them are added, so every float64 partial sum is an exact
        # integer.
        return np.asarray(np.matmul(weights.astype(np.float64), window.astype(np.float64)), np.int64)
    shift = 0 if arithmetic.psum == "exact" else arithmetic.product_shift
    total = np.zeros((window.shape[0], *weights.shape[:2], window.shape[-1]), np.int64)
    for channel in range(weights.shape[-1]):
        product = weights[None, :, :, channel, None].astype(np.int64) * window[:, :, None, channel]
        total += product >> shift
    return total


def _wrap(values: Psums, bits: int) -> Psums:
    """Two's complement, so many bits wide."""
    half = 1 << (bits - 1)
    return (values + half) % (1 << bits) - half
