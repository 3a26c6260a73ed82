"""Is a published table or figure reproduced? Its figures with ours beside them, each error, and what it may be.

What ours are is found by the command line (picojoule/targets.py); what is published is in published_figures.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.report.published_figures import PublishedFigures, Rules, Tolerance, mean_tolerance, tolerance_of
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import Method

_CERTAIN = {
    "seen": "seen in the authors' own document",
    "measured": "measured from the drawing",
    "transcribed": "as transcribed by others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What is compared: `key` as in the file of what is published, `label` and `unit` as shown, and the digits after
    the point of what is published and of ours."""

    key: str
    label: str
    unit: str
    method: Method
    published_decimals: int
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure of one row. `error_percent` of ours, relative to what was published (of a row of means: the mean size
    of the errors above it); None where there is nothing to compare."""

    figure: Figure
    ours: float | None = None
    published: float | None = None
    error_percent: float | None = None
    tolerance: Tolerance | None = None

    @property
    def is_held(self) -> bool:
        return self.tolerance is not None and self.error_percent is not None

    @property
    def passed(self) -> bool:
        """True of a figure that nothing holds."""
        if self.tolerance is None or self.error_percent is None:
            return True
        return self.tolerance.allows(self.error_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A layer, a network, a total or a mean; with the mapping, if its figures are of one."""

    name: str
    cells: tuple[Cell, ...]
    mapping: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One table: every row has the same figures. `below` are rows under the rule, such as means."""

    title: str
    rows: tuple[Row, ...]
    below: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """One target of `picojoule reproduce`, done."""

    target: str
    published: PublishedFigures
    comparisons: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        return not self.outside()

    def cells(self) -> Iterator[tuple[Comparison, Row, Cell]]:
        for comparison in self.comparisons:
            for row in (*comparison.rows, *comparison.below):
                yield from ((comparison, row, cell) for cell in row.cells)

    def outside(self) -> list[str]:
        """A line for each figure outside its tolerance."""
        return [
            f"{row.name}, {cell.figure.label}: error {cell.error_percent:+.2f} %, limit {cell.tolerance} %"
            for _, row, cell in self.cells()
            if not cell.passed
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; docs/reference.md defines each."""
        return {
            "target": self.target,
            "title": self.published.name,
            "source": self.published.source,
            "passed": self.passed,
            "outside": self.outside(),
            "cells": self.csv_rows(),
            "notes": list(self.published.notes),
        }

    def csv_rows(self) -> list[dict[str, Any]]:
        """Long form: a dict for each figure that is not empty."""
        return [
            self._csv_row(comparison, row, cell)
            for comparison, row, cell in self.cells()
            if cell.ours is not None or cell.error_percent is not None
        ]

    def _csv_row(self, comparison: Comparison, row: Row, cell: Cell) -> dict[str, Any]:
        tolerance, figure = cell.tolerance, cell.figure
        return {
            "target": self.target,
            "table": comparison.title,
            "row": row.name,
            "mapping": " ".join(f"{letter}={value}" for letter, value in (row.mapping or {}).items()),
            "figure": figure.label,
            "unit": figure.unit,
            "method": figure.method.value,
            "ours": cell.ours,
            "published": cell.published,
            "certainty": self.published.certainty.get(figure.key),
            "error_percent": cell.error_percent,
            "lowest_error_percent": None if tolerance is None or tolerance.one_sided else 0.0 - tolerance.high,
            "highest_error_percent": None if tolerance is None else tolerance.high,
            "tolerance_reason": None if tolerance is None else tolerance.reason,
            "passed": cell.passed if cell.is_held else None,
        }


def figure_of(key: str, label: str, unit: str, decimals: tuple[int, int], method: Method = Method.ANALYTIC) -> Figure:
    """`decimals` of what is published and of ours."""
    published, ours = decimals
    return Figure(key=key, label=label, unit=unit, method=method, published_decimals=published, decimals=ours)


def compared(figure: Figure, layer: str, ours: float, published: float, rules: Rules) -> Cell:
    """Ours beside what was published of that layer, held to the figure's tolerance if it has one."""
    return Cell(
        figure=figure,
        ours=ours,
        published=published,
        error_percent=100 * (ours / published - 1),
        tolerance=tolerance_of(rules, figure.key, layer, published),
    )


def mean_row(rows: Sequence[Row], rules: Rules) -> Row:
    """The mean size of each figure's errors."""
    columns = zip(*(row.cells for row in rows), strict=True)
    return Row(name="mean", cells=tuple(_mean_cell(column, rules) for column in columns))


def reproduction_text(reproduction: Reproduction, width: int | None = None) -> str:
    """Tables and what explains them, ending in a newline; lines of at most `width` characters, if given."""
    parts = [f"{reproduction.target}: {reproduction.published.name}\n"]
    for comparison in reproduction.comparisons:
        parts += [wrapped(f"{comparison.title}\n", width), _table(comparison, width)]
    return "\n".join([*parts, wrapped("".join(_below(reproduction)), width)])


def _mean_cell(cells: Sequence[Cell], rules: Rules) -> Cell:
    sizes = [abs(cell.error_percent) for cell in cells if cell.error_percent is not None]
    figure = cells[0].figure
    mean = sum(sizes) / len(sizes) if sizes else None
    return Cell(figure=figure, error_percent=mean, tolerance=mean_tolerance(rules, figure.key))


def _table(comparison: Comparison, width: int | None) -> str:
    rows = [*comparison.rows, *comparison.below]
    columns = [Column(heading=("",), cells=tuple(row.name for row in rows), is_text=True)]
    if rows[0].mapping is not None:
        columns.append(_mapping_column([row.mapping or {} for row in rows]))
    for cells in zip(*(row.cells for row in rows), strict=True):
        columns += _figure_columns(cells)
    return render(columns, totals=len(comparison.below), width=width)


def _mapping_column(mappings: Sequence[Mapping[str, int]]) -> Column:
    """The parameters' letters as a heading and under each its values; g only where some layer uses it."""
    letters = [
        letter for letter in mappings[0] if letter != "g" or any(mapping.get("g", 1) > 1 for mapping in mappings)
    ]
    widths = {letter: max(len(str(mapping.get(letter, ""))) for mapping in mappings) for letter in letters}
    lines = [
        " ".join(str(mapping.get(letter, "")).rjust(width) for letter, width in widths.items()) for mapping in mappings
    ]
    heading = " ".join(letter.rjust(width) for letter, width in widths.items())
    return Column(heading=("mapping [-]", heading), cells=tuple(lines), is_text=True)


def _figure_columns(cells: Sequence[Cell]) -> Iterator[Column]:
    """Ours, and beside it what is there to compare: a column without a cell is left out."""
    figure = cells[0].figure
    heading = (figure.label, figure.method.value, f"[{figure.unit}]")
    yield number_column(heading, [cell.ours for cell in cells], decimals=figure.decimals)
    if any(cell.published is not None for cell in cells):
        values = [cell.published for cell in cells]
        yield number_column(("published", f"[{figure.unit}]"), values, decimals=figure.published_decimals, joined=True)
    if any(cell.error_percent is not None for cell in cells):
        yield number_column(("error", "[%]"), [cell.error_percent for cell in cells], decimals=1, joined=True)
    if any(cell.is_held for cell in cells):
        limits = tuple(str(cell.tolerance) if cell.is_held else "" for cell in cells)
        yield Column(heading=("limit", "[%]"), cells=limits, joined=True)


def _below(reproduction: Reproduction) -> Iterator[str]:
    cells = list(reproduction.cells())
    published = reproduction.published
    yield f"published: {published.source}; {_certainties(reproduction)}\n"
    yield from _limits([cell for _, _, cell in cells])
    yield from (f"note: {note}\n" for note in published.notes)
    held = sum(cell.is_held for _, _, cell in cells)
    outside = reproduction.outside()
    if held:
        yield f"{reproduction.target}: {held - len(outside)} of {held} figures within their limits\n"
    yield from (f"{reproduction.target}: OUTSIDE its limit: {line}\n" for line in outside)


def _certainties(reproduction: Reproduction) -> str:
    """Which figures are how sure, in the order in which they are shown."""
    labels: dict[str, list[str]] = {}
    for _, _, cell in reproduction.cells():
        certainty = reproduction.published.certainty.get(cell.figure.key)
        if certainty is not None and cell.figure.label not in labels.setdefault(certainty, []):
            labels[certainty].append(cell.figure.label)
    return "; ".join(f"{', '.join(names)}: {_CERTAIN[certainty]}" for certainty, names in labels.items())


def _limits(cells: Sequence[Cell]) -> Iterator[str]:
    """Each reason once, with the figures that it is of."""
    labels: dict[str, list[str]] = {}
    for cell in cells:
        if cell.tolerance is not None and cell.figure.label not in labels.setdefault(cell.tolerance.reason, []):
            labels[cell.tolerance.reason].append(cell.figure.label)
    if labels:
        yield "limit: of the error's size, as means are; with a +, of how far ours may be above what is published\n"
    yield from (f"limit of {', '.join(names)}: {reason}\n" for reason, names in labels.items())
