"""Random small layers, tensors, mappings and passes."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from native.pe_array import PassShape, PassValues
from simulator.errors import MappingError, SpecError
from simulator.mapping.fits import check_fits
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors


@st.composite
def small_layers(draw: st.DrawFn) -> Layer:
    """CONV layers of every kind: strided, padded unevenly, grouped, depthwise, 1x1, and FC where a filter fills its
    ifmap."""
    groups = draw(st.sampled_from([1, 1, 2, 3, 4]))
    sizes = {letter: draw(st.integers(1, 12)) for letter in "HW"} | {letter: draw(st.integers(1, 4)) for letter in "RS"}
    try:
        return Layer(
            name="drawn",
            N=draw(st.integers(1, 3)),
            M=groups * draw(st.integers(1, 5)),
            C=groups * draw(st.integers(1, 5)),
            G=groups,
            U=draw(st.integers(1, 3)),
            V=draw(st.integers(1, 3)),
            padding=(
                draw(st.integers(0, 2)),
                draw(st.integers(0, 2)),
                draw(st.integers(0, 2)),
                draw(st.integers(0, 2)),
            ),
            from_input=draw(st.booleans()),
            **sizes,
        )
    except SpecError:
        assume(False)
        raise


@st.composite
def sparse_tensors(draw: st.DrawFn, layer: Layer, *, density: float | None = None) -> LayerTensors:
    """Tensors of the layer with a drawn share of non-zero words (or the one given), small or of the whole 16-bit
    range."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    largest = draw(st.sampled_from([3, 32767]))

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        share = draw(st.floats(0, 1)) if density is None else density
        words = rng.integers(1, largest, shape, endpoint=True) * rng.choice([-1, 1], shape)
        return np.where(rng.random(shape) < share, words, 0).astype(np.int16)

    return LayerTensors(
        ifmap=drawn(layer.ifmap_shape), filters=drawn(layer.filter_shape), ofmap=drawn(layer.ofmap_shape)
    )


@st.composite
def fitting_mappings(draw: st.DrawFn, layer: Layer, accelerator: Accelerator) -> RowStationaryMapping:
    """A mapping of the layer that the accelerator accepts, not a good one."""
    filters, channels = layer.M // layer.G, layer.C // layer.G
    p, q = draw(st.integers(1, filters)), draw(st.integers(1, channels))
    t, r = draw(st.integers(1, max(1, filters // p))), draw(st.integers(1, max(1, channels // q)))
    mapping = RowStationaryMapping(
        p=p,
        q=q,
        t=t,
        r=r,
        m=draw(st.integers(p * t, filters)),
        n=draw(st.integers(1, layer.N)),
        e=draw(st.integers(1, layer.E)),
        g=draw(st.integers(1, layer.G)),
    )
    try:
        check_fits(mapping, layer, accelerator)
    except MappingError:
        assume(False)
    return mapping


@st.composite
def pass_shapes(draw: st.DrawFn) -> PassShape:
    """Small passes on machines with narrow and wide buses, short and long FIFOs."""

    def size(most: int) -> int:
        return draw(st.integers(1, most))

    window, beats = (size(3), size(3)), [size(4) for _ in range(4)]
    return PassShape(
        R=size(3),
        S=window[0],
        U=size(3),
        V=size(4),
        F=size(4),
        n=size(2),
        e=size(3),
        p=size(6),
        q=window[1],
        r=size(2),
        t=size(2),
        g=size(2),
        psum_in=draw(st.booleans()),
        pipeline_stages=size(4),
        ifmap_spad_words=window[0] * window[1] + draw(st.integers(0, 4)),
        ifmap_fifo_words=beats[0] + draw(st.integers(0, 4)),
        psum_fifo_words=max(beats[2:]) + draw(st.integers(0, 6)),
        ifmap_beat_words=beats[0],
        filter_beat_words=beats[1],
        psum_in_beat_words=beats[2],
        psum_out_beat_words=beats[3],
    )


@st.composite
def pass_values(draw: st.DrawFn, shape: PassShape) -> PassValues:
    """Operands of a pass with zeros among them; exact or cut psums."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def words(block: tuple[int, ...]) -> np.ndarray:
        return np.where(rng.random(block) < 0.6, rng.integers(-32768, 32767, block, endpoint=True), 0).astype(np.int16)

    rows = sorted((draw(st.integers(0, shape.tile_rows)), draw(st.integers(0, shape.tile_rows))))
    columns = sorted((draw(st.integers(0, shape.tile_columns)), draw(st.integers(0, shape.tile_columns))))
    return PassValues(
        ifmap=words(shape.ifmap_block),
        filters=words(shape.filter_block),
        psums=rng.integers(-(2**40), 2**40, shape.psum_block),
        stored=(rows[0], rows[1], columns[0], columns[1]),
        psum_bits=draw(st.sampled_from([0, 16, 9])),
        product_shift=draw(st.integers(0, 16)),
    )
