"""Layers as least-squares problems: activations after ReLU that share factors, some inputs dead."""

import numpy as np
from hypothesis import strategies as st

from pruning.samples import Floats, Gram, sum_samples


def sums(x: Floats, y: Floats) -> Gram:
    """x (G, samples, inputs), y (G, samples, outputs)."""
    like = np.empty((len(x), x.shape[2], y.shape[2]), np.float32)
    return sum_samples(lambda some: (x[:, some], y[:, some]), np.arange(x.shape[1]), like=like)


def activations(groups: int, samples: int, inputs: int, seed: int, *, dead: bool = False) -> Floats:
    """(groups, samples, inputs): four factors and noise, then ReLU. Dead: every fifth input is always zero."""
    rng = np.random.default_rng(seed)
    factors = np.random.default_rng(inputs).standard_normal((4, inputs))
    words = rng.standard_normal((groups, samples, 4)) @ factors + 0.5 * rng.standard_normal((groups, samples, inputs))
    if dead:
        words[:, :, ::5] = 0
    return np.maximum(words, 0).astype(np.float32)


def weights(groups: int, inputs: int, outputs: int, seed: int) -> Floats:
    drawn = np.random.default_rng(seed).standard_normal((groups, inputs, outputs), np.float32)
    return drawn / np.float32(np.sqrt(inputs))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Floats, Gram]:
    """Weights of a small layer and its sums, singular ones too: dead inputs, fewer samples than inputs."""
    groups, inputs, outputs = draw(st.integers(1, 2)), draw(st.integers(1, 24)), draw(st.integers(1, 6))
    seed, samples = draw(st.integers(0, 2**16)), draw(st.integers(1, 60))
    columns = weights(groups, inputs, outputs, seed)
    seen = activations(groups, samples, inputs, seed + 1, dead=draw(st.booleans()))
    original = activations(groups, samples, inputs, seed + 1 + draw(st.integers(0, 1)))
    return columns, sums(seen, original @ columns)


def masks(columns: Floats, share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(columns.shape) < share
