"""How numbers become an aligned plain-text table that never loses a digit.

One text serves terminal, pipe and `summary.txt`: ASCII rules, no colour, no cut cells. A table wider than its terminal
is split between columns into several, each with the first column again. What is tabulated is decided in summary.py and
silicon.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from textwrap import fill

_GAP = "  "
_LARGEST_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: heading lines (the unit last), a cell for each row, and whether text or numbers fill it.

    joined  it is read together with the column before it, and so stays in one table with it
    """

    heading: tuple[str, ...]
    cells: tuple[str, ...]
    is_text: bool = False
    joined: bool = False

    @property
    def width(self) -> int:
        return max(len(line) for line in self.heading + self.cells)

    def aligned(self, cell: str) -> str:
        return cell.ljust(self.width) if self.is_text else cell.rjust(self.width)


def render(columns: Sequence[Column], *, totals: int = 0, width: int | None = None) -> str:
    """The table as text ending in a newline; its last `totals` rows stand below a rule.

    At most `width` characters a line where columns are narrow enough to allow it; None for as wide as it is.
    """
    return "\n".join(_one_table(part, totals) for part in _parts(columns, width))


def wrapped(prose: str, width: int | None) -> str:
    """Each line of the prose broken between words to at most `width` characters; None leaves it as it is.

    What an indented line continues with is indented by two more.
    """
    if width is None:
        return prose
    return "".join(f"{_filled(line, width)}\n" for line in prose.splitlines())


def number_column(
    heading: tuple[str, ...], values: Sequence[float | None], *, decimals: int | None = None, joined: bool = False
) -> Column:
    """Numbers with one count of decimals: enough for three digits of the smallest that is not zero, unless given."""
    places = _decimals(values) if decimals is None else decimals
    cells = tuple("" if value is None else f"{value:.{places}f}" for value in values)
    return Column(heading=heading, cells=cells, joined=joined)


def _filled(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    further = f"{indent}  " if indent else ""
    return fill(line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)


def _decimals(values: Sequence[float | None]) -> int:
    sizes = [abs(value) for value in values if value and isfinite(value)]
    return min(max(1, 2 - floor(log10(min(sizes)))), _LARGEST_DECIMALS) if sizes else 1


def _one_table(columns: Sequence[Column], totals: int) -> str:
    heights = max(len(column.heading) for column in columns)
    heads = [_line(columns, [_heading_line(column, i, heights) for column in columns]) for i in range(heights)]
    rows = [_line(columns, cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    rule = _GAP.join("-" * column.width for column in columns)
    body = [*rows[: len(rows) - totals], rule, *rows[len(rows) - totals :]] if totals else rows
    return "\n".join([*heads, rule, *body]) + "\n"


def _heading_line(column: Column, index: int, height: int) -> str:
    """Headings stand on the rule: shorter ones have empty lines above."""
    above = height - len(column.heading)
    return column.heading[index - above] if index >= above else ""


def _line(columns: Sequence[Column], cells: Sequence[str]) -> str:
    return _GAP.join(column.aligned(cell) for column, cell in zip(columns, cells, strict=True)).rstrip()


def _parts(columns: Sequence[Column], width: int | None) -> Iterator[list[Column]]:
    """Columns in as few tables as fit; every table starts with the first column and has at least one more."""
    key, *others = columns
    part = [key]
    for joined in _joined(others):
        too_wide = width is not None and _width([*part, *joined]) > width
        if too_wide and len(part) > 1:
            yield part
            part = [key]
        part += joined
    yield part


def _joined(columns: Sequence[Column]) -> list[list[Column]]:
    """The columns, those that stay together in one list."""
    found: list[list[Column]] = []
    for column in columns:
        if column.joined and found:
            found[-1].append(column)
        else:
            found.append([column])
    return found


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
