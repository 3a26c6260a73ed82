"""Runs side by side: networks, machines, batches or run folders, in total and layer by layer.

Figures are for one image, so that batches compare. What they say in sentences is verdict.py, how they look on a
terminal comparison_text.py, the picture figures.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import SpecError
from simulator.report.run_reader import LEVELS, TENSORS, ComparedLayer, ComparedRun
from simulator.report.verdict import verdict

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """At least two runs, each with a label of its own; ratios and differences are to the first."""

    runs: tuple[ComparedRun, ...]

    @property
    def energy_unit(self) -> str:
        return self.runs[0].energy_unit

    @property
    def shares_layers(self) -> bool:
        """Is it the same network, or are the layers of the shortest run, by name, in all others?"""
        names = [{layer.name for layer in run.layers} for run in self.runs]
        return len({run.network for run in self.runs}) == 1 or set.intersection(*names) == min(names, key=len)

    def to_dict(self) -> dict[str, Any]:
        """The object that `--json` prints: docs/reference.md defines each field."""
        return {
            "energy_unit": self.energy_unit,
            "runs": self.run_rows(),
            "layers": self.layer_rows(),
            "notes": list(self.notes()),
            "answer": list(self.answer()),
        }

    def run_rows(self) -> list[Row]:
        first = amounts(self.runs[0])
        return [_run_row(run) | {"ratio_to_first": _ratios(amounts(run), first)} for run in self.runs]

    def layer_rows(self) -> list[Row]:
        """Long form: every layer of every run."""
        first = self.runs[0]
        energies = {layer.name: layer.figures["energy.total"] / first.batch for layer in first.layers}
        beside = energies if self.shares_layers else {}
        return [_layer_row(run, layer, beside.get(layer.name)) for run in self.runs for layer in run.layers]

    def answer(self) -> tuple[str, ...]:
        return verdict(self.runs)

    def notes(self) -> Iterator[str]:
        """What a reader of the figures must know of how the runs differ, and of each."""
        if self.shares_layers and len({frozenset(layer.name for layer in run.layers) for run in self.runs}) > 1:
            yield "not all runs have the same layers: totals and their ratios are of different work"
        if len({run.energy_table for run in self.runs}) > 1:
            yield "energy tables, or the accesses that they charge, differ between runs, in one unit: " + "; ".join(
                f"{labels}: sha256 {table[:12]}" for table, labels in self._labels_by(lambda run: (run.energy_table,))
            )
        yield from (f"{labels}: {data}" for data, labels in self._labels_by(lambda run: (run.data,)))
        yield from (f"{labels}: {note}" for note, labels in self._labels_by(lambda run: run.notes))

    def _labels_by(self, values: Callable[[ComparedRun], tuple[str, ...]]) -> list[tuple[str, str]]:
        """Each value that a run has, and the labels of all runs that have it."""
        found: dict[str, list[str]] = {}
        for run in self.runs:
            for value in values(run):
                found.setdefault(value, []).append(run.label)
        return [(value, ", ".join(labels)) for value, labels in found.items()]


def comparison_of(runs: Sequence[ComparedRun]) -> Comparison:
    """The runs, labelled so that each can be told from the others. Raises SpecError."""
    if len(runs) < 2:
        raise SpecError(
            f"{runs[0].label if runs else 'compare'}: nothing to compare it with; give another network or run folder, "
            "or --arch or --batch a second time"
        )
    units = {run.energy_unit: run.label for run in runs}
    if len(units) > 1:
        (unit, label), (other_unit, other_label) = list(units.items())[:2]
        raise SpecError(
            f"{label}, {other_label}: energies in {unit} and in {other_unit} cannot be set side by side; run both with "
            "one energy table (--energy)"
        )
    return Comparison(runs=tuple(replace(run, label=label) for run, label in zip(runs, _labels(runs), strict=True)))


def amounts(run: ComparedRun) -> Row:
    """The figures that runs are compared by: for one image, but weights and energy_per_mac."""
    return _amounts(run.an_image, run.weights)


def flat(row: Row, prefix: str = "") -> Row:
    """Nested fields with a dot: the columns of the CSV files."""
    found: Row = {}
    for key, value in row.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _labels(runs: Sequence[ComparedRun]) -> list[str]:
    """The shortest description under which all differ; numbered where the same is given twice."""
    networks = [run.network for run in runs]
    machines = len({run.arch for run in runs}) > 1
    batches = len({run.batch for run in runs}) > 1
    for several_machines, several_batches in ((False, False), (machines, False), (False, batches), (machines, batches)):
        found = [
            network + f" on {run.arch}" * several_machines + f", batch {run.batch}" * several_batches
            for network, run in zip(networks, runs, strict=True)
        ]
        if len(set(found)) == len(runs):
            return found
    given = [run.label for run in runs]
    return given if len(set(given)) == len(runs) else [f"{number}: {label}" for number, label in enumerate(given, 1)]


def _run_row(run: ComparedRun) -> Row:
    return {
        "name": run.label,
        "network": run.network,
        "arch": run.arch,
        "batch": run.batch,
        "method": run.method.value,
        "data": run.data,
        "energy_table": run.energy_table,
        "layer_count": len(run.layers),
        **amounts(run),
        "batch_energy": run.whole_batch("energy.total"),
    }


def _ratios(these: Row, those: Row) -> Row:
    """None where the first run has nothing."""
    return {
        key: _ratios(value, those[key]) if isinstance(value, dict) else value / those[key] if those[key] else None
        for key, value in these.items()
    }


def _layer_row(run: ComparedRun, layer: ComparedLayer, first: float | None) -> Row:
    figures = _amounts(lambda figure: layer.figures[figure] / run.batch, layer.figures["weights"])
    energy, total = figures["energy"]["total"], run.energy
    return {
        "run": run.label,
        "name": layer.name,
        **figures,
        "share_of_energy": energy / total if total else None,
        "energy_above_first": None if first is None else energy - first,
    }


def _amounts(an_image: Callable[[str], float], weights: float) -> Row:
    return {
        "weights": round(weights),
        "macs": round(an_image("macs")),
        "nonzero_macs": an_image("nonzero_macs"),
        "total_ms": an_image("total_ms"),
        "energy": {part: an_image(f"energy.{part}") for part in (*LEVELS, "total")},
        "energy_by_tensor": {part: an_image(f"energy_by_tensor.{part}") for part in TENSORS},
        "energy_per_mac": an_image("energy.total") / an_image("macs"),
    }
