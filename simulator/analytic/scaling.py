"""Where is the closed form approximate when it knows densities only, and what does a calibration's factor scale there?

Approximate is what depends on where zeros sit: bits that move coded, what a zero operand stops. Everything else is
exact, has no factor, and must equal the simulation.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.spec.accelerator import Accelerator, Gate
from simulator.spec.layer import Layer

Factors = Mapping[str, float]
"""By (level, tensor), as "dram.ifmap"; MACs are "mac"."""

MAC = "mac"


def key_of(access: Access) -> str:
    """The (level, tensor) of an access, as Factors name it."""
    return f"{access.level}.{access.tensor}"


def approximate_accesses(layer: Layer, accelerator: Accelerator) -> frozenset[Access]:
    """The accesses whose bits depend on where a layer's zeros sit."""
    code, gating = accelerator.compression, accelerator.gating
    depends = {
        Access(Level.DRAM, Tensor.IFMAP, Action.READ): code.codes_ifmap(from_input=layer.from_input),
        Access(Level.DRAM, Tensor.FILTER, Action.READ): code.filter,
        Access(Level.DRAM, Tensor.PSUM, Action.WRITE): code.ofmap,
        Access(Level.SPAD, Tensor.IFMAP, Action.READ): gating.ifmap_spad_read is not Gate.NEVER,
        Access(Level.SPAD, Tensor.FILTER, Action.READ): gating.filter_spad_read is not Gate.NEVER,
        Access(Level.SPAD, Tensor.PSUM, Action.READ): gating.psum_spad_read is not Gate.NEVER,
        Access(Level.SPAD, Tensor.PSUM, Action.WRITE): gating.psum_spad_write is not Gate.NEVER,
    }
    return frozenset(access for access, is_so in depends.items() if is_so)


def macs_are_approximate(accelerator: Accelerator) -> bool:
    """Does it depend on where zeros sit how many MACs are done?"""
    return accelerator.gating.mac is not Gate.NEVER


def scaled(counts: AccessCounts, factors: Factors, layer: Layer, accelerator: Accelerator) -> AccessCounts:
    """Counts with each factor applied where its (level, tensor) is approximate. In DRAM only bits are: words are known.

    No factor takes an access beyond what it would be without a zero: MACs that are done are at most all.
    """
    if not factors:
        return counts
    words, bits = dict(counts.words), dict(counts.bits)
    for access in approximate_accesses(layer, accelerator) & words.keys():
        factor = factors.get(key_of(access), 1.0)
        bits[access] = round(bits[access] * factor)
        if access.level is Level.SPAD:
            words[access] = round(words[access] * factor)
    done = counts.macs - counts.gated_macs
    if macs_are_approximate(accelerator):
        done = min(counts.macs, round(done * factors.get(MAC, 1.0)))
    return replace(counts, words=MappingProxyType(words), bits=MappingProxyType(bits), gated_macs=counts.macs - done)
