"""Do the closed form's counts equal the simulator's on the same words, and their expectation on words of a density?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analytic import coded_sizes, zeros
from simulator.analytic.access_counts import count_accesses, expected_moves
from simulator.analytic.coded_sizes import run_length_pairs
from simulator.analytic.coding import Coding
from simulator.analytic.zeros import folded_densities
from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.fold import Fold, find_fold, fold_layer, fold_tensors
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator, Gate, Gating
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities, LayerTensors
from tests.calibration.test_dense_counts import MACHINES, grid_of
from tests.oracles.tensor_scans import encode
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

CHIP, ESTIMATION, _ = MACHINES
DRAM_READS = {tensor: Access(Level.DRAM, tensor, Action.READ) for tensor in Tensor}
DRAM_OFMAP = Access(Level.DRAM, Tensor.PSUM, Action.WRITE)
LAYERS = (
    Layer(name="padded", N=2, M=6, C=4, H=9, W=11, R=3, S=3, padding=(1, 2, 1, 0)),
    Layer(name="strided", N=1, M=4, C=3, H=13, W=13, R=4, S=4, U=3, V=2, from_input=True),
    Layer(name="skipping", N=1, M=3, C=3, H=12, W=12, R=1, S=2, U=3, V=3, padding=(1, 1, 1, 1)),
    Layer(name="grouped", N=1, M=8, C=6, H=7, W=7, R=3, S=3, G=2, padding=(1, 1, 1, 1)),
    Layer(name="depthwise", N=1, M=8, C=8, H=8, W=8, R=3, S=3, G=8, U=2, V=2, padding=(1, 1, 1, 1)),
    Layer(name="pointwise", N=1, M=6, C=16, H=6, W=6, R=1, S=1),
    Layer(name="fc", N=3, M=10, C=12, H=3, W=3, R=3, S=3),
)
MAPPING = RowStationaryMapping(m=3, n=1, e=2, p=2, q=2, r=1, t=1)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_counts_equal_the_simulator_on_the_same_words(data: st.DataObject, accelerator: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, accelerator))
    tensors = data.draw(sparse_tensors(layer))
    result = simulate_layer(layer, tensors, mapping, accelerator)
    closed = count_accesses(layer, mapping, accelerator, tensors)
    assert closed == result.counts
    assert [*closed.words, *closed.bits] == [*result.counts.words, *result.counts.bits]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.sampled_from(Gate), min_size=5, max_size=5))
def test_any_gate_stops_what_it_stops_in_the_simulator(data: st.DataObject, gates: list[Gate]) -> None:
    machine = ESTIMATION.model_copy(update={"gating": Gating(**dict(zip(Gating.model_fields, gates, strict=True)))})
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, machine))
    tensors = data.draw(sparse_tensors(layer))
    assert count_accesses(layer, mapping, machine, tensors) == simulate_layer(layer, tensors, mapping, machine).counts


@pytest.mark.parametrize("machine", [CHIP, ESTIMATION], ids=lambda machine: machine.name)
def test_folded_layers_are_counted_as_they_run(machine: Accelerator) -> None:
    layer = Layer(name="tall", N=1, M=3, C=2, H=18, W=9, R=14, S=3, padding=(2, 1, 0, 1))
    tensors = tensors_of(layer, Densities(ifmap=0.4, filters=0.6, ofmap=0.3), np.random.default_rng(3))
    fold = find_fold(layer, machine)
    assert fold == Fold(rows=2, columns=1)
    result = simulate_layer(layer, tensors, MAPPING, machine)
    assert (
        count_accesses(fold_layer(layer, fold), MAPPING, machine, fold_tensors(layer, tensors, fold)) == result.counts
    )


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("machine", [CHIP, ESTIMATION], ids=lambda machine: machine.name)
def test_expected_counts_are_the_mean_of_drawn_tensors(layer: Layer, machine: Accelerator) -> None:
    """Of the exact counts of 200 tensors, within 4.5 standard errors, each access and each kind of MAC."""
    mapping, densities = mapping_of(layer), Densities(ifmap=0.4, filters=0.7, ofmap=0.3)
    rng = np.random.default_rng(7)
    drawn = np.array(
        [figures(count_accesses(layer, mapping, machine, tensors_of(layer, densities, rng))) for _ in range(200)]
    )
    expected = np.array(figures(count_accesses(layer, mapping, machine, densities)))
    errors = np.abs(expected - drawn.mean(axis=0))
    assert np.all(errors <= 0.5 + 4.5 * drawn.std(axis=0) / np.sqrt(200)), errors


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(MACHINES), st.sampled_from(Coding))
def test_many_mappings_at_once_are_each_alone(data: st.DataObject, accelerator: Accelerator, coding: Coding) -> None:
    layer = data.draw(small_layers())
    mappings = data.draw(st.lists(fitting_mappings(layer, accelerator), min_size=1, max_size=4))
    shares = st.sampled_from([0.0, 0.2, 0.77, 1.0])
    densities = Densities(ifmap=data.draw(shares), filters=data.draw(shares), ofmap=data.draw(shares))
    moves = expected_moves(layer, grid_of(mappings), accelerator, densities, coding)
    for index, mapping in enumerate(mappings):
        alone = count_accesses(layer, mapping, accelerator, densities, coding)
        together = {access: (words[index], bits[index]) for access, (words, bits) in moves.items()}
        assert {access: (alone.words[access], alone.bits[access]) for access in alone.words} == {
            access: (round(words), round(bits)) for access, (words, bits) in together.items()
        }


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from([2, 4, 32]), st.sampled_from([0.0, 0.02, 0.2, 0.9]))
def test_pairs_are_those_of_the_coder(data: st.DataObject, longest_pair: int, density: float) -> None:
    """Streams of any length side by side, empty ones too, and runs of just as many zeros as a pair covers."""
    lengths = data.draw(st.lists(st.integers(0, 140), min_size=1, max_size=8))
    words = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).random(sum(lengths)) < density
    starts = np.append(0, np.cumsum(lengths))
    streams = np.split(words.astype(int), starts[1:-1])
    expected = [len(encode(stream.tolist(), longest_pair - 1)) for stream in streams]
    assert run_length_pairs(words, starts, longest_pair).tolist() == expected


@pytest.mark.parametrize("block_words", [1, 50, 1000])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_tensors_looked_at_in_pieces(layer: Layer, block_words: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = tensors_of(layer, Densities(ifmap=0.3, filters=0.3, ofmap=0.3), np.random.default_rng(1))
    whole = count_accesses(layer, mapping_of(layer), ESTIMATION, tensors)
    monkeypatch.setattr(zeros, "_BLOCK_WORDS", block_words)
    monkeypatch.setattr(zeros, "_BLOCK_FILTERS", 2)
    monkeypatch.setattr(coded_sizes, "_BLOCK_WORDS", block_words)
    assert count_accesses(layer, mapping_of(layer), ESTIMATION, tensors) == whole


def test_more_filters_than_a_byte_counts() -> None:
    layer = Layer(name="many", N=1, M=700, C=2, H=2, W=2, R=2, S=2)
    tensors = tensors_of(layer, Densities(ifmap=1, filters=0.9, ofmap=1), np.random.default_rng(2))
    counts = count_accesses(layer, replace(MAPPING, e=1), ESTIMATION, tensors)
    assert counts.nonzero_macs == np.count_nonzero(tensors.filters)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_significance_map_is_counted_word_by_word(data: st.DataObject) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, ESTIMATION))
    tensors = data.draw(sparse_tensors(layer))
    counts = count_accesses(layer, mapping, ESTIMATION, tensors, Coding.SIGNIFICANCE_MAP)
    loads = counts.words[DRAM_READS[Tensor.FILTER]] // tensors.filters.size
    nonzero = [int(np.count_nonzero(words)) for words in (tensors.filters, tensors.ofmap)]
    assert counts.bits[DRAM_READS[Tensor.FILTER]] == loads * (tensors.filters.size + 16 * nonzero[0])
    assert counts.bits[DRAM_OFMAP] == tensors.ofmap.size + 16 * nonzero[1]
    run_length = count_accesses(layer, mapping, ESTIMATION, tensors)
    assert {**counts.bits, **only_dram(run_length)} == run_length.bits
    assert counts.words == run_length.words


def test_a_significance_map_follows_the_strips() -> None:
    """3 rows of 4, the middle one in both strips: 8 + 8 words, the corner's non-zero once and the middle's twice."""
    layer = Layer(name="halo", N=1, M=1, C=1, H=3, W=4, R=2, S=4)
    ifmap = np.zeros(layer.ifmap_shape, np.int16)
    ifmap[0, 0, 0, 0], ifmap[0, 0, 1, 2] = 5, -1
    tensors = replace(tensors_of(layer, Densities(ifmap=1, filters=1, ofmap=1), np.random.default_rng(0)), ifmap=ifmap)
    mapping = RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)
    counts = count_accesses(layer, mapping, ESTIMATION, tensors, Coding.SIGNIFICANCE_MAP)
    assert counts.bits[DRAM_READS[Tensor.IFMAP]] == 16 + 16 * 3


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 16), st.integers(1, 16), st.integers(1, 16))
def test_narrow_words_take_their_width_everywhere(data: st.DataObject, ifmap: int, filters: int, psum: int) -> None:
    """But for what moves coded; ofmaps leave with the ifmap's width."""
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, MACHINES[2]))
    narrow = replace(layer, ifmap_bits=ifmap, filter_bits=filters, psum_bits=psum)
    width = {Tensor.IFMAP: ifmap, Tensor.FILTER: filters, Tensor.PSUM: psum}
    counts = count_accesses(narrow, mapping, MACHINES[2], Densities(ifmap=0.5, filters=0.5, ofmap=0.5))
    for access, bits in counts.bits.items():
        assert bits == counts.words[access] * (ifmap if access == DRAM_OFMAP else width[access.tensor])


def test_narrow_levels_fill_link_words_with_more_pairs() -> None:
    """8-bit levels: four pairs a link word. Dense, 11 x 11 words of a channel take 31 link words instead of 41."""
    layer = Layer(name="narrow", N=1, M=1, C=1, H=11, W=11, R=1, S=1, ifmap_bits=8)
    mapping, dense = RowStationaryMapping(m=1, n=1, e=11, p=1, q=1, r=1, t=1), Densities(ifmap=1, filters=1, ofmap=1)
    tensors = tensors_of(layer, dense, np.random.default_rng(0))
    for given_zeros in (dense, tensors):
        bits = count_accesses(layer, mapping, CHIP, given_zeros).bits
        assert (bits[DRAM_READS[Tensor.IFMAP]], bits[DRAM_OFMAP]) == (31 * 64, 31 * 64)


@pytest.mark.parametrize("fold", [Fold(rows=2, columns=1), Fold(rows=1, columns=3), Fold(rows=2, columns=3)])
def test_folded_densities_are_the_share_of_words_that_are_no_padding(fold: Fold) -> None:
    layer = Layer(name="tall", N=2, M=2, C=3, H=15, W=14, R=4, S=6, U=2, V=1, padding=(2, 1, 3, 4))
    dense = Densities(ifmap=1, filters=1, ofmap=1)
    folded = fold_tensors(layer, tensors_of(layer, dense, np.random.default_rng(0)), fold)
    share = np.count_nonzero(folded.ifmap) / folded.ifmap.size
    assert folded.ifmap.shape == fold_layer(layer, fold).ifmap_shape
    found = folded_densities(layer, fold, Densities(ifmap=0.5, filters=0.25, ofmap=0.75))
    assert found.ifmap == pytest.approx(share / 2, rel=1e-12)
    assert (found.filters, found.ofmap) == (0.25, 0.75)


def mapping_of(layer: Layer) -> RowStationaryMapping:
    return replace(MAPPING, e=min(2, layer.E), **({"m": 1, "p": 1, "q": 1} if layer.C == layer.G else {}))


def tensors_of(layer: Layer, densities: Densities, rng: np.random.Generator) -> LayerTensors:
    def words(shape: tuple[int, ...], density: float) -> np.ndarray:
        return np.where(rng.random(shape) < density, rng.integers(1, 9, shape), 0).astype(np.int16)

    return LayerTensors(
        ifmap=words(layer.ifmap_shape, densities.ifmap),
        filters=words(layer.filter_shape, densities.filters),
        ofmap=words(layer.ofmap_shape, densities.ofmap),
    )


def figures(counts: AccessCounts) -> list[int]:
    return [*counts.words.values(), *counts.bits.values(), counts.nonzero_macs, counts.gated_macs]


def only_dram(counts: AccessCounts) -> dict[Access, int]:
    return {access: bits for access, bits in counts.bits.items() if access.level is Level.DRAM}
