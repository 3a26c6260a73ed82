"""Which machines does no other beat? Energy an image against time and against area, all points, the front in colour."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from simulator.report.figures import styled, write_picture
from simulator.report.pictures.style import COLOURS, MARKERS
from simulator.report.verdict import millions_of

_MILLION = 1e6
_WIDE = 5
"""From this ratio of largest to least on, an axis is logarithmic."""
_MOST_SHAPES = 2000
"""More points than these are drawn as pixels, which keeps an SVG small."""

Row = Mapping[str, Any]


def write_front_picture(rows: Sequence[Row], found: Mapping[str, Any], path: Path) -> None:
    """Draw the rows of points.csv; `found` is what `picojoule sweep --json` prints. Raises OutputError."""
    drawn = [row for row in rows if not row["reason"]]
    with styled():
        write_picture(_figure(drawn, found), path)


def _figure(rows: Sequence[Row], found: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(9.6, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, column, name in zip(
        panels, ("ms_per_image", "area_kb"), ("time [ms an image]", "area proxy [kB]"), strict=True
    ):
        axes.set_xlabel(name)
        for place, network in enumerate(dict.fromkeys(row["network"] for row in rows)):
            _draw(axes, [row for row in rows if row["network"] == network], column, place)
        _scale(axes, [row[column] for row in rows], [row["energy_per_image"] / _MILLION for row in rows])
    panels[0].set_ylabel(f"energy [{millions_of(found['energy_unit'])} an image]")
    if rows:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.supxlabel(_caption(rows, found), fontsize=8, color="#444444")
    return figure


def _draw(axes: Axes, rows: Sequence[Row], column: str, place: int) -> None:
    """A network's points, its front filled and on top."""
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    network, is_crowd = rows[0]["network"], len(rows) > _MOST_SHAPES
    for on_front, name in ((False, "other points"), (True, "front")):
        some = [row for row in rows if row["on_front"] is on_front]
        axes.scatter(
            [row[column] for row in some],
            [row["energy_per_image"] / _MILLION for row in some],
            s=34 if on_front else 14,
            facecolors=colour if on_front else "none",
            edgecolors=colour if on_front else "#999999",
            marker=marker,
            lw=0.8,
            label=f"{network}: {name}",
            rasterized=is_crowd and not on_front,
            zorder=3 if on_front else 2,
        )


def _scale(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    for axis, scale, values in ((axes.xaxis, axes.set_xscale, xs), (axes.yaxis, axes.set_yscale, ys)):
        if values and min(values) > 0 and max(values) > _WIDE * min(values):
            scale("log")
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axis.set_minor_formatter(NullFormatter())


def _caption(rows: Sequence[Row], found: Mapping[str, Any]) -> str:
    unit = found["energy_unit"]
    return (
        f"{found['method']}; {len(rows):,} points, front of {', '.join(found['objectives'])}; "
        f"energy = counts x table, unit: {unit}, M = a million; area is a proxy: storage"
    )
