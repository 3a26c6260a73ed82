"""How does one layer's least-squares problem become quick to solve, again and again with another damping?

By the eigenvectors of X'X, found once: each solution is then two products of matrices. Inputs are scaled to the same
length, so that one damping suits all. A group of many inputs is taken in parts, as eigenvectors cost inputs³: within a
part nothing is left out, between parts what inputs have in common is.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Singles = NDArray[np.float32]

MOST_INPUTS = 4096
"""Of a part."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factors:
    """S⁻¹ X'X S⁻¹ of some inputs of one group is vectors diag(values) vectors', S the lengths of the inputs' samples.

    inputs (start, end) within the group; values (inputs, 1), not below zero; vectors (inputs, inputs).
    """

    group: int
    inputs: slice
    values: Singles
    vectors: Singles

    def solve(self, wanted: Singles, damping: float) -> Singles:
        """(S⁻¹ X'X S⁻¹ + damping I)⁻¹ wanted, damping above zero; wanted is (inputs, outputs)."""
        mixed: Singles = self.vectors.T @ wanted
        mixed /= self.values + np.float32(damping)
        return self.vectors @ mixed


def lengths_of(xx: Floats) -> Floats:
    """(G, inputs, 1): of each input's samples, 1 for an input that is always zero."""
    lengths = np.sqrt(np.diagonal(xx, axis1=1, axis2=2))[:, :, None]
    return np.where(lengths > 0, lengths, 1)


def factorise(xx: Floats) -> tuple[Factors, ...]:
    """Of each group, (G, inputs, inputs), in as many equal parts as MOST_INPUTS asks for."""
    lengths = lengths_of(xx)
    parts = -(-xx.shape[1] // MOST_INPUTS)
    ends = [xx.shape[1] * part // parts for part in range(parts + 1)]
    slices = [slice(start, end) for start, end in pairwise(ends)]
    return tuple(_factorise(xx, lengths, group, inputs) for group in range(len(xx)) for inputs in slices)


def _factorise(xx: Floats, lengths: Floats, group: int, inputs: slice) -> Factors:
    length = lengths[group, inputs]
    scaled = xx[group, inputs, inputs] / length
    scaled /= length.T
    values, vectors = np.linalg.eigh(scaled.astype(np.float32))
    return Factors(group=group, inputs=inputs, values=np.maximum(values, 0)[:, None], vectors=vectors)
