"""How far is a simulation from the silicon that was measured? The published table, and each figure's error beside it.

How far it may be is in the table's file too; `picojoule reproduce table5` and the anchor tests hold it to that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from simulator.report.published_figures import published_figures
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import NetworkResult

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """Published figures by layer, keyed as in the file: `total_ms`, `active_pes`, `glb_mb`, …

    certainty  of each key: `seen` in the authors' own document, or `transcribed` by others
    """

    name: str
    source: str
    batch: int
    bytes_per_mb: int
    certainty: Mapping[str, str]
    layers: Mapping[str, Figures]
    total: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One row of the comparison: simulated figures beside published ones, both with the published table's keys."""

    name: str
    simulated: Figures
    published: Figures

    def error_percent(self, key: str) -> float:
        """Of the simulated figure, relative to the published one."""
        return 100 * (self.simulated[key] / self.published[key] - 1)


class Metric(NamedTuple):
    """A figure of the table: its key, how it is shown, and the digits after the point that are published."""

    key: str
    label: str
    unit: str
    published_decimals: int


METRICS = (
    Metric("processing_ms", "processing", "[ms]", 1),
    Metric("total_ms", "total time", "[ms]", 1),
    Metric("active_pes", "active PEs", "[PEs]", 0),
    Metric("glb_mb", "GLB", "[MB]", 1),
    Metric("dram_mb", "DRAM", "[MB]", 1),
)


def jssc2017_table5() -> PublishedTable:
    """AlexNet CONV1-5 at batch 4, measured on the Eyeriss chip (JSSC 2017, Table V)."""
    found = published_figures("jssc2017_table5")
    return PublishedTable(
        name=found.name, source=found.source, certainty=found.certainty, layers=found.layers, **found.more
    )


def compare(result: NetworkResult, table: PublishedTable) -> tuple[Compared, ...]:
    """A row for each layer that the table has, in the order of the result."""
    rows = [layer.to_dict() for layer in result.layers if layer.layer.name in table.layers]
    return tuple(_compared(row["name"], row, table.layers[row["name"]], table) for row in rows)


def compare_total(result: NetworkResult, table: PublishedTable) -> Compared:
    """The network's totals beside the table's."""
    return _compared("total", result.total(), table.total, table)


def comparison_text(
    layers: Sequence[Compared], below: Sequence[Compared], table: PublishedTable, width: int | None = None
) -> str:
    """The table of simulated and published figures with each error; `below` are rows under the rule, such as totals."""
    rows = [*layers, *below]
    names = Column(heading=("layer",), cells=tuple(row.name for row in rows), is_text=True)
    columns = [names, *(column for metric in METRICS for column in _metric_columns(metric, rows))]
    below_it = wrapped(_errors(layers) + _source(table), width)
    return render(columns, totals=len(below), width=width) + "\n" + below_it


def _compared(name: str, row: Mapping[str, Any], published: Figures, table: PublishedTable) -> Compared:
    simulated = {key: row[key] for key in ("processing_ms", "total_ms", "active_pes")}
    megabytes = {f"{part}_mb": row[f"{part}_bytes"] / table.bytes_per_mb for part in ("glb", "dram")}
    return Compared(name=name, simulated={**simulated, **megabytes}, published=published)


def _metric_columns(metric: Metric, rows: Sequence[Compared]) -> list[Column]:
    key, label, unit, decimals = metric
    return [
        number_column((label, "simulated", unit), [row.simulated[key] for row in rows], decimals=decimals + 1),
        number_column((label, "published", unit), [row.published[key] for row in rows], decimals=decimals, joined=True),
        number_column((label, "error", "[%]"), [row.error_percent(key) for row in rows], decimals=1, joined=True),
    ]


def _errors(layers: Sequence[Compared]) -> str:
    """Mean and largest error over the layers, whatever its sign."""
    parts = []
    for metric in METRICS:
        sizes = [abs(row.error_percent(metric.key)) for row in layers]
        parts.append(f"{metric.label} {sum(sizes) / len(sizes):.1f} % (largest {max(sizes):.1f} %)")
    return f"mean absolute error over {len(layers)} layers: {', '.join(parts)}\n"


def _source(table: PublishedTable) -> str:
    transcribed = [metric.label for metric in METRICS if table.certainty[metric.key] == "transcribed"]
    return (
        f"published: {table.source}, batch {table.batch}; MB = {table.bytes_per_mb:,} bytes; "
        f"{', '.join(transcribed)} as transcribed by others, the rest seen in the authors' own document\n"
    )
