"""One layer on the machine: SimPy carries what happens between passes, the C kernels what happens inside them."""

from collections.abc import Callable, Generator
from math import inf

import numpy as np
import numpy.typing as npt
import simpy

from simulator.counts import Tensor
from simulator.energy import energy
from simulator.errors import ConservationError, SpecError
from simulator.hardware.dram import DramLink, TensorSizes
from simulator.hardware.functional import FunctionalArray, convolve
from simulator.hardware.pe_array import PassPlanner
from simulator.hardware.tally import Tally, check_conservation
from simulator.hardware.watch import Transfer, Watch
from simulator.hardware.zeros import count_mac_slots
from simulator.mapping.fits import check_fits
from simulator.mapping.fold import find_fold, fold_layer, fold_tensors
from simulator.mapping.passes import ProcessingPass, processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors

Events = Generator[simpy.Event, None, None]
Progress = Callable[[int, int], None]
_REPORT_EVERY = 64


def simulate_layer(
    layer: Layer,
    tensors: LayerTensors,
    mapping: RowStationaryMapping,
    accelerator: Accelerator,
    *,
    functional: bool = False,
    progress: Progress | None = None,
) -> LayerResult:
    """Run the layer. With `functional`, step every pass with its values and compare the ofmap with the convolution.

    Raises MappingError if the mapping does not fit, SpecError for a layer of other than 16-bit words, ConservationError
    if the simulation contradicts itself.
    """
    _check_widths(layer, accelerator)
    tensors.check(layer)
    run_layer, run_tensors = as_run(layer, tensors, accelerator)
    check_fits(mapping, run_layer, accelerator)
    run = _LayerRun(run_layer, run_tensors, mapping, accelerator)
    values = FunctionalArray(run_layer, run_tensors, accelerator.arithmetic) if functional else None
    total_cycles = run.simulate(values, progress)
    slots = count_mac_slots(run_layer, run_tensors, mapping)
    if values is not None:
        _check_values(layer, tensors, values, slots, accelerator)
    tally = run.tally
    counts, pe_cycles = tally.counts(slots), tally.pe_cycles(total_cycles)
    check_conservation(layer, counts, pe_cycles, accelerator.pes * total_cycles, int(slots[1].sum()))
    return LayerResult(
        layer=layer,
        mapping=mapping,
        counts=counts,
        energy=energy(counts, accelerator, layer),
        processing_cycles=tally.processing_cycles,
        total_cycles=total_cycles,
        pe_cycles=pe_cycles,
        active_pes=tally.active_pes,
        pes=accelerator.pes,
        core_mhz=accelerator.clock.core_mhz,
        dram_bits_uncompressed=tally.dram_words * accelerator.word_bits,
        passes=tally.passes,
        is_folded=run_layer is not layer,
    )


def replay_layer(
    layer: Layer,
    tensors: LayerTensors,
    mapping: RowStationaryMapping,
    accelerator: Accelerator,
    watch: Watch,
) -> None:
    """Run a layer, as `as_run` gives it, before the eyes of a watch until that has seen enough. Nothing is returned."""
    _LayerRun(layer, tensors, mapping, accelerator, watch).replay(watch)


def as_run(layer: Layer, tensors: LayerTensors, accelerator: Accelerator) -> tuple[Layer, LayerTensors]:
    """The layer and its tensors as the array runs them: folded where the filter is too large, else as they are."""
    fold = find_fold(layer, accelerator)
    return (fold_layer(layer, fold), fold_tensors(layer, tensors, fold)) if fold.is_needed else (layer, tensors)


def _check_widths(layer: Layer, accelerator: Accelerator) -> None:
    widths = (layer.ifmap_bits, layer.filter_bits, layer.psum_bits)
    if set(widths) != {accelerator.word_bits}:
        raise SpecError(
            f"{layer.name}: words of {widths[0]}, {widths[1]} and {widths[2]} bits (ifmap, filter, psum); the "
            f"simulated machine moves {accelerator.word_bits}-bit words only; estimate the layer instead"
        )


class _LayerRun:
    """The processes of one layer run: the filter prefetcher, and the passes with their ifmap loads and ofmap dumps."""

    def __init__(
        self,
        layer: Layer,
        tensors: LayerTensors,
        mapping: RowStationaryMapping,
        accelerator: Accelerator,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._sizes = TensorSizes(layer, tensors, accelerator)
        self._passes = tuple(processing_passes(layer, mapping))
        self._plan_of = PassPlanner(layer, accelerator)
        self._env = simpy.Environment()
        self._link = DramLink(self._env, accelerator)
        # The buffer has room for the filters of one pass: the next one's, from when this one's are in the spads.
        self._filter_room = simpy.Container(self._env, capacity=1, init=1)
        self._filters_ready = simpy.Container(self._env, capacity=1)
        self.tally = Tally(accelerator)

    def simulate(self, values: FunctionalArray | None, progress: Progress | None) -> int:
        """Run to the end; returns the total cycles."""
        self._env.process(self._prefetch_filters())
        self._env.run(self._env.process(self._run_passes(values, progress)))
        return int(self._env.now)

    def replay(self, watch: Watch) -> None:
        """Run until the watch has seen enough, or to the end."""
        self._env.process(self._prefetch_filters())
        self._env.process(self._run_passes(None, None))
        while not watch.has_seen_enough and self._env.peek() < inf:
            self._env.step()

    def _prefetch_filters(self) -> Events:
        for step in self._passes:
            yield self._filter_room.get(1)
            words, bits = self._sizes.filters(step)
            self.tally.dram_reads(Tensor.FILTER, (words, bits))
            yield from self._transfer(Tensor.FILTER, words, bits)
            yield self._filters_ready.put(1)

    def _run_passes(self, values: FunctionalArray | None, progress: Progress | None) -> Events:
        for number, step in enumerate(self._passes):
            if step.loads_ifmap:
                yield from self._load_ifmap(step)
            yield self._filters_ready.get(1)
            yield from self._run_pass(step, values)
            if step.is_last:
                yield from self._dump_ofmap(step)
            if progress is not None and (number + 1) % _REPORT_EVERY == 0:
                progress(number + 1, len(self._passes))
        if progress is not None:
            progress(len(self._passes), len(self._passes))

    def _load_ifmap(self, step: ProcessingPass) -> Events:
        words, bits = self._sizes.ifmap_tile(step)
        self.tally.dram_reads(Tensor.IFMAP, (words, bits))
        yield from self._transfer(Tensor.IFMAP, words, bits)

    def _transfer(self, tensor: Tensor, words: int, bits: int) -> Events:
        yield from self._link.transfer(bits)
        if self._watch is not None:
            cycles = self._link.cycles(bits)  # it was never split, so it began so many cycles ago
            begin = int(self._env.now) - cycles
            self._watch.moved(Transfer(tensor=tensor, words=words, bits=bits, begin=begin, cycles=cycles))

    def _run_pass(self, step: ProcessingPass, values: FunctionalArray | None) -> Events:
        plan = self._plan_of(step)
        if values is not None:
            values.run(step, plan)
        self.tally.pass_ran(plan)
        if self._watch is not None:
            self._watch.pass_begins(step, plan, int(self._env.now))
        yield self._env.timeout(plan.times.filter_cycles)
        yield self._filter_room.put(1)
        yield self._env.timeout(plan.times.cycles - plan.times.filter_cycles)

    def _dump_ofmap(self, step: ProcessingPass) -> Events:
        words, bits = self._sizes.ofmap_tile(step.tile)
        self.tally.ofmap_dumped((words, bits))
        yield from self._transfer(Tensor.PSUM, words, bits)


def _check_values(
    layer: Layer,
    tensors: LayerTensors,
    values: FunctionalArray,
    slots: npt.NDArray[np.int64],
    accelerator: Accelerator,
) -> None:
    if not np.array_equal(values.mac_slots, slots):
        raise ConservationError(
            f"{layer.name}: MAC slots by zero operand: the PEs met {values.mac_slots.tolist()}, "
            f"the tensors have {slots.tolist()}"
        )
    if not np.array_equal(values.ofmap(), convolve(layer, tensors, accelerator.arithmetic)):
        raise ConservationError(f"{layer.name}: the ofmap that came out of the array is not the layer's convolution")
