"""Layers and machines so small that every mapping there is can be tried, and all of those."""

from itertools import product

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from simulator.counts import MEANING
from simulator.errors import MappingError, SpecError
from simulator.mapping.fits import check_fits
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid
from simulator.spec.accelerator import Accelerator, EnergyCost, PooledSpad
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities


@st.composite
def tiny_layers(draw: st.DrawFn) -> Layer:
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    widths = [draw(st.sampled_from([16, 16, 16, 8, 5])) for _ in range(3)]
    try:
        return Layer(
            name="drawn",
            N=draw(st.integers(1, 3)),
            M=groups * draw(st.integers(1, 9)),
            C=groups * draw(st.integers(1, 5)),
            G=groups,
            H=draw(st.integers(1, 7)),
            W=draw(st.integers(1, 6)),
            R=draw(st.integers(1, 3)),
            S=draw(st.integers(1, 3)),
            U=draw(st.integers(1, 2)),
            V=draw(st.integers(1, 2)),
            padding=(draw(st.integers(0, 1)), 0, draw(st.integers(0, 1)), 0),
            from_input=draw(st.booleans()),
            ifmap_bits=widths[0],
            filter_bits=widths[1],
            psum_bits=widths[2],
        )
    except SpecError:
        assume(False)
        raise


@st.composite
def tiny_machines(draw: st.DrawFn) -> Accelerator:
    """The shipped machines' conventions on arrays and buffers so small that every limit binds."""
    machine = load_accelerator(draw(st.sampled_from(["eyeriss-v1", "eyeriss-estimation", "isca16-256"])))
    array = (draw(st.integers(3, 5)), draw(st.integers(2, 5)))
    glb = (draw(st.integers(4, 12)), draw(st.sampled_from([8, 16, 32])), draw(st.integers(20, 200)))
    if draw(st.booleans()):
        machine = draw(with_other_costs(machine))
    return tiny(machine, array, glb, (draw(st.integers(3, 8)), draw(st.integers(6, 24)), draw(st.integers(2, 6))))


@st.composite
def with_other_costs(draw: st.DrawFn, machine: Accelerator) -> Accelerator:
    """Costs of each access for itself, in no order of levels, so that no two accesses can stand in for one another."""
    access = {
        str(access): EnergyCost(per_access=draw(st.sampled_from([0.1, 1.0, 2.0, 6.0, 35.0, 200.0])), source="drawn")
        for access in MEANING
    }
    return machine.model_copy(update={"energy": machine.energy.model_copy(update={"access": access})})


@st.composite
def densities(draw: st.DrawFn) -> Densities:
    """Often 1, where sizes are whole numbers and mappings often cost the same."""
    ifmap, filters, ofmap = (draw(st.sampled_from([1.0, 1.0, 0.7, 0.3, 0.05])) for _ in range(3))
    return Densities(ifmap=ifmap, filters=filters, ofmap=ofmap)


def tiny(
    machine: Accelerator, array: tuple[int, int], glb: tuple[int, int, int], spads: tuple[int, int, int]
) -> Accelerator:
    """With (rows, columns), (banks, words of one, of the filter buffer), and words of (ifmap, filter, psum) spads."""
    names = ("ifmap_words", "filter_words", "psum_words")
    pooled = isinstance(machine.pe.spads, PooledSpad)
    words = {"words": sum(spads)} if pooled else dict(zip(names, spads, strict=True))
    buffers = dict(zip(("banks", "bank_words", "filter_buffer_words"), glb, strict=True))
    return machine.model_copy(
        update={
            "pe_array": machine.pe_array.model_copy(update={"rows": array[0], "columns": array[1]}),
            "glb": machine.glb.model_copy(update=buffers),
            "pe": machine.pe.model_copy(update={"spads": machine.pe.spads.model_copy(update=words)}),
        }
    )


def all_that_fit(layer: Layer, machine: Accelerator) -> list[RowStationaryMapping]:
    filters, channels = layer.M // layer.G, layer.C // layer.G
    array = machine.pe_array
    found = []
    for p, q, e, n, g in product(*(range(1, most + 1) for most in (filters, channels, layer.E, layer.N, layer.G))):
        for t, r in product(range(1, filters // p + 1), range(1, channels // q + 1)):
            if r * layer.R > array.rows or r * layer.R * t * g * e > array.rows * array.columns:
                continue
            for m in range(p * t, filters + 1):
                mapping = RowStationaryMapping(m=m, n=n, e=e, p=p, q=q, r=r, t=t, g=g)
                if not fits(mapping, layer, machine):
                    break  # a larger m takes more room
                found.append(mapping)
    return found


def fits(mapping: RowStationaryMapping, layer: Layer, machine: Accelerator) -> bool:
    try:
        check_fits(mapping, layer, machine)
    except MappingError:
        return False
    return True


def grid_of(mappings: list[RowStationaryMapping]) -> MappingGrid:
    return MappingGrid(
        **{letter: np.array([mapping.to_dict()[letter] for mapping in mappings], np.int64) for letter in "mnepqrtg"}
    )
