"""The PE array: the shape of a pass on a machine, and how long passes of a shape take."""

from native.pe_array import PassShape, PassTimes, time_pass
from simulator.mapping.passes import ProcessingPass
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer


def shape_of(step: ProcessingPass, layer: Layer, accelerator: Accelerator) -> PassShape:
    """All that the timing of the pass depends on."""
    noc, pe = accelerator.noc, accelerator.pe
    p, q = step.filters.interleaved, step.channels.interleaved
    spads = pe.spads
    pooled_rest = spads.words - p * q * layer.S - p if isinstance(spads, PooledSpad) else 0
    return PassShape(
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


class PassTimer:
    """Times of passes by shape; each shape is worked out once, which is exact because zeros gate and never skip a
    cycle."""

    def __init__(self) -> None:
        self._times: dict[PassShape, PassTimes] = {}

    def __call__(self, shape: PassShape) -> PassTimes:
        if shape not in self._times:
            self._times[shape] = time_pass(shape)
        return self._times[shape]
