"""Does the table say what was simulated, with a unit in every heading, and add up?"""

import re

import pytest

from simulator.report.summary import RunChoices, summary_text
from tests.report.by_hand import layer_result, network_result

CHOICES = RunChoices(mapping="jssc2017", arch="eyeriss-v1", energy_unit="one 16-bit MAC")


def test_it_says_what_ran_where_values_came_from_and_that_they_are_simulated() -> None:
    lines = summary_text(network_result(), CHOICES).splitlines()
    assert lines[0] == "alexnet, batch 4, on eyeriss-v1; mapping: jssc2017; all figures simulated"
    assert lines[1] == ("weights synthetic, activations synthetic: synthetic words, seed 0; density as published")


def test_every_figure_of_a_layer_and_the_totals_are_there() -> None:
    rows = [line.split() for line in summary_text(network_result(), CHOICES).splitlines()]
    mapping = ["96", "1", "7", "16", "1", "1", "2"]
    first = ["CONV1", *mapping, "10.0", "15.0", "80.0", "0.100", "0.125", "154.0", "62.5", "10.0", "3.00"]
    assert [*first, "2.00", "9.00", "1.40", "36.0", "300.0", "348.4"] in rows
    # Weighted by processing time: (154 x 1 + 140 x 3) / 4 PEs.
    total = ["total", "40.0", "15.0", "80.0", "0.400", "0.500", "143.5", "62.5", "40.0", "12.00"]
    assert [*total, "8.00", "36.00", "5.60", "144.0", "1200.0", "1393.6"] in rows


def test_every_heading_has_its_unit() -> None:
    lines = summary_text(network_result(), CHOICES).splitlines()
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    units = re.findall(r"\[[^]]*\]", lines[rule - 1])
    assert units == ["[M]", "[%]", "[%]", "[ms]", "[ms]", "[PEs]", "[%]", "[MB]", "[MB]", *["[M MAC]"] * 6]
    assert lines[rule - 1].startswith("(simulated)   m n e  p q r t")


def test_another_energy_unit_is_named_in_heading_and_last_line() -> None:
    text = summary_text(network_result(), RunChoices(mapping="mine.toml", arch="mine.toml", energy_unit="pJ"))
    assert text.count("[M pJ]") == 6
    assert text.splitlines()[-1] == (
        "energy = counts x table, in millions of its unit, pJ; "
        "`picojoule arch show mine.toml` prints the table, -o DIR writes the counts"
    )


def test_notes_and_idle_pe_cycles_follow_the_table() -> None:
    lines = summary_text(network_result(), CHOICES).splitlines()
    assert lines[-3:-1] == [
        "note: not costed: MaxPool x3",
        "PE-cycles, 168 PEs over the total time (simulated): active 50.0 %, unmapped 50.0 %",
    ]


def test_g_is_shown_only_where_a_layer_uses_it() -> None:
    assert "q r t g" not in summary_text(network_result(), CHOICES)
    assert "q r t  g" in summary_text(network_result(layer_result(g=16)), CHOICES)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_shows_the_same_figures_in_several_tables(width: int) -> None:
    wide, narrow = (summary_text(network_result(), CHOICES, columns) for columns in (None, width))
    figures = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
    assert sorted(figures.findall(narrow)) == sorted(figures.findall(wide))
    assert max(map(len, narrow.splitlines())) <= width


def test_the_text_is_plain_ascii() -> None:
    assert summary_text(network_result(), CHOICES).isascii()


def test_a_functional_run_says_that_values_were_compared() -> None:
    functional = RunChoices(mapping="jssc2017", arch="eyeriss-v1", energy_unit="one 16-bit MAC", functional=True)
    assert "each ofmap equals the convolution bit for bit" in summary_text(network_result(), functional).splitlines()[0]
    assert "bit for bit" not in summary_text(network_result(), CHOICES)
