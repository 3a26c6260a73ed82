"""The part of a page that shows a sweep: its front drawn and as a table, field by field, and what failed and why."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import floor, log10
from xml.etree.ElementTree import Element

from simulator.report.pictures.figure_data import Cell, Figure, FigureData
from simulator.report.pictures.page_parts import csv_link, grid, put_figure, put_table, section
from simulator.report.pictures.run_figures import MILLIONTH
from simulator.report.pictures.stored_sweeps import PointFigures, StoredPoint, StoredSweep
from simulator.report.pictures.svg import put
from simulator.report.pictures.sweep_figures import (
    AS_IT_IS,
    field_figures,
    front_figures,
    thinned,
)
from simulator.report.run_folder import csv_text
from simulator.report.verdict import millions_of

_MOST_MACHINES = 200
_MOST_REASONS = 50
_MOST_SPANS = 12
"""Of point numbers named with one reason."""


def put_sweep(main: Element, sweep: StoredSweep, name: str, prefix: str) -> None:
    """prefix: before each title, where the page has several sweeps."""
    front = section(main, name, f"{prefix}The front", _front_words(sweep))
    put(front, "p", "weak", _area_words(sweep))
    put(front, "p", "weak", f"{', '.join(f'{key}: {value}' for key, value in sweep.setting.items())}.")
    _put_figures(front, front_figures(sweep), name)
    if sweep.front:
        _put_machines(section(main, f"{name}-machines", f"{prefix}Machines on the front"), sweep, name)
    figures = field_figures(sweep)
    if figures:
        _put_figures(section(main, f"{name}-fields", f"{prefix}Field by field"), figures, name)
    if sweep.failures:
        _put_failures(section(main, f"{name}-failed", f"{prefix}Points without figures"), sweep)


def _put_figures(parent: Element, figures: Sequence[Figure], prefix: str) -> None:
    around = grid(parent)
    for figure in figures:
        put_figure(around, thinned(figure) if isinstance(figure, FigureData) else figure, prefix)


def _front_words(sweep: StoredSweep) -> str:
    varied = f" Varied: {', '.join(sweep.varied)}." if sweep.varied else ""
    return (
        f"{len(sweep.points):,} points of {', '.join(sweep.networks)}, all figures {sweep.origin}; "
        f"{len(sweep.front):,} on the front of {', '.join(sweep.objectives)}: no other point of the same network is as "
        f"good in all of them and better in one.{varied}"
    )


def _area_words(sweep: StoredSweep) -> str:
    weights = ", ".join(f"{name} = {weight:g}" for name, weight in sweep.weights.items())
    return (
        f"Area is a proxy, what a machine stores in kB of GLB: {sweep.area}; {weights}. Nobody has laid these machines "
        "out."
    )


def _put_machines(parent: Element, sweep: StoredSweep, name: str) -> None:
    unit = millions_of(sweep.energy_unit)
    headings = (
        *("point", *sweep.varied, f"energy an image [{unit}]"),
        *("time an image [ms]", "area proxy [kB]", "utilization [%]"),
    )
    found = sorted(sweep.front, key=_energy)[:_MOST_MACHINES]
    left = len(sweep.front) - len(found)
    more = f" The {left:,} with the most energy are left out here; front.csv has all." if left else ""
    put(parent, "p", words=f"By energy, all figures {sweep.origin}.{more}")
    rows = [_cells(point) for point in found]
    texts = csv_text({**dict(zip(headings, row, strict=True)), "origin": sweep.origin} for row in rows)
    csv_link(put(parent, "div", "links"), texts, f"{name}-machines")
    decimals = (_decimals(_energy(found[0]) * MILLIONTH), 2, 1, 1)
    put_table(parent, headings, [_shown(row, decimals) for row in rows])


def _figures(point: StoredPoint) -> PointFigures:
    assert point.figures is not None, "a point without figures is on no front"
    return point.figures


def _energy(point: StoredPoint) -> float:
    return _figures(point).energy


def _cells(point: StoredPoint) -> list[Cell]:
    found = _figures(point)
    values = (AS_IT_IS if value is None else value for value in point.values)
    return [point.number, *values, found.energy * MILLIONTH, found.ms, found.area_kb, 100 * found.utilization]


def _shown(row: Sequence[Cell], decimals: Sequence[int]) -> list[Cell]:
    """The last cells are figures, with as many decimals in every row."""
    others, figures = row[: -len(decimals)], row[-len(decimals) :]
    return [*others, *(f"{float(str(cell)):,.{places}f}" for cell, places in zip(figures, decimals, strict=True))]


def _decimals(least: float) -> int:
    """One, or those that give the least of a column four digits."""
    return max(1, 3 - floor(log10(least))) if least > 0 else 1


def _put_failures(parent: Element, sweep: StoredSweep) -> None:
    of_reason: dict[str, list[int]] = {}
    for point in sweep.failures:
        of_reason.setdefault(point.reason, []).append(point.number)
    reasons = sorted(of_reason.items(), key=lambda item: -len(item[1]))
    left = len(reasons) - _MOST_REASONS
    more = f" {left:,} rarer reasons are left out here; points.csv has all." if left > 0 else ""
    put(parent, "p", words=f"{len(sweep.failures):,} of {len(sweep.points):,} points have none.{more}")
    rows = [(len(numbers), _spans(numbers), reason) for reason, numbers in reasons[:_MOST_REASONS]]
    put_table(parent, ("points", "which", "reason"), rows)


def _spans(numbers: Iterable[int]) -> str:
    """`1–3, 7`, ascending."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return ", ".join(texts[:_MOST_SPANS]) + (", …" if len(texts) > _MOST_SPANS else "")
