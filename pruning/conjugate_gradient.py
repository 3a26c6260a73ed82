"""What do the kept weights of many outputs become, solved step by step? Preconditioned conjugate gradients.

An output that keeps few inputs has their part of X'X gathered once, in C, and descends on that by itself, a few outputs
at a time. Those that keep many descend together: each step is one product of matrices, whatever the supports.
Activations after ReLU share a mean and a few strong factors: the preconditioner solves for those exactly, on each
output's own support, and takes the rest as a diagonal.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from native.support_descent import Descent
from pruning.least_squares import unless_worse
from pruning.samples import Floats, Indices, Mask

_LEAST_RANK = 64
"""Strong factors the preconditioner knows, at least; it knows 4/3 of the root of the inputs where that is more. Their
products on every support cost rank² / (2 inputs) of a step, at 9216 inputs 0.9 steps for about six fewer."""
_POWER_STEPS = 2
_MOST_STEPS = 60
"""Reached only where there is next to no damping; each step lowers the objective, so stopping is safe."""
_ENOUGH = 2e-4
"""An output is done when a step wins less than this share of what is left of its residual. What later steps would win
was under 1 % of it, in the slowest of the outputs tried."""
_LEAST_LEFT = 1e-5
"""Of the residual before: below that a residual in single precision is rounding. Least squares leave 1/20,000 of it to
some outputs of FC1 of AlexNet."""
_GOING = 0.75
"""When no more of the outputs than this are still to be descended, the others are laid aside."""
_BLOCK_OUTPUTS = 1024
"""Outputs solved together: bounds the memory to a few times inputs x 1024 words."""
_OUTPUTS_OF_A_CALL = 16
"""Of the kernel: enough to make nothing of the call, few enough to keep every thread busy to the end."""
_GATHERED = 6
"""An operation on gathered sums takes as long as so many of a product of matrices."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Preconditioner:
    """diag(spread) + factors factors', inverted on each output's support.

    factors F (inputs, rank), spread (inputs, 1), inner (outputs, rank, rank): inverse of I + F' spread⁻¹ F on the
    support.
    """

    factors: Floats
    spread: Floats
    inner: Floats
    support: Floats

    def solve(self, rest: Floats) -> Floats:
        scaled = rest / self.spread
        strong = np.matmul(self.inner, (self.factors.T @ scaled).T[:, :, None])[:, :, 0]
        scaled -= (self.factors @ strong.T) / self.spread
        scaled *= self.support
        return scaled

    def of(self, outputs: Mask) -> Self:
        return replace(self, inner=self.inner[outputs], support=self.support[:, outputs])


def descend_supports(
    xx: Floats, wanted: Floats, support: Mask, damping: float, residual: NDArray[np.float64]
) -> Floats:
    """As `solve_supports`, until each output's residual, (outputs) at D = 0, is within about 1 % of the least.

    D is zero for outputs whose residual would rise. The bits are the same for any number of threads.
    """
    factors = strong_factors(xx, min(max(_LEAST_RANK, int(4 / 3 * len(xx) ** 0.5)), len(xx)))
    spread = np.maximum(np.diagonal(xx) - (factors**2).sum(axis=1), 0) + damping
    solved = np.zeros_like(wanted)
    gathered = _gathered_sums(xx, factors, spread, damping)

    def by_itself(outputs: Indices) -> None:
        kept, rest = support[:, outputs].T, wanted[:, outputs].T.astype(np.float32)
        solved[:, outputs] = gathered.solve(kept, rest, residual[outputs]).T

    few = _keep_few(support)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        list(threads.map(by_itself, _parts(np.flatnonzero(few), _OUTPUTS_OF_A_CALL)))
    for outputs in _parts(np.flatnonzero(~few), _BLOCK_OUTPUTS):
        kept, rest = support[:, outputs].astype(xx.dtype), wanted[:, outputs]
        near = _preconditioner(factors, spread[:, None], kept)
        solved[:, outputs] = unless_worse(xx, rest, _descend(xx, rest * kept, near, damping, residual[outputs]))
    return solved


def operations_of_a_step(support: Mask) -> float:
    """Of all outputs, as long as those of a product of matrices."""
    inputs, counts = len(support), support.sum(axis=0)
    return float(2 * np.where(_keep_few(support), _GATHERED * counts**2, inputs**2).sum())


def _keep_few(support: Mask) -> Mask:
    """Outputs for which gathering their sums pays."""
    few: Mask = _GATHERED * support.sum(axis=0) ** 2 <= len(support) ** 2
    return few


def _gathered_sums(xx: Floats, factors: Floats, spread: Floats, damping: float) -> Descent:
    """In single precision, whose rounding moves D'xxD by less than the damping does: a fall it finds is a fall."""
    return Descent(
        xx=np.ascontiguousarray(xx, np.float32),
        factors=np.ascontiguousarray(factors, np.float32),
        spread=np.ascontiguousarray(spread, np.float32),
        damping=damping,
        enough=_ENOUGH,
        least_left=_LEAST_LEFT,
        most_steps=_MOST_STEPS,
    )


def _parts(outputs: Indices, most: int) -> list[Indices]:
    return [outputs[start : start + most] for start in range(0, outputs.size, most)]


def strong_factors(xx: Floats, rank: int) -> Floats:
    """F (inputs, rank) with F F' near xx and nowhere above it: Nyström's approximation after some power steps.

    The random start is seeded: equal sums give equal factors.
    """
    basis = np.random.default_rng(0).standard_normal((len(xx), rank)).astype(xx.dtype)
    for _ in range(_POWER_STEPS):
        basis = np.linalg.qr(xx @ basis)[0]
    image = xx @ basis
    strengths, directions = np.linalg.eigh(basis.T @ image)
    usable = strengths > strengths[-1] * np.sqrt(np.finfo(xx.dtype).eps)
    factors: Floats = (image @ directions[:, usable]) / np.sqrt(strengths[usable])
    return factors


def _preconditioner(factors: Floats, spread: Floats, support: Floats) -> _Preconditioner:
    rank, outputs = factors.shape[1], support.shape[1]
    upper = np.triu_indices(rank)
    products = (factors / spread)[:, upper[0]] * factors[:, upper[1]]
    inner = np.empty((outputs, rank, rank), factors.dtype)
    inner[:, upper[0], upper[1]] = inner[:, upper[1], upper[0]] = support.T @ products
    inner[:, np.arange(rank), np.arange(rank)] += 1
    return _Preconditioner(factors=factors, spread=spread, inner=np.linalg.inv(inner), support=support)


def _descend(xx: Floats, rest: Floats, near: _Preconditioner, damping: float, residual: Floats) -> Floats:
    """Outputs that are done are laid aside when there are enough of them: a step costs by the outputs it is for."""
    solved, going = np.zeros_like(rest), np.arange(rest.shape[1])
    found = np.zeros_like(rest)
    direction = near.solve(rest)
    height = _dots(rest, direction)
    left, least = residual.copy(), _LEAST_LEFT * residual
    for _ in range(_MOST_STEPS):
        slope = xx @ direction
        slope += damping * direction
        slope *= near.support
        length = _ratio(height, _dots(direction, slope))
        found += length * direction
        rest -= length * slope
        left -= length * height
        more = length * height > _ENOUGH * np.maximum(left, least)
        if more.mean() <= _GOING:
            solved[:, going] = found
            if not more.any():
                break
            going, left, least, height = going[more], left[more], least[more], height[more]
            found, rest, direction, near = found[:, more], rest[:, more], direction[:, more], near.of(more)
        ahead = near.solve(rest)
        height, before = _dots(rest, ahead), height
        direction *= _ratio(height, before)
        direction += ahead
    else:
        solved[:, going] = found
    return solved


def _dots(left: Floats, right: Floats) -> Floats:
    """Inner product of each output's columns."""
    dots: Floats = np.einsum("io,io->o", left, right)
    return dots


def _ratio(above: Floats, below: Floats) -> Floats:
    """above / below, and zero for outputs that are solved already."""
    return np.divide(above, below, out=np.zeros_like(above), where=(below > 0) & (above > 0))
