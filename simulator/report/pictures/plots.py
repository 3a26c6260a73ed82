"""The same figures as the page's, drawn by matplotlib for papers: from the same tables, in the one style."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter

from simulator.report.figures import styled, write_picture
from simulator.report.pictures.bar_lengths import extent, segments
from simulator.report.pictures.figure_data import ArrayPicture, Bars, Cell, FigureData, Points
from simulator.report.pictures.point_places import Dot, axes, dots, groups, name_boxes
from simulator.report.pictures.style import COLOURS, FILLS, INK, MARKERS
from simulator.report.pictures.svg import tick_text
from simulator.report.pictures.svg_array import fill_of

_WIDTH = 6.4
_ROW, _THIN_ROW, _FRAME = 0.22, 0.12, 1.3
"""Inches: of a bar, of a bar of a group, and of all around them."""
_NAMED_COLUMNS = 32
"""An array of more columns is drawn without labels: they would not be read."""


def write_plot(figure: FigureData, path: Path) -> None:
    """Write the figure as its name ends: .svg, .pdf or .png. Raises OutputError."""
    with styled():
        write_picture(_drawn(figure), path)


def _drawn(data: FigureData) -> Figure:
    figure = Figure(figsize=(_WIDTH, _height(data)), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    if isinstance(data.drawing, Bars):
        _draw_bars(panel, data, data.drawing)
    elif isinstance(data.drawing, ArrayPicture):
        _draw_array(panel, data, data.drawing)
    else:
        _draw_points(figure, panel, data, data.drawing)
    figure.suptitle(f"{data.title} ({data.origin})", fontsize=11)
    return figure


def _height(data: FigureData) -> float:
    if isinstance(data.drawing, Bars):
        bars = data.drawing
        row = _THIN_ROW * len(bars.series) + 0.08 if bars.arrangement == "grouped" else _ROW
        return _FRAME + row * len(data.rows)
    if isinstance(data.drawing, ArrayPicture):
        return min(0.8 * _FRAME + 0.9 * _WIDTH * data.drawing.rows / data.drawing.columns, 3 * _WIDTH)
    return 4.4


def _draw_bars(panel: Axes, data: FigureData, bars: Bars) -> None:
    of_row = [segments(data, bars, row) for row in range(len(data.rows))]
    is_grouped = bars.arrangement == "grouped"
    thickness = 0.8 / len(bars.series) if is_grouped else 0.75
    for at, found in enumerate(of_row):
        for number, segment in enumerate(found):
            middle = at + (number - (len(found) - 1) / 2) * thickness if is_grouped else at
            length = segment.stop - segment.start
            panel.barh(middle, length, thickness, segment.start, color=FILLS[segment.fill], edgecolor="white", lw=0.4)
    low, high = extent(of_row, bars.reach)
    panel.set_xlim(low * 1.05, high * (1 if bars.arrangement == "shares" else 1.05))
    panel.set_yticks(range(len(data.rows)), data.texts(bars.label))
    panel.set_ylim(len(data.rows) - 0.4, -0.6)
    panel.grid(visible=False, axis="y")
    panel.axvline(0, color=INK, lw=0.8)
    panel.set_xlabel(bars.axis)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    if len(bars.series) > 1:
        keys = [Patch(color=FILLS[one.fill], label=one.name) for one in bars.series]
        panel.legend(handles=keys, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(keys), 5), fontsize=8)


def _draw_points(figure: Figure, panel: Axes, data: FigureData, points: Points) -> None:
    found, names = dots(data, points), groups(data, points)
    across, up = axes(found, points)
    panel.set(**{f"{axis}scale": "log" for axis in points.logarithmic})
    panel.set(xlim=(across.low, across.high), ylim=(up.low, up.high), xlabel=points.x_axis, ylabel=points.y_axis)
    for guide, dashes in zip(points.guides, ("--", ":", "-.") * len(points.guides), strict=False):
        panel.plot(*zip(*guide.points, strict=True), color=INK, lw=1, ls=dashes, label=guide.name, zorder=1)
    for group in range(len(names)):
        alike = [dot for dot in found if dot.group == group]
        if points.joined:
            taken = [dot for dot in alike if not dot.is_hollow]
            panel.plot([dot.x for dot in taken], [dot.y for dot in taken], color=_colour(group), lw=1, zorder=2)
        for is_hollow in (True, False):
            _scatter(panel, [dot for dot in alike if dot.is_hollow is is_hollow], group, is_hollow=is_hollow)
    _draw_legend(panel, names)
    figure.draw_without_rendering()  # names stand where the layout has put the panel
    _write_names(panel, found)
    panel.set(xlim=(across.low, across.high), ylim=(up.low, up.high))


def _scatter(panel: Axes, alike: Sequence[Dot], group: int, *, is_hollow: bool) -> None:
    panel.scatter(
        [dot.x for dot in alike],
        [dot.y for dot in alike],
        s=30,
        marker=_marker(group),
        edgecolors=_colour(group),
        facecolors="white" if is_hollow else _colour(group),
        zorder=3,
    )


def _draw_legend(panel: Axes, names: Sequence[str]) -> None:
    """Guides, and groups where there are several."""
    guides, _ = panel.get_legend_handles_labels()
    handles = [*(_key(group, name) for group, name in enumerate(names) if len(names) > 1), *guides]
    if handles:
        panel.legend(handles=handles, fontsize=8)


def _key(group: int, name: str) -> Line2D:
    return Line2D([], [], color=_colour(group), marker=_marker(group), ls="none", label=name)


def _colour(group: int) -> str:
    return COLOURS[group % len(COLOURS)]


def _marker(group: int) -> str:
    return MARKERS[group % len(MARKERS)]


def _write_names(panel: Axes, found: Sequence[Dot]) -> None:
    """In pixels, of which a name's letters take about six each."""
    places = [tuple(map(float, panel.transData.transform((dot.x, dot.y)))) for dot in found]
    box = panel.bbox
    names = [(dot.name, 6.0 * len(dot.name)) for dot in found]
    boxes = name_boxes([(x, y) for x, y in places], names, 11.0, (box.x0, box.y0, box.x1, box.y1))
    for dot, where in zip(found, boxes, strict=True):
        if where:
            x, y = panel.transData.inverted().transform((where[0], (where[1] + where[3]) / 2))
            panel.text(x, y, dot.name, fontsize=7, va="center", zorder=4)


def _draw_array(panel: Axes, data: FigureData, picture: ArrayPicture) -> None:
    panel.set(xlim=(0, picture.columns), ylim=(picture.rows, 0), xlabel="PE column", ylabel="PE row")
    for values in data.rows:
        block = dict(zip((column.name for column in data.columns), values, strict=True))
        fill, opacity = fill_of(block, picture)
        top, rows, left, columns = (_whole(block[name]) for name in ("row", "rows", "column", "columns"))
        panel.add_patch(Rectangle((left, top), columns, rows, color=FILLS[fill], alpha=opacity, lw=0))
        panel.add_patch(Rectangle((left, top), columns, rows, fill=False, edgecolor="white", lw=1.5))
        if picture.columns <= _NAMED_COLUMNS:
            panel.text(left + columns / 2, top + rows / 2, _label(block, picture), ha="center", va="center", fontsize=7)
    _rule(panel, picture)
    step = 1 if picture.columns <= _NAMED_COLUMNS else 8
    across, down = range(0, picture.columns, step), range(0, picture.rows, step)
    panel.set_xticks([at + 0.5 for at in across], [str(at) for at in across], fontsize=7)
    panel.set_yticks([at + 0.5 for at in down], [str(at) for at in down], fontsize=7)
    panel.set_aspect("equal")
    panel.grid(visible=False)


def _rule(panel: Axes, picture: ArrayPicture) -> None:
    """A line between any two PEs."""
    panel.vlines(range(1, picture.columns), 0, picture.rows, color=INK, lw=0.3, alpha=0.3)
    panel.hlines(range(1, picture.rows), 0, picture.columns, color=INK, lw=0.3, alpha=0.3)


def _label(block: dict[str, Cell], picture: ArrayPicture) -> str:
    """What a set holds, or how much of the time it works."""
    if not picture.is_mapping:
        return f"{100 * float(str(block['share'])):.0f}"
    separator = "\n" if _whole(block["columns"]) < 4 else ", "
    first, columns = _whole(block["first_ofmap_row"]), _whole(block["columns"])
    rows = f"ofmap rows {first}–{first + columns - 1}" if columns > 1 else f"ofmap row {first}"
    parts = (f"f{block['filters']}", f"c{block['channels']}", rows)
    return separator.join(parts if _whole(block["rows"]) > 2 or separator == ", " else parts[:1])


def _whole(cell: Cell) -> int:
    return int(str(cell))
