"""`picojoule plot`: one figure of a run folder, for a paper: SVG, PDF or PNG, or its numbers as CSV."""

from collections.abc import Sequence
from pathlib import Path

from simulator.errors import SpecError, near_miss
from simulator.report.pictures.figure_data import Absent, Figure
from simulator.report.pictures.pruning_figures import pruning_figures
from simulator.report.pictures.run_figures import ARRAY_FIGURES, array_figures, layer_of, run_figures
from simulator.report.pictures.stored_runs import Stored, StoredPruning, StoredRun, read_stored
from simulator.report.pictures.stored_sweeps import StoredSweep
from simulator.report.pictures.sweep_figures import sweep_figures, thinned
from simulator.report.pictures.validation_figures import validation_figures
from simulator.report.run_folder import check_file, write_files


def run(folder: Path, name: str, *, layer: str | None, output: Path) -> None:
    """Write the figure, whole or not at all. Raises PicojouleError."""
    _check_place(output)
    stored = read_stored(folder)
    if layer is not None and name not in ARRAY_FIGURES:
        raise SpecError(f"--layer {layer}: for {' and '.join(ARRAY_FIGURES)} only; leave it out")
    figure = _chosen(_figures(stored, layer), name, folder)
    if isinstance(figure, Absent):
        raise SpecError(f"{folder}: {name} cannot be drawn: {figure.reason}")
    if output.suffix.lower() == ".csv":
        write_files(output.parent, {output.name: figure.csv()})
    else:
        from simulator.report.pictures.plots import write_plot  # matplotlib takes a while to load

        figure = thinned(figure) if isinstance(stored, StoredSweep) else figure
        write_plot(figure, output)
    print(f"{output}: written\n{figure.title}. {figure.caption}")


def _check_place(output: Path) -> None:
    if output.suffix.lower() == ".csv":
        check_file(output)
        return
    from simulator.report.figures import check_picture

    check_picture(output)


def _figures(stored: Stored, layer: str | None) -> Sequence[Figure]:
    if isinstance(stored, StoredSweep):
        return sweep_figures(stored)
    if isinstance(stored, StoredRun):
        return *run_figures(stored), *array_figures(stored, layer_of(stored, layer))
    return pruning_figures(stored) if isinstance(stored, StoredPruning) else validation_figures(stored)


def _chosen(figures: Sequence[Figure], name: str, folder: Path) -> Figure:
    for figure in figures:
        if figure.name == name:
            return figure
    names = [figure.name for figure in figures]
    near = near_miss(name, names)
    hint = "" if near is None else f"did you mean {near!r}? "
    raise SpecError(f"{folder}: no figure {name!r}; {hint}it has {', '.join(names)}")
