"""What a simulation found, frozen. docs/reference.md defines each field; `to_dict` is the `--json` output."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

from simulator.counts import AccessCounts, Action, Level
from simulator.energy import EnergyBreakdown
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer
from simulator.spec.workload import Provenance


class Method(StrEnum):
    """How figures came about. Shown on every table."""

    SIMULATED = "simulated"
    """Counted while the machine ran, cycle by cycle, on tensors."""
    ANALYTIC = "analytic"
    """In closed form, from layer, mapping and accelerator, and from which words are zero, or how many."""


class PeState(StrEnum):
    """What a PE does in a cycle. Every PE is in exactly one state in every cycle of `total_cycles`."""

    ACTIVE = "active"
    """Issues a MAC slot, gated or not."""
    UNMAPPED = "unmapped"
    """The mapping gives it no work in this pass."""
    FILTER_LOAD = "filter_load"
    """The pass's filters are being sent into the spads."""
    IFMAP_WAIT = "ifmap_wait"
    """Its next ifmap word has not arrived."""
    PSUM_IN_WAIT = "psum_in_wait"
    """The psum to add to, from the GLB or the PE below, has not arrived."""
    PSUM_OUT_WAIT = "psum_out_wait"
    """Its output FIFO is full: the PE above, or the bus to the GLB, is behind."""
    DRAIN = "drain"
    """It has finished; the pass has not."""
    DRAM_WAIT = "dram_wait"
    """No pass runs: the array waits for DRAM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer, whole batch.

    processing_cycles  core cycles in which passes run, as if all DRAM traffic were hidden
    total_cycles       with the DRAM link: nothing runs while ifmaps load or ofmaps dump, or filters are late
    pe_cycles          PE-cycles in each state; they add up to PEs x total_cycles
    active_pes         PEs at work in the mapping's fullest pass, as the chip's table counts them
    is_folded          its filter is cut into pieces to fit the machine
    """

    layer: Layer
    mapping: RowStationaryMapping
    counts: AccessCounts
    energy: EnergyBreakdown
    processing_cycles: int
    total_cycles: int
    pe_cycles: Mapping[PeState, int]
    active_pes: int
    pes: int
    core_mhz: float
    dram_bits_uncompressed: int
    passes: int
    is_folded: bool

    @property
    def utilization(self) -> float:
        """Share of PE-cycles of the processing time that issue a MAC slot."""
        return self.pe_cycles[PeState.ACTIVE] / (self.pes * self.processing_cycles)

    @property
    def glb_bytes(self) -> int:
        """Array side: ifmap and filter words read, psum words read and written."""
        return self.counts.moved_bits(Level.GLB, (Action.READ, Action.WRITE)) // 8

    @property
    def dram_bytes(self) -> int:
        return self.counts.moved_bits(Level.DRAM) // 8

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.layer.name,
            "weights": prod(self.layer.filter_shape),
            "macs": self.counts.macs,
            "nonzero_macs": self.counts.nonzero_macs,
            "gated_macs": self.counts.gated_macs,
            "processing_cycles": self.processing_cycles,
            "total_cycles": self.total_cycles,
            "processing_ms": self.processing_cycles / (self.core_mhz * 1e3),
            "total_ms": self.total_cycles / (self.core_mhz * 1e3),
            "active_pes": self.active_pes,
            "utilization": self.utilization,
            "glb_bytes": self.glb_bytes,
            "dram_bytes": self.dram_bytes,
            "dram_bytes_uncompressed": self.dram_bits_uncompressed // 8,
            "pe_cycles": {state.value: self.pe_cycles[state] for state in PeState},
            "energy": self.energy.by_level(),
            "energy_by_tensor": self.energy.by_tensor(),
            "mapping": self.mapping.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkResult:
    """All layers of a run, and what determined it."""

    network: str
    method: Method
    arch: str
    batch: int
    provenance: Provenance
    layers: tuple[LayerResult, ...]
    notes: tuple[str, ...] = ()
    """Sentences a reader of the table must know: what was not costed, values rounded to zero, …"""

    def to_dict(self) -> dict[str, Any]:
        """The object that `--json` prints. JSON numbers and strings only."""
        layers = [layer.to_dict() for layer in self.layers]
        return {
            "network": self.network,
            "method": self.method.value,
            "arch": self.arch,
            "batch": self.batch,
            "data": {
                "weights": self.provenance.weights.value,
                "activations": self.provenance.activations.value,
                "detail": self.provenance.detail,
            },
            "layers": layers,
            "total": self.total(),
            "notes": list(self.notes),
        }

    def total(self) -> dict[str, Any]:
        """Sums over the layers; active_pes and utilization are weighted by processing time."""
        rows = [layer.to_dict() for layer in self.layers]
        total = {key: _sum_of(row[key] for row in rows) for key in rows[0] if key not in ("name", "mapping")}
        cycles = total["processing_cycles"]
        for key in ("active_pes", "utilization"):
            total[key] = sum(row[key] * row["processing_cycles"] for row in rows) / cycles
        return total

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a layer, for any data-frame library: nested fields become `energy.mac`, `mapping.p`, …"""
        return [_flat(layer.to_dict()) for layer in self.layers]

    def count_rows(self) -> list[dict[str, Any]]:
        """Long form: one dict for each layer and access, with words, bits and energy; MACs as level `mac`."""
        return [row for layer in self.layers for row in _count_rows(layer)]


def _count_rows(result: LayerResult) -> list[dict[str, Any]]:
    counts, name = result.counts, result.layer.name
    macs = counts.macs - counts.gated_macs
    first = {
        "layer": name,
        "level": "mac",
        "tensor": "",
        "action": "mac",
        "words": macs,
        "bits": "",
        "energy": result.energy.mac,
    }
    return [first] + [
        {
            "layer": name,
            "level": access.level.value,
            "tensor": access.tensor.value,
            "action": access.action.value,
            "words": words,
            "bits": counts.bits[access],
            "energy": result.energy.of_access[access],
        }
        for access, words in counts.words.items()
    ]


def _sum_of(values: Iterable[Any]) -> Any:
    """Numbers summed, dicts of numbers summed key by key."""
    items = list(values)
    if isinstance(items[0], dict):
        return {key: _sum_of(item[key] for item in items) for key in items[0]}
    return sum(items)


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
