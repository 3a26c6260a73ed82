"""What `simulate` is given: named layers and, for each, its tensors. `workloads/` builds these; nothing here reads
files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulator.errors import WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors


class Origin(StrEnum):
    """Where values came from. Shown on every table."""

    REAL = "real"
    SYNTHETIC = "synthetic"
    CONSTANT = "constant"
    DENSITY = "density"
    """No values: only which share of them is not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a workload's values came from, in words a person can check."""

    weights: Origin
    activations: Origin
    detail: str
    """One sentence: the file, the densities and their source, the seed."""
    sha256: str
    """Over the bytes that determine the workload: model with external weights and images, trace, or network file and
    seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredDensities:
    """Densities that were known before any tensor was: by layer name; detail says where they are from."""

    of_layer: Mapping[str, Densities]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A network as an accelerator sees it: CONV and FC layers only, at least one, in order of execution.

    tensors_of    gives one layer's tensors, the same words at every call; picklable, so that workers can call it
    densities     what its tensors were drawn from, if they were; None where they are real, or partly so
    not_costed    operators of the network that are not modelled, as `operator xcount`, e.g. "MaxPool x3"
    notes         other things a reader of the table must know, one sentence each
    """

    name: str
    layers: tuple[Layer, ...]
    tensors_of: Callable[[Layer], LayerTensors]
    provenance: Provenance
    densities: DeclaredDensities | None = None
    not_costed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.layers:
            raise WorkloadError(f"{self.name}: a Workload without layers; there is nothing to simulate")

    @property
    def batch(self) -> int:
        return self.layers[0].N
