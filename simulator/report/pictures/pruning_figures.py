"""The figures of pruning runs: the path of energy and accuracy, and each layer before and after."""

from collections.abc import Iterator, Sequence

from simulator.report.pictures.figure_data import Bars, Column, FigureData, Guide, Points, Row, Series
from simulator.report.pictures.run_figures import MILLIONTH
from simulator.report.pictures.stored_runs import StoredPruning
from simulator.report.pictures.style import BLUE, LEVEL_FILL, ORANGE, SKY, VERMILION
from simulator.report.pictures.tables import TableRow, number
from simulator.report.run_reader import LEVELS
from simulator.report.verdict import millions_of, shown

_ORIGIN = "simulated"
_PARTS = (("weights", "weights", BLUE), ("nonzero_macs", "non-zero MACs", SKY), ("total_cycles", "cycles", ORANGE))


def pruning_figures(run: StoredPruning) -> tuple[FigureData, ...]:
    return pruning_path([run]), _layers(run), _what_is_left(run), _levels(run)


def pruning_path(runs: Sequence[StoredPruning]) -> FigureData:
    """Every step of every run."""
    limits = sorted({run.accuracy["limit"] for run in runs})
    images = ", ".join(dict.fromkeys(str(run.images["accuracy"]) for run in runs))
    rows = [row for run, name in zip(runs, _names(runs), strict=True) for row in _path_rows(run, name)]
    left = min(min(float(str(row[4])) for row in rows), 100.0)
    return FigureData(
        name="pruning-path",
        title="The path of energy and accuracy",
        caption=f"Each step of pruning: accuracy measured on {images} images, against energy simulated, in % of the "
        "original's. Outlined: a step that was tried and taken back.",
        origin="energy simulated, accuracy measured",
        columns=(
            Column(name="run"),
            Column(name="step"),
            Column(name="round"),
            Column(name="layer"),
            Column(name="energy_left", unit="%"),
            Column(name="accuracy", unit="%"),
            Column(name="weights", unit="words"),
            Column(name="energy", unit=_unit_of(runs)),
            Column(name="taken_back"),
        ),
        rows=tuple(rows),
        drawing=Points(
            x="energy_left",
            y="accuracy",
            x_axis="energy [% of the original's]",
            y_axis="accuracy [%]",
            label="step",
            group="run",
            hollow="taken_back",
            joined=True,
            guides=tuple(
                Guide(
                    name=f"at least {100 * limit:.2f} % was asked for",
                    points=((left, 100 * limit), (100.0, 100 * limit)),
                )
                for limit in limits
            ),
        ),
    )


def _names(runs: Sequence[StoredPruning]) -> list[str]:
    names = [f"{run.method}, by {run.order}" for run in runs]
    return (
        names
        if len(set(names)) == len(names)
        else [f"{run.folder}: {name}" for run, name in zip(runs, names, strict=True)]
    )


def _unit_of(runs: Sequence[StoredPruning]) -> str:
    """Of a column that has them all; only shares of a run's own are drawn."""
    units = list(dict.fromkeys(run.energy_unit for run in runs))
    return units[0] if len(units) == 1 else "each run's own unit"


def _caption(run: StoredPruning) -> str:
    unit, images = run.energy_unit, run.images["energy"]
    return f"Energy of {images} images in {millions_of(unit)}, simulated: counts × table. Unit: {unit}."


def _path_rows(run: StoredPruning, name: str) -> Iterator[Row]:
    original = float(number(run.steps[0]["energy"]))
    for step, row in enumerate(run.steps):
        energy = number(row["energy"])
        yield (
            name,
            step,
            number(row["round"]),
            row["layer"] or "as it was",
            100 * energy / original,
            100 * number(row["accuracy"]),
            number(row["weights"]),
            energy,
            row["accepted"] != "True",
        )


def _layers(run: StoredPruning) -> FigureData:
    return FigureData(
        name="pruned-energy",
        title="Energy of each layer, before and after",
        caption=_caption(run),
        origin=_ORIGIN,
        columns=(Column(name="layer"), *(Column(name=when, unit=run.energy_unit) for when in ("before", "after"))),
        rows=tuple((row["layer"], number(row["energy_before"]), number(row["energy_after"])) for row in run.layers),
        drawing=Bars(
            label="layer",
            series=(
                Series(column="before", name="before", fill=SKY),
                Series(column="after", name="after", fill=BLUE),
            ),
            axis=f"energy [{millions_of(run.energy_unit)}]",
            scale=MILLIONTH,
            arrangement="grouped",
        ),
    )


def _what_is_left(run: StoredPruning) -> FigureData:
    parts = (*_PARTS, ("energy", "energy", VERMILION))
    return FigureData(
        name="pruned-left",
        title="What is left of each layer",
        caption="Of the layer's own before pruning, in %; weights counted, the rest simulated.",
        origin="weights counted, the rest simulated",
        columns=(Column(name="layer"), *(Column(name=name, unit="%") for name, _, _ in parts)),
        rows=tuple((row["layer"], *(_left(row, name) for name, _, _ in parts)) for row in run.layers),
        drawing=Bars(
            label="layer",
            series=tuple(Series(column=name, name=title, fill=fill) for name, title, fill in parts),
            axis="left [%]",
            arrangement="grouped",
        ),
    )


def _left(row: TableRow, name: str) -> float | None:
    """None of nothing."""
    before, after = number(row[f"{name}_before"]), number(row[f"{name}_after"])
    return 100 * after / before if before else None


def _levels(run: StoredPruning) -> FigureData:
    return FigureData(
        name="pruned-levels",
        title="Energy by level, before and after",
        caption=_caption(run),
        origin=_ORIGIN,
        columns=(Column(name="network"), *(Column(name=level, unit=run.energy_unit) for level in LEVELS)),
        rows=tuple((when, *(run.energy[when][level] for level in LEVELS)) for when in ("before", "after")),
        drawing=Bars(
            label="network",
            series=tuple(Series(column=level, name=shown(level), fill=LEVEL_FILL[level]) for level in LEVELS),
            axis=f"energy [{millions_of(run.energy_unit)}]",
            scale=MILLIONTH,
        ),
    )
