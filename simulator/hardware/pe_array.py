"""The PE array: the shape of a pass on a machine, how long it takes and what it moves."""

from dataclasses import dataclass, replace

from native.pe_array import PassShape, PassTimes, PassTraffic, time_pass
from simulator.hardware.noc import Stored, pass_traffic, stored_part
from simulator.mapping.passes import ProcessingPass
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """A pass before it runs: its shape, the stored part of its ifmap tile, and what follows from them."""

    shape: PassShape
    stored: Stored
    times: PassTimes
    traffic: PassTraffic


def shape_of(step: ProcessingPass, layer: Layer, accelerator: Accelerator) -> PassShape:
    """All that the timing of the pass depends on."""
    noc, pe = accelerator.noc, accelerator.pe
    p, q = step.filters.interleaved, step.channels.interleaved
    spads = pe.spads
    pooled_rest = spads.words - p * q * layer.S - p if isinstance(spads, PooledSpad) else 0
    shape = PassShape(
        R=layer.R,
        S=layer.S,
        U=layer.U,
        V=layer.V,
        F=layer.F,
        n=len(step.tile.images),
        e=len(step.tile.rows),
        p=p,
        q=q,
        r=step.channels.sets,
        t=step.filters.sets,
        g=len(step.tile.groups),
        psum_in=step.reads_psums,
        pipeline_stages=pe.pipeline_stages,
        ifmap_spad_words=pooled_rest if isinstance(spads, PooledSpad) else spads.ifmap_words,
        ifmap_fifo_words=pe.ifmap_fifo_words,
        psum_fifo_words=pe.psum_fifo_words,
        ifmap_beat_words=accelerator.words_per_beat(noc.gin_ifmap_bits),
        filter_beat_words=accelerator.words_per_beat(noc.gin_filter_bits),
        psum_in_beat_words=accelerator.words_per_beat(noc.gin_psum_bits),
        psum_out_beat_words=accelerator.words_per_beat(noc.gon_psum_bits),
    )
    return without_idle_room(shape)


def without_idle_room(shape: PassShape) -> PassShape:
    """The same pass with no more room in spads and FIFOs than its words could fill.

    Its times are the same; its memory goes with the pass, however deep the accelerator's file says the FIFOs are.
    """
    ifmap, psums = shape.ifmap_words, shape.n * shape.F * shape.p
    return replace(
        shape,
        ifmap_spad_words=min(shape.ifmap_spad_words, ifmap),
        ifmap_fifo_words=min(shape.ifmap_fifo_words, max(ifmap, shape.ifmap_beat_words)),
        psum_fifo_words=min(shape.psum_fifo_words, max(psums, shape.psum_in_beat_words, shape.psum_out_beat_words)),
    )


class PassPlanner:
    """What passes of a layer do, by what tells one from another; each kind is worked out once.

    Exact because zeros gate and never skip a cycle: the words of a pass change neither its times nor its traffic.
    """

    def __init__(self, layer: Layer, accelerator: Accelerator) -> None:
        self._layer, self._accelerator = layer, accelerator
        self._plans: dict[tuple[int, ...], PassPlan] = {}
        self._times: dict[PassShape, PassTimes] = {}

    def __call__(self, step: ProcessingPass) -> PassPlan:
        tile, channels, filters = step.tile, step.channels, step.filters
        chunk_sizes = (channels.interleaved, channels.sets, filters.interleaved, filters.sets)
        key = (len(tile.images), len(tile.groups), tile.rows.start, tile.rows.stop, *chunk_sizes, step.reads_psums)
        if key not in self._plans:
            self._plans[key] = self._plan(step)
        return self._plans[key]

    def _plan(self, step: ProcessingPass) -> PassPlan:
        shape, stored = shape_of(step, self._layer, self._accelerator), stored_part(step, self._layer)
        if shape not in self._times:
            self._times[shape] = time_pass(shape)
        return PassPlan(shape=shape, stored=stored, times=self._times[shape], traffic=pass_traffic(shape, stored))
