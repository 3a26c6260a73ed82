"""The parts that a report page is made of: figures with their numbers, tables, the frame around them."""

import re
from collections.abc import Sequence
from importlib.resources import files
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from simulator.report.pictures.figure_data import Absent, ArrayPicture, Bars, Cell, Figure, FigureData, said
from simulator.report.pictures.svg import chart_css, put
from simulator.report.pictures.svg_array import array_svg
from simulator.report.pictures.svg_bars import bars_svg
from simulator.report.pictures.svg_points import points_svg

_WEB = files("simulator.report.pictures") / "web"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""The browser itself refuses whatever the page would fetch."""
HINT = "Point at a mark, tap it, or step through with Tab and the arrow keys: what it stands for is said below it."


def page_frame(title: str) -> tuple[Element, Element]:
    """The document, and its `main`."""
    html = Element("html", {"lang": "en"})
    head = SubElement(html, "head")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "link", {"rel": "icon", "href": "data:,"})
    put(head, "title", words=title)
    put(head, "style", words=chart_css(), id="chart-style")
    put(head, "style", words=_web("page.css"))
    put(put(head, "noscript"), "style", words=".layer[hidden]{display:block}.chooser,button{display:none}")
    body = SubElement(html, "body")
    put(body, "a", "skip", "Skip to the figures", href="#main")
    header = put(body, "header")
    put(header, "h1", words=title)
    put(header, "button", words="Theme: system", id="theme", type="button")
    put(body, "nav", aria_label="Sections")
    return html, put(body, "main", id="main")


def page_text(html: Element) -> str:
    """The whole page, with its contents listed from its sections."""
    body = html[1]
    listed = put(next(iter(body.iter("nav"))), "ul")
    for section in body.iter("section"):
        put(put(listed, "li"), "a", words=section[0].text or "", href=f"#{section.attrib['id']}")
    footer = put(body, "footer")
    put(footer, "p", words="Written by picojoule. The page is whole: it loads nothing, and sends nothing.")
    put(body, "script", words=_web("page.js"))
    return "<!DOCTYPE html>\n" + tostring(html, encoding="unicode", method="html") + "\n"


def section(parent: Element, name: str, title: str, words: str = "") -> Element:
    found = put(parent, "section", id=name, aria_labelledby=f"{name}-title")
    put(found, "h2", words=title, id=f"{name}-title")
    if words:
        put(found, "p", words=words)
    return found


def grid(parent: Element) -> Element:
    return put(parent, "div", "figures")


def put_figure(parent: Element, figure: Figure, prefix: str, heading: str = "") -> None:
    """prefix: of its id and the names of its files; heading: the run that it is of, in place of its title."""
    title = heading or figure.title
    if isinstance(figure, Absent):
        block = put(parent, "figure")
        put(put(block, "figcaption"), "h3", words=title)
        put(block, "p", "weak", f"Not drawn: {figure.reason}.")
        return
    block = put(parent, "figure", id=f"{prefix}-{figure.name}")
    caption = put(block, "figcaption")
    put(caption, "h3", words=title)
    put(caption, "p", words=figure.caption)
    block.append(svg_of(figure))
    put(block, "output")
    _put_links(block, figure.csv(), f"{prefix}-{figure.name}")
    if not isinstance(figure.drawing, ArrayPicture):
        put_table(folded(block, "Numbers"), [column.heading for column in figure.columns], figure.rows)


def svg_of(figure: FigureData) -> Element:
    if isinstance(figure.drawing, Bars):
        return bars_svg(figure, figure.drawing)
    if isinstance(figure.drawing, ArrayPicture):
        return array_svg(figure, figure.drawing)
    return points_svg(figure, figure.drawing)


def folded(parent: Element, title: str) -> Element:
    details = put(parent, "details")
    put(details, "summary", words=title)
    return details


def put_table(parent: Element, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    around = put(parent, "div", "scroll", tabindex="0", role="region", aria_label="table")
    table = put(around, "table")
    line = put(put(table, "thead"), "tr")
    first = rows[0] if rows else [None] * len(headings)
    for heading, cell in zip(headings, first, strict=True):
        put(line, "th", "word" if _class_of(cell) else "", heading, scope="col")
    body = put(table, "tbody")
    for row in rows:
        line = put(body, "tr")
        for cell in row:
            put(line, "td", _class_of(cell), _shown(cell))


def csv_link(parent: Element, text: str, name: str, words: str = "CSV") -> None:
    put(
        parent, "a", words=words, href=f"data:text/csv;charset=utf-8,{quote(text, safe=_PLAIN)}", download=f"{name}.csv"
    )


_PLAIN = " ,.:;()[]/*+-–=_"
"""What a data: address holds as it is; spaces between words are not lost inside an address."""
_LONG, _NUMBER = 40, re.compile(r"-?[\d,.]+|–")


def _put_links(parent: Element, csv: str, name: str) -> None:
    links = put(parent, "div", "links")
    csv_link(links, csv, name)
    put(links, "button", words="SVG", type="button", data_svg=f"{name}.svg")


def _class_of(cell: Cell) -> str:
    if not isinstance(cell, str):
        return ""
    if _NUMBER.fullmatch(cell):
        return ""
    return "free" if len(cell) > _LONG else "word"


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else said(cell)


def _web(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")
