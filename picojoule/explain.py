"""`picojoule explain`: one layer's estimate, taken apart; its mapping, compared with others."""

from dataclasses import replace
from functools import lru_cache

from picojoule.options import EstimateOptions
from picojoule.terminal import terminal_width
from simulator.analytic.neighbours import neighbours
from simulator.choices import goal_of, machine_of, open_network
from simulator.errors import WorkloadError
from simulator.estimation import estimate
from simulator.mapping.fold import find_fold, fold_layer
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.report.choice_words import Choice
from simulator.report.explanation import Explanation, explanation_text
from simulator.report.run_folder import json_text
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.densities import load_densities
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities
from simulator.spec.workload import Origin, Workload
from workloads.selection import with_layers


def run(network: str, layer: str, options: EstimateOptions, *, as_json: bool) -> None:
    """Explain and print. Raises PicojouleError."""
    explanation = explained(network, layer, options)
    print(json_text(explanation.to_dict()) if as_json else explanation_text(explanation, terminal_width()), end="")


def explained(network: str, layer: str, options: EstimateOptions) -> Explanation:
    """The layer that `layer` names or matches, estimated as the options ask for and with its mapping's neighbours.
    Raises PicojouleError."""
    workload = open_network(network, batch=options.batch, layers=None, images=options.images, seed=options.seed)
    of_one = _OneLayer(_remembering(workload), the_layer(workload, layer), options)
    result = of_one.result()
    return Explanation(
        result=result,
        as_run=_as_run(result.layers[0].layer, of_one.machine),
        accelerator=of_one.machine,
        densities=of_one.densities(result),
        choice=of_one.choice(),
        neighbours=neighbours(result.layers[0].mapping, of_one.with_mapping),
    )


def the_layer(workload: Workload, word: str) -> Layer:
    """The one layer that a word names or matches, as `--layers` reads words. Raises WorkloadError."""
    found = with_layers(workload, [word]).layers
    if len(found) > 1:
        matching = ", ".join(layer.name for layer in found)
        raise WorkloadError(f"{workload.name}: {word!r} matches {len(found)} layers; give one of {matching}")
    return found[0]


class _OneLayer:
    """Estimates of one layer as the options ask for them: its zeros are found out once."""

    def __init__(self, workload: Workload, layer: Layer, options: EstimateOptions) -> None:
        self.machine = machine_of(options.arch, options.energy)
        self._workload, self._layer, self._options = workload, layer, options

    def result(self) -> NetworkResult:
        return self._estimated(self._options.mapping, self._options.objective)

    def with_mapping(self, mapping: RowStationaryMapping) -> LayerResult:
        """Raises MappingError if it does not fit."""
        return self._estimated({self._layer.name: mapping}, None).layers[0]

    def choice(self) -> Choice:
        goal, given = goal_of(self._options.objective), self._options.mapping
        searched = None if given is None else self._estimated(None, goal).layers[0]
        return Choice(given=given, goal=goal, searched=searched)

    def densities(self, result: NetworkResult) -> Densities:
        """What the estimate knew: declared ones, else those that the layer's tensors have."""
        workload, file = self._workload, self._options.densities
        declared = workload.densities if file is None else load_densities(file, workload.layers)
        if declared is not None and result.provenance.weights is Origin.DENSITY:
            return declared.of_layer[self._layer.name]
        return workload.tensors_of(self._layer).densities()

    def _estimated(self, mapping: str | dict[str, RowStationaryMapping] | None, objective: str | None) -> NetworkResult:
        options = self._options
        return estimate(
            self._workload,
            accelerator=self.machine,
            layers=[self._layer.name],
            mapping=mapping,
            objective=objective,
            zeros=options.zeros,
            densities=options.densities,
            bits=options.bits,
            coding=options.coding,
            calibration=options.calibration,
        )


def _remembering(workload: Workload) -> Workload:
    """The workload, whose last layer's tensors are kept: each neighbour of a mapping asks for them again."""
    return replace(workload, tensors_of=lru_cache(maxsize=1)(workload.tensors_of))


def _as_run(layer: Layer, accelerator: Accelerator) -> Layer:
    fold = find_fold(layer, accelerator)
    return fold_layer(layer, fold) if fold.is_needed else layer
