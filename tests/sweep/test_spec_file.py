"""Is a SPEC file read as it is meant, and is every fault of one named, with what would do?"""

from pathlib import Path

import pytest

from simulator.errors import SpecError
from simulator.spec.load import accelerator_text
from simulator.sweep.points import PointMaker, count_of_points, listed_points
from simulator.sweep.spec_file import SweepSpec, load_sweep, parse_sweep

HEAD = 'network = "alexnet"\nlayers = ["CONV3"]\n'


def parsed(text: str) -> SweepSpec:
    return parse_sweep(text, where="s.toml", folder=Path())


def parameters(text: str) -> list[dict[str, object]]:
    return [dict(point.parameters) for point in listed_points(PointMaker(spec=parsed(text)))]


def test_a_grid_is_every_combination_the_last_field_fastest() -> None:
    assert parameters(HEAD + "[grid]\npe_array.rows = [8, 12]\nbatch = [1, 2]") == [
        {"pe_array.rows": 8, "batch": 1},
        {"pe_array.rows": 8, "batch": 2},
        {"pe_array.rows": 12, "batch": 1},
        {"pe_array.rows": 12, "batch": 2},
    ]


@pytest.mark.parametrize("field", ["glb.banks = [13]", '"glb.banks" = [13]', "glb = { banks = [13] }"])
def test_a_field_is_the_same_however_toml_writes_it(field: str) -> None:
    assert parameters(f"{HEAD}[grid]\n{field}") == [{"glb.banks": 13}]


def test_a_list_is_its_points_in_order() -> None:
    text = HEAD + "[[points]]\nglb.banks = 13\n[[points]]\nbatch = 4\n[[points]]"
    assert parameters(text) == [{"glb.banks": 13}, {"batch": 4}, {}]


def test_network_accelerator_and_width_vary_too() -> None:
    text = (
        'layers = ["CONV*"]\n[grid]\nnetwork = ["alexnet", "vgg16"]\narch = ["eyeriss-v1", "isca16-256"]\n'
        'bits = ["weight=8", "weight=16"]'
    )
    points = listed_points(PointMaker(spec=parsed(text)))
    assert len({(point.network, point.arch, point.bits) for point in points}) == 8


def test_files_are_looked_for_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(accelerator_text("eyeriss-v1").replace('name = "eyeriss-v1"', 'name = "mine"'))
    (tmp_path / "s.toml").write_text(HEAD + 'arch = "mine.toml"\n[[points]]')
    (point,) = listed_points(PointMaker(spec=load_sweep(tmp_path / "s.toml")))
    assert point.task is not None
    assert point.task.accelerator.name == "mine"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('objectve = "edp"\n[[points]]', "objectve: unknown key; did you mean 'objective'?"),
        ("area.pe_kbs = 1.0\n[[points]]", "area.pe_kbs: unknown key; did you mean 'pe_kb'?"),
        ("[search]\ntrials = 5\nfield = {}", "search.field: unknown key; did you mean 'fields'?"),
        ("", "which points: nothing says; give one of [grid], [[points]] and [search]"),
        ("[grid]\nbatch = [1]\n[[points]]", "which points: grid and points; give one of"),
        ("[grid]\npe_array.row = [8]", "pe_array.row: accelerators have no such field; did you mean 'pe_array.rows'?"),
        (
            "[grid]\nglb.capacity = [8]",
            "glb.capacity: accelerators have no such field; did you mean 'glb.capacity_kb'?",
        ),
        ("[grid]\npe_array.rows = 8", "grid: pe_array.rows: no list; a grid has a list of values"),
        ("[grid]\npe_array.rows = []", "grid.pe_array.rows: Tuple should have at least 1 item"),
        ("[grid]\npe_array.rows = [8, 0]", "pe_array.rows: Input should be greater than or equal to 1, the value 0"),
        ('[grid]\npe_array.rows = ["8"]', "pe_array.rows: Input should be a valid integer, the value '8'"),
        (
            "[grid]\nglb.capacity_kb = [63]",
            "glb.capacity_kb: 63 kB is no whole number of banks of 4 kB; give a multiple",
        ),
        ("[grid]\npe.spads.words = [64]", "pe.spads.separate.words: unknown key"),
        ("[grid]\nbatch = [0]", "batch: 0 is no number of images; give 1 or more"),
        ("[grid]\nbits = [8]", "bits: 8 is no text; give a name in quotes"),
        ('[grid]\nbits = ["8"]', "bits: '8' is no list of widths; give one such as 'weight=8,activation=8'"),
        ('[grid]\narch = ["eyeriss-v2"]', "eyeriss-v2: no such accelerator or file; did you mean 'eyeriss-v1'?"),
        ('by = "simulate"\nbits = "weight=8"\n[[points]]', "bits: a simulation has words of 16 bits; leave it out"),
        ('front = ["energy", "energy"]\n[[points]]', "front: energy, energy has one twice; name each once"),
        (f"[grid]\nbatch = {list(range(1, 1002))}\npe_array.rows = {list(range(1, 101))}", "100,100 points, more than"),
        ('[search]\ntrials = 5\nfields.network = ["alexnet", "vgg16"]', "network: a search compares all its points"),
        ("[search]\ntrials = 5\nfields.glb.banks = {low = 9, high = 9}", "low = 9 is not below high = 9"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    with pytest.raises(SpecError) as error:
        parsed(HEAD + text)
    assert str(error.value).startswith("s.toml: 1 fault; give a sweep in TOML") or "search.fields" in str(error.value)
    assert fault in str(error.value)


def test_a_network_that_nobody_knows() -> None:
    with pytest.raises(SpecError, match="unknown network 'alexnt'; did you mean 'alexnet'"):
        parsed('network = "alexnt"\n[[points]]')
    with pytest.raises(SpecError, match="network: missing; name one, or vary it"):
        parsed("[[points]]")


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(SpecError, match="2 faults"):
        parsed(HEAD + "[grid]\npe_array.row = [8]\nglb.bank = [8]")


def test_energies_of_different_units_are_refused(tmp_path: Path) -> None:
    other = accelerator_text("eyeriss-v1").replace('unit = "one 16-bit MAC"', 'unit = "pJ"')
    (tmp_path / "other.toml").write_text(other)
    with pytest.raises(
        SpecError, match=r"arch: energies in different units \(one 16-bit MAC, pJ\); give them one table"
    ):
        parse_sweep(HEAD + '[grid]\narch = ["eyeriss-v1", "other.toml"]', where="s.toml", folder=tmp_path)


def test_a_value_that_only_one_of_the_machines_can_take_is_no_fault() -> None:
    text = HEAD + '[grid]\narch = ["eyeriss-v1", "isca16-256"]\npe.spads.words = [512]'
    first, second = listed_points(PointMaker(spec=parsed(text)))
    assert (first.task, first.reason) == (None, "pe.spads.separate.words: unknown key")
    assert second.task is not None


def test_points_are_counted_without_being_made() -> None:
    assert count_of_points(parsed(HEAD + "[grid]\npe_array.rows = [8, 12]\nbatch = [1, 2, 3]")) == 6
    assert count_of_points(parsed(HEAD + "[search]\ntrials = 7\nfields.batch = [1, 2]")) == 7
