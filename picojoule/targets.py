"""What `picojoule reproduce` can reproduce: for each published table or figure, the runs that give ours.

What is published, and how far ours may be from it, is in simulator/report/published/.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import simulator.run
from picojoule import fig10
from picojoule.terminal import Progress
from simulator.analytic.access_counts import count_accesses
from simulator.analytic.coding import Coding
from simulator.counts import Level
from simulator.energy import energy
from simulator.mapping.fits import ifmap_tile_words, psum_tile_words
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.published_figures import PublishedFigures, Rules, published_figures
from simulator.report.reproduction import Cell, Comparison, Reproduction, Row, compared, figure_of, mean_row
from simulator.report.silicon import METRICS, Compared, compare, compare_total, jssc2017_table5
from simulator.results import LayerResult, Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from workloads import open_workload
from workloads.built_in import built_in_network

_MILLION = 1e6
_WORD_BYTES = 2
_NETWORK = "alexnet"
_CHIP = "eyeriss-v1"
_DENSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0)
_NOT_HELD: Rules = MappingProxyType({})


def table3(_: Progress | None) -> Reproduction:
    """The parameters that the chip ran, and the GLB words that layer and mapping need."""
    published = published_figures("jssc2017_table3")
    mappings = load_mappings(published.more["mapping"])
    rows = tuple(_table3_row(layer, mappings[layer.name], published) for layer in _layers(published))
    title = "AlexNet CONV1-5, batch 4: the seven parameters of each mapping, and the GLB that it takes"
    return Reproduction(target="table3", published=published, comparisons=(Comparison(title=title, rows=rows),))


def table5(progress: Progress | None) -> Reproduction:
    """The five layers with their published mappings; below, CONV3 with the mapping that its GLB bytes fit."""
    table, published = jssc2017_table5(), published_figures("jssc2017_table5")
    result, other = (_simulated(published, mapping, progress) for mapping in ("jssc2017", "jssc2017-conv3b"))
    rows = _silicon_rows(compare(result, table), published.tolerances)
    conv3 = [replace(row, name="CONV3*") for row in compare(other, table) if row.name == "CONV3"]
    (starred,) = _silicon_rows(conv3, published.tolerances)
    (total,) = _silicon_rows([compare_total(result, table)], _NOT_HELD)
    held = [_held_by(row, starred) if row.name == "CONV3" else row for row in rows]
    comparison = Comparison(
        title="AlexNet CONV1-5, batch 4, published mappings, eyeriss-v1, beside the chip's measurements",
        rows=rows,
        below=(starred, total, mean_row(held, published.tolerances)),
    )
    return Reproduction(target="table5", published=published, comparisons=(comparison,))


def run_length(progress: Progress | None) -> Reproduction:
    """What coding the feature maps saves of all DRAM traffic, filters included."""
    published = published_figures("jssc2017_run_length")
    result = _simulated(published, published.more["mapping"], progress)
    machine = load_accelerator(_CHIP)
    rows = tuple(_reduction_row(layer, machine, published) for layer in result.layers)
    title = "AlexNet CONV1-5, batch 4, eyeriss-v1: raw DRAM words over what moves, padding of ifmaps raw words or not"
    comparison = Comparison(title=title, rows=rows, below=(mean_row(rows, published.tolerances),))
    return Reproduction(target="run-length", published=published, comparisons=(comparison,))


def formula(progress: Progress | None) -> Reproduction:
    """Total energy by simulation and by closed form, of the same networks, mappings and densities."""
    published = published_figures("asilomar2017_formula")
    machine = load_accelerator(published.more["accelerator"])
    rows = []
    for name in published.more["networks"]:
        result = simulator.run.simulate(
            name, accelerator=machine, batch=published.more["batch"], progress=_named(progress, name)
        )
        rows.append(_formula_row(result, machine, published))
    title = (
        "Energy of a network on eyeriss-estimation: simulated, and how far formulas from densities alone are from that"
    )
    comparison = Comparison(title=title, rows=tuple(rows))
    return Reproduction(target="formula", published=published, comparisons=(comparison,))


TARGETS: Mapping[str, Callable[[Progress | None], Reproduction]] = MappingProxyType(
    {"table3": table3, "table5": table5, "fig10": fig10.reproduced, "run-length": run_length, "formula": formula}
)
"""By the name that the command line takes, in the order in which they run."""


def _layers(published: PublishedFigures) -> tuple[Layer, ...]:
    return open_workload(_NETWORK, batch=published.more["batch"], layers=tuple(published.layers)).layers


def _simulated(published: PublishedFigures, mapping: str, progress: Progress | None) -> NetworkResult:
    return simulator.run.simulate(
        _NETWORK,
        accelerator=_CHIP,
        batch=published.more["batch"],
        layers=tuple(published.layers),
        mapping=mapping,
        progress=progress,
    )


def _table3_row(layer: Layer, mapping: RowStationaryMapping, published: PublishedFigures) -> Row:
    figures, rules = published.layers[layer.name], published.tolerances
    letters = "mnepqrt"
    same = sum(getattr(mapping, letter) == figures[letter] for letter in letters)
    cells = [compared(figure_of("parameters", "parameters", "of 7", (0, 0)), layer.name, same, len(letters), rules)]
    for key, label, words in (
        ("ifmap_kb", "ifmaps", ifmap_tile_words(mapping, layer)),
        ("psum_kb", "psums", psum_tile_words(mapping, layer)),
    ):
        kilobytes = words * _WORD_BYTES / published.more["bytes_per_kb"]
        cells.append(compared(figure_of(key, label, "kB", (1, 2)), layer.name, kilobytes, figures[key], rules))
    return Row(name=layer.name, mapping=mapping.to_dict(), cells=tuple(cells))


def _silicon_rows(rows: Sequence[Compared], rules: Rules) -> tuple[Row, ...]:
    figures = [
        figure_of(
            metric.key,
            metric.label,
            metric.unit.strip("[]"),
            (metric.published_decimals, metric.published_decimals + 1),
            Method.SIMULATED,
        )
        for metric in METRICS
    ]
    return tuple(
        Row(
            name=row.name,
            cells=tuple(
                compared(one, row.name, row.simulated[one.key], row.published[one.key], rules) for one in figures
            ),
        )
        for row in rows
    )


def _held_by(row: Row, other: Row) -> Row:
    """The row, with the other mapping's cell where its own is not held to what was published."""
    pairs = zip(row.cells, other.cells, strict=True)
    return replace(row, cells=tuple(own if own.is_held else theirs for own, theirs in pairs))


def _reduction_row(result: LayerResult, machine: Accelerator, published: PublishedFigures) -> Row:
    layer, factor = result.layer, published.layers[result.layer.name]["reduction"]
    padded = replace(layer, H=layer.padded_height, W=layer.padded_width, padding=(0, 0, 0, 0))
    moved = result.counts.moved_bits(Level.DRAM)
    raw = {
        "padded": ("with padding", _raw_dram_bits(padded, result.mapping, machine)),
        "stored": ("without", _raw_dram_bits(layer, result.mapping, machine)),
    }
    return Row(
        name=layer.name,
        cells=tuple(
            compared(
                figure_of(key, label, "x", (1, 2), Method.SIMULATED),
                layer.name,
                bits / moved,
                factor,
                published.tolerances,
            )
            for key, (label, bits) in raw.items()
        ),
    )


def _raw_dram_bits(layer: Layer, mapping: RowStationaryMapping, machine: Accelerator) -> int:
    words = count_accesses(layer, mapping, machine, _DENSE).words
    return machine.word_bits * sum(count for access, count in words.items() if access.level is Level.DRAM)


def _formula_row(result: NetworkResult, machine: Accelerator, published: PublishedFigures) -> Row:
    """Energy an image, and how far the two formulas are from it."""
    name, theirs = result.network, published.layers.get(result.network, {})
    simulated = sum(layer.energy.total for layer in result.layers)
    figure = figure_of("energy", "energy", "M MAC an image", (0, 1), Method.SIMULATED)
    an_image, of_theirs = simulated / result.batch / _MILLION, theirs.get("energy")
    if of_theirs is None:
        cells = [Cell(figure=figure, ours=an_image)]
    else:
        cells = [compared(figure, name, an_image, of_theirs / _MILLION, published.tolerances)]
    for key, label, coding in (
        ("paper_formula", "paper's formula", Coding.SIGNIFICANCE_MAP),
        ("our_formula", "our formula", Coding.RUN_LENGTH),
    ):
        off = 100 * (_formula_energy(result, machine, coding) / simulated - 1)
        cells.append(Cell(figure=figure_of(key, label, "% off", (1, 2)), ours=off, published=theirs.get(key)))
    return Row(name=name, cells=tuple(cells))


def _formula_energy(result: NetworkResult, machine: Accelerator, coding: Coding) -> float:
    densities = built_in_network(result.network).densities
    return sum(
        energy(
            count_accesses(each.layer, each.mapping, machine, densities[each.layer.name], coding), machine, each.layer
        ).total
        for each in result.layers
    )


def _named(progress: Progress | None, network: str) -> Progress | None:
    """The progress of one network, with its name before its layers'."""
    if progress is None:
        return None
    return lambda layer, done, passes: progress(f"{network} {layer}", done, passes)
