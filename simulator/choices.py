"""What was asked for? The network, the machine and each layer's mapping, for `simulate` and `estimate` alike."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from simulator.analytic.coding import Coding
from simulator.analytic.mapping_cost import expected_energy
from simulator.analytic.objectives import expected_edp, expected_latency
from simulator.analytic.zeros import folded_densities
from simulator.errors import MappingError, SpecError, suggestion
from simulator.mapping.fold import find_fold, fold_layer
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.energy_table import load_energy_table, with_energy_table
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities, LayerTensors
from simulator.spec.workload import Workload

Mappings = Mapping[str, RowStationaryMapping]


class Goal(StrEnum):
    """What the mapping search makes least, for a layer's whole batch."""

    ENERGY = "energy"
    LATENCY = "latency"
    """Total cycles, DRAM link included; to within 0.01 % of the least."""
    EDP = "edp"
    """Energy-delay product: total energy, MACs included, times total cycles."""


_OBJECTIVE_OF = {Goal.ENERGY: expected_energy, Goal.LATENCY: expected_latency, Goal.EDP: expected_edp}


def open_network(
    network: str | Path | Workload,
    *,
    batch: int | None,
    layers: Sequence[str] | None,
    images: Path | None,
    seed: int,
) -> Workload:
    """The workload of a name or file. A Workload has its choices already; others beside it are a SpecError."""
    if isinstance(network, Workload):
        if (batch, layers, images, seed) != (None, None, None, 0):
            raise SpecError(
                f"{network.name}: a Workload has its batch, layers, images and seed already; give them to open_workload"
            )
        return network
    # workloads imports simulator.spec: importing it here, when it is used, keeps the two packages free of a cycle.
    from workloads import open_workload

    return open_workload(network, batch=batch, layers=layers, images=images, seed=seed)


def machine_of(accelerator: str | Path | Accelerator, energy: str | Path | None) -> Accelerator:
    """A shipped accelerator, a file or an Accelerator, with the energy table of a file if one is given."""
    machine = accelerator if isinstance(accelerator, Accelerator) else load_accelerator(accelerator)
    return machine if energy is None else with_energy_table(machine, load_energy_table(energy))


def given_mappings(
    layers: Sequence[Layer], mapping: str | Path | Mappings | None, objective: str | None
) -> tuple[RowStationaryMapping | None, ...]:
    """Each layer's mapping from a published set, a file or a table; None where it is to be searched.

    Raises MappingError if a layer has none, SpecError if there is nothing left for an objective to decide.
    """
    if mapping is None:
        return (None,) * len(layers)
    if objective is not None:
        raise SpecError(
            f"objective {str(objective)!r}: the mapping is given, nothing is searched; leave one of both out"
        )
    table = mapping if isinstance(mapping, Mapping) else load_mappings(mapping)
    where = "mapping" if isinstance(mapping, Mapping) else str(mapping)
    return tuple(_named_mapping(layer, table, where) for layer in layers)


def goal_of(objective: str | None) -> Goal:
    """The goal of that name, energy if none is given. Raises SpecError."""
    try:
        return Goal(objective or Goal.ENERGY)
    except ValueError:
        hint = suggestion(str(objective), Goal, f"give one of {', '.join(Goal)}")
        raise SpecError(f"objective {objective!r}: no such one; {hint}") from None


def search_mapping(
    layer: Layer, densities: Densities, accelerator: Accelerator, goal: Goal, coding: Coding = Coding.RUN_LENGTH
) -> RowStationaryMapping:
    """The layer's best mapping for zeros of these densities, evenly spread; of the folded layer where it must fold."""
    fold = find_fold(layer, accelerator)
    if fold.is_needed:
        layer, densities = fold_layer(layer, fold), folded_densities(layer, fold, densities)
    return find_mapping(layer, accelerator, _OBJECTIVE_OF[goal](layer, accelerator, densities, coding))


def densities_of(layer: Layer, workload: Workload, tensors: LayerTensors) -> Densities:
    """What its tensors were drawn from, else what they have."""
    return tensors.densities() if workload.densities is None else workload.densities.of_layer[layer.name]


def notes_of(workload: Workload, results: Sequence[LayerResult]) -> tuple[str, ...]:
    """What a reader of the results must know of the workload and of how it ran."""
    notes = [f"not costed: {', '.join(workload.not_costed)}"] if workload.not_costed else []
    folded = [result.layer.name for result in results if result.is_folded]
    if folded:
        notes.append(f"run folded, beyond the chip's filter size (DEVIATIONS): {', '.join(folded)}")
    return (*notes, *workload.notes)


def _named_mapping(layer: Layer, table: Mappings, where: str) -> RowStationaryMapping:
    if layer.name not in table:
        raise MappingError(
            f"{where}: no mapping for layer {layer.name}, only for {', '.join(table)}; add a table [{layer.name}], "
            "choose layers, or leave the mapping to the search"
        )
    return table[layer.name]
