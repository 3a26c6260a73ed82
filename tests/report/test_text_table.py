"""Is a table aligned, and does it keep every digit however narrow its terminal is?"""

import pytest

from simulator.report.text_table import Column, number_column, render, wrapped


def _names(*cells: str) -> Column:
    return Column(heading=("layer",), cells=cells, is_text=True)


def test_numbers_stand_right_under_their_heading_and_text_left() -> None:
    table = render([_names("a", "total"), number_column(("GLB", "[MB]"), [1.25, 100.0])], totals=1)
    assert table.splitlines() == [
        "          GLB",
        "layer    [MB]",
        "-----  ------",
        "a        1.25",
        "-----  ------",
        "total  100.00",
    ]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([421.6, 2663.0], ("421.6", "2663.0")),
        ([0.0321, 12.5], ("0.0321", "12.5000")),
        ([0.0, 5.25], ("0.00", "5.25")),
        ([0.0], ("0.0",)),
        ([5e-9], ("0.000000",)),
        ([], ()),
    ],
)
def test_the_smallest_number_keeps_three_digits_and_all_have_its_decimals(
    values: list[float], shown: tuple[str, ...]
) -> None:
    assert number_column(("MACs", "[M]"), values).cells == shown


def test_given_decimals_are_kept() -> None:
    assert number_column(("gated", "[%]"), [0.01, 38.7], decimals=1).cells == ("0.0", "38.7")


@pytest.mark.parametrize("width", [1, 20, 40, 80])
def test_a_narrow_terminal_splits_the_table_and_loses_no_digit(width: int) -> None:
    columns = [_names("CONV1"), *(number_column((f"h{i}",), [10.0**i + 0.5], decimals=1) for i in range(12))]
    table = render(columns, width=width)
    assert all(f"{10.0**i + 0.5:.1f}" in table.split() for i in range(12))
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= max(width, len("CONV1  100000000000.5"))
    starts = [line for line in table.splitlines() if line.startswith("layer")]
    assert len(starts) == table.count("CONV1") > 1 or width == 80


def test_without_a_width_it_is_one_table() -> None:
    table = render([_names("a"), *(number_column(("x" * 30,), [1.0]) for _ in range(20))])
    assert table.count("layer") == 1


def test_prose_is_broken_between_words_only() -> None:
    assert wrapped("one two-three four\nfive\n", 9) == "one\ntwo-three\nfour\nfive\n"
    assert wrapped("/a/path/longer/than/the/terminal\n", 9) == "/a/path/longer/than/the/terminal\n"
    assert wrapped("one two-three four\n", None) == "one two-three four\n"


def test_columns_that_are_read_together_stay_in_one_table() -> None:
    pair = [number_column(("b",), [2.0]), number_column(("c",), [3.0], joined=True)]
    table = render([_names("CONV1"), number_column(("a",), [1.0]), *pair], width=len("CONV1  1.0  2.0"))
    heads = [line.split() for line in table.splitlines() if line.startswith("layer")]
    assert heads == [["layer", "a"], ["layer", "b", "c"]]
