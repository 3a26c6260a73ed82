"""Energy an image against weights and against MACs: does either of them tell it?

A point is a run. Runs of one network are joined, so that what machine or batch changes is a line up or down; runs under
the same conditions share colour and marker. Along the dashed line energy is in proportion to the first run's.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from simulator.errors import SpecError
from simulator.report.figures import styled, write_picture
from simulator.report.pictures.style import COLOURS, MARKERS
from simulator.report.run_reader import ComparedRun
from simulator.report.verdict import millions_of

_MILLION = 1e6
_ROOM = 1.9
"""Axes go beyond the outermost points by this factor: labels need it."""
_POINT_PIXELS = 10
_PLACES = ((8, 0, "left", "center"), (-8, 0, "right", "center"), (0, 8, "center", "bottom"), (0, -8, "center", "top"))
"""Where a label may stand, best first: typographic points right and up of its point, and its alignment."""

Amount = Callable[[ComparedRun], float]


def write_energy_picture(runs: Sequence[ComparedRun], path: Path) -> None:
    """Write the picture as its name ends: .svg, .png or .pdf. Raises SpecError for energy 0, which has no logarithm."""
    nothing = [run.label for run in runs if not run.energy]
    if nothing:
        raise SpecError(f"{', '.join(nothing)}: energy 0 cannot be drawn on a logarithmic axis; leave the run out")
    with styled():
        write_picture(_figure(runs), path)


def _figure(runs: Sequence[ComparedRun]) -> Figure:
    figure = Figure(figsize=(9.6, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    panels: list[tuple[Axes, Amount]] = [(left, _weights), (right, _macs)]
    for axes, amount in panels:
        _draw(axes, runs, amount)
    left.set_xlabel("weights [M]")
    right.set_xlabel("MACs [M an image]")
    left.set_ylabel(f"energy [{millions_of(runs[0].energy_unit)} an image]")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    figure.supxlabel(_caption(runs), fontsize=8, color="#444444")
    figure.draw_without_rendering()  # labels stand where the layout has put the panels
    for axes, amount in panels:
        _name_points(axes, runs, amount)
    return figure


def _weights(run: ComparedRun) -> float:
    return run.weights / _MILLION


def _macs(run: ComparedRun) -> float:
    return run.an_image("macs") / _MILLION


def _energy(run: ComparedRun) -> float:
    return run.energy / _MILLION


def _caption(runs: Sequence[ComparedRun]) -> str:
    methods, arches, batches = (
        ", ".join(dict.fromkeys(values))
        for values in ([run.method for run in runs], [run.arch for run in runs], [str(run.batch) for run in runs])
    )
    unit = runs[0].energy_unit
    return f"{methods}; accelerator {arches}; batch {batches}; energy = counts x table, unit: {unit}, M = a million"


def _draw(axes: Axes, runs: Sequence[ComparedRun], amount: Amount) -> None:
    for network in dict.fromkeys(run.network for run in runs):
        alike = [run for run in runs if run.network == network]
        axes.plot([amount(run) for run in alike], [_energy(run) for run in alike], color="#999999", lw=0.8, zorder=1)
    for index, (name, group) in enumerate(_groups(runs).items()):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        xs, ys = [amount(run) for run in group], [_energy(run) for run in group]
        inside = "none" if index else colour  # two points on one spot are both to be seen
        axes.scatter(xs, ys, s=42, facecolors=inside, edgecolors=colour, marker=marker, lw=1.6, label=name, zorder=2)
    _scale(axes, [amount(run) for run in runs], [_energy(run) for run in runs])
    _draw_proportion(axes, runs[0], amount)


def _groups(runs: Sequence[ComparedRun]) -> dict[str, list[ComparedRun]]:
    found: dict[str, list[ComparedRun]] = {}
    for run in runs:
        found.setdefault(f"{run.arch}, batch {run.batch} ({run.method})", []).append(run)
    return found


def _scale(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xlim(min(xs) / _ROOM, max(xs) * _ROOM)
    axes.set_ylim(min(ys) / _ROOM, max(ys) * _ROOM)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())


def _draw_proportion(axes: Axes, first: ComparedRun, amount: Amount) -> None:
    ends = axes.get_xlim()
    line = [_energy(first) * x / amount(first) for x in ends]
    name = f"in proportion to weights (left), to MACs (right), from {first.label}"
    axes.plot(ends, line, color="#777777", lw=0.9, ls=(0, (4, 3)), zorder=0, label=name, scalex=False, scaley=False)


def _name_points(axes: Axes, runs: Sequence[ComparedRun], amount: Amount) -> None:
    """Each network's name, once, in the first place inside the panel where it covers no point and no other name."""
    half = _POINT_PIXELS / 2
    centres = [axes.transData.transform((amount(run), _energy(run))) for run in runs]
    taken = [Bbox.from_bounds(x - half, y - half, _POINT_PIXELS, _POINT_PIXELS) for x, y in centres]
    for name, run in _named(runs).items():
        taken.append(_name_point(axes, name, (amount(run), _energy(run)), taken))


def _named(runs: Sequence[ComparedRun]) -> dict[str, ComparedRun]:
    """The first run of each network; every run by its label where one has several under the same conditions."""
    each_once = len({(run.network, run.conditions) for run in runs}) == len(runs)
    found: dict[str, ComparedRun] = {}
    for run in runs:
        found.setdefault(run.network if each_once else run.label, run)
    return found


def _name_point(axes: Axes, name: str, point: tuple[float, float], taken: Sequence[Bbox]) -> Bbox:
    """Where the name came to stand: in the last place if none is free."""
    for right, up, across, upright in _PLACES:
        text = axes.annotate(
            name, point, (right, up), textcoords="offset points", ha=across, va=upright, fontsize=9, zorder=3
        )
        box = text.get_window_extent()
        is_inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
        is_free = is_inside and not any(box.overlaps(other) for other in taken)
        if is_free or (right, up, across, upright) == _PLACES[-1]:
            break
        text.remove()
    return box
