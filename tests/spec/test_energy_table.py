"""Do tables that people bring price each access as they say, with a source for each number, and is each fault told?"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.counts import MEANING, Access, AccessCounts, Action, Level, Tensor
from simulator.energy import energy
from simulator.errors import SpecError
from simulator.spec.accelerator import EnergyTable
from simulator.spec.energy_table import load_energy_table, with_energy_table
from simulator.spec.ert import load_ert
from simulator.spec.layer import Layer
from simulator.spec.load import accelerator_text, energy_table_sha256, load_accelerator, parse_accelerator
from tests.spec.energy_files import COMPONENTS, ERT, OWN, REFERRING, REMEDY, TRANSFERS, message_of, table_of

CHIP = load_accelerator("eyeriss-v1")
FILTER_READ = Access(Level.SPAD, Tensor.FILTER, Action.READ)
NAMES = ", ".join(str(access) for access in MEANING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ERT.yaml").write_text(ERT)
    return tmp_path


def test_an_access_has_its_own_cost_or_its_levels(folder: Path) -> None:
    table = table_of(folder, OWN)
    levels = {Level.SPAD: 1.1, Level.NOC: 2.0, Level.GLB: 7.5, Level.DRAM: 160.0}
    expected = {access: levels[access.level] for access in MEANING} | {FILTER_READ: 3.5}
    assert {access: table.cost_of(access).per_access for access in MEANING} == expected
    assert table.unit == "pJ"


@given(words=st.dictionaries(st.sampled_from(list(MEANING)), st.integers(0, 10**12)), macs=st.integers(0, 10**12))
def test_energy_is_counts_times_table(words: dict[Access, int], macs: int) -> None:
    cost: dict[str, Any] = {"per_access": 1.0, "source": "drawn"}
    levels: dict[str, Any] = {level.value: cost for level in Level}
    own = {access: {"per_access": 2.0 + place, "source": "drawn"} for place, access in enumerate(list(MEANING)[::2])}
    table = EnergyTable.model_validate({"unit": "pJ", "mac": cost, **levels, "access": own})
    machine = with_energy_table(load_accelerator("isca16-256"), table)
    bits = {access: 16 * count for access, count in words.items()}
    counts = AccessCounts(words=words, bits=bits, macs=macs, nonzero_macs=macs, gated_macs=0)
    found = energy(counts, machine, Layer(name="one", N=1, M=1, C=1, H=1, W=1, R=1, S=1))
    for access, count in words.items():
        price = 0.0 if access in machine.charges.free else own.get(access, cost)["per_access"]
        assert found.of_access[access] == pytest.approx(count * price)
    assert found.total == pytest.approx(macs + sum(found.of_access.values()))


def test_the_rest_of_the_accelerator_stays(folder: Path) -> None:
    table = table_of(folder, OWN)
    machine = with_energy_table(CHIP, table)
    assert machine.energy == table
    assert machine.model_copy(update={"energy": CHIP.energy}) == CHIP
    assert energy_table_sha256(machine) != energy_table_sha256(CHIP)


def test_an_accelerator_file_takes_costs_of_accesses() -> None:
    extra = '[energy.access."spad.filter.read"]\nper_access = 1.5\nsource = "mine"\n\n[sources]'
    machine = parse_accelerator(accelerator_text("eyeriss-v1").replace("[sources]", extra), where="mine.toml")
    assert machine.energy.cost_of(FILTER_READ).per_access == 1.5
    assert machine.energy.cost_of(FILTER_READ).source == "mine"


def test_the_order_of_a_file_does_not_change_its_hash() -> None:
    costs = {str(access): {"per_access": 1.0, "source": "a"} for access in MEANING}
    backwards = dict(reversed(costs.items()))
    plain = {name: value for name, value in CHIP.energy.model_dump().items() if name != "access"}
    one, other = (EnergyTable.model_validate({**plain, "access": given}) for given in (costs, backwards))
    assert energy_table_sha256(with_energy_table(CHIP, one)) == energy_table_sha256(with_energy_table(CHIP, other))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('unit = "pJ"', "", "unit: missing"),
        ('unit = "pJ"', 'unit = " "', "unit: String should have at least 1 character, the value ' '"),
        ('"synthesis"', '" "', "mac.source: String should have at least 1 character, the value ' '"),
        (', source = "synthesis"', "", "mac.source: missing"),
        ("= 160", "= -1", "dram.per_access: Input should be greater than or equal to 0, the value -1"),
        ("= 160", "= nan", "dram.per_access: Input should be a finite number, the value nan"),
        (
            '"spad.filter.read"',
            '"spad.filter.reed"',
            "access: no access is called 'spad.filter.reed'; quote the whole name; did you mean 'spad.filter.read'?",
        ),
        (
            '"spad.filter.read"',
            "spad.filter.read",
            f"access: no access is called 'spad'; quote the whole name; there are: {NAMES}",
        ),
        (
            "per_access = 3.5",
            "cost = 3.5",
            "access.spad.filter.read.per_access: missing\n  access.spad.filter.read.cost: unknown key",
        ),
        ("[access]", "[charges]", "charges: unknown key"),
        (
            'unit = "pJ"',
            'unit = "pJ"\nert = "ERT.yaml"',
            "ert: no cost names a component of it; take it out, the value 'ERT.yaml'",
        ),
    ],
)
def test_faults(folder: Path, old: str, new: str, fault: str) -> None:
    assert old in OWN
    count = fault.count("\n") + 1
    expected = f"mine.toml: {count} fault{'s' if count > 1 else ''}; {REMEDY}\n  {fault}"
    assert message_of(folder, OWN.replace(old, new, 1)) == expected


def test_all_faults_at_once(folder: Path) -> None:
    text = REFERRING.replace('unit = "pJ"', 'unit = "nJ"').replace('"DRAM"', '"HBM"').replace("per_access = 0.7, ", "")
    assert message_of(folder, text).splitlines() == [
        f"mine.toml: 3 faults; {REMEDY}",
        "  unit: with an ERT it is 'pJ', the value 'nJ'",
        f"  dram: no component ends in 'HBM'; there are: {COMPONENTS}",
        "  access.spad.psum.write.per_access: missing",
    ]


@pytest.mark.parametrize("text", ["unit = ", "unit = " + "9" * 5000, "unit = " + "[" * 5000])
def test_not_toml(folder: Path, text: str) -> None:
    message = message_of(folder, text)
    assert message.startswith("mine.toml: not TOML: ")
    assert message.endswith(f"; {REMEDY}")


def test_files_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.toml: no such file; give an energy table in TOML, as docs/ref"):
        load_energy_table(folder / "none.toml")
    with pytest.raises(SpecError, match=r"none\.yaml: no such file; give an Accelergy ERT$"):
        load_energy_table(folder / "none.yaml")
    with pytest.raises(SpecError, match=r"cannot be read as text .*directory.*; give an energy table in TOML"):
        load_energy_table(folder)
    (folder / "a.toml").write_bytes(b"\xff")
    with pytest.raises(SpecError, match=r"a\.toml: cannot be read as text .*; give an energy table in TOML"):
        load_energy_table(folder / "a.toml")
    assert "none.yaml: no such file; give an Accelergy ERT" in message_of(folder, REFERRING.replace("ERT.y", "none.y"))


def test_costs_from_an_ert(folder: Path) -> None:
    """ERT's energy / words, and the source says how."""
    table = table_of(folder, REFERRING)
    found = {name: (cost.per_access, cost.source) for name, cost in costs_of(table).items()}
    start = "Accelergy ERT ERT.yaml, top."
    assert found == {
        "mac": (0.8, f"{start}PE[0..167].mac mac_random, 0.8 pJ / 1 word"),
        "spad": (0.25, f"{start}PE[0..167].psum_spad read, 0.25 pJ / 1 word"),
        "noc": (3.0, f"{start}ifmap_NoC transfer_random with n_cols = 1, n_rows = 1, 3 pJ / 1 word"),
        "glb": (4.5, f"{start}shared_glb[1..1] read, 18 pJ / 4 words"),
        "dram": (128.0, f"{start}DRAM[1..1] read with global_cycle_seconds = 1e-09, 512 pJ / 4 words"),
        "spad.ifmap.read": (
            5.0,
            f"{start}PE[0..167].ifmap_spad read, the largest of 3 by address_delta and data_delta, 2.5 pJ / 0.5 words",
        ),
        "spad.psum.write": (0.7, "memory compiler"),
    }


@pytest.mark.parametrize("name", ["eyeriss-v1", "eyeriss-estimation", "isca16-256", "own", "referring"])
def test_no_source_is_empty(folder: Path, name: str) -> None:
    texts = {"own": OWN, "referring": REFERRING}
    table = table_of(folder, texts[name]) if name in texts else load_accelerator(name).energy
    assert all(cost.source.strip() for cost in costs_of(table).values())
    assert all(table.cost_of(access).source for access in MEANING)


def costs_of(table: EnergyTable) -> dict[str, Any]:
    levels = {"mac": table.mac, "spad": table.spad, "noc": table.noc, "glb": table.glb, "dram": table.dram}
    return {**levels, **table.access}


def test_an_older_layout(tmp_path: Path) -> None:
    """Accelergy 0.2: mappings by name, one energy or a list of them."""
    energies = {
        "read": [
            {"arguments": {"address_delta": 0}, "energy": 4},
            {"arguments": {"address_delta": 1}, "energy": 6},
        ],
        "idle": {"arguments": None, "energy": 0},
    }
    (tmp_path / "ERT.yaml").write_text(json.dumps({"ERT": {"version": 0.2, "tables": {"top.GLB": energies}}}))
    ert = load_ert(tmp_path / "ERT.yaml")
    assert ert.energy_of("GLB", "read", {}) == (6.0, "top.GLB read, the largest of 2 by address_delta")
    assert ert.energy_of("GLB", "read", {"address_delta": 0}) == (4.0, "top.GLB read with address_delta = 0")
    assert ert.energy_of("GLB", "idle", {}) == (0.0, "top.GLB idle")


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        (
            'component = "mac", action = "compute", words = 1',
            "top.PE[0..167].mac has no action 'compute'; it has: mac_random, mac_gated",
        ),
        ('component = "mac", action = "mac_random"', "words: missing"),
        (
            'component = "mac", action = "mac_random", words = 0',
            "words: Input should be greater than or equal to 0.001, the value 0",
        ),
        ('component = "mac", action = "mac_random", words = 1, per_access = 1', "per_access: unknown key"),
        (
            'action = "mac_random", word = 1',
            "component: missing; words: missing; word: unknown key; did you mean 'words'?",
        ),
        (
            'component = "ifmap_NoC", action = "transfer_random", words = 1',
            "top.ifmap_NoC transfer_random has 2 energies, 3 to 300 pJ; add arguments = { n_cols = ..., n_rows = ... }",
        ),
        (
            'component = "ifmap_NoC", action = "transfer_random", words = 1, arguments = { n_rows = 2 }',
            f"top.ifmap_NoC has no transfer_random with n_rows = 2; it has: {TRANSFERS}",
        ),
        (
            'component = "PE[0..3].mac", action = "mac_random", words = 1',
            f"no component ends in 'PE[0..3].mac'; there are: {COMPONENTS}",
        ),
        (
            'component = "spad", action = "read", words = 1',
            f"no component ends in 'spad'; there are: {COMPONENTS}",
        ),
    ],
)
def test_references_that_lead_nowhere(folder: Path, reference: str, fault: str) -> None:
    old = 'component = "mac", action = "mac_random", words = 1'
    assert message_of(folder, REFERRING.replace(old, reference)) == f"mine.toml: 1 fault; {REMEDY}\n  mac: {fault}"


def test_a_name_that_two_components_end_in(folder: Path) -> None:
    (folder / "ERT.yaml").write_text(ERT.replace("top.ifmap_NoC", "top.PE[168..200].mac"))
    expected = "  mac: 'mac' can be top.PE[0..167].mac, top.PE[168..200].mac; write more of the name"
    assert expected in message_of(folder, REFERRING).splitlines()
    exact = REFERRING.replace('component = "mac"', 'component = "PE[0..167].mac"')
    assert "  mac: " not in message_of(folder, exact)


def test_a_full_name_that_another_ends_in(folder: Path) -> None:
    (folder / "ERT.yaml").write_text(ERT.replace("top.PE[0..167].mac", "mac").replace("top.ifmap_NoC", "top.mac"))
    assert load_ert(folder / "ERT.yaml").energy_of("mac", "mac_random", {}) == (0.8, "mac mac_random")


def test_two_energies_for_the_same_arguments(folder: Path) -> None:
    (folder / "ERT.yaml").write_text(ERT.replace("mac_gated", "mac_random"))
    expected = "mac: top.PE[0..167].mac mac_random has 2 energies with the same arguments; give it one in the ERT"
    assert expected in message_of(folder, REFERRING)


def test_a_reference_without_an_ert(folder: Path) -> None:
    text = OWN.replace('mac = { per_access = 0.9, source = "synthesis" }', 'mac = { component = "mac" }')
    expected = '  ert: missing, though mac would be found in it; add ert = "ERT.yaml" at the top'
    assert message_of(folder, text) == f"mine.toml: 1 fault; {REMEDY}\n{expected}"
    assert "\n  ert: not the name of a file" in message_of(folder, REFERRING.replace('"ERT.yaml"', "3"))
