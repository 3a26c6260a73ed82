"""Is each shipped machine what its source says, and is every fault of a file reported at once, with its path?"""

from pathlib import Path

import pytest

from simulator.counts import MEANING, Level, Tensor
from simulator.errors import SpecError
from simulator.spec.accelerator import Gate, SeparateSpads
from simulator.spec.load import (
    accelerator_sha256,
    accelerator_text,
    energy_table_sha256,
    load_accelerator,
    parse_accelerator,
    shipped_accelerators,
)

CHIP = accelerator_text("eyeriss-v1")


def test_shipped() -> None:
    assert shipped_accelerators() == ("eyeriss-estimation", "eyeriss-v1", "isca16-256")
    assert [load_accelerator(name).name for name in shipped_accelerators()] == list(shipped_accelerators())


def test_the_chip() -> None:
    """JSSC 2017."""
    chip = load_accelerator("eyeriss-v1")
    assert chip.pes == 168
    assert chip.pe.spads == SeparateSpads(kind="separate", ifmap_words=12, filter_words=224, psum_words=24)
    assert chip.glb.banks * chip.glb.bank_words * 2 == 100 * 1024
    assert chip.glb.filter_buffer_words * 2 == 8 * 1024
    assert chip.words_per_beat(chip.noc.gin_ifmap_bits) == 1
    assert chip.words_per_beat(chip.noc.gon_psum_bits) == 4
    assert chip.dram_cycles(480_000_000 * 8) == pytest.approx(200_000_000)  # 480 MB take a second
    levels = {access.level: chip.energy.cost_of(access).per_access for access in MEANING}
    assert levels == {Level.DRAM: 200, Level.GLB: 6, Level.NOC: 2, Level.SPAD: 1}
    assert chip.gating.filter_spad_read is Gate.ZERO_IFMAP
    assert chip.gating.psum_spad_read is Gate.NEVER


def test_what_the_other_machines_change() -> None:
    chip, estimation, isca = (load_accelerator(n) for n in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
    changed = {name for name in type(chip).model_fields if getattr(chip, name) != getattr(estimation, name)}
    assert changed == {"name", "description", "gating", "compression", "sources"}
    assert set(estimation.gating.model_dump().values()) == {Gate.ZERO_EITHER}
    assert isca.pes == 256
    assert isca.glb.bypass == (Tensor.FILTER,)
    assert {str(access) for access in isca.charges.free} >= {"spad.ifmap.write", "glb.psum.dump"}


def test_every_energy_has_a_source() -> None:
    for name in shipped_accelerators():
        table = load_accelerator(name).energy
        assert all(cost.source for cost in (table.mac, table.spad, table.noc, table.glb, table.dram))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows = 12", "rows = 0", "pe_array.rows: Input should be greater than or equal to 1, the value 0"),
        ("rows = 12", "rows = -4", "pe_array.rows: Input should be greater than or equal to 1, the value -4"),
        ("rows = 12", 'rows = "12"', "pe_array.rows: Input should be a valid integer, the value '12'"),
        ("rows = 12", "rowz = 12", "pe_array.rows: missing\n  pe_array.rowz: unknown key"),
        ("rows = 12\n", "", "pe_array.rows: missing"),
        (
            'psum = "exact"',
            'psum = "exact"\nproduct_shift = 8',
            "arithmetic: psum = 'exact' leaves no use for product_shift; take it out, or cut psums",
        ),
        ("free = []", 'free = ["glb.x", 3]', "charges.free: no access is called 'glb.x' or 3; there are: dram.ifmap"),
        ("word_bits = 16", "word_bits = 8", "word_bits: Input should be 16, the value 8"),
        ('mac = "zero_ifmap"', 'mac = "zero"', "gating.mac: 'zero' is none of never, zero_ifmap, zero_filter, zero_e"),
        (
            "free = []",
            'free = ["glb.ifmap.hop"]',
            "charges.free: no access is called 'glb.ifmap.hop'; there are: dram.",
        ),
        ("[glb]", '[glb]\nbypass = ["ifmap"]', "glb.bypass: only 'filter' can bypass the GLB"),
        ("[glb]", '[glb]\nbypass = ["weights"]', "glb.bypass: 'weights' is none of ifmap, filter, psum"),
        ("per_access = 200.0", "per_access = nan", "energy.dram.per_access: Input should be a finite number"),
        (
            "per_access = 200.0",
            "per_access = -1.0",
            "energy.dram.per_access: Input should be greater than or equal to 0",
        ),
        ("core_mhz = 200.0", "core_mhz = 0.0", "clock.core_mhz: Input should be greater than or equal to 0.000001"),
        ("core_mhz = 200.0", "core_mhz = 1e30", "clock.core_mhz: Input should be less than or equal to 1000000"),
        ("per_access = 200.0", "per_access = 1e308", "energy.dram.per_access: Input should be less than or equal to"),
        ("rows = 12", "rows = 1025", "pe_array.rows: Input should be less than or equal to 1024, the value 1025"),
        ("run_bits = 5", "run_bits = 32", "compression.run_bits: Input should be less than or equal to 31, the"),
        ("banks = 25", "banks = 2147483648", "glb.banks: Input should be less than 2147483648"),
        ('kind = "separate"', 'kind = "shared"', "pe.spads: Input tag 'shared' found using 'kind' does not match"),
        (
            "gin_ifmap_bits = 16",
            "gin_ifmap_bits = 8",
            "the file: noc.gin_ifmap_bits = 8 bits is narrower than a 16-bit",
        ),
        (
            "gin_ifmap_bits = 16",
            "gin_ifmap_bits = 128",
            "pe.ifmap_fifo_words = 4 holds less than the 8 words of one noc.gin_ifmap_bits beat",
        ),
        (
            "psum_fifo_words = 24",
            "psum_fifo_words = 3",
            "pe.psum_fifo_words = 3 holds less than the 4 words of one noc.gin_psum_bits beat; pe.psum_fifo_words = 3",
        ),
        (
            "pairs = 3",
            "pairs = 4",
            "compression: 4 pairs of 5 + 16 bits and an end bit take 85 bits, a code word has 64",
        ),
        ("level_bits = 16", "level_bits = 8", "compression.level_bits = 8 is not the 16-bit word"),
    ],
)
def test_faults(old: str, new: str, message: str) -> None:
    assert old in CHIP
    with pytest.raises(SpecError) as caught:
        parse_accelerator(CHIP.replace(old, new, 1), where="mine.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("mine.toml: ")
    assert "`picojoule arch show eyeriss-v1` prints a valid file" in str(caught.value)


def test_all_faults_at_once() -> None:
    text = (
        CHIP.replace("columns = 14", "columns = 0").replace("banks = 25", "banks = 2.5").replace("bits = 64  ", "x = 1")
    )
    with pytest.raises(SpecError) as caught:
        parse_accelerator(text, where="mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml: 4 faults; ")
    for path in ("pe_array.columns: ", "glb.banks: ", "dram.bits: missing", "dram.x: unknown key"):
        assert f"\n  {path}" in message


def test_not_toml() -> None:
    with pytest.raises(
        SpecError, match=r"mine\.toml: not TOML: .* `picojoule arch show eyeriss-v1` prints a valid file"
    ):
        parse_accelerator("[pe_array", where="mine.toml")


def test_no_such_file() -> None:
    with pytest.raises(SpecError, match=r"eyeris-v1: no such accelerator or file; did you mean 'eyeriss-v1'\?"):
        load_accelerator("eyeris-v1")
    with pytest.raises(
        SpecError, match="zzz: no such accelerator or file; shipped: eyeriss-estimation, eyeriss-v1, isca"
    ):
        load_accelerator("zzz")


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match=r"a\.toml: cannot be read as text .*; give a TOML file"):
        load_accelerator(tmp_path / "a.toml")
    with pytest.raises(SpecError, match="cannot be read as text"):
        load_accelerator(tmp_path)


def test_hashes_are_of_the_content() -> None:
    chip = load_accelerator("eyeriss-v1")
    same = parse_accelerator("# mine\n" + CHIP.replace("rows = 12", "rows   =  12 # twelve"), where="mine")
    other = parse_accelerator(CHIP.replace("per_access = 200.0", "per_access = 160.0"), where="mine")
    assert accelerator_sha256(chip) == accelerator_sha256(same) != accelerator_sha256(other)
    assert energy_table_sha256(chip) == energy_table_sha256(same) != energy_table_sha256(other)
