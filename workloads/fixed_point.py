"""How does a float tensor become the 16-bit fixed point that the accelerator works on?"""

from dataclasses import dataclass
from math import frexp
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.spec.tensors import Words

_LARGEST_WORD = 32767  # -32768 is left out, so that a tensor and its negative have the same scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedPoint:
    """value = word * 2**-scale, of the shape of the values; `zeroed` of them were not zero but round to zero."""

    words: Words
    scale: int
    zeroed: int


def fixed_point(values: npt.NDArray[Any], *, where: str) -> FixedPoint:
    """The values rounded, half to even, at the largest power-of-two scale at which none leaves 16 bits.

    Zeros stay zeros; a tensor of zeros has scale 0. Raises WorkloadError, starting with `where`, for NaN or infinity.
    """
    floats = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    largest = float(np.abs(floats).max(initial=0.0))
    if not np.isfinite(largest):
        raise WorkloadError(_not_finite(floats, where))
    scale = _largest_scale(largest)
    scaled = np.ldexp(floats, scale)
    words = np.ascontiguousarray(np.rint(scaled, out=scaled).astype(np.int16))
    return FixedPoint(words=words, scale=scale, zeroed=int(np.count_nonzero(floats) - np.count_nonzero(words)))


def _largest_scale(largest: float) -> int:
    if largest == 0:
        return 0
    fraction, exponent = frexp(largest)  # largest = fraction * 2**exponent, 0.5 <= fraction < 1
    fits = round(fraction * 2**15) <= _LARGEST_WORD
    return 15 - exponent if fits else 14 - exponent


def _not_finite(values: npt.NDArray[Any], where: str) -> str:
    faults = np.argwhere(~np.isfinite(values))
    first = tuple(int(index) for index in faults[0])
    count = f"{len(faults)} of {values.size} values"
    return f"{where}: {count} are NaN or infinite, the first at {first}: {values[first]}; fixed point has neither"
