"""One layer in closed form: what `simulate_layer` finds out by running it, without running it."""

from collections.abc import Mapping

from simulator.analytic.access_counts import count_accesses
from simulator.analytic.coding import Coding, layer_streams
from simulator.analytic.layer_cycles import layer_cycles
from simulator.analytic.scaling import Factors, scaled
from simulator.analytic.zeros import folded_densities
from simulator.counts import AccessCounts, Level, Tensor
from simulator.energy import energy
from simulator.mapping.fits import check_fits
from simulator.mapping.fold import find_fold, fold_layer, fold_tensors
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors

_NO_FACTORS: Factors = {}


def estimate_layer(
    layer: Layer,
    zeros: Densities | LayerTensors,
    mapping: RowStationaryMapping,
    accelerator: Accelerator,
    *,
    coding: Coding = Coding.RUN_LENGTH,
    factors: Factors = _NO_FACTORS,
) -> LayerResult:
    """The layer's counts, energy and cycles: from tensors, exact counts; from densities, expected ones, with zeros
    spread evenly, times the factors of a calibration.

    Raises MappingError if the mapping does not fit, WorkloadError for tensors of other shapes.
    """
    run, zeros, is_folded = _as_run(layer, zeros, accelerator)
    check_fits(mapping, run, accelerator)
    counts = scaled(count_accesses(run, mapping, accelerator, zeros, coding), factors, run, accelerator)
    densities = zeros if isinstance(zeros, Densities) else zeros.densities()
    cycles = layer_cycles(run, mapping, accelerator, layer_streams(run, densities, accelerator, coding))
    return LayerResult(
        layer=layer,
        mapping=mapping,
        counts=counts,
        energy=energy(counts, accelerator, layer),
        processing_cycles=cycles.processing_cycles,
        total_cycles=cycles.total_cycles,
        pe_cycles=cycles.pe_cycles,
        active_pes=cycles.active_pes,
        pes=accelerator.pes,
        core_mhz=accelerator.clock.core_mhz,
        dram_bits_uncompressed=_raw_dram_bits(layer, counts),
        passes=cycles.passes,
        is_folded=is_folded,
    )


def _as_run(
    layer: Layer, zeros: Densities | LayerTensors, accelerator: Accelerator
) -> tuple[Layer, Densities | LayerTensors, bool]:
    """The layer and its zeros as they run: folded where its filters need it."""
    if isinstance(zeros, LayerTensors):
        zeros.check(layer)
    fold = find_fold(layer, accelerator)
    if not fold.is_needed:
        return layer, zeros, False
    if isinstance(zeros, LayerTensors):
        return fold_layer(layer, fold), fold_tensors(layer, zeros, fold), True
    return fold_layer(layer, fold), folded_densities(layer, fold, zeros), True


def _raw_dram_bits(layer: Layer, counts: AccessCounts) -> int:
    width: Mapping[Tensor, int] = {
        Tensor.IFMAP: layer.ifmap_bits,
        Tensor.FILTER: layer.filter_bits,
        Tensor.PSUM: layer.ifmap_bits,  # what leaves is the ofmap, the next layer's ifmap
    }
    return sum(words * width[access.tensor] for access, words in counts.words.items() if access.level is Level.DRAM)
