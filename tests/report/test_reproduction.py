"""Is a reproduction shown as it is: ours, what was published, the error, its limit and its reason; and is it judged?"""

import pytest

from simulator.report.published_figures import PublishedFigures, Rules, Tolerance, mean_tolerance, tolerance_of
from simulator.report.reproduction import (
    Comparison,
    Figure,
    Reproduction,
    Row,
    compared,
    mean_row,
    reproduction_text,
)
from simulator.results import Method

RULES: Rules = {
    "time": {"layer": 5.0, "mean": 4.0, "reason": "a guess", "except": {"B": {"reason": "not measured"}}},
    "size": {"rounding": 0.05, "reason": "printed digits"},
    "energy": {"above": 2.0, "reason": "an optimum"},
}
TIME = Figure(key="time", label="time", unit="ms", method=Method.SIMULATED, published_decimals=1, decimals=2)
ENERGY = Figure(key="energy", label="energy", unit="MAC", method=Method.ANALYTIC, published_decimals=0, decimals=1)
PUBLISHED = PublishedFigures(
    name="Someone 1999, Table I",
    source="Someone, 1999",
    certainty={"time": "seen", "energy": "measured"},
    layers={"A": {"time": 10.0, "energy": 100.0}, "B": {"time": 20.0, "energy": 100.0}},
    tolerances=RULES,
    notes=("times are of the first chip",),
    more={},
)


@pytest.mark.parametrize(
    ("figure", "layer", "error", "allowed"),
    [
        ("time", "A", 5.0, True),
        ("time", "A", -5.0, True),
        ("time", "A", 5.1, False),
        ("time", "A", -5.1, False),
        ("energy", "A", 2.0, True),
        ("energy", "A", 2.1, False),
        ("energy", "A", -90.0, True),
        ("size", "A", 0.5, True),
        ("size", "A", -0.6, False),
    ],
)
def test_tolerances(figure: str, layer: str, error: float, allowed: bool) -> None:
    """The rounding of 0.05 in 10 is half a percent."""
    tolerance = tolerance_of(RULES, figure, layer, 10.0)
    assert tolerance is not None
    assert tolerance.allows(error) is allowed


def test_what_no_rule_holds() -> None:
    assert tolerance_of(RULES, "time", "B", 10.0) is None
    assert tolerance_of(RULES, "weight", "A", 10.0) is None
    assert mean_tolerance(RULES, "energy") is None
    assert mean_tolerance(RULES, "time") == Tolerance(high=4.0, reason="a guess")


def test_errors_are_relative_to_what_was_published() -> None:
    cell = compared(TIME, "A", 10.6, 10.0, RULES)
    assert cell.error_percent == pytest.approx(6.0)
    assert not cell.passed
    assert compared(TIME, "B", 99.0, 20.0, RULES).passed


def test_the_mean_is_of_sizes_and_held_to_its_own_limit() -> None:
    rows = [row("A", 10.4, 100.0), row("B", 19.0, 103.0)]
    time, energy = mean_row(rows, RULES).cells
    assert time.error_percent == pytest.approx(4.5)
    assert not time.passed
    assert energy.error_percent == pytest.approx(1.5)
    assert not energy.is_held


def test_a_figure_outside_fails_the_whole_and_is_named() -> None:
    assert reproduction(10.2, 102.0).passed
    failed = reproduction(10.6, 103.0)
    assert not failed.passed
    assert failed.outside() == [
        "A, time: error +6.00 %, limit 5.0 %",
        "A, energy: error +3.00 %, limit +2.0 %",
        "mean, time: error +5.50 %, limit 4.0 %",
    ]


def test_the_text_has_units_methods_limits_and_reasons() -> None:
    lines = reproduction_text(reproduction(10.6, 101.0)).splitlines()
    assert lines[0] == "t1: Someone 1999, Table I"
    assert [line.split() for line in lines[4:8]] == [
        ["time", "energy"],
        ["mapping", "[-]", "simulated", "published", "error", "limit", "analytic", "published", "error", "limit"],
        ["m", "n", "[ms]", "[ms]", "[%]", "[%]", "[MAC]", "[MAC]", "[%]", "[%]"],
        ["-" * size for size in (4, 11, 9, 9, 5, 5, 8, 9, 5, 5)],
    ]
    rows = [line.split() for line in lines[8:12]]
    assert rows[0] == ["A", "8", "12", "10.60", "10.0", "6.0", "5.0", "101.0", "100", "1.0", "+2.0"]
    assert rows[1] == ["B", "8", "12", "19.00", "20.0", "-5.0", "100.0", "100", "0.0", "+2.0"]
    assert rows[3] == ["mean", "5.5", "4.0", "0.5"]
    below = lines[13:]
    assert below == [
        "published: Someone, 1999; time: seen in the authors' own document; energy: measured from the drawing",
        "limit: of the error's size, as means are; with a +, of how far ours may be above what is published",
        "limit of time: a guess",
        "limit of energy: an optimum",
        "note: times are of the first chip",
        "t1: 2 of 4 figures within their limits",
        "t1: OUTSIDE its limit: A, time: error +6.00 %, limit 5.0 %",
        "t1: OUTSIDE its limit: mean, time: error +5.50 %, limit 4.0 %",
    ]


def test_no_line_is_wider_than_asked() -> None:
    text = reproduction_text(reproduction(10.6, 101.0), width=50)
    assert max(map(len, text.splitlines())) <= 50


def test_each_cell_is_a_row_with_its_limits_and_reason() -> None:
    first, energy, unheld, *_ = reproduction(10.6, 101.0).csv_rows()
    assert first == {
        "target": "t1",
        "table": "two layers",
        "row": "A",
        "mapping": "m=8 n=12",
        "figure": "time",
        "unit": "ms",
        "method": "simulated",
        "ours": 10.6,
        "published": 10.0,
        "certainty": "seen",
        "error_percent": pytest.approx(6.0),
        "lowest_error_percent": -5.0,
        "highest_error_percent": 5.0,
        "tolerance_reason": "a guess",
        "passed": False,
    }
    assert (energy["lowest_error_percent"], energy["highest_error_percent"], energy["passed"]) == (None, 2.0, True)
    assert (unheld["row"], unheld["figure"], unheld["tolerance_reason"], unheld["passed"]) == ("B", "time", None, None)


def row(name: str, time: float, energy: float) -> Row:
    published = PUBLISHED.layers[name]
    cells = (
        compared(TIME, name, time, published["time"], RULES),
        compared(ENERGY, name, energy, published["energy"], RULES),
    )
    return Row(name=name, cells=cells, mapping={"m": 8, "n": 12})


def reproduction(time: float, energy: float) -> Reproduction:
    """Of layer A; B is 5 % below in time, which nothing holds, and as published in energy."""
    rows = (row("A", time, energy), row("B", 19.0, 100.0))
    comparison = Comparison(title="two layers", rows=rows, below=(mean_row(rows, RULES),))
    return Reproduction(target="t1", published=PUBLISHED, comparisons=(comparison,))
