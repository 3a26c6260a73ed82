"""How large is a machine? Nobody has laid it out: a proxy, from what it stores.

ISCA 2016 compares dataflows at equal storage area for an equal number of PEs; its ratio of a spad's area to that of a
buffer as large is not among the figures we hold. So the proxy is plain on-chip storage, unless the file of a sweep
weighs a bit of a spad, which takes more area than one of the GLB, and a PE's logic.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.sweep.machine_fields import BYTES_PER_KB

Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
FORMULA = "GLB + filter buffer + spad_weight x PEs x (spads + FIFOs) + PEs x pe_kb"


class AreaWeights(BaseModel):
    """What the proxy adds up besides the GLB's storage.

    spad_weight  area of a bit in a PE (spads, FIFOs), in bits of the GLB
    pe_kb        area of a PE's logic, in kB of GLB
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    spad_weight: Weight = 1.0
    pe_kb: Weight = 0.0


def area_kb(machine: Accelerator, weights: AreaWeights) -> float:
    """The proxy, in kB (1,024 bytes) of GLB storage."""
    glb = machine.glb.banks * machine.glb.bank_words + machine.glb.filter_buffer_words
    words = glb + weights.spad_weight * machine.pes * _words_of_a_pe(machine)
    return words * machine.word_bits / 8 / BYTES_PER_KB + machine.pes * weights.pe_kb


def _words_of_a_pe(machine: Accelerator) -> int:
    pe, spads = machine.pe, machine.pe.spads
    fifos = pe.ifmap_fifo_words + pe.psum_fifo_words
    if isinstance(spads, PooledSpad):
        return fifos + spads.words
    return fifos + spads.ifmap_words + spads.filter_words + spads.psum_words
