"""Bars as SVG: one above the other, so that layers' names read and a phone's width is enough."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from simulator.report.pictures.bar_lengths import Segment, extent, segments
from simulator.report.pictures.figure_data import Bars, FigureData
from simulator.report.pictures.svg import (
    SMALL,
    WIDTH,
    amount,
    cut,
    drawing,
    legend_height,
    legend_name,
    legend_places,
    mark,
    put,
    text_width,
    tick_text,
    ticks,
)

_BAR, _GAP, _THIN, _BELOW = 13, 5, 8, 34


def bars_svg(figure: FigureData, bars: Bars) -> Element:
    """A bar or a group of bars for each row, from the top."""
    names = figure.texts(bars.label)
    of_row = [segments(figure, bars, at) for at in range(len(figure.rows))]
    row_height = _row_height(bars)
    root = drawing(0, figure.title)
    top = _legend(root, bars)
    bottom = top + row_height * len(names)
    root.set("viewBox", f"0 0 {WIDTH} {bottom + _BELOW:g}")
    low, high = extent(of_row, bars.reach)
    left, right = _sides(names, bars, of_row)

    def place(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    for value in ticks(low, high):
        put(root, "line", "grid", x1=place(value), y1=top, x2=place(value), y2=bottom)
        put(root, "text", "small middle", tick_text(value), x=place(value), y=bottom + 13)
    put(root, "text", "middle", bars.axis, x=(left + right) / 2, y=bottom + 28)
    for at, (name, found) in enumerate(zip(names, of_row, strict=True)):
        y = top + at * row_height
        put(root, "text", "end", cut(name), x=left - 6, y=y + row_height / 2 + 4)
        for number, segment in enumerate(found):
            _draw(root, bars, segment, (place(segment.start), place(segment.stop)), y, number)
        if bars.arrangement == "stacked" and found:
            total = found[-1].stop
            put(root, "text", "small", amount(total), x=place(total) + 4, y=y + row_height / 2 + 3)
    put(root, "line", "axis", x1=place(0), y1=top, x2=place(0), y2=bottom)
    return root


def _legend(root: Element, bars: Bars) -> float:
    """The height that it takes; a single series needs none."""
    series = bars.series if len(bars.series) > 1 else ()
    places = legend_places([one.name for one in series])
    for one, (x, y) in zip(series, places, strict=True):
        put(root, "rect", f"c{one.fill}", x=x, y=y + 0.5, width=11, height=11)
        legend_name(root, one.name, (x, y))
    return legend_height(places)


def _row_height(bars: Bars) -> int:
    return _THIN * len(bars.series) + _GAP + 2 if bars.arrangement == "grouped" else _BAR + _GAP


def _sides(names: Sequence[str], bars: Bars, of_row: Sequence[Sequence[Segment]]) -> tuple[float, float]:
    """Where bars may start and must end: names are before them, a stack's total after it."""
    left = max(text_width(cut(name)) for name in names) + 8
    after = max((text_width(amount(found[-1].stop), SMALL) for found in of_row if found), default=0.0) + 6
    return left, WIDTH - (after if bars.arrangement == "stacked" else 12)


def _draw(root: Element, bars: Bars, segment: Segment, ends: tuple[float, float], y: float, number: int) -> None:
    start, stop = sorted(ends)
    is_grouped = bars.arrangement == "grouped"
    mark(
        root,
        "rect",
        f"bar c{segment.fill}",
        segment.says,
        x=start,
        y=y + _GAP / 2 + (1 + number * _THIN if is_grouped else 0),
        width=max(stop - start, 0.4),
        height=_THIN if is_grouped else _BAR,
    )
