"""Where do a model's tensors wait until they are simulated? As floats in files, one a tensor, in a folder of their own.

Only the layer that is asked for is in memory, and workers read the same files. The folder goes when nobody holds
the tensors any more, or at exit.
"""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from workloads.fixed_point import FixedPoint, fixed_point
from workloads.synthetic import SyntheticTensors

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class SpooledTensors:
    """Gives a layer its tensors from files, or its feature maps from `synthetic` where the network was not run."""

    folder: Path
    index_of: Mapping[str, int]
    synthetic: SyntheticTensors | None

    def __call__(self, layer: Layer) -> LayerTensors:
        """Raises WorkloadError if a value is NaN or infinite."""
        filters = self._words(layer, "filters", layer.filter_shape)
        if self.synthetic is not None:
            ifmap, ofmap = self.synthetic.feature_maps(layer)
            zeroed = (0, filters.zeroed, 0)
            return LayerTensors(
                ifmap=ifmap, filters=filters.words, ofmap=ofmap, filter_scale=filters.scale, zeroed=zeroed
            )
        ifmap_words = self._words(layer, "ifmap", layer.ifmap_shape)
        ofmap_words = self._words(layer, "ofmap", layer.ofmap_shape)
        return LayerTensors(
            ifmap=ifmap_words.words,
            filters=filters.words,
            ofmap=ofmap_words.words,
            ifmap_scale=ifmap_words.scale,
            filter_scale=filters.scale,
            ofmap_scale=ofmap_words.scale,
            zeroed=(ifmap_words.zeroed, filters.zeroed, ofmap_words.zeroed),
        )

    def append(self, layer: Layer, tensor: str, values: Array) -> None:
        """Write the next images of a tensor, or all of its filters."""
        try:
            with self._file(layer, tensor).open("ab") as file, np.errstate(over="ignore"):
                np.ascontiguousarray(values, np.float32).tofile(file)
        except OSError as error:
            raise WorkloadError(
                f"{layer.name}: its {tensor} cannot be kept in {self.folder} ({error.strerror or error}); set TMPDIR "
                "to a folder with more space"
            ) from None

    def _words(self, layer: Layer, tensor: str, shape: tuple[int, ...]) -> FixedPoint:
        values = np.fromfile(self._file(layer, tensor), np.float32).reshape(shape)
        return fixed_point(values, where=f"{layer.name}: {tensor}")

    def _file(self, layer: Layer, tensor: str) -> Path:
        return self.folder / f"{self.index_of[layer.name]}.{tensor}"


def empty_spool(layers: tuple[Layer, ...], synthetic: SyntheticTensors | None) -> SpooledTensors:
    """A spool for these layers, in a new temporary folder that it owns."""
    tensors = SpooledTensors(
        folder=Path(tempfile.mkdtemp(prefix="picojoule-")),
        index_of={layer.name: at for at, layer in enumerate(layers)},
        synthetic=synthetic,
    )
    weakref.finalize(tensors, shutil.rmtree, tensors.folder, ignore_errors=True)
    return tensors
