"""Is the mapping that the search finds the cheapest of all that fit?"""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.analytic.access_counts import dense_counts, dense_energy
from simulator.counts import Access, Action, Level, Tensor
from simulator.energy import energy_per_bit
from simulator.errors import MappingError, SpecError
from simulator.mapping.fits import check_fits
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import MappingGrid, find_mapping
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from workloads import built_in_networks, open_workload

CHIP = load_accelerator("eyeriss-v1")
FILTER_READS = Access(Level.DRAM, Tensor.FILTER, Action.READ)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nothing_that_fits_is_cheaper(data: st.DataObject) -> None:
    layer, machine = data.draw(tiny_layers()), data.draw(tiny_machines())
    everything = all_that_fit(layer, machine)
    assume(everything)
    found = find_mapping(layer, machine, dense_energy)
    check_fits(found, layer, machine)
    energy = dense_energy(layer, grid_of([found]), machine).item()
    assert energy <= least_energy(layer, everything, machine) * (1 + 1e-12)


def test_filters_that_move_coded_cost_a_pad_more_at_most() -> None:
    """DEVIATIONS 20. Room for four psum rows of five 1x1 filters: 4 + 1 end their streams with more pad than 3 + 2."""
    layer = Layer(name="five", N=1, M=5, C=1, H=1, W=5, R=1, S=1)
    machine = tiny(load_accelerator("eyeriss-estimation"), (3, 2), (4, 8, 20), (3, 6, 2))
    everything = all_that_fit(layer, machine)
    energies = dense_energy(layer, grid_of(everything), machine)
    found = dense_energy(layer, grid_of([find_mapping(layer, machine, dense_energy)]), machine).item()
    assert found - energies.min() == pytest.approx(770)
    assert found <= least_energy(layer, everything, machine)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mapping_is_found_if_there_is_one(data: st.DataObject) -> None:
    layer, machine = data.draw(tiny_layers()), data.draw(tiny_machines())
    if all_that_fit(layer, machine):
        find_mapping(layer, machine, dense_energy)
    else:
        with pytest.raises(MappingError, match=f"drawn: no mapping fits {machine.name}"):
            find_mapping(layer, machine, dense_energy)


def test_of_equal_costs_the_most_pes_win() -> None:
    layer = Layer(name="any", N=1, M=8, C=8, H=8, W=8, R=3, S=3)
    found = find_mapping(layer, CHIP, lambda _layer, grid, _machine: np.zeros(len(grid)))
    assert found.r * layer.R * found.t * found.e == CHIP.pes


def test_a_layer_too_wide_for_the_glb() -> None:
    wide = Layer(name="wide", N=1, M=1, C=1, H=3, W=20_000, R=3, S=3)
    message = (
        r"wide: no mapping fits eyeriss-v1: for one channel, filter and ofmap row, the 3x20000 ifmap tile and "
        r"19998 psums exceed the GLB \(banks = 25, bank_words = 2048\); enlarge it"
    )
    with pytest.raises(MappingError, match=message):
        find_mapping(wide, CHIP, dense_energy)


def test_a_filter_taller_than_the_array_has_to_be_folded_first() -> None:
    tall = Layer(name="tall", N=1, M=1, C=1, H=13, W=3, R=13, S=3)
    with pytest.raises(
        MappingError, match="tall: no mapping fits eyeriss-v1: R = 13 filter rows exceed the array's 12; fold"
    ):
        find_mapping(tall, CHIP, dense_energy)


def test_a_filter_larger_than_its_buffer() -> None:
    small = CHIP.model_copy(update={"glb": CHIP.glb.model_copy(update={"filter_buffer_words": 16})})
    layer = Layer(name="wide", N=1, M=1, C=1, H=5, W=5, R=5, S=5)
    with pytest.raises(
        MappingError, match="wide: no mapping fits eyeriss-v1: one 5x5 filter exceeds the 16-word filter buf"
    ):
        find_mapping(layer, small, dense_energy)


@pytest.mark.parametrize("network", [network.name for network in built_in_networks()])
def test_every_built_in_layer_has_a_mapping(network: str) -> None:
    layers = open_workload(network, batch=2).layers
    shapes = {(a.M, a.C, a.H, a.W, a.R, a.S, a.U, a.G, a.padding): a for a in layers}
    for layer in shapes.values():
        check_fits(find_mapping(layer, CHIP, dense_energy), layer, CHIP)


@st.composite
def tiny_layers(draw: st.DrawFn) -> Layer:
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    try:
        return Layer(
            name="drawn",
            N=draw(st.integers(1, 3)),
            M=groups * draw(st.integers(1, 5)),
            C=groups * draw(st.integers(1, 4)),
            G=groups,
            H=draw(st.integers(1, 7)),
            W=draw(st.integers(1, 6)),
            R=draw(st.integers(1, 3)),
            S=draw(st.integers(1, 3)),
            U=draw(st.integers(1, 2)),
            V=draw(st.integers(1, 2)),
            padding=(draw(st.integers(0, 1)), 0, draw(st.integers(0, 1)), 0),
            from_input=draw(st.booleans()),
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
    return tiny(machine, array, glb, (draw(st.integers(3, 8)), draw(st.integers(6, 24)), draw(st.integers(2, 6))))


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


def least_energy(layer: Layer, everything: list[RowStationaryMapping], machine: Accelerator) -> float:
    """The least of all; where filters move coded, of those that are least but for the pads that end filter streams."""
    grid = grid_of(everything)
    words, bits = dense_counts(layer, grid, machine)[FILTER_READS]
    code = machine.compression
    pads = bits - words * code.word_bits / code.pairs if code.filter else np.zeros(len(grid))
    padding = pads * energy_per_bit(FILTER_READS, machine)
    unpadded = dense_energy(layer, grid, machine) - padding
    return float(unpadded.min() + padding[np.isclose(unpadded, unpadded.min(), rtol=1e-12)].max())


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
                if fits(mapping, layer, machine):
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
        **{letter: np.array([mapping.to_dict()[letter] for mapping in mappings]) for letter in "mnepqrtg"}
    )
