"""How runs side by side look on a terminal: totals, ratios, layers, what was compared, and what it says."""

from collections.abc import Iterator, Sequence

from simulator.report.comparison import Comparison, amounts, flat
from simulator.report.run_reader import LEVELS, TENSORS, ComparedLayer, ComparedRun
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.report.verdict import millions_of, shown

_MILLION = 1e6
_TOP_LAYERS = 5

Group = tuple[ComparedRun, str, Sequence[ComparedLayer]]
"""Layers of a run that share a row, and what the row is called."""


def comparison_text(comparison: Comparison, width: int | None = None) -> str:
    """What `picojoule compare` prints, ending in a newline; lines of at most `width` characters, if given."""
    runs, unit = comparison.runs, comparison.energy_unit
    layers = _shared_layers(comparison, width) if comparison.shares_layers else _top_layers(comparison, width)
    parts = [
        wrapped(f"{len(runs)} runs side by side, {_methods(runs)}; figures an image unless headed otherwise\n", width),
        render(_totals(runs, unit), width=width),
        wrapped(f"each as a multiple of {runs[0].label}\n", width),
        render(_ratios(comparison), width=width),
        *layers,
        wrapped("".join(f"note: {note}\n" for note in comparison.notes()) + _energy_note(unit), width),
        wrapped("".join(f"answer: {sentence}\n" for sentence in comparison.answer()), width),
    ]
    return "\n".join(parts)


def _methods(runs: Sequence[ComparedRun]) -> str:
    methods = sorted({run.method.value for run in runs})
    return f"all figures {methods[0]}" if len(methods) == 1 else f"figures {' or '.join(methods)}, as each row says"


def _totals(runs: Sequence[ComparedRun], unit: str) -> list[Column]:
    rows = [amounts(run) for run in runs]
    millions = (f"[{millions_of(unit)}", "an image]")
    columns = [
        _text(("run",), [run.label for run in runs]),
        _text(("network",), [run.network for run in runs]),
        _text(("accelerator",), [run.arch for run in runs]),
        number_column(("batch", "[images]"), [run.batch for run in runs], decimals=0),
        _text(("method",), [run.method.value for run in runs]),
        number_column(("layers", "[-]"), [len(run.layers) for run in runs], decimals=0),
        number_column(("weights", "[M]"), [row["weights"] / _MILLION for row in rows]),
        number_column(("MACs", "[M", "an image]"), [row["macs"] / _MILLION for row in rows]),
        number_column(("non-zero", "MACs [M", "an image]"), [row["nonzero_macs"] / _MILLION for row in rows]),
        number_column(("time", "[ms", "an image]"), [row["total_ms"] for row in rows]),
        *(
            number_column((shown(part), "energy", *millions), [row["energy"][part] / _MILLION for row in rows])
            for part in (*LEVELS, "total")
        ),
        number_column(("energy", f"a MAC [{_one(unit)}]"), [row["energy_per_mac"] for row in rows]),
    ]
    if all(run.label == run.network for run in runs):
        del columns[1]
    if any(run.batch > 1 for run in runs):
        whole = [run.whole_batch("energy.total") / _MILLION for run in runs]
        columns.append(number_column(("total", "energy", f"[{millions_of(unit)}", "a batch]"), whole))
    return columns


def _ratios(comparison: Comparison) -> list[Column]:
    """Of all runs but the first, which would be 1 throughout."""
    rows = comparison.run_rows()[1:]
    ratios = [flat(row["ratio_to_first"]) for row in rows]
    headings = {
        "weights": ("weights", "[x]"),
        "macs": ("MACs", "[x]"),
        "nonzero_macs": ("non-zero", "MACs [x]"),
        "total_ms": ("time", "[x]"),
        **{f"energy.{part}": (shown(part), "energy", "[x]") for part in (*LEVELS, "total")},
        "energy_per_mac": ("energy", "a MAC [x]"),
    }
    figures = [number_column(heading, [ratio[key] for ratio in ratios]) for key, heading in headings.items()]
    return [_text(("run",), [row["name"] for row in rows]), *figures]


def _shared_layers(comparison: Comparison, width: int | None) -> Iterator[str]:
    """A row a layer, in the order in which they first occur; empty where a run has no such layer."""
    names = list(dict.fromkeys(layer.name for run in comparison.runs for layer in run.layers))
    columns = [_text(("layer",), [*names, "total"])]
    first = _energies(comparison.runs[0], names)
    for run in comparison.runs:
        columns += _run_columns(run, _energies(run, names), None if run is comparison.runs[0] else first)
    yield wrapped(f"energy by layer, beside that of {comparison.runs[0].label}\n", width)
    yield render(columns, totals=1, width=width)


def _energies(run: ComparedRun, names: Sequence[str]) -> list[float | None]:
    """Of each layer that the run has, then of all of them; for one image."""
    found = {layer.name: layer.figures["energy.total"] / run.batch for layer in run.layers}
    return [*(found.get(name) for name in names), run.energy]


def _run_columns(
    run: ComparedRun, energies: Sequence[float | None], first: Sequence[float | None] | None
) -> Iterator[Column]:
    unit = (f"[{millions_of(run.energy_unit)}", "an image]")
    yield number_column((run.label, *unit), [None if one is None else one / _MILLION for one in energies])
    if first is not None:
        pairs = [(one, other) for one, other in zip(energies, first, strict=True)]
        above = [None if one is None or other is None else (one - other) / _MILLION for one, other in pairs]
        change = [None if one is None or not other else 100 * (one / other - 1) for one, other in pairs]
        yield number_column(("difference", *unit), above, joined=True)
        yield number_column(("change", "[%]"), change, joined=True)


def _top_layers(comparison: Comparison, width: int | None) -> Iterator[str]:
    """Different networks have no layers in common: those of each that take most, and the rest of it."""
    rows = [row for run in comparison.runs for row in _top_rows(run)]
    label_width = max(len(run.label) for run in comparison.runs)
    unit = millions_of(comparison.energy_unit)
    columns = [
        _text(
            (f"{'run'.ljust(label_width)}  layer",),
            [f"{run.label.ljust(label_width)}  {name}" for run, name, _ in rows],
        ),
        number_column(("weights", "[M]"), [_sum(layers, "weights") / _MILLION for _, _, layers in rows]),
        number_column(
            ("MACs", "[M", "an image]"), [_sum(layers, "macs") / run.batch / _MILLION for run, _, layers in rows]
        ),
        number_column(
            ("energy", f"[{unit}", "an image]"),
            [_sum(layers, "energy.total") / run.batch / _MILLION for run, _, layers in rows],
        ),
        number_column(("share of", "energy [%]"), [_share(run, layers) for run, _, layers in rows], decimals=1),
        _text(("largest level", "[% of the row]"), [_largest(layers, "energy", LEVELS) for _, _, layers in rows]),
        _text(
            ("largest tensor", "[% of the row]"),
            [_largest(layers, "energy_by_tensor", TENSORS) for _, _, layers in rows],
        ),
    ]
    yield wrapped(f"the {_TOP_LAYERS} layers of each run that take most energy, and the rest of it\n", width)
    yield render(columns, width=width)


def _top_rows(run: ComparedRun) -> list[Group]:
    ordered = sorted(run.layers, key=lambda layer: -layer.figures["energy.total"])
    top, rest = ordered[:_TOP_LAYERS], ordered[_TOP_LAYERS:]
    others: list[Group] = [(run, "1 other" if len(rest) == 1 else f"{len(rest)} others", rest)] if rest else []
    return [*((run, layer.name, (layer,)) for layer in top), *others]


def _sum(layers: Sequence[ComparedLayer], figure: str) -> float:
    return sum(layer.figures[figure] for layer in layers)


def _share(run: ComparedRun, layers: Sequence[ComparedLayer]) -> float | None:
    total = run.whole_batch("energy.total")
    return 100 * _sum(layers, "energy.total") / total if total else None


def _largest(layers: Sequence[ComparedLayer], kind: str, parts: Sequence[str]) -> str:
    total = _sum(layers, "energy.total")
    found = {part: _sum(layers, f"{kind}.{part}") for part in parts}
    most = max(parts, key=lambda part: found[part])
    return f"{shown(most)} {100 * found[most] / total:.1f}" if total else ""


def _energy_note(unit: str) -> str:
    return f"energy = counts x table, in millions of its unit, {unit}\n"


def _one(unit: str) -> str:
    return millions_of(unit).removeprefix("M ")


def _text(heading: tuple[str, ...], cells: list[str]) -> Column:
    return Column(heading=heading, cells=tuple(cells), is_text=True)
