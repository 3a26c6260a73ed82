"""ISCA 2016, Fig. 10: energy by level of AlexNet's layers on a machine of 256 PEs, whose mappings are not published.

Two mappings a layer stand beside the figure: the one of least energy, and of those near it the one that fits best.
"""

from picojoule.terminal import Progress
from simulator.analytic.access_counts import count_accesses
from simulator.analytic.level_fit import closest_mapping
from simulator.analytic.mapping_cost import dense_objective
from simulator.counts import Level
from simulator.energy import energy
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.report.published_figures import PublishedFigures, Rules, published_figures
from simulator.report.reproduction import Cell, Comparison, Reproduction, Row, compared, figure_of
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from workloads import open_workload

_MILLION = 1e6
_LABELS = {"mac": "MAC", "spad": "spad", "noc": "NoC", "glb": "GLB", "dram": "DRAM"}
_DENSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0)

Energies = dict[str, float]


def reproduced(progress: Progress | None) -> Reproduction:
    """Every layer with both mappings."""
    published = published_figures("isca2016_fig10")
    machine, share = load_accelerator(published.more["accelerator"]), published.more["above_least_percent"]
    layers = open_workload("alexnet", batch=published.more["batch"], layers=tuple(published.layers)).layers
    rows = []
    for done, layer in enumerate(layers):
        if progress is not None:
            progress(layer.name, done, len(layers))
        rows.append(_rows(layer, machine, published, share / 100))
    least, close = zip(*rows, strict=True)
    title = f"The mapping that fits the figure best, of all that cost at most {share:g} % more than the least"
    comparisons = (
        Comparison(title="AlexNet, batch 16, isca16-256: the mapping of least energy", rows=least),
        Comparison(title=title, rows=close),
    )
    return Reproduction(target="fig10", published=published, comparisons=comparisons)


def _rows(layer: Layer, machine: Accelerator, published: PublishedFigures, share: float) -> tuple[Row, Row]:
    """Of the mapping of least energy, whose total is held; and of the closest, whose levels are."""
    figures, rules = published.layers[layer.name], published.tolerances
    least = find_mapping(layer, machine, dense_objective(layer, machine))
    close = closest_mapping(layer, machine, {level: figures[level.value] for level in Level}, share)
    of_least, of_close = _energies(layer, least, machine), _energies(layer, close, machine)
    total = _cell("total", "total", layer, (of_least["total"], sum(figures.values())), rules)
    above = Cell(
        figure=figure_of("above", "above least", "%", (1, 1)),
        ours=100 * (of_close["total"] / of_least["total"] - 1),
    )
    moved = [_level(level, layer, of_least, published, {}) for level in _LABELS if level != "mac"]
    levels = [_level(level, layer, of_close, published, rules) for level in _LABELS]
    return (
        Row(name=layer.name, mapping=least.to_dict(), cells=(total, *moved)),
        Row(name=layer.name, mapping=close.to_dict(), cells=(above, *levels)),
    )


def _level(level: str, layer: Layer, energies: Energies, published: PublishedFigures, rules: Rules) -> Cell:
    return _cell(level, _LABELS[level], layer, (energies[level], published.layers[layer.name][level]), rules)


def _cell(key: str, label: str, layer: Layer, energies: tuple[float, float], rules: Rules) -> Cell:
    """`energies` are ours and what was published, in the energy of one MAC."""
    ours, published = (energy / _MILLION for energy in energies)
    return compared(figure_of(key, label, "M MAC", (1, 1)), layer.name, ours, published, rules)


def _energies(layer: Layer, mapping: RowStationaryMapping, machine: Accelerator) -> Energies:
    return energy(count_accesses(layer, mapping, machine, _DENSE), machine, layer).by_level()
