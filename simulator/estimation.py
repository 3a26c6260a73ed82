"""`estimate`: a network's counts, energy and cycles in closed form: what `simulate` counts, without running it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from simulator.analytic.calibration import Calibration, load_calibration
from simulator.analytic.coding import Coding
from simulator.analytic.layer_estimate import estimate_layer
from simulator.analytic.scaling import Factors
from simulator.choices import (
    Goal,
    Mappings,
    given_mappings,
    goal_of,
    machine_of,
    notes_of,
    open_network,
    search_mapping,
)
from simulator.errors import SpecError, suggestion
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult, Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.bits import with_bits
from simulator.spec.densities import load_densities
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors
from simulator.spec.workload import DeclaredDensities, Origin, Provenance, Workload


class Zeros(StrEnum):
    """What the closed form knows of zeros."""

    TENSORS = "tensors"
    """Which words are zero: the counts are exact."""
    DENSITIES = "densities"
    """How many are, in each tensor: they are taken as spread evenly, and the counts are expected ones."""


def estimate(
    network: str | Path | Workload,
    *,
    accelerator: str | Path | Accelerator = "eyeriss-v1",
    batch: int | None = None,
    layers: Sequence[str] | None = None,
    images: Path | None = None,
    mapping: str | Path | Mappings | None = None,
    objective: str | None = None,
    energy: str | Path | None = None,
    seed: int = 0,
    zeros: str | None = None,
    densities: str | Path | None = None,
    bits: str | None = None,
    coding: str = Coding.RUN_LENGTH,
    calibration: str | Path | Calibration | None = None,
) -> NetworkResult:
    """Estimate a network, layer by layer, in closed form: a result as `simulate` gives it, its method analytic.

    network … seed  as `simulate` takes them
    zeros        "tensors" or "densities"; by default densities where the network's tensors would be drawn from some,
                 else tensors
    densities    a TOML file with each layer's densities, in place of the network's own
    bits         widths of words, as "weight=8,activation=8" or a TOML file; 16 by default
    coding       of the tensors that the machine moves coded: "run_length" or "significance_map"
    calibration  factors that `calibrate` fitted for the same accelerator; they apply to zeros by density

    Raises PicojouleError for input that cannot be used.
    """
    machine, goal = machine_of(accelerator, energy), goal_of(objective)
    workload = open_network(network, batch=batch, layers=None, images=images, seed=seed)
    knowledge = _knowledge(workload, zeros, densities)
    if bits is not None:
        workload = replace(workload, layers=with_bits(workload.layers, bits))
    if layers is not None:
        from workloads.selection import with_layers  # as in choices.py: no cycle between the two packages

        workload = with_layers(workload, layers)
    tuning = _tuning(coding, calibration, machine, knowledge.zeros)
    given = given_mappings(workload.layers, mapping, objective)
    results = tuple(
        _estimated(layer, knowledge(layer), of_layer or goal, machine, tuning)
        for layer, of_layer in zip(workload.layers, given, strict=True)
    )
    return NetworkResult(
        network=workload.name,
        method=Method.ANALYTIC,
        arch=machine.name,
        batch=workload.batch,
        provenance=knowledge.provenance(),
        layers=results,
        notes=(*tuning.notes(), *_notes_on_bits(workload.layers, knowledge.zeros), *notes_of(workload, results)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Knowledge:
    """What is known of a layer's zeros: the tensors, densities declared for them, or the densities they have."""

    workload: Workload
    zeros: Zeros
    declared: DeclaredDensities | None

    def __call__(self, layer: Layer) -> Densities | LayerTensors:
        if self.zeros is Zeros.DENSITIES and self.declared is not None:
            return self.declared.of_layer[layer.name]
        tensors = self.workload.tensors_of(layer)
        return tensors if self.zeros is Zeros.TENSORS else tensors.densities()

    def provenance(self) -> Provenance:
        origin = self.workload.provenance
        if self.zeros is Zeros.TENSORS:
            return origin
        source = f"densities of {origin.detail}" if self.declared is None else self.declared.detail
        known = {} if self.declared is None else {name: asdict(of) for name, of in self.declared.of_layer.items()}
        return Provenance(
            weights=Origin.DENSITY,
            activations=Origin.DENSITY,
            detail=f"no words, zeros spread evenly; {source}",
            sha256=hashlib.sha256(f"{origin.sha256} {json.dumps(known)}".encode()).hexdigest(),
        )


def _knowledge(workload: Workload, zeros: str | None, densities: str | Path | None) -> _Knowledge:
    """Densities where nothing else is asked for and the tensors would be drawn from some."""
    declared = workload.densities if densities is None else load_densities(densities, workload.layers)
    chosen = Zeros.TENSORS if declared is None else Zeros.DENSITIES
    if zeros is not None:
        chosen = _named(Zeros, zeros, "zeros")
    if chosen is Zeros.TENSORS and densities is not None:
        raise SpecError(f"{densities}: densities, but zeros are to come from the tensors; leave one of both out")
    return _Knowledge(workload=workload, zeros=chosen, declared=declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuning:
    """How coded tensors are coded, and the factors of a calibration, if there is one."""

    coding: Coding
    calibration: Calibration | None

    @property
    def factors(self) -> Factors:
        return {} if self.calibration is None else self.calibration.factors

    def notes(self) -> Iterator[str]:
        if self.coding is not Coding.RUN_LENGTH:
            yield "coded tensors take a bit a word and the words that are not zero (significance map)"
        if self.calibration is not None:
            factors = ", ".join(f"{key} x {factor:.4f}" for key, factor in self.calibration.factors.items())
            yield f"calibrated: {factors or 'no factor'}; fitted on {', '.join(self.calibration.networks)}"


def _tuning(coding: str, calibration: str | Path | Calibration | None, machine: Accelerator, zeros: Zeros) -> _Tuning:
    """Raises SpecError for a calibration of another machine or coding, or where there is nothing to calibrate."""
    code = _named(Coding, coding, "coding")
    if calibration is None:
        return _Tuning(coding=code, calibration=None)
    if zeros is Zeros.TENSORS:
        raise SpecError(
            "calibration: counts from tensors are exact and have no factors; leave it out, or give densities"
        )
    fitted = calibration if isinstance(calibration, Calibration) else load_calibration(calibration)
    fitted.check_is_for(machine, code)
    return _Tuning(coding=code, calibration=fitted)


def _estimated(
    layer: Layer,
    zeros: Densities | LayerTensors,
    mapping: RowStationaryMapping | Goal,
    machine: Accelerator,
    how: _Tuning,
) -> LayerResult:
    if isinstance(mapping, Goal):
        densities = zeros if isinstance(zeros, Densities) else zeros.densities()
        mapping = search_mapping(layer, densities, machine, mapping, how.coding)
    return estimate_layer(layer, zeros, mapping, machine, coding=how.coding, factors=how.factors)


def _notes_on_bits(layers: Sequence[Layer], zeros: Zeros) -> Iterator[str]:
    widths = {(layer.filter_bits, layer.ifmap_bits, layer.psum_bits) for layer in layers}
    if widths == {(16, 16, 16)}:
        return
    if len(widths) == 1:
        weight, activation, psum = widths.pop()
        yield f"words of {weight} bits (weights), {activation} (activations), {psum} (psums)"
    else:
        yield "words of several widths: " + ", ".join(
            f"{layer.name} {layer.filter_bits}/{layer.ifmap_bits}/{layer.psum_bits}" for layer in layers
        )
    yield "a MAC costs the table's times both operands' bits / 16, what moves its bits / 16"
    if zeros is Zeros.TENSORS:
        yield "zeros are those of 16-bit words: rounding to fewer bits would make more"


Named = TypeVar("Named", bound=StrEnum)


def _named(kind: type[Named], name: str, what: str) -> Named:
    try:
        return kind(name)
    except ValueError:
        hint = suggestion(str(name), kind, f"give one of {', '.join(kind)}")
        raise SpecError(f"{what} {name!r}: no such one; {hint}") from None
