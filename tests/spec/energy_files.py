"""Energy tables and an ERT as people bring them, and what a file of theirs gives: a table, or one message."""

from pathlib import Path

import pytest

from simulator.errors import SpecError
from simulator.spec.accelerator import EnergyTable
from simulator.spec.energy_table import load_energy_table

REMEDY = "give an energy table in TOML, as docs/reference.md shows it"
ERT_REMEDY = "give the ERT.yaml that Accelergy writes"
COMPONENTS = (
    "top.DRAM[1..1], top.shared_glb[1..1], top.PE[0..167].ifmap_spad, top.PE[0..167].weights_spad, "
    "top.PE[0..167].psum_spad, top.PE[0..167].mac, top.ifmap_NoC"
)
TRANSFERS = "n_cols = 1, n_rows = 1; n_cols = 14, n_rows = 12"
# Layout of Accelergy 0.4, with the names and widths of Timeloop's Eyeriss-like design.
ERT = """
ERT:
  version: '0.4'
  tables:
    - name: top.DRAM[1..1]
      actions:
        - {name: read, arguments: {global_cycle_seconds: 1e-09}, energy: 512.0}
        - {name: write, arguments: {global_cycle_seconds: 1e-09}, energy: 512.0}
    - name: top.shared_glb[1..1]
      actions:
        - {name: read, arguments: {}, energy: 18.0}
        - {name: update, arguments: {}, energy: 14.0}
    - name: top.PE[0..167].ifmap_spad
      actions:
        - {name: read, arguments: {address_delta: 0, data_delta: 0}, energy: 0.5}
        - {name: read, arguments: {address_delta: 1, data_delta: 1}, energy: 2.5}
        - {name: read, arguments: {address_delta: 0, data_delta: 1}, energy: 1.5}
        - {name: fill, arguments: null, energy: 5e-1}
    - name: top.PE[0..167].weights_spad
      actions: [{name: read, energy: 2.0}]
    - name: top.PE[0..167].psum_spad
      actions: [{name: read, energy: 0.25}, {name: update, energy: 0.75}, {name: leak, energy: 1e-09}]
    - name: top.PE[0..167].mac
      actions: [{name: mac_random, energy: 0.8}, {name: mac_gated, energy: 0.1}]
    - name: top.ifmap_NoC
      actions:
        - {name: transfer_random, arguments: {n_rows: 1, n_cols: 1}, energy: 3.0}
        - {name: transfer_random, arguments: {n_rows: 12, n_cols: 14}, energy: 300.0}
"""
OWN = """
unit = "pJ"
mac = { per_access = 0.9, source = "synthesis" }
spad = { per_access = 1.1, source = "memory compiler" }
noc = { per_access = 2.0, source = "wire model" }
glb = { per_access = 7.5, source = "memory compiler" }
dram = { per_access = 160, source = "data sheet" }
[access]
"spad.filter.read" = { per_access = 3.5, source = "memory compiler, 224 words" }
"""
REFERRING = """
unit = "pJ"
ert = "ERT.yaml"
mac = { component = "mac", action = "mac_random", words = 1 }
spad = { component = "PE.psum_spad", action = "read", words = 1 }
noc = { component = "ifmap_NoC", action = "transfer_random", words = 1, arguments = { n_rows = 1, n_cols = 1.0 } }
glb = { component = "top.shared_glb[1..1]", action = "read", words = 4 }
dram = { component = "DRAM", action = "read", words = 4 }
[access]
"spad.ifmap.read" = { component = "ifmap_spad", action = "read", words = 0.5 }
"spad.psum.write" = { per_access = 0.7, source = "memory compiler" }
"""


def table_of(folder: Path, text: str) -> EnergyTable:
    (folder / "mine.toml").write_text(text)
    return load_energy_table(folder / "mine.toml")


def message_of(folder: Path, text: str, name: str = "mine.toml") -> str:
    """The whole message that a file of that text is refused with, its folder left out."""
    (folder / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        load_energy_table(folder / name)
    return str(caught.value).replace(f"{folder}/", "")
