"""What a layer run shows to whom watches it. Nobody does in an ordinary run."""

from dataclasses import dataclass
from typing import Protocol

from simulator.counts import Tensor
from simulator.hardware.pe_array import PassPlan
from simulator.mapping.passes import ProcessingPass


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer over the DRAM link, in cycles of the layer's own clock: ifmaps and filters come, ofmaps (psum) go.

    cycles  that the link was held; 0 where there was nothing to move
    """

    tensor: Tensor
    words: int
    bits: int
    begin: int
    cycles: int

    @property
    def end(self) -> int:
        return self.begin + self.cycles


class Watch(Protocol):
    """Sees each transfer when it is over, so in the order of the link, and each pass when it begins."""

    @property
    def has_seen_enough(self) -> bool: ...

    def moved(self, transfer: Transfer) -> None: ...

    def pass_begins(self, step: ProcessingPass, plan: PassPlan, begin: int) -> None: ...
