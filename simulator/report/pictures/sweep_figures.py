"""The figures of a sweep: its front, and how the least energy moves with each field that is varied.

A figure has every point; `thinned` gives what a page or a drawing of bounded size shows of it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from simulator.report.pictures.figure_data import (
    Absent,
    AxisName,
    Bars,
    Cell,
    Column,
    Figure,
    FigureData,
    Points,
    Row,
    Series,
)
from simulator.report.pictures.run_figures import MILLIONTH
from simulator.report.pictures.stored_sweeps import StoredPoint, StoredSweep, Value
from simulator.report.pictures.style import COLOURS
from simulator.report.verdict import millions_of

MOST_POINTS = 500
"""Of one kind, on the front or not, in a drawing."""
_MOST_BARS = 16
"""Values of a field that have a bar each; more, and numbers, are points."""
_WIDE = 5
"""From this ratio of largest to least on, an axis is logarithmic."""
AS_IT_IS = "as in its file"
"""The value of a field that a point does not set."""
_AXES = (
    ("front-time", "Energy against time", "ms_per_image", "time [ms an image]"),
    ("front-area", "Energy against area", "area_kb", "area proxy [kB of GLB]"),
)


def sweep_figures(sweep: StoredSweep) -> tuple[Figure, ...]:
    return *front_figures(sweep), *field_figures(sweep)


def front_figures(sweep: StoredSweep) -> tuple[Figure, ...]:
    """Every machine that can run the network, those that some other beats first."""
    rows = tuple(_rows(sweep))
    if not rows:
        reason = f"none of the {len(sweep.points):,} points has figures, each has a reason"
        return tuple(Absent(name=name, title=title, reason=reason) for name, title, _, _ in _AXES)
    return tuple(_front(sweep, rows, *axis) for axis in _AXES)


def field_figures(sweep: StoredSweep) -> tuple[FigureData, ...]:
    """Of each field with two values or more, but the network: no network's energy is set against another's."""
    if all(point.figures is None for point in sweep.points):
        return ()
    found = []
    for at, field in enumerate(sweep.varied):
        of_value: dict[Value, list[StoredPoint]] = {}
        for point in sweep.points:
            of_value.setdefault(point.values[at], []).append(point)
        if field != "network" and len(of_value) > 1:
            found.append(_field(sweep, field, {value: of_value[value] for value in _in_order(of_value)}))
    return tuple(found)


def thinned(figure: FigureData, most: int = MOST_POINTS) -> FigureData:
    """At most so many points on the front and so many others, evenly by energy, or the first bars; a caption that says
    so."""
    if isinstance(figure.drawing, Bars):
        return _with_rows(figure, range(min(len(figure.rows), _MOST_BARS)), "the first values")
    assert isinstance(figure.drawing, Points)
    kinds = figure.values(figure.drawing.hollow) if figure.drawing.hollow else [False] * len(figure.rows)
    energies = figure.values(figure.drawing.y)
    kept = set[int]()
    for kind in (True, False):
        rows = [at for at, each in enumerate(kinds) if each is kind]
        kept |= set(_evenly(sorted(rows, key=lambda at: float(str(energies[at]))), most))
    return _with_rows(figure, sorted(kept), "evenly by energy")


def fields_of(sweep: StoredSweep) -> tuple[str, ...]:
    """What tells two points apart."""
    return sweep.varied if "network" in sweep.varied else ("network", *sweep.varied)


def values_of(sweep: StoredSweep, point: StoredPoint) -> tuple[Value, ...]:
    """In the order of `fields_of`."""
    return point.values if "network" in sweep.varied else (point.network, *point.values)


def _rows(sweep: StoredSweep) -> Iterator[Row]:
    for point in sorted(sweep.points, key=lambda point: point.is_on_front):
        if point.figures is not None:
            found = point.figures
            figures = (found.energy, found.ms, found.area_kb, 100 * found.utilization)
            yield point.number, *values_of(sweep, point), *figures, not point.is_on_front


def _front(sweep: StoredSweep, rows: tuple[Row, ...], name: str, title: str, x: str, x_axis: str) -> FigureData:
    unit = sweep.energy_unit
    columns = (
        Column(name="point"),
        *(Column(name=field) for field in fields_of(sweep)),
        Column(name="energy_per_image", unit=unit),
        Column(name="ms_per_image", unit="ms"),
        Column(name="area_kb", unit="kB (proxy)"),
        Column(name="utilization", unit="%"),
        Column(name="beaten"),
    )
    proxy = " Area is a proxy: storage, not a layout." if x == "area_kb" else ""
    figure = FigureData(
        name=name,
        title=title,
        caption=f"One image, {sweep.origin}, unit of energy: {unit}. Filled, with its number: on the front of "
        f"{', '.join(sweep.objectives)}; outlined: some other machine is as good in all of them and better in one."
        f"{proxy}",
        origin=sweep.origin,
        columns=columns,
        rows=rows,
        drawing=Points(
            x=x,
            y="energy_per_image",
            x_axis=x_axis,
            y_axis=f"energy [{millions_of(unit)} an image]",
            label="point",
            group="network",
            hollow="beaten",
            names_hollow=False,
            y_scale=MILLIONTH,
        ),
    )
    return _with_wide_axes(figure)


def _with_wide_axes(figure: FigureData) -> FigureData:
    assert isinstance(figure.drawing, Points)
    xs, ys = figure.numbers(figure.drawing.x), figure.numbers(figure.drawing.y)
    both: tuple[tuple[AxisName, list[float]], ...] = (("x", xs), ("y", ys))
    which = frozenset(name for name, values in both if _is_wide(values))
    return replace(figure, drawing=replace(figure.drawing, logarithmic=which))


def _is_wide(values: Sequence[float]) -> bool:
    return min(values, default=0.0) > 0 and max(values) > _WIDE * min(values)


def _in_order(values: Collection[Value]) -> list[Value]:
    """Numbers by size, names as the sweep has them, both after what is not set."""
    numbers = [value for value in values if isinstance(value, int | float)]
    names = [value for value in values if isinstance(value, str)]
    return [*(value for value in values if value is None), *sorted(numbers), *names]


def _field(sweep: StoredSweep, field: str, of_value: dict[Value, list[StoredPoint]]) -> FigureData:
    if len(of_value) > _MOST_BARS and all(isinstance(value, int | float) for value in of_value):
        return _curve(sweep, field, of_value)
    return _bars(sweep, field, of_value)


def _bars(sweep: StoredSweep, field: str, of_value: dict[Value, list[StoredPoint]]) -> FigureData:
    unit, networks = sweep.energy_unit, sweep.networks
    rows = tuple(_bar(sweep, value, points) for value, points in of_value.items())
    lacks_one = any(energy is None for row in rows for energy in row[1 : 1 + len(networks)])
    return FigureData(
        name=f"by-{field}",
        title=f"Least energy by {field}",
        caption=_least(sweep, field) + " No bar: no machine with it can run the network." * lacks_one,
        origin=sweep.origin,
        columns=(
            Column(name=field),
            *(Column(name=network, unit=unit) for network in networks),
            *(Column(name=f"point of {network}") for network in networks),
            Column(name="points"),
            Column(name="failed"),
        ),
        rows=rows,
        drawing=Bars(
            label=field,
            series=tuple(
                Series(column=network, name=network, fill=at % len(COLOURS)) for at, network in enumerate(networks)
            ),
            axis=f"least energy [{millions_of(unit)} an image]",
            scale=MILLIONTH,
            arrangement="stacked" if len(networks) == 1 else "grouped",
        ),
    )


def _bar(sweep: StoredSweep, value: Value, points: Sequence[StoredPoint]) -> Row:
    best = [_best(points, network) for network in sweep.networks]
    energies: list[Cell] = [None if one is None else one[0] for one in best]
    numbers: list[Cell] = [None if one is None else one[1] for one in best]
    failed = sum(bool(point.reason) for point in points)
    return AS_IT_IS if value is None else value, *energies, *numbers, len(points), failed


def _curve(sweep: StoredSweep, field: str, of_value: dict[Value, list[StoredPoint]]) -> FigureData:
    unit = sweep.energy_unit
    rows: list[Row] = []
    for value, points in of_value.items():
        for network in sweep.networks:
            best = _best(points, network)
            if best is not None:
                rows.append((value, network, best[0], best[1], len(points)))
    figure = FigureData(
        name=f"by-{field}",
        title=f"Least energy by {field}",
        caption=_least(sweep, field),
        origin=sweep.origin,
        columns=(
            *(Column(name=field), Column(name="network"), Column(name="energy_per_image", unit=unit)),
            *(Column(name="point"), Column(name="points")),
        ),
        rows=tuple(rows),
        drawing=Points(
            x=field,
            y="energy_per_image",
            x_axis=field,
            y_axis=f"least energy [{millions_of(unit)} an image]",
            label="",
            group="network",
            y_scale=MILLIONTH,
        ),
    )
    return _with_wide_axes(figure)


def _least(sweep: StoredSweep, field: str) -> str:
    return (
        f"The least energy of one image at each {field}, whatever the other fields are, {sweep.origin}. Unit: "
        f"{sweep.energy_unit}."
    )


def _best(points: Sequence[StoredPoint], network: str) -> tuple[float, int] | None:
    """Energy and number of the machine with the least; of several with it the first."""
    found = (
        (point.figures.energy, point.number)
        for point in points
        if point.figures is not None and point.network == network
    )
    return min(found, default=None)


def _with_rows(figure: FigureData, kept: Sequence[int], which: str) -> FigureData:
    if len(kept) == len(figure.rows):
        return figure
    return replace(
        figure,
        rows=tuple(figure.rows[at] for at in kept),
        caption=f"{figure.caption} Shown are {len(kept):,} of {len(figure.rows):,}, {which}; points.csv has all.",
    )


def _evenly(rows: Sequence[int], most: int) -> Sequence[int]:
    """From the first to the last."""
    if len(rows) <= most:
        return rows
    return [rows[at * (len(rows) - 1) // (most - 1)] for at in range(most)]
