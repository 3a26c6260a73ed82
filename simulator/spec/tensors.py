"""The values a layer works on, as the accelerator sees them: 16-bit fixed point, or only how many are not zero."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import SpecError, WorkloadError
from simulator.spec.layer import Layer

Words = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Densities:
    """Share of words that are not zero, 0 to 1, in each tensor of a layer."""

    ifmap: float
    filters: float
    ofmap: float

    def __post_init__(self) -> None:
        for name in ("ifmap", "filters", "ofmap"):
            if not 0 <= getattr(self, name) <= 1:
                raise SpecError(f"{name} density {getattr(self, name)}; a density lies between 0 and 1")


DENSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0)
"""No word is zero."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerTensors:
    """Fixed-point tensors of one layer: value = word * 2**-scale, one scale a tensor.

    ifmap    (N, C, H, W), without padding
    filters  (M, C/G, R, S)
    ofmap    (N, M, E, F) as written to memory: after folded BatchNormalization and a directly following ReLU, before
             pooling. Only where its zeros sit matters here: its run-length-coded size is DRAM traffic.
    zeroed   values of each tensor that were not zero but became zero when rounded to 16 bits: (ifmap, filters, ofmap)
    """

    ifmap: Words
    filters: Words
    ofmap: Words
    ifmap_scale: int = 0
    filter_scale: int = 0
    ofmap_scale: int = 0
    zeroed: tuple[int, int, int] = (0, 0, 0)

    def check(self, layer: Layer) -> None:
        """Raise WorkloadError unless the tensors are C-contiguous int16 of the layer's shapes."""
        for name, words, shape in (
            ("ifmap", self.ifmap, layer.ifmap_shape),
            ("filters", self.filters, layer.filter_shape),
            ("ofmap", self.ofmap, layer.ofmap_shape),
        ):
            if words.shape != shape:
                raise WorkloadError(f"{layer.name}: {name} has shape {words.shape}; the layer needs {shape}")
            if words.dtype != np.int16 or not words.flags.c_contiguous:
                raise WorkloadError(f"{layer.name}: {name} is {words.dtype}; C-contiguous int16 words are needed")

    def densities(self) -> Densities:
        """Measured: the share of each tensor's words that are not zero."""
        ifmap, filters, ofmap = (
            int(np.count_nonzero(words)) / words.size for words in (self.ifmap, self.filters, self.ofmap)
        )
        return Densities(ifmap=ifmap, filters=filters, ofmap=ofmap)
