"""Where do points, and the names beside them, stand? For whatever draws them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10

from simulator.report.pictures.figure_data import FigureData, Point, Points, said

Box = tuple[float, float, float, float]
_ROOM = 0.06
"""Axes go beyond the outermost points by this share of their length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A row that has a place. says: its numbers in words."""

    x: float
    y: float
    name: str
    group: int
    is_hollow: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From low to high; place(value) is 0 at low and 1 at high."""

    low: float
    high: float
    is_logarithmic: bool

    def place(self, value: float) -> float:
        if self.is_logarithmic:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def groups(figure: FigureData, points: Points) -> list[str]:
    return list(dict.fromkeys(figure.texts(points.group)))


def dots(figure: FigureData, points: Points) -> list[Dot]:
    """Of the rows that can be drawn."""
    order = groups(figure, points)
    hollow = figure.values(points.hollow) if points.hollow else [False] * len(figure.rows)
    names = figure.texts(points.label) if points.label else [""] * len(figure.rows)
    columns = zip(
        figure.values(points.x), figure.values(points.y), names, figure.texts(points.group), hollow, strict=True
    )
    found = []
    for at, (x, y, name, group, is_hollow) in enumerate(columns):
        if x is None or y is None or any(float({"x": x, "y": y}[axis]) <= 0 for axis in points.logarithmic):
            continue
        found.append(
            Dot(
                x=float(x),
                y=float(y) * points.y_scale,
                name=name if points.names_hollow or not is_hollow else "",
                group=order.index(group),
                is_hollow=bool(is_hollow),
                says=_says(figure, at),
            )
        )
    return found


def axes(found: Sequence[Dot], points: Points) -> tuple[Axis, Axis]:
    """Of all points and guides, with room around them."""
    guides = [point for guide in points.guides for point in guide.points]
    xs = [dot.x for dot in found] + [x for x, _ in guides]
    ys = [dot.y for dot in found] + [y for _, y in guides]
    return _axis(xs, "x" in points.logarithmic), _axis(ys, "y" in points.logarithmic)


def name_boxes(
    places: Sequence[Point], names: Sequence[tuple[str, float]], height: float, inside: Box
) -> Iterator[Box | None]:
    """For each point a box for its name (with its width) that covers no point and no other name; None where there is
    no room."""
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    for (x, y), (name, width) in zip(places, names, strict=True):
        beside = _beside(x, y, width, height) if name else ()
        found = next((box for box in beside if _is_within(box, inside) and not _meets_any(box, taken)), None)
        if found:
            taken.append(found)
        yield found


def _axis(values: Sequence[float], is_logarithmic: bool) -> Axis:
    low, high = min(values, default=1.0), max(values, default=1.0)
    if is_logarithmic:
        factor = max((high / low) ** _ROOM, 1.2)
        return Axis(low=low / factor, high=high * factor, is_logarithmic=True)
    room = (high - low) * _ROOM or abs(high) * _ROOM or 1.0
    return Axis(low=low - room, high=high + room, is_logarithmic=False)


def _beside(x: float, y: float, width: float, height: float) -> Iterator[Box]:
    half = height / 2
    yield x + 7, y - half, x + 7 + width, y + half
    yield x - 7 - width, y - half, x - 7, y + half
    yield x - width / 2, y - 7 - height, x + width / 2, y - 7
    yield x - width / 2, y + 7, x + width / 2, y + 7 + height


def _is_within(box: Box, outer: Box) -> bool:
    return outer[0] <= box[0] and outer[1] <= box[1] and box[2] <= outer[2] and box[3] <= outer[3]


def _meets_any(box: Box, others: Sequence[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others)


def _says(figure: FigureData, row: int) -> str:
    """What is true is named, what is not is left out."""
    parts = []
    for column, value in zip(figure.columns, figure.rows[row], strict=True):
        if value is None or value == "" or value is False:
            continue
        shown = "" if value is True else value if isinstance(value, str) else said(value)
        name = column.name if "." in column.name else column.name.replace("_", " ")
        parts.append(" ".join(filter(None, (name, shown, column.unit))))
    return ", ".join(parts)
