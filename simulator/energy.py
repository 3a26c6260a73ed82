"""Counts x table. The only place where energy is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from simulator.counts import MEANING, Access, AccessCounts, Level, Tensor
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer


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


def energy(counts: AccessCounts, accelerator: Accelerator, layer: Layer) -> EnergyBreakdown:
    """Each access's bits, as 16-bit words, times its cost; the layer's MACs that are not gated times theirs."""
    price = _prices_per_bit(_Machine(accelerator))
    of_access = {access: bits * price[access] for access, bits in counts.bits.items()}
    mac = (counts.macs - counts.gated_macs) * energy_per_mac(layer, accelerator)
    return EnergyBreakdown(mac=mac, of_access=MappingProxyType(of_access))


def energy_per_mac(layer: Layer, accelerator: Accelerator) -> float:
    """What one of the layer's MACs costs. A multiplier grows with both operands' widths, so the table's cost, which is
    that of a 16-bit MAC, is scaled with both, as in the energy method (CVPR 2017)."""
    share = layer.ifmap_bits * layer.filter_bits / accelerator.word_bits**2
    return accelerator.energy.mac.per_access * share


def energy_per_bit(access: Access, accelerator: Accelerator) -> float:
    """What a bit moved by an access costs: nothing if the machine does not charge it."""
    if access in accelerator.charges.free:
        return 0.0
    return accelerator.energy.cost_of(access).per_access / accelerator.word_bits


class _Machine:
    """An accelerator as a key: by identity, as its tables have no hash."""

    __slots__ = ("accelerator",)

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator

    def __hash__(self) -> int:
        return id(self.accelerator)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Machine) and self.accelerator is other.accelerator


@lru_cache(maxsize=16)
def _prices_per_bit(machine: _Machine) -> Mapping[Access, float]:
    return {access: energy_per_bit(access, machine.accelerator) for access in MEANING}
