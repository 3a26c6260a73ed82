"""Is every number of docs/how-the-energy-is-counted.md what the letters, the closed form and the simulator give?"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from picojoule.__main__ import main
from simulator import simulate_layer
from simulator.analytic.layer_estimate import estimate_layer
from simulator.counts import Action, Level, Tensor
from simulator.mapping.load import load_mappings
from simulator.results import LayerResult
from simulator.spec.load import load_accelerator
from workloads import open_workload

PAGE = (Path(__file__).parents[2] / "docs" / "how-the-energy-is-counted.md").read_text(encoding="utf-8")
CHIP = load_accelerator("eyeriss-v1")
ALEXNET = open_workload("alexnet", batch=4)
CONV3 = next(layer for layer in ALEXNET.layers if layer.name == "CONV3")
MAPPING = load_mappings("jssc2017")["CONV3"]
LETTERS = {letter: getattr(CONV3, letter) for letter in "NCHWMRSUEF"} | MAPPING.to_dict()
LEVELS = ["mac", "spad", "noc", "glb", "dram", "total"]


@pytest.fixture(scope="module")
def analytic() -> LayerResult:
    assert ALEXNET.densities is not None
    return estimate_layer(CONV3, ALEXNET.densities.of_layer["CONV3"], MAPPING, CHIP)


@pytest.fixture(scope="module")
def simulated() -> LayerResult:
    return simulate_layer(CONV3, ALEXNET.tensors_of(CONV3), MAPPING, CHIP)


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def table(heading: str) -> list[list[str]]:
    """The rows below the rule of a section's tables, cell by cell."""
    lines = [line[1:-1].split("|") for line in section(heading).splitlines() if line.startswith("| ")]
    return [[cell.strip("` ") for cell in cells] for cells in lines[1:]]


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def value_of(formula: str) -> float:
    """Of the page's arithmetic, in the papers' letters."""
    assert re.fullmatch(r"[A-Za-z0-9.*/()+ -]+", formula)
    return float(eval(formula, {"__builtins__": {}}, dict(LETTERS)))


def explained(capsys: pytest.CaptureFixture[str], command: str) -> dict[str, Any]:
    """What the object of a `picojoule …` command holds."""
    assert main([*command.split()[1:], "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def command_of(heading: str) -> str:
    return str(re.findall(r"^    (picojoule .*)$", section(heading), flags=re.M)[0])


def test_letters() -> None:
    rows = [row for row in table("The layer and the mapping") if len(row[0]) == 1]
    assert {row[0]: number(row[1]) for row in rows} == {key: value for key, value in LETTERS.items() if key != "g"}
    assert CONV3.padding == (1, 1, 1, 1)
    assert f"padding is {CONV3.padding[0]} on every side" in section("The layer and the mapping")


def test_how_often_things_happen(analytic: LayerResult) -> None:
    formulas = [row for row in table("The layer and the mapping") if re.search("[*/]", row[1])]
    rows = {row[0]: (row[1], number(row[2])) for row in formulas}
    assert len(rows) == 9
    for formula, times in rows.values():
        assert value_of(formula) == times
    assert rows["all passes"][1] == analytic.passes
    assert rows[next(what for what in rows if what.startswith("PEs at work"))][1] == analytic.active_pes


def test_every_term_by_hand_in_closed_form_and_simulated(analytic: LayerResult, simulated: LayerResult) -> None:
    rows = {row[0]: row[1:] for row in table("Term by term")}
    assert set(rows) == {str(access) for access in analytic.counts.words} | {"mac"}
    for access, words in analytic.counts.words.items():
        formula, shown, bits, cost, energy, simulated_energy = rows[str(access)]
        assert round(value_of(formula)) == number(shown) == words, access
        assert number(bits) == analytic.counts.bits[access]
        assert number(energy) == number(bits) / 16 * number(cost) == analytic.energy.of_access[access]
        assert number(simulated_energy) == simulated.energy.of_access[access]
        if "0.275" not in formula:
            assert simulated.counts.words[access] == words


def test_the_macs(analytic: LayerResult, simulated: LayerResult) -> None:
    formula, done, _, cost, energy, simulated_energy = {row[0]: row[1:] for row in table("Term by term")}["mac"]
    assert round(value_of(formula)) == number(done) == analytic.counts.macs - analytic.counts.gated_macs
    assert number(done) * number(cost) == number(energy) == analytic.energy.mac
    assert number(simulated_energy) == simulated.energy.mac


def test_coded_bits_and_densities(analytic: LayerResult) -> None:
    text = " ".join(section("Term by term").split())
    known = ALEXNET.densities
    assert known is not None
    densities = known.of_layer["CONV3"]
    assert f"{100 * densities.ifmap:g} % of the ifmap's words are not zero" in text
    assert f"{100 * (1 - densities.ifmap):g} % are zero" in text
    assert f"at {100 * densities.ofmap:g} % not zero" in text
    maps = value_of("M/m * N*C"), value_of("N*M")
    bits = (
        analytic.counts.bits[next(a for a in analytic.counts.bits if a == (Level.DRAM, tensor, action))]
        for tensor, action in ((Tensor.IFMAP, Action.READ), (Tensor.PSUM, Action.WRITE))
    )
    for of_all, streams in zip(bits, maps, strict=True):
        assert f"{of_all / streams:,.2f} bits" in text


def test_the_sum(analytic: LayerResult, simulated: LayerResult) -> None:
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in table("The sum")}
    assert list(rows) == LEVELS
    for level, cells in rows.items():
        assert cells == [analytic.energy.by_level()[level], simulated.energy.by_level()[level]]
    terms = [row for row in table("Term by term") if row[0] != "mac"]
    for level in Level:
        assert sum(number(row[5]) for row in terms if row[0].startswith(level.value)) == rows[level.value][0]


def test_the_command_of_the_page_gives_its_total(capsys: pytest.CaptureFixture[str], analytic: LayerResult) -> None:
    command = re.findall(r"^    (picojoule .*)$", PAGE, flags=re.M)[0]
    assert explained(capsys, command)["layer"]["energy"] == analytic.energy.by_level()


def test_narrower_words(capsys: pytest.CaptureFixture[str], analytic: LayerResult) -> None:
    narrow = explained(capsys, command_of("Narrower words"))["layer"]["energy"]
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in table("Narrower words")}
    assert rows == {level: [analytic.energy.by_level()[level], narrow[level]] for level in LEVELS}


def test_what_the_batch_does(capsys: pytest.CaptureFixture[str]) -> None:
    command = command_of("What the batch does to an FC layer")
    rows = table("What the batch does to an FC layer")
    assert [row[0] for row in rows] == ["1", "4", "16", "64", "256"]
    for batch, *energies, m in rows:
        layer = explained(capsys, re.sub(r"--batch \d+", f"--batch {batch}", command))["layer"]
        for level, shown in zip(LEVELS, energies, strict=True):
            assert number(shown) == pytest.approx(layer["energy"][level] / int(batch) / 1e6, abs=0.0501)
        assert (layer["mapping"]["n"], layer["mapping"]["m"]) == (int(batch), number(m))


def test_no_number_in_prose_is_left_unchecked() -> None:
    """Those with a comma or a point that stand in no table: the coded bits and the densities, tested above."""
    prose = "\n".join(line for line in PAGE.splitlines() if not line.startswith("|"))
    found = set(re.findall(r"\d[\d,]*[.,]\d+", prose))
    assert found == {"27.5", "72.5", "20.7", "1,028.29", "784.93"}
