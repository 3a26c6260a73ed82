"""Are expected coded sizes those of the coder, over all streams of a density?"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.analytic.coding import Coding, layer_streams, pairs_per_word, raw, run_length, significance_map
from simulator.spec.accelerator import RunLengthCode
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from tests.oracles.tensor_scans import encode

CODE = load_accelerator("eyeriss-v1").compression
LAYER = Layer(name="coded", N=1, M=1, C=1, H=4, W=4, R=3, S=3)
NO_LAYER = {"ifmap": False, "network_input": False, "ofmap": False, "filter": False}


def code_of(run_bits: int, pairs: int) -> RunLengthCode:
    return RunLengthCode(run_bits=run_bits, level_bits=16, pairs=pairs, word_bits=256, **NO_LAYER)


@pytest.mark.parametrize(("run_bits", "pairs"), [(1, 1), (1, 3), (2, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("density", [0, 1e-12, 0.07, 0.37, 0.94, 1])
def test_short_streams_are_the_mean_of_all_patterns(run_bits: int, pairs: int, density: float) -> None:
    bits = run_length(code_of(run_bits, pairs), density)
    for length in range(11):
        expected = sum(
            density ** sum(words) * (1 - density) ** (length - sum(words)) * link_words(words, run_bits, pairs)
            for words in product([0, 1], repeat=length)
        )
        assert bits(length) == pytest.approx(256 * expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("density", [0.004, 0.1, 0.35, 0.8, 0.995])
@pytest.mark.parametrize("length", [13, 27, 100, 700, 2000])
def test_long_streams_are_the_mean_of_drawn_ones(density: float, length: int) -> None:
    rng = np.random.default_rng(length)
    drawn = np.array([link_words(words, 5, 3) for words in (rng.random((400, length)) < density).tolist()])
    error = max(drawn.std() / 20, 1 / 400)
    assert abs(run_length(CODE, density)(length) / 64 - drawn.mean()) < 4 * error


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1 - 1e-6), st.integers(0, 600))
def test_a_stream_is_its_first_word_and_the_rest(density: float, length: int) -> None:
    """Independent of how a size is found: a link word, and what is left of the stream when its pairs are full."""
    bits = run_length(CODE, density)
    pair = np.array([0, *(density * (1 - density) ** np.arange(31)), (1 - density) ** 31])
    covered = np.convolve(np.convolve(pair, pair), pair)
    lengths = length + 1 - np.arange(len(covered))
    rest = bits(np.maximum(lengths, 0)) @ covered
    assert bits(length + 1) == pytest.approx(64 + rest, rel=1e-9)


@pytest.mark.parametrize("density", [0.01, 0.4, 0.997])
def test_tables_end_where_their_asymptote_does(density: float) -> None:
    """Long streams grow by the same bits a word, on either side of every table's end."""
    bits = run_length(CODE, density)
    for end in (8192, 65536, 10**6):
        growth = np.diff(bits(np.arange(end - 200, end + 200)))
        assert growth == pytest.approx(growth[0], abs=1e-4)


@pytest.mark.parametrize("density", [1e-7, 1e-5, 1 - 1e-6])
def test_streams_of_hardly_any_zeros_or_of_little_else(density: float) -> None:
    """Beyond the longest table too, less than a link word off: these densities are next to 0 or 1."""
    for length in (65535, 65536, 200_000):
        assert abs(run_length(CODE, density)(length) - run_length(CODE, round(density))(length)) < 65 + 6 * (
            length * min(density, 1 - density) * 64
        )


def test_without_zeros_and_with_nothing_else() -> None:
    words = np.array([0, 1, 3, 4, 96, 97, 12345])
    assert run_length(CODE, 1.0)(words).tolist() == [0, 64, 64, 128, 32 * 64, 33 * 64, 4115 * 64]
    assert run_length(CODE, 0.0)(words).tolist() == [0, 64, 64, 64, 64, 128, 129 * 64]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([0.0, 0.2, 0.999, 1.0]), st.lists(st.integers(0, 3000), min_size=1))
def test_one_stream_is_as_long_as_among_others(density: float, words: list[int]) -> None:
    for coder in (run_length(CODE, density), significance_map(16, density), raw(16)):
        assert coder(np.array(words)).tolist() == pytest.approx([coder(one) for one in words], rel=1e-12)
        assert all(type(coder(one)) is float for one in words)


@pytest.mark.parametrize("density", [1e-9, 0.05, 0.6])
def test_runs_longer_than_any_stream(density: float) -> None:
    """One pair a link word: it begins at the first word, and after each word that is not zero."""
    bits = run_length(code_of(31, 1), density)
    for length in (1, 40, 3000):
        assert bits(length) == pytest.approx(256 * (1 + (length - 1) * density), rel=1e-9)


@given(st.floats(0, 1), st.integers(1, 7))
def test_the_shortest_streams_are_one_link_word_to_the_bit(density: float, pairs: int) -> None:
    """A transfer takes whole link words: the least fraction more would be another."""
    bits = run_length(code_of(5, pairs), density)
    assert [bits(words) for words in range(pairs + 1)] == [0, *[256] * pairs]
    assert bits(np.arange(pairs + 1)).tolist() == [0, *[256] * pairs]


def test_a_map_of_non_zero_words() -> None:
    assert significance_map(16, 0.25)(100) == 100 + 25 * 16
    assert raw(16)(np.array([0, 7])).tolist() == [0, 112]


@pytest.mark.parametrize(("level_bits", "pairs"), [(None, 3), (16, 3), (11, 3), (8, 4), (4, 7)])
def test_narrower_levels_leave_room_for_more_pairs(level_bits: int | None, pairs: int) -> None:
    """63 bits beside the end bit: 5 + 8 bits go in four times, 5 + 11 three times."""
    assert pairs_per_word(CODE, level_bits) == pairs
    assert run_length(CODE, 1.0, level_bits=level_bits)(84) == -(-84 // pairs) * 64


def test_each_tensor_moves_as_its_machine_codes_it() -> None:
    densities = Densities(ifmap=0.5, filters=0.25, ofmap=0.75)
    chip = layer_streams(LAYER, densities, load_accelerator("eyeriss-v1"))
    method = layer_streams(LAYER, densities, load_accelerator("eyeriss-estimation"), Coding.SIGNIFICANCE_MAP)
    assert [chip.ifmap(96), chip.filters(96), chip.ofmap(96)] == [
        run_length(CODE, 0.5)(96),
        96 * 16,
        run_length(CODE, 0.75)(96),
    ]
    assert [method.ifmap(96), method.filters(96), method.ofmap(96)] == [96 * 9, 96 * 5, 96 * 13]


def test_each_tensor_moves_in_its_own_width() -> None:
    """Ofmap words leave with the ifmap's width: they are the next layer's ifmap."""
    dense = Densities(ifmap=1, filters=1, ofmap=1)
    narrow = replace(LAYER, ifmap_bits=8, filter_bits=4, psum_bits=12)
    chip, uncoded = (layer_streams(narrow, dense, load_accelerator(name)) for name in ("eyeriss-v1", "isca16-256"))
    assert [chip.ifmap(84), chip.filters(84), chip.ofmap(84)] == [84 // 4 * 64, 84 * 4, 84 // 4 * 64]
    assert [uncoded.ifmap(84), uncoded.filters(84), uncoded.ofmap(84)] == [84 * 8, 84 * 4, 84 * 8]


def link_words(words: tuple[int, ...] | list[int], run_bits: int, pairs: int) -> int:
    return -(-len(encode(list(words), 2**run_bits - 1)) // pairs)
