"""What does a figure show? A table of numbers and how it is drawn: the SVG, the PDF and the CSV are all made from this.

Numbers are as the run folder has them, in full; a drawing scales them.
"""

from dataclasses import dataclass
from typing import Literal

from simulator.report.run_folder import csv_text

Cell = str | int | float | bool | None
Row = tuple[Cell, ...]
Point = tuple[float, float]
AxisName = Literal["x", "y"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """name: as the CSV has it; unit: of its numbers, empty for names and mere counts."""

    name: str
    unit: str = ""

    @property
    def heading(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A column as it is drawn: its name in the legend, and its number among style.FILLS."""

    column: str
    name: str
    fill: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A bar, or a group of bars, for each row.

    label        column of the bars' names
    scale        what numbers are multiplied by; `axis` has the unit that results
    reach        the axis goes at least so far, in its unit: figures side by side have one scale
    arrangement  `stacked`; `shares`: stacked, each row to 100 %; `grouped`: side by side, which may be below zero
    """

    label: str
    series: tuple[Series, ...]
    axis: str
    scale: float = 1.0
    reach: float = 0.0
    arrangement: Literal["stacked", "shares", "grouped"] = "stacked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A line that points are held against."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A point for each row, later ones above, that has both numbers (on a logarithmic axis: above zero).

    label         column of the points' names, written beside them where there is room
    group         column whose values have a colour and a marker each
    hollow        column that is true where a point is drawn as an outline
    names_hollow  whether those are named too
    joined        whether a group's points, but hollow ones, are joined in order
    y_scale       what y is multiplied by; `y_axis` has the unit that results. Not of the guides
    logarithmic   which axes are
    """

    x: str
    y: str
    x_axis: str
    y_axis: str
    label: str
    group: str
    hollow: str | None = None
    names_hollow: bool = True
    joined: bool = False
    y_scale: float = 1.0
    logarithmic: frozenset[AxisName] = frozenset()
    guides: tuple[Guide, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPicture:
    """Blocks of PEs in their places on the array: the columns are those of `array_layout.BLOCK_COLUMNS`.

    is_mapping  what each PE holds; otherwise how much of the time it is at work
    """

    rows: int
    columns: int
    is_mapping: bool


BOTH_AXES: frozenset[AxisName] = frozenset(("x", "y"))
Drawing = Bars | Points | ArrayPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureData:
    """One figure of one run or of several.

    name     as `picojoule plot` takes it
    origin   `simulated` or `analytic`, or both, as each caption and each row of the CSV says
    caption  what is shown, with its unit
    """

    name: str
    title: str
    caption: str
    origin: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    drawing: Drawing

    def values(self, column: str) -> list[Cell]:
        number = [each.name for each in self.columns].index(column)
        return [row[number] for row in self.rows]

    def numbers(self, column: str) -> list[float]:
        """Of a column that has no gaps. Raises ValueError for one that has."""
        return [float(value) for value in self.values(column) if value is not None]

    def texts(self, column: str) -> list[str]:
        return [str(value) for value in self.values(column)]

    def csv(self) -> str:
        """A heading with units, the rows in full, and the origin in every row."""
        headings = [column.heading for column in self.columns]
        return csv_text({**dict(zip(headings, row, strict=True)), "origin": self.origin} for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A figure that a run folder does not have the numbers for, and why."""

    name: str
    title: str
    reason: str


Figure = FigureData | Absent


def said(value: float) -> str:
    """A number for a reader: six digits, and those of a whole number that has more."""
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
