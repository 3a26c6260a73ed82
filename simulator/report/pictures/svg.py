"""The parts that every SVG figure of a page is made of: elements, axes, legends. Units are those of a drawing
as wide as a phone, which is larger on a desk.

Colours are classes (`c0` … `c7`, by style.FILLS) and text is in the page's colour, so that a figure follows dark mode.
"""

from collections.abc import Sequence
from math import ceil, floor, log10
from xml.etree.ElementTree import Element, SubElement

from simulator.report.pictures.style import FILLS, GRID, INK

WIDTH = 400
FONT, SMALL = 12, 10
_NARROW, _WIDE = frozenset("fijlrtI.,:;|'()[] -–"), frozenset("mwMWCDGNOQ%@")
_LONGEST_LABEL = 20
_KEY, _LINE = 16, 16
"""Width of a key with the room after it, and height of a line of the legend."""
_MOST_TICKS = 6

Attribute = str | int | float


def chart_css() -> str:
    """What a figure needs wherever it is shown: it goes with each that is downloaded."""
    fills = "".join(f".c{number}{{fill:{fill};stroke:{fill}}}" for number, fill in enumerate(FILLS[:-1]))
    return (
        f".chart{{--ink:{INK};--grid:{GRID};--ground:#fff;color:var(--ink);"
        f"font:{FONT}px system-ui,sans-serif;overflow:visible}}"
        f".chart text{{fill:var(--ink);stroke:none}}{fills}.c{len(FILLS) - 1}{{fill:var(--ink);stroke:var(--ink)}}"
        ".mark{stroke-width:0}.bar{stroke:var(--ground);stroke-width:.6}.hollow{fill:var(--ground)}"
        ".point{stroke-width:1.6}.path{fill:none;stroke-width:1.4}"
        ".grid{stroke:var(--grid);stroke-width:.7;fill:none}.axis{stroke:var(--ink);stroke-width:.9;fill:none}"
        ".chart .name{paint-order:stroke;stroke:var(--ground);stroke-width:2.5}"
        ".block{stroke:var(--ground);stroke-width:1.5}"
        ".guide{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:5 3;fill:none}"
        f".small{{font-size:{SMALL}px}}.end{{text-anchor:end}}.middle{{text-anchor:middle}}.strong{{font-weight:600}}"
    )


def drawing(height: float, title: str) -> Element:
    """An empty figure with its title, for eyes that do not see it."""
    return Element(
        "svg",
        {
            "class": "chart",
            "viewBox": f"0 0 {WIDTH} {short(height)}",
            "role": "group",
            "aria-label": title,
        },
    )


def put(parent: Element, tag: str, classes: str = "", words: str = "", **attributes: Attribute) -> Element:
    """A child; `_` in an attribute's name is `-`."""
    named = {name.replace("_", "-"): short(value) for name, value in attributes.items()}
    child = SubElement(parent, tag, {**({"class": classes} if classes else {}), **named})
    child.text = words or None
    return child


def mark(parent: Element, tag: str, classes: str, says: str, **attributes: Attribute) -> None:
    """Something that stands for numbers, which it says when it is pointed at, tapped or reached by keyboard."""
    put(put(parent, tag, f"mark {classes}", "", **attributes), "title", words=says)


def short(value: Attribute) -> str:
    """Two decimals, no idle zeros."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def text_width(words: str, size: float = FONT) -> float:
    """About, in any sans-serif font."""
    return size * sum(0.38 if letter in _NARROW else 0.84 if letter in _WIDE else 0.6 for letter in words)


def cut(label: str) -> str:
    """Long names by their end, where the layers of one network differ."""
    return label if len(label) <= _LONGEST_LABEL else "…" + label[-(_LONGEST_LABEL - 1) :]


def ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, from low to high."""
    if high <= low:
        return [low]
    rough = (high - low) / (_MOST_TICKS - 1)
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = ceil(low / step - 1e-9)
    return [number * step for number in range(first, floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with 2 and 5 between where there are few, thinned where there are many."""
    first, last = floor(log10(low)), ceil(log10(high))
    factors = (1, 2, 5) if last - first <= 3 else (1,)
    found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    inside = [value for value in found if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
    return inside[:: max(1, ceil(len(inside) / (_MOST_TICKS + 3)))]


def tick_text(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-")
    return f"{value:,.10g}"


def amount(value: float) -> str:
    """For a reader: four digits or more, none that matter cut."""
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"


def legend_places(names: Sequence[str]) -> list[tuple[float, float]]:
    """Left and top of each entry, as many to a line as fit."""
    found, x, y = [], 0.0, 0.0
    for name in names:
        width = _KEY + text_width(name) + 8
        if x and x + width > WIDTH:
            x, y = 0.0, y + _LINE
        found.append((x, y))
        x += width
    return found


def legend_height(places: Sequence[tuple[float, float]]) -> float:
    return places[-1][1] + _LINE + 8 if places else 4.0


def legend_name(parent: Element, name: str, place: tuple[float, float]) -> None:
    """Right of its key, which has the height of a letter."""
    put(parent, "text", words=name, x=place[0] + _KEY, y=place[1] + 10)
