"""What do the kept weights of many outputs become, solved step by step? Conjugate gradients on all outputs at once.

Each step is one product of matrices, whatever the supports, so a layer of thousands of inputs and outputs costs a few
products instead of thousands of systems of equations. Activations after ReLU share a mean and a few strong factors: the
preconditioner solves for those exactly, on each output's own support, and takes the rest as a diagonal.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from pruning.samples import Floats, Mask

_LEAST_RANK = 64
"""Strong factors the preconditioner knows, at least; it knows 4/3 of the root of the inputs where that is more. Their
products on every support cost rank² / (2 inputs) of a step, at 9216 inputs 0.9 steps for about six fewer."""
_POWER_STEPS = 2
_MOST_STEPS = 50
"""Reached only where there is next to no damping; each step lowers the objective, so stopping is safe."""
_ENOUGH = 3e-4
"""An output is done when a step wins less than this share of what is left of its residual. What later steps would win
was under 1 % of it, in the slowest of the outputs tried."""
_LEAST_LEFT = 1e-4
"""Of the residual before: below that a residual in single precision is rounding."""
_GOING = 0.75
"""When no more of the outputs than this are still to be descended, the others are laid aside."""
_BLOCK_OUTPUTS = 1024
"""Outputs solved together: bounds the memory to a few times inputs x 1024 words."""


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


def descend_supports(xx: Floats, wanted: Floats, support: Mask, damping: float, residual: Floats) -> Floats:
    """As `solve_supports`, until each output's residual, (outputs) at D = 0, is within about 1 % of the least."""
    factors = strong_factors(xx, min(max(_LEAST_RANK, int(4 / 3 * len(xx) ** 0.5)), len(xx)))
    solved = np.zeros_like(wanted)
    for start in range(0, wanted.shape[1], _BLOCK_OUTPUTS):
        block = slice(start, start + _BLOCK_OUTPUTS)
        kept = support[:, block].astype(xx.dtype)
        near = _preconditioner(xx, factors, kept, damping)
        solved[:, block] = _descend(xx, wanted[:, block] * kept, near, damping, residual[block])
    return solved


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


def _preconditioner(xx: Floats, factors: Floats, support: Floats, damping: float) -> _Preconditioner:
    diagonal = np.diagonal(xx)
    spread = np.maximum(diagonal - (factors**2).sum(axis=1), 0) + damping
    rank, outputs = factors.shape[1], support.shape[1]
    upper = np.triu_indices(rank)
    products = (factors / spread[:, None])[:, upper[0]] * factors[:, upper[1]]
    inner = np.empty((outputs, rank, rank), xx.dtype)
    inner[:, upper[0], upper[1]] = inner[:, upper[1], upper[0]] = support.T @ products
    inner[:, np.arange(rank), np.arange(rank)] += 1
    return _Preconditioner(factors=factors, spread=spread[:, None], inner=np.linalg.inv(inner), support=support)


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
