"""Points as SVG: each group with a colour and marker of its own, guides, and names where there is room."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from simulator.report.pictures.figure_data import FigureData, Guide, Point, Points
from simulator.report.pictures.point_places import Axis, Dot, axes, dots, groups, name_boxes
from simulator.report.pictures.style import COLOURS, MARKERS
from simulator.report.pictures.svg import (
    SMALL,
    WIDTH,
    drawing,
    legend_height,
    legend_name,
    legend_places,
    log_ticks,
    mark,
    put,
    short,
    text_width,
    tick_text,
    ticks,
)

_HEIGHT, _LEFT, _RIGHT, _BELOW, _SIZE = 270.0, 52.0, 12.0, 36.0, 4.5
_SHAPES = {
    "o": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "s": "M-.9-.9h1.8v1.8h-1.8z",
    "^": "M0-1.1L1 .8H-1z",
    "D": "M0-1.2L1.1 0L0 1.2L-1.1 0z",
    "v": "M0 1.1L1-.8H-1z",
    "P": "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
}
"""Of matplotlib's markers, one unit to each side."""


class _Plane:
    """From numbers to places in the drawing."""

    def __init__(self, x: Axis, y: Axis, top: float) -> None:
        self.x, self.y, self.top, self.bottom = x, y, top, top + _HEIGHT

    def place(self, point: Point) -> Point:
        across, up = self.x.place(point[0]), self.y.place(point[1])
        return _LEFT + across * (WIDTH - _LEFT - _RIGHT), self.bottom - up * _HEIGHT


def points_svg(figure: FigureData, points: Points) -> Element:
    """Guides, points, and a legend of both."""
    found, names = dots(figure, points), groups(figure, points)
    root = drawing(0, figure.title)
    plane = _Plane(*axes(found, points), _legend(root, names, points.guides))
    root.set("viewBox", f"0 0 {WIDTH} {plane.bottom + _BELOW:g}")
    _draw_axes(root, plane, points)
    for guide in points.guides:
        _path(root, "guide", [plane.place(point) for point in guide.points])
    if points.joined:
        for group in range(len(names)):
            joined = [plane.place((dot.x, dot.y)) for dot in found if dot.group == group and not dot.is_hollow]
            _path(root, f"path c{group % len(COLOURS)}", joined)
    for dot in found:
        _draw(root, plane.place((dot.x, dot.y)), dot)
    _write_names(root, plane, found)
    return root


def _legend(root: Element, names: Sequence[str], guides: Sequence[Guide]) -> float:
    """The height that it takes."""
    keys = list(names) if len(names) > 1 else []
    places = legend_places([*keys, *(guide.name for guide in guides)])
    for group, (name, (x, y)) in enumerate(zip(keys, places, strict=False)):
        _marker(root, (x + 6, y + 6), group, "")
        legend_name(root, name, (x, y))
    for guide, (x, y) in zip(guides, places[len(keys) :], strict=True):
        put(root, "line", "guide", x1=x, y1=y + 6, x2=x + 13, y2=y + 6)
        legend_name(root, guide.name, (x, y))
    return legend_height(places)


def _draw_axes(root: Element, plane: _Plane, points: Points) -> None:
    across, up = (log_ticks if axis in points.logarithmic else ticks for axis in "xy")
    left, right = _LEFT, WIDTH - _RIGHT
    for value in across(plane.x.low, plane.x.high):
        x, _ = plane.place((value, plane.y.low))
        put(root, "line", "grid", x1=x, y1=plane.top, x2=x, y2=plane.bottom)
        put(root, "text", "small middle", tick_text(value), x=x, y=plane.bottom + 13)
    for value in up(plane.y.low, plane.y.high):
        _, y = plane.place((plane.x.low, value))
        put(root, "line", "grid", x1=left, y1=y, x2=right, y2=y)
        put(root, "text", "small end", tick_text(value), x=left - 5, y=y + 3)
    put(root, "path", "axis", d=f"M{short(left)} {short(plane.top)}V{short(plane.bottom)}H{short(right)}")
    put(root, "text", "middle", points.x_axis, x=(left + right) / 2, y=plane.bottom + 29)
    middle = (plane.top + plane.bottom) / 2
    put(root, "text", "middle", points.y_axis, transform=f"translate(10 {middle:g})rotate(-90)")


def _path(root: Element, classes: str, places: Sequence[Point]) -> None:
    if len(places) > 1:
        put(root, "path", classes, d="M" + "L".join(f"{short(x)} {short(y)}" for x, y in places))


def _draw(root: Element, place: Point, dot: Dot) -> None:
    _marker(root, place, dot.group, dot.says, is_hollow=dot.is_hollow)


def _marker(root: Element, place: Point, group: int, says: str, *, is_hollow: bool = False) -> None:
    classes = f"point c{group % len(COLOURS)}" + " hollow" * is_hollow
    where = {
        "d": _SHAPES[MARKERS[group % len(MARKERS)]],
        "transform": f"translate({short(place[0])} {short(place[1])})scale({_SIZE})",
        "vector-effect": "non-scaling-stroke",
    }
    if says:
        mark(root, "path", classes, says, **where)
    else:
        put(root, "path", classes, **where)


def _write_names(root: Element, plane: _Plane, found: Sequence[Dot]) -> None:
    places = [plane.place((dot.x, dot.y)) for dot in found]
    names = [(dot.name, text_width(dot.name, SMALL)) for dot in found]
    inside = (_LEFT, plane.top, WIDTH - _RIGHT, plane.bottom)
    for dot, box in zip(found, name_boxes(places, names, SMALL, inside), strict=True):
        if box:
            put(root, "text", "small name", dot.name, x=box[0], y=box[3] - 1)
