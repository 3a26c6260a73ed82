"""The PE array as SVG: its sets in their places, each PE with what it holds, or as strong as it is at work."""

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from simulator.report.pictures.figure_data import ArrayPicture, Cell, FigureData
from simulator.report.pictures.style import BLUE, COLOURS, SET_OPACITY, strength
from simulator.report.pictures.svg import SMALL, WIDTH, drawing, mark, put, short, text_width

_LEFT, _TOP, _HEIGHT = 18.0, 16.0, 27.0
_LEAST_LABELLED, _LEAST_RULED = 24.0, 5.0
"""Widths of a PE in the drawing from which on it has a label, and a line around it."""

Block = Mapping[str, Cell]


class _Cells:
    """Where a PE is in the drawing."""

    def __init__(self, picture: ArrayPicture) -> None:
        self.width = (WIDTH - _LEFT) / picture.columns
        self.height = _HEIGHT if self.width >= _LEAST_LABELLED else min(_HEIGHT, self.width)
        self.is_labelled = self.width >= _LEAST_LABELLED

    def x(self, column: float) -> float:
        return _LEFT + column * self.width

    def y(self, row: float) -> float:
        return _TOP + row * self.height


def array_svg(figure: FigureData, picture: ArrayPicture) -> Element:
    """Rows from the top, columns from the left, both numbered from 0."""
    cells = _Cells(picture)
    root = drawing(cells.y(picture.rows) + 4, figure.title)
    put(root, "rect", "grid", x=_LEFT, y=_TOP, width=WIDTH - _LEFT, height=picture.rows * cells.height)
    found = [dict(zip((column.name for column in figure.columns), row, strict=True)) for row in figure.rows]
    for block in found:
        _draw(root, cells, block, picture)
    if cells.width >= _LEAST_RULED:
        put(root, "path", "grid", d="".join(_lines(cells, picture)))
    for block in found if cells.is_labelled else ():
        _label(root, cells, block, picture)
    _number(root, cells, picture)
    return root


def says(block: Block) -> str:
    """A block in words; how much it works where that is in the figure."""
    row, rows, column, columns = (int(str(block[name])) for name in ("row", "rows", "column", "columns"))
    ofmap_row, filter_row = int(str(block["first_ofmap_row"])), int(str(block["first_filter_row"]))
    at_work = f"; at work {100 * float(str(block['share'])):.1f} % of the processing cycles" if "share" in block else ""
    return (
        f"PE rows {_range(row, rows)}, columns {_range(column, columns)}: filters {block['filters']}, channels "
        f"{block['channels']} of the pass, group {block['group']}; filter rows {_range(filter_row, rows)}, ofmap rows "
        f"{_range(ofmap_row, columns)} of the strip{at_work}"
    )


def _range(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}–{first + count - 1}"


def _draw(root: Element, cells: _Cells, block: Block, picture: ArrayPicture) -> None:
    row, rows, column, columns = (int(str(block[name])) for name in ("row", "rows", "column", "columns"))
    fill, opacity = fill_of(block, picture)
    mark(
        root,
        "rect",
        f"block c{fill}",
        says(block),
        x=cells.x(column),
        y=cells.y(row),
        width=columns * cells.width,
        height=rows * cells.height,
        fill_opacity=opacity,
    )


def fill_of(block: Block, picture: ArrayPicture) -> tuple[int, float]:
    """Number among the colours, and opacity: of the set that it is, or of how much of the time it is at work."""
    if not picture.is_mapping:
        return BLUE, strength(float(str(block["share"])))
    group, filter_set, channel_set = (int(str(block[name])) for name in ("group", "filter_set", "channel_set"))
    return (group + filter_set) % len(COLOURS), SET_OPACITY[channel_set % 2]


def _lines(cells: _Cells, picture: ArrayPicture) -> Iterator[str]:
    width, height = short(WIDTH - _LEFT), short(picture.rows * cells.height)
    yield from (f"M{short(cells.x(column))} {short(_TOP)}v{height}" for column in range(1, picture.columns))
    yield from (f"M{short(_LEFT)} {short(cells.y(row))}h{width}" for row in range(1, picture.rows))


def _label(root: Element, cells: _Cells, block: Block, picture: ArrayPicture) -> None:
    row, rows, column, columns = (int(str(block[name])) for name in ("row", "rows", "column", "columns"))
    if not picture.is_mapping:
        words = f"{100 * float(str(block['share'])):.0f}"
        x, y = cells.x(column + columns / 2), cells.y(row + rows / 2) + 4
        put(root, "text", "middle", words, x=x, y=y)
        return
    for pe_row in range(rows):
        for pe_column in range(columns):
            words = f"{pe_row},{int(str(block['first_ofmap_row'])) + pe_column}"
            x, y = cells.x(column + pe_column + 0.5), cells.y(row + pe_row) + cells.height - 4
            put(root, "text", "small middle", words, x=x, y=y)
    _name_set(root, cells, block, columns * cells.width)


def _name_set(root: Element, cells: _Cells, block: Block, width: float) -> None:
    """Above the PEs' labels: on one line, or filters and channels on two rows; left out where neither fits."""
    x, row, rows = cells.x(float(str(block["column"]))) + 3, int(str(block["row"])), int(str(block["rows"]))
    filters, channels = f"f{block['filters']}", f"c{block['channels']}"
    lines = [f"{filters} {channels}"]
    if text_width(lines[0], SMALL) > width:
        lines = [filters, channels][:rows]
    for at, words in enumerate(lines):
        if text_width(words, SMALL) <= width:
            put(root, "text", "small strong", words, x=x, y=cells.y(row + at) + SMALL + 1)


def _number(root: Element, cells: _Cells, picture: ArrayPicture) -> None:
    every = 1 if cells.is_labelled else 8
    for column in range(0, picture.columns, every):
        put(root, "text", "small middle", str(column), x=cells.x(column + 0.5), y=_TOP - 4)
    for row in range(0, picture.rows, every):
        put(root, "text", "small end", str(row), x=_LEFT - 4, y=cells.y(row + 0.5) + 3)
