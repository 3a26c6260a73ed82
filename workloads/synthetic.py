"""Which words stand in for tensors that nobody gave us? Seeded ones, with zeros at a stated density.

The words of a tensor depend on the seed, the layer's name and the tensor alone: not on the order in which layers are
asked for, the number of workers or the other layers, and a larger batch begins with the words of a smaller one.
Where a density comes from is the caller's to say; docs/workloads.md has the distribution.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities as Densities
from simulator.spec.tensors import LayerTensors, Words

_CHUNK_WORDS = 1 << 16  # 256 kB of random words: they stay in a core's second-level cache. Even, as two make one draw.
_DRAWS = 1 << 32

ASSUMED_DENSITY = 0.5
"""Share of non-zero words in a feature map after a ReLU, where nothing better is known."""

ASSUMED = f"assumed: {ASSUMED_DENSITY} of the words of feature maps are not zero; the network's input is dense"


def assumed_densities(layer: Layer, *, filters: float = 1.0, ofmap: float = ASSUMED_DENSITY) -> Densities:
    """Densities of a layer of which only the shape is known."""
    return Densities(ifmap=1.0 if layer.from_input else ASSUMED_DENSITY, filters=filters, ofmap=ofmap)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticTensors:
    """Gives any layer named in `densities` its tensors, the same at every call. Pickles to a few bytes a layer."""

    seed: int
    densities: Mapping[str, Densities]

    def __call__(self, layer: Layer) -> LayerTensors:
        ifmap, ofmap = self.feature_maps(layer)
        density = self.densities[layer.name].filters
        filters = synthetic_words(layer.filter_shape, density, key=self._key(layer, "filters"), signed=True)
        return LayerTensors(ifmap=ifmap, filters=filters, ofmap=ofmap)

    def feature_maps(self, layer: Layer) -> tuple[Words, Words]:
        """Ifmap and ofmap alone."""
        density = self.densities[layer.name]
        return (
            synthetic_words(layer.ifmap_shape, density.ifmap, key=self._key(layer, "ifmap"), signed=False),
            synthetic_words(layer.ofmap_shape, density.ofmap, key=self._key(layer, "ofmap"), signed=False),
        )

    def _key(self, layer: Layer, tensor: str) -> str:
        return f"{self.seed}/{layer.name}/{tensor}"


def synthetic_words(shape: tuple[int, ...], density: float, *, key: str, signed: bool) -> Words:
    """Words that are each zero with probability 1 - density (to 2**-32), independently of one another.

    The others are uniform over the odd numbers from -32767 to 32767, or from 1 if not signed: odd, so that none of them
    is zero by chance. `key` alone seeds them, through SHA-256 and numpy's raw SFC64 stream, which numpy keeps stable.
    """
    words = np.empty(prod(shape), np.int16)
    random = np.random.SFC64(np.random.SeedSequence(int.from_bytes(hashlib.sha256(key.encode()).digest())))
    threshold = round(density * _DRAWS)
    for start in range(0, words.size, _CHUNK_WORDS):
        chunk = words[start : start + _CHUNK_WORDS]
        draws = random.random_raw((chunk.size + 1) // 2).astype("<u8", copy=False).view("<u4")[: chunk.size]
        np.copyto(chunk, draws, casting="unsafe")  # the low 16 bits become the value, the whole draw decides on zero
        if not signed:
            chunk &= 0x7FFF
        chunk |= 1
        if threshold < _DRAWS:
            chunk *= draws < threshold
    return words.reshape(shape)
