"""Runs side by side: their totals, and what each differs by from the first. All figures are for one image."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.comparison import Comparison, comparison_of
from simulator.report.pictures.figure_data import Bars, Cell, Column, FigureData, Row, Series
from simulator.report.pictures.run_figures import MILLIONTH
from simulator.report.pictures.stored_runs import StoredRun
from simulator.report.pictures.style import FILLS, LEVEL_FILL
from simulator.report.run_reader import LEVELS, ComparedRun
from simulator.report.verdict import millions_of, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One line of the totals: an amount of each run, as it is shown."""

    name: str
    unit: str
    amounts: tuple[float, ...]
    decimals: int = 1


def labels_of(runs: Sequence[StoredRun]) -> tuple[str, ...]:
    """What each run is called. Raises SpecError for energies of different units."""
    if len(runs) == 1:
        return (runs[0].compared.network,)
    return tuple(run.label for run in comparison_of([run.compared for run in runs]).runs)


def totals_of(runs: Sequence[StoredRun]) -> tuple[Total, ...]:
    """Of the whole network; of one image, but weights and shares."""
    compared = [run.compared for run in runs]
    unit = compared[0].energy_unit

    def an_image(name: str, figure: str, shown_unit: str, scale: float = MILLIONTH) -> Total:
        amounts = tuple(run.total(figure) / run.compared.batch * scale for run in runs)
        return Total(name=name, unit=shown_unit, amounts=amounts)

    return (
        Total(name="weights", unit="M words", amounts=tuple(run.weights * MILLIONTH for run in compared)),
        an_image("MACs an image", "macs", "M MACs"),
        an_image("energy an image", "energy.total", millions_of(unit)),
        Total(name="energy a MAC", unit=unit, amounts=tuple(run.energy_per_mac for run in compared), decimals=2),
        an_image("time an image", "total_ms", "ms", 1.0),
        an_image("DRAM traffic an image, as moved", "dram_bytes", "MB"),
        an_image("GLB traffic an image, array side", "glb_bytes", "MB"),
        Total(name="PEs at work, of the total time", unit="%", amounts=tuple(map(_busy, runs))),
    )


def difference_figures(runs: Sequence[StoredRun]) -> tuple[FigureData, ...]:
    """None of a single run; of layers only where the runs share them. Raises SpecError for different energy units."""
    if len(runs) < 2:
        return ()
    comparison = comparison_of([run.compared for run in runs])
    figures = [_levels(comparison)]
    if comparison.shares_layers:
        unit = comparison.energy_unit
        figures.append(
            _by_layer(comparison, "energy-differences", "Energy", "energy.total", (unit, millions_of(unit), MILLIONTH))
        )
        figures.append(_by_layer(comparison, "time-differences", "Time", "total_ms", ("ms", "ms", 1.0)))
    return tuple(figures)


def _busy(run: StoredRun) -> float:
    states = [column for column in run.layers[0] if column.startswith("pe_cycles.")]
    return 100 * run.total("pe_cycles.active") / sum(run.total(column) for column in states)


def _origin(runs: Sequence[ComparedRun]) -> str:
    return " and ".join(dict.fromkeys(run.method.value for run in runs))


def _levels(comparison: Comparison) -> FigureData:
    unit, origin = comparison.energy_unit, _origin(comparison.runs)
    rows: list[Row] = [
        (f"{run.label} ({run.method.value})", *(run.an_image(f"energy.{level}") for level in LEVELS))
        for run in comparison.runs
    ]
    return FigureData(
        name="runs-by-level",
        title="Energy of an image by level, run by run",
        caption=f"Energy of one image in {millions_of(unit)}, {origin}: counts × table. Unit: {unit}.",
        origin=origin,
        columns=(Column(name="run"), *(Column(name=level, unit=unit) for level in LEVELS)),
        rows=tuple(rows),
        drawing=Bars(
            label="run",
            series=tuple(Series(column=level, name=shown(level), fill=LEVEL_FILL[level]) for level in LEVELS),
            axis=f"energy [{millions_of(unit)} an image]",
            scale=MILLIONTH,
        ),
    )


def _by_layer(comparison: Comparison, name: str, what: str, figure: str, units: tuple[str, str, float]) -> FigureData:
    """units: of the numbers, of the axis, and the scale between them."""
    first, *others = comparison.runs
    origin, (unit, axis_unit, scale) = _origin(comparison.runs), units
    beside = {layer.name: layer.figures[figure] / first.batch for layer in first.layers}
    found = [{layer.name: layer.figures[figure] / run.batch for layer in run.layers} for run in others]
    rows = tuple(
        (layer, *(_difference(run.get(layer), amount) for run in found))
        for layer, amount in beside.items()
        if any(layer in run for run in found)
    )
    return FigureData(
        name=name,
        title=f"{what} of each layer, less that of {first.label}",
        caption=f"{what} of one image in {axis_unit}, {origin}: left of zero is less than {first.label} takes.",
        origin=origin,
        columns=(Column(name="layer"), *(Column(name=run.label, unit=unit) for run in others)),
        rows=rows,
        drawing=Bars(
            label="layer",
            series=tuple(
                Series(column=run.label, name=run.label, fill=at % len(FILLS)) for at, run in enumerate(others)
            ),
            axis=f"difference [{axis_unit} an image]",
            scale=scale,
            arrangement="grouped",
        ),
    )


def _difference(amount: float | None, first: float) -> Cell:
    return None if amount is None else amount - first
