"""Least squares on each output's own support, in C: conjugate gradients on the sums of that support alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from native._kernels import ffi, lib
from native.status import check

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descent:
    """(xx + damping I) D = wanted on some inputs, and when to stop; about the same is diag(spread) + factors factors'.

    xx (inputs, inputs) symmetric, factors (inputs, rank), spread (inputs) above zero, all C-contiguous float32. An
    output is done when a step wins at most the share `enough` of its residual left, or of `least_left` times the one
    before.
    """

    xx: Singles
    factors: Singles
    spread: Singles
    damping: float
    enough: float
    least_left: float
    most_steps: int

    def __post_init__(self) -> None:
        inputs = len(self.xx)
        if self.xx.shape != (inputs, inputs) or len(self.factors) != inputs or self.spread.shape != (inputs,):
            raise ValueError(f"sums {self.xx.shape}, factors {self.factors.shape} and spread {self.spread.shape}")
        for words in (self.xx, self.factors, self.spread):
            if words.dtype != np.float32 or not words.flags.c_contiguous:
                raise ValueError(f"C-contiguous float32 words are needed, not {words.dtype}")
        if not self.damping > 0:
            raise ValueError(f"damping {self.damping} must be above zero")

    def solve(self, support: npt.NDArray[np.bool_], wanted: Singles, residual: npt.NDArray[np.float64]) -> Singles:
        """D for some outputs, zero where that would raise the residual; support, wanted and D are (outputs, inputs).

        residual (outputs): what each output leaves now. Lets other threads run meanwhile.
        """
        outputs, inputs = support.shape
        if inputs != len(self.xx) or wanted.shape != support.shape or residual.shape != (outputs,):
            raise ValueError(f"support {support.shape}, wanted {wanted.shape} and residual {residual.shape}")
        starts = np.zeros(outputs + 1, np.int64)
        np.cumsum(support.sum(axis=1), out=starts[1:])
        change = np.zeros(starts[-1], np.float32)
        check(
            lib.pj_descend_supports(
                self._pointer(),
                outputs,
                ffi.from_buffer("int64_t[]", starts),
                ffi.from_buffer("int32_t[]", support.nonzero()[1].astype(np.int32)),
                ffi.from_buffer("float[]", wanted[support].astype(np.float32, copy=False)),
                ffi.from_buffer("double[]", np.ascontiguousarray(residual, np.float64)),
                ffi.from_buffer("float[]", change, require_writable=True),
            )
        )
        solved = np.zeros(support.shape, np.float32)
        solved[support] = change
        return solved

    def _pointer(self) -> object:
        """The struct that C reads; valid while this object is."""
        rank = self.factors.shape[1]
        arrays = (ffi.cast("float *", words.ctypes.data) for words in (self.xx, self.factors, self.spread))
        limits = (self.damping, self.enough, self.least_left, self.most_steps)
        return ffi.new("pj_sums *", (*arrays, len(self.xx), rank, *limits))
