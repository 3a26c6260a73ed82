"""The report page: every figure of one run or of several, their numbers, and what their energy is the sum of."""

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from simulator.report.pictures.bar_lengths import extent, segments
from simulator.report.pictures.figure_data import Bars, Figure, FigureData
from simulator.report.pictures.page_parts import (
    HINT,
    csv_link,
    folded,
    grid,
    page_frame,
    page_text,
    put_figure,
    put_table,
    section,
)
from simulator.report.pictures.page_sweeps import put_sweep
from simulator.report.pictures.pruning_figures import pruning_figures, pruning_path
from simulator.report.pictures.run_figures import array_figures, run_figures
from simulator.report.pictures.several_runs import Total, difference_figures, labels_of, totals_of
from simulator.report.pictures.stored_runs import Stored, StoredPruning, StoredRun, StoredValidation, Sum
from simulator.report.pictures.stored_sweeps import StoredSweep
from simulator.report.pictures.svg import put
from simulator.report.pictures.validation_figures import validation_figures
from simulator.report.run_folder import csv_text


def page_html(stored: Sequence[Stored]) -> str:
    """A page that loads nothing. The same folders give the same bytes. Raises SpecError."""
    runs = [one for one in stored if isinstance(one, StoredRun)]
    labels = labels_of(runs) if runs else ()
    html, main = page_frame(_title(stored, labels))
    put(main, "p", "weak", HINT)
    if runs:
        _put_runs(main, runs, labels)
    _put_prunings(main, [one for one in stored if isinstance(one, StoredPruning)])
    for number, one in enumerate((one for one in stored if isinstance(one, StoredValidation)), start=1):
        _put_validation(main, one, f"validation-{number}")
    sweeps = [one for one in stored if isinstance(one, StoredSweep)]
    for number, sweep in enumerate(sweeps, start=1):
        put_sweep(main, sweep, f"sweep-{number}", f"{sweep.folder}: " if len(sweeps) > 1 else "")
    return page_text(html)


def _title(stored: Sequence[Stored], labels: Sequence[str]) -> str:
    names = list(labels)
    if len(labels) == 1 and isinstance(stored[0], StoredRun):
        run = stored[0].compared
        names = [f"{run.network} on {run.arch}, batch {run.batch} ({run.method.value})"]
    names += [f"{one.model} pruned" for one in stored if isinstance(one, StoredPruning)]
    names += [f"{one.network} validated" for one in stored if isinstance(one, StoredValidation)]
    names += [f"{', '.join(one.networks)} swept ({one.origin})" for one in stored if isinstance(one, StoredSweep)]
    return " · ".join(dict.fromkeys(names))


def _put_runs(main: Element, runs: Sequence[StoredRun], labels: Sequence[str]) -> None:
    _put_totals(main, runs, labels)
    differences = difference_figures(runs)
    if differences:
        _put_figures(section(main, "differences", "Run against run"), differences, "runs")
    _put_kinds(main, runs, labels)
    _put_arrays(main, runs, labels)
    _put_sums(main, runs, labels)


def _put_kinds(main: Element, runs: Sequence[StoredRun], labels: Sequence[str]) -> None:
    """One run: all its figures beside one another. Several: for each kind of figure, the runs beside one another."""
    if len(runs) == 1:
        _put_figures(section(main, "figures", "Where energy and time go"), run_figures(runs[0]), "run-1")
        return
    for of_runs in zip(*map(run_figures, runs), strict=True):
        _put_side_by_side(section(main, of_runs[0].name, of_runs[0].title), of_runs, labels)


def _put_side_by_side(parent: Element, figures: Sequence[Figure], labels: Sequence[str]) -> None:
    """Bars on one scale, so that their lengths compare."""
    around = grid(parent)
    for number, (figure, label) in enumerate(zip(_on_one_scale(figures), labels, strict=True), start=1):
        put_figure(around, figure, f"run-{number}", label)


def _on_one_scale(figures: Sequence[Figure]) -> list[Figure]:
    drawn = [figure for figure in figures if isinstance(figure, FigureData) and isinstance(figure.drawing, Bars)]
    if len(drawn) < len(figures):
        return list(figures)
    reach = max(_longest(figure, figure.drawing) for figure in drawn if isinstance(figure.drawing, Bars))
    return [
        replace(figure, drawing=replace(figure.drawing, reach=reach))
        for figure in drawn
        if isinstance(figure.drawing, Bars)
    ]


def _longest(figure: FigureData, bars: Bars) -> float:
    return extent([segments(figure, bars, row) for row in range(len(figure.rows))])[1]


def _put_figures(parent: Element, figures: Sequence[Figure], prefix: str) -> None:
    around = grid(parent)
    for figure in figures:
        put_figure(around, figure, prefix)


def _put_totals(main: Element, runs: Sequence[StoredRun], labels: Sequence[str]) -> None:
    found = section(main, "totals", "Totals", "Energy = counts × table.")
    headings = ["of the network"]
    headings += [f"{label} ({run.origin})" for run, label in zip(runs, labels, strict=True)]
    headings += [f"{label}, to the first" for label in labels[1:]]
    put_table(found, headings, [_total_row(total) for total in totals_of(runs)])
    for run, label in zip(runs, labels, strict=True):
        compared = run.compared
        where = f"{label}, {compared.arch}, batch {compared.batch}, {run.origin}; folder {run.folder}"
        put(found, "p", "weak", f"{where}. {'; '.join((compared.data, *compared.notes))}.")


def _total_row(total: Total) -> list[str]:
    first, *others = total.amounts
    amounts = [f"{amount:,.{total.decimals}f}" for amount in total.amounts]
    return [f"{total.name} [{total.unit}]", *amounts, *(f"{other / first:.3f}" if first else "–" for other in others)]


def _put_arrays(main: Element, runs: Sequence[StoredRun], labels: Sequence[str]) -> None:
    found = section(main, "array", "The array, layer by layer")
    for number, (run, label) in enumerate(zip(runs, labels, strict=True), start=1):
        around = put(found, "div", "run")
        names = [row["name"] for row in run.layers]
        if run.machine is not None:
            _put_chooser(around, f"layer-{number}", names, f"Layer of {label}" if len(runs) > 1 else "Layer")
        for at, name in enumerate(names if run.machine is not None else names[:1]):
            layer = put(around, "div", "layer figures", data_layer=name, **({"hidden": "hidden"} if at else {}))
            for figure in array_figures(run, name):
                heading = f"{label}, {figure.title}" if len(runs) > 1 else ""
                put_figure(layer, figure, f"run-{number}-layer-{at + 1}", heading)


def _put_chooser(parent: Element, name: str, layers: Sequence[str], words: str) -> None:
    around = put(parent, "p", "chooser")
    put(around, "label", words=f"{words} ").set("for", name)
    select = put(around, "select", id=name)
    for layer in layers:
        put(select, "option", words=layer, value=layer)


def _put_sums(main: Element, runs: Sequence[StoredRun], labels: Sequence[str]) -> None:
    words = "Each row's energy is bits / 16 × cost, or MACs × cost: the sums above can be done again from here."
    found = section(main, "sum", "What the energy is the sum of", words)
    for number, (run, label) in enumerate(zip(runs, labels, strict=True), start=1):
        prefix = f"{label}: " if len(runs) > 1 else ""
        if run.machine is not None:
            table = folded(found, f"{prefix}energy table [{run.compared.energy_unit}]")
            put_table(table, ("of one 16-bit word, or one MAC", "cost", "source"), _cost_rows(run))
        counts = folded(found, f"{prefix}counts × table ({run.origin}), layer by layer")
        rows = [_sum_row(term) for term in run.sums()]
        headings = ("layer", "what", "words", "bits", "cost", f"energy [{run.compared.energy_unit}]")
        csv_link(put(counts, "div", "links"), _csv(headings, rows, run.origin), f"run-{number}-counts")
        put_table(counts, headings, rows)


def _csv(headings: Sequence[str], rows: Sequence[Sequence[object]], origin: str) -> str:
    return csv_text({**dict(zip(headings, row, strict=True)), "origin": origin} for row in rows)


def _cost_rows(run: StoredRun) -> list[list[str | float]]:
    """By access, then those that differ from their level; what is free says why."""
    assert run.machine is not None
    accelerator = run.machine.accelerator
    table = accelerator.energy
    rows: list[list[str | float]] = [
        [level, cost.per_access, cost.source]
        for level, cost in (
            ("mac", table.mac),
            ("spad", table.spad),
            ("noc", table.noc),
            ("glb", table.glb),
            ("dram", table.dram),
        )
    ]
    rows += [[access, cost.per_access, cost.source] for access, cost in table.access.items()]
    rows += [[str(access), 0.0, f"not charged: {accelerator.charges.why}"] for access in accelerator.charges.free]
    return rows


def _sum_row(term: Sum) -> list[str | float | None]:
    return [term.layer, term.name, term.words, term.bits, term.cost, term.energy]


def _put_prunings(main: Element, runs: Sequence[StoredPruning]) -> None:
    if len(runs) > 1:
        _put_figures(section(main, "pruning", "Pruning: run against run"), [pruning_path(runs)], "pruning")
    for number, run in enumerate(runs, start=1):
        title = f"Pruning of {run.model}: {run.method}, layers by {run.order}"
        accuracy = {when: f"{100 * share:.2f} %" for when, share in run.accuracy.items()}
        saved = 100 * (1 - run.energy["after"]["total"] / run.energy["before"]["total"])
        found = section(
            main,
            f"pruning-{number}",
            title,
            f"On {run.arch}: energy saved {saved:.1f} % (simulated); accuracy {accuracy['before']} before, "
            f"{accuracy['after']} after, on {run.images['accuracy']} images; at least {accuracy['limit']} was asked "
            f"for. Folder {run.folder}.",
        )
        for reason in run.why:
            put(found, "p", "weak", f"Why: {reason}")
        _put_figures(found, pruning_figures(run), f"pruning-{number}")


def _put_validation(main: Element, run: StoredValidation, name: str) -> None:
    verdict = "passed" if run.passed else f"FAILED: {'; '.join(run.faults)}"
    found = section(
        main,
        name,
        f"Validation of {run.network}: analytic against simulated",
        f"On {run.arch}, batch {run.batch}: {verdict}. Folder {run.folder}.",
    )
    for method, data in run.data.items():
        put(found, "p", "weak", f"{method}: {data}")
    _put_figures(found, validation_figures(run), name)
