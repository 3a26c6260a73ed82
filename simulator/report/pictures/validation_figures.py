"""The figures of a validation: the closed form beside the simulation."""

from simulator.report.pictures.figure_data import BOTH_AXES, Bars, Column, FigureData, Guide, Points, Series
from simulator.report.pictures.run_figures import MILLIONTH
from simulator.report.pictures.stored_runs import StoredValidation
from simulator.report.pictures.style import BLUE, ORANGE, VERMILION
from simulator.report.verdict import millions_of

_ORIGIN = "simulated and analytic"
_LEVELS = ("dram", "glb", "noc", "spad")


def validation_figures(run: StoredValidation) -> tuple[FigureData, ...]:
    return (
        _both_ways(
            run, ("validation-energy", "Energy", "energy"), (run.energy_unit, millions_of(run.energy_unit), MILLIONTH)
        ),
        _both_ways(run, ("validation-cycles", "Total cycles", "total_cycles"), ("core cycles", "M", MILLIONTH)),
        _errors(run),
        _counts(run),
    )


def _both_ways(run: StoredValidation, names: tuple[str, str, str], units: tuple[str, str, float]) -> FigureData:
    """names: of the figure, in words, of the column; units: of the numbers, of the axis, and the scale between them."""
    (name, what, column), (unit, axis_unit, scale) = names, units
    return FigureData(
        name=name,
        title=f"{what} of each layer, both ways",
        caption=f"{what} of the whole batch, in millions ({unit}), simulated and analytic.",
        origin=_ORIGIN,
        columns=(Column(name="layer"), Column(name="simulated", unit=unit), Column(name="analytic", unit=unit)),
        rows=tuple(
            (row["name"], row[f"{column}_simulated"], row[f"{column}_analytic"])
            for row in run.layers[:-1]  # the last is the network's total
        ),
        drawing=Bars(
            label="layer",
            series=(
                Series(column="simulated", name="simulated", fill=BLUE),
                Series(column="analytic", name="analytic", fill=ORANGE),
            ),
            axis=f"{what.lower()} [{axis_unit}]",
            scale=scale,
            arrangement="grouped",
        ),
    )


def _errors(run: StoredValidation) -> FigureData:
    return FigureData(
        name="validation-errors",
        title="By how much the closed form differs",
        caption="Analytic to simulated, in %; left of zero the closed form is below the simulation.",
        origin=_ORIGIN,
        columns=(Column(name="layer"), Column(name="energy", unit="%"), Column(name="total_cycles", unit="%")),
        rows=tuple((row["name"], 100 * row["energy_error"], 100 * row["total_cycles_error"]) for row in run.layers),
        drawing=Bars(
            label="layer",
            series=(
                Series(column="energy", name="energy", fill=VERMILION),
                Series(column="total_cycles", name="total cycles", fill=BLUE),
            ),
            axis="difference [%]",
            arrangement="grouped",
        ),
    )


def _counts(run: StoredValidation) -> FigureData:
    rows = tuple(
        (
            *(row["layer"], row["quantity"], _kind(row["quantity"])),
            *(row["simulated"], row["analytic"], row["unit"], row["deviations"]),
        )
        for row in run.rows
    )
    both = [float(row[way]) for row in run.rows for way in ("simulated", "analytic") if row[way] > 0]
    ends = ((min(both), min(both)), (max(both), max(both))) if both else ()
    return FigureData(
        name="validation-counts",
        title="Every count and cycle, both ways",
        caption="Each quantity of each layer: analytic against simulated. On the line both are the same; those that "
        "are 0 have no place on a logarithmic axis and are in the table. Accesses are in bits.",
        origin=_ORIGIN,
        columns=tuple(
            Column(name=name) for name in ("layer", "quantity", "kind", "simulated", "analytic", "unit", "deviations")
        ),
        rows=rows,
        drawing=Points(
            x="simulated",
            y="analytic",
            x_axis="simulated",
            y_axis="analytic",
            label="",
            group="kind",
            logarithmic=BOTH_AXES,
            guides=(Guide(name="both the same", points=ends),) if ends else (),
        ),
    )


def _kind(quantity: str) -> str:
    level = quantity.split(".")[0]
    if level in _LEVELS:
        return level
    return "MACs" if "macs" in quantity else "cycles"
