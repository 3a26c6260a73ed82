"""What of `picojoule simulate` decides the figures: the manifest records these, and no option that changes none."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """Options of a simulation, as the command line takes them."""

    arch: str = "eyeriss-v1"
    """The accelerator: a shipped one (`picojoule arch list`) or a TOML file."""
    batch: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    """Images in the batch. Without it: 1, or as many as --images or the trace holds."""
    layers: Annotated[tuple[str, ...] | None, Parameter(negative="")] = None
    """Only these layers, by name: commas between, or the option repeated. * and ? match as in a shell."""
    images: Path | None = None
    """Real images for an .onnx model: a .npy file, N x C x H x W."""
    mapping: str | None = None
    """A published mapping (jssc2017) or a TOML file. Without it: the mapping of least energy for each layer."""
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0
    """Of synthetic tensors."""
    functional: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Carry values through the PEs and check that each ofmap is exactly the convolution. Slower."""

    @property
    def layer_names(self) -> tuple[str, ...] | None:
        if self.layers is None:
            return None
        return tuple(name for words in self.layers for word in words.split(",") if (name := word.strip()))
