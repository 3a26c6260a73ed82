"""Does setting a field change that figure of the machine, and no other?"""

import pytest

from simulator.counts import Tensor
from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator, SeparateSpads
from simulator.spec.load import load_accelerator
from simulator.sweep.area import AreaWeights, area_kb
from simulator.sweep.machine_fields import CAPACITY, Value, changed, machine_fields


@pytest.fixture(scope="module")
def chip() -> Accelerator:
    return load_accelerator("eyeriss-v1")


@pytest.mark.parametrize(
    ("field", "value"),
    [("pe_array.rows", 7), ("noc.gin_ifmap_bits", 32), ("dram.clock_mhz", 90), ("energy.dram.per_access", 100.0)],
)
def test_a_field(chip: Accelerator, field: str, value: Value) -> None:
    part, *path = field.split(".")
    expected = chip.model_dump()
    place = expected[part]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert changed(chip, {field: value}).model_dump() == expected


def test_no_field_leaves_the_machine_as_it_is(chip: Accelerator) -> None:
    assert changed(chip, {}) == chip
    before = chip.model_dump()
    changed(chip, {"pe.spads.filter_words": 448})
    assert chip.model_dump() == before


def test_spads_and_lists(chip: Accelerator) -> None:
    machine = changed(chip, {"pe.spads.filter_words": 448, "glb.bypass": ("filter",)})
    assert isinstance(machine.pe.spads, SeparateSpads)
    assert machine.pe.spads.filter_words == 448
    assert machine.glb.bypass == (Tensor.FILTER,)
    assert changed(chip, {"gating.mac": "never"}).gating.mac == "never"


def test_the_cost_of_one_access(chip: Accelerator) -> None:
    machine = changed(chip, {"energy.access.spad.filter.read.per_access": 1.6})
    assert {name: cost.per_access for name, cost in machine.energy.access.items()} == {"spad.filter.read": 1.6}
    assert chip.energy.access == {}


@pytest.mark.parametrize(("bank_words", "banks"), [(2048, 16), (1024, 32)])
def test_capacity_is_banks_of_the_size_they_have(chip: Accelerator, bank_words: int, banks: int) -> None:
    machine = changed(chip, {CAPACITY: 64, "glb.bank_words": bank_words})
    assert (machine.glb.banks, machine.glb.bank_words) == (banks, bank_words)


def test_the_chips_own_capacity(chip: Accelerator) -> None:
    assert changed(chip, {CAPACITY: 100}) == chip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({CAPACITY: 64, "glb.banks": 3}, "given beside glb.banks"),
        ({CAPACITY: 1}, "1 kB is no whole number of banks of 4 kB"),
        ({CAPACITY: "64"}, "'64' is no number of kB"),
        ({"noc.gin_ifmap_bits": 8}, "noc.gin_ifmap_bits = 8 bits is narrower than a 16-bit word"),
        ({"pe_array.rows": 0, "dram.bits": 0}, "pe_array.rows: .*; dram.bits: "),
    ],
)
def test_what_cannot_be(chip: Accelerator, changes: dict[str, Value], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        changed(chip, changes)


def test_fields_are_the_figures_of_the_file() -> None:
    fields = machine_fields()
    assert {"glb.banks", "pe.spads.words", "pe.spads.psum_words", "charges.free", "energy.mac.per_access"} <= set(
        fields
    )
    assert not [field for field in fields if field.split(".")[-1] in ("name", "source", "sources", "why", "unit")]
    assert len(fields) == len(set(fields))


def test_area_is_what_the_chip_stores(chip: Accelerator) -> None:
    """100 kB and 8 kB of GLB; 168 PEs with 260 words of spads and 28 of FIFOs."""
    assert area_kb(chip, AreaWeights()) == 100 + 8 + 168 * 288 * 2 / 1024
    assert area_kb(chip, AreaWeights(spad_weight=2, pe_kb=0.5)) == 108 + 2 * 168 * 288 * 2 / 1024 + 168 * 0.5


def test_area_of_a_pooled_spad() -> None:
    machine = load_accelerator("isca16-256")
    fifos = machine.pe.ifmap_fifo_words + machine.pe.psum_fifo_words
    glb = machine.glb.banks * machine.glb.bank_words + machine.glb.filter_buffer_words
    assert area_kb(machine, AreaWeights()) == (glb + 256 * (256 + fifos)) * 2 / 1024
