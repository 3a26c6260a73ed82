"""Counts x table. The only place where energy is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simulator.counts import Access, AccessCounts, Level, Tensor
from simulator.spec.accelerator import Accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyBreakdown:
    """Energy of a layer's whole batch, in the table's unit (one 16-bit MAC for the shipped tables)."""

    mac: float
    of_access: Mapping[Access, float]

    def of_level(self, level: Level) -> float:
        return sum(energy for access, energy in self.of_access.items() if access.level is level)

    def of_tensor(self, tensor: Tensor) -> float:
        return sum(energy for access, energy in self.of_access.items() if access.tensor is tensor)

    @property
    def total(self) -> float:
        return self.mac + sum(self.of_access.values())

    def by_level(self) -> dict[str, float]:
        """MAC, each level and the total, as the JSON output names them."""
        levels = {level.value: self.of_level(level) for level in (Level.SPAD, Level.NOC, Level.GLB, Level.DRAM)}
        return {"mac": self.mac, **levels, "total": self.total}

    def by_tensor(self) -> dict[str, float]:
        return {**{tensor.value: self.of_tensor(tensor) for tensor in Tensor}, "mac": self.mac}


def energy(counts: AccessCounts, accelerator: Accelerator) -> EnergyBreakdown:
    """Each access's bits, as 16-bit words, times its cost; MACs that are not gated times theirs."""
    of_access = {access: bits * energy_per_bit(access, accelerator) for access, bits in counts.bits.items()}
    mac = (counts.macs - counts.gated_macs) * accelerator.energy.mac.per_access
    return EnergyBreakdown(mac=mac, of_access=MappingProxyType(of_access))


def energy_per_bit(access: Access, accelerator: Accelerator) -> float:
    """What a bit moved by an access costs: nothing if the machine does not charge it."""
    if access in accelerator.charges.free:
        return 0.0
    return accelerator.energy.cost_of(access).per_access / accelerator.word_bits
