"""Where does each count come from? A formula for each access, in the papers' letters and the words of reuse.py."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from simulator.counts import Access, Action, Level, Tensor
from simulator.mapping.reuse import reuse
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.text_table import wrapped
from simulator.spec.accelerator import Gate, Gating
from simulator.spec.layer import Layer

OUTPUTS = "N*M*E*F"
WEIGHTS = "M*C/G*R*S"
SLOTS = f"{OUTPUTS}*C/G*R*S"

_BROUGHT_IFMAP = "loads * N*C * stored"
_BROUGHT_FILTER = f"image_groups * strips * {WEIGHTS}"
_TAKEN_IFMAP = "filter_sets * N*C*R*E * taken"
_TAKEN_FILTER = f"image_groups * {WEIGHTS}*E"
_ADDED = f"{SLOTS} - channel_sets * R * {OUTPUTS}"

FORMULAS: Mapping[Access, str] = MappingProxyType(
    {
        Access(Level.DRAM, Tensor.IFMAP, Action.READ): _BROUGHT_IFMAP,
        Access(Level.DRAM, Tensor.FILTER, Action.READ): _BROUGHT_FILTER,
        Access(Level.DRAM, Tensor.PSUM, Action.WRITE): OUTPUTS,
        Access(Level.GLB, Tensor.IFMAP, Action.FILL): _BROUGHT_IFMAP,
        Access(Level.GLB, Tensor.IFMAP, Action.READ): "filter_passes * N*C * sent",
        Access(Level.GLB, Tensor.FILTER, Action.FILL): _BROUGHT_FILTER,
        Access(Level.GLB, Tensor.FILTER, Action.READ): _BROUGHT_FILTER,
        Access(Level.GLB, Tensor.PSUM, Action.READ): f"(channel_passes - 1) * {OUTPUTS}",
        Access(Level.GLB, Tensor.PSUM, Action.WRITE): f"channel_passes * {OUTPUTS}",
        Access(Level.GLB, Tensor.PSUM, Action.DUMP): OUTPUTS,
        Access(Level.NOC, Tensor.IFMAP, Action.DELIVERY): _TAKEN_IFMAP,
        Access(Level.NOC, Tensor.FILTER, Action.DELIVERY): _TAKEN_FILTER,
        Access(Level.NOC, Tensor.PSUM, Action.DELIVERY): f"(channel_passes - 1) * {OUTPUTS}",
        Access(Level.NOC, Tensor.PSUM, Action.HOP): f"(channel_sets * R - channel_passes) * {OUTPUTS}",
        Access(Level.NOC, Tensor.PSUM, Action.COLLECT): f"channel_passes * {OUTPUTS}",
        Access(Level.SPAD, Tensor.IFMAP, Action.READ): SLOTS,
        Access(Level.SPAD, Tensor.IFMAP, Action.WRITE): _TAKEN_IFMAP,
        Access(Level.SPAD, Tensor.FILTER, Action.READ): SLOTS,
        Access(Level.SPAD, Tensor.FILTER, Action.WRITE): _TAKEN_FILTER,
        Access(Level.SPAD, Tensor.PSUM, Action.READ): _ADDED,
        Access(Level.SPAD, Tensor.PSUM, Action.WRITE): _ADDED,
    }
)
"""Words of each access, if no zero stops it."""

_STOPPED = ", less those that zeros stop"


def formula_of(access: Access, gating: Gating) -> str:
    """Of the words of an access on a machine."""
    field = f"{access.tensor}_spad_{access.action}"
    gate = getattr(gating, field, Gate.NEVER) if access.level is Level.SPAD else Gate.NEVER
    return FORMULAS[access] if gate is Gate.NEVER else f"{FORMULAS[access]}{_STOPPED}"


def formula_of_macs(gating: Gating) -> str:
    """Of the MACs that are done."""
    return SLOTS if gating.mac is Gate.NEVER else f"{SLOTS}{_STOPPED}"


def reuse_text(layer: Layer, mapping: RowStationaryMapping, width: int | None) -> str:
    """The words of the formulas, with their values."""
    found = reuse(layer, mapping)
    lines = (f"  {each.name} = {getattr(found, each.name):,}: {each.metadata['is']}\n" for each in fields(found))
    return wrapped("Of the formulas below, beside the letters of layer and mapping:\n" + "".join(lines), width)
