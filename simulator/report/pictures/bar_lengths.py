"""Where does each part of each bar begin and end? For whatever draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.pictures.figure_data import Bars, FigureData, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """From start to stop, in the axis's unit; says: its numbers in words."""

    start: float
    stop: float
    fill: int
    says: str


def segments(figure: FigureData, bars: Bars, row: int) -> list[Segment]:
    """Of one row: nothing for a number that is not there, nor in a stack for 0."""
    name = figure.texts(bars.label)[row]
    amounts = [(one, figure.values(one.column)[row]) for one in bars.series]
    present = [(one, float(value)) for one, value in amounts if value is not None]
    total = sum(value for _, value in present)
    found: list[Segment] = []
    at = 0.0
    for one, value in present:
        share = f" ({100 * value / total:.1f} %)" if bars.arrangement != "grouped" and total else ""
        length = value * bars.scale if bars.arrangement != "shares" else 100 * value / total if total else 0.0
        start = 0.0 if bars.arrangement == "grouped" else at
        says = f"{name}, {one.name}: {said(value)} {_unit(figure, one.column)}{share}".rstrip()
        if length or bars.arrangement == "grouped":
            found.append(Segment(start=start, stop=start + length, fill=one.fill, says=says))
        at += length
    return found


def extent(of_row: Sequence[Sequence[Segment]], reach: float = 0.0) -> tuple[float, float]:
    """The least and the greatest end, 0 and `reach` among them; never empty."""
    ends = [0.0, reach, *(end for found in of_row for segment in found for end in (segment.start, segment.stop))]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low, low + 1)


def _unit(figure: FigureData, column: str) -> str:
    return next(each.unit for each in figure.columns if each.name == column)
