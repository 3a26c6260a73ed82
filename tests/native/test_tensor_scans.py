"""Are coded sizes exact to the word, and are zeros counted where the filter taps meet them?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native.tensor_scans import nonzero_positions, run_length_pairs
from tests.oracles.tensor_scans import decode, encode

sparse_words = st.lists(st.sampled_from([0, 0, 0, 0, 1, -7]), min_size=1, max_size=300)


@given(sparse_words, st.sampled_from([0, 1, 3, 31]))
def test_the_oracle_loses_nothing(words: list[int], longest_run: int) -> None:
    pairs = encode(words, longest_run)
    assert decode(pairs) == words
    assert all(run <= longest_run for run, _ in pairs)


@given(sparse_words, st.sampled_from([0, 1, 3, 31]))
def test_pairs_equal_the_oracle(words: list[int], longest_run: int) -> None:
    stream = np.array(words, np.int16)
    pairs = run_length_pairs(stream, np.array([0]), (1, 0, len(words)), longest_run)
    assert pairs.tolist() == [len(encode(words, longest_run))]


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ([5], 1),
        ([0], 1),
        ([0] * 31, 1),
        ([0] * 32, 1),
        ([0] * 33, 2),
        ([0] * 31 + [5], 1),
        ([0] * 32 + [5], 2),
        ([1, 2, 0], 3),
    ],
)
def test_pairs_by_hand(words: list[int], pairs: int) -> None:
    assert run_length_pairs(np.array(words, np.int16), np.array([0]), (1, 0, len(words)), 31)[0] == pairs


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_streams_of_segments(segments: int, length: int, gap: int, seed: int) -> None:
    """A stream goes on from one segment to the next; what lies between them is not in it."""
    stride = length + gap
    words = np.random.default_rng(seed).choice([0, 0, 0, 9], 2 * segments * stride).astype(np.int16)
    starts = np.array([0, segments * stride])
    streams = [words[s : s + segments * stride].reshape(segments, stride)[:, :length].ravel() for s in starts]
    expected = [len(encode(stream.tolist(), 3)) for stream in streams]
    assert run_length_pairs(words, starts, (segments, stride, length), 3).tolist() == expected


def test_a_stream_beyond_its_words_is_refused() -> None:
    with pytest.raises(ValueError, match="streams reach beyond the 4 words"):
        run_length_pairs(np.zeros(4, np.int16), np.array([1]), (1, 0, 4), 31)


@settings(deadline=None)
@given(st.data())
def test_positions_equal_a_padded_window(data: st.DataObject) -> None:
    images, channels, height, width = (data.draw(st.integers(1, most)) for most in (2, 3, 8, 8))
    stride = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)))
    top, left, bottom, right = (data.draw(st.integers(0, 2)) for _ in range(4))
    taps = (data.draw(st.integers(1, height + top + bottom)), data.draw(st.integers(1, width + left + right)))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    words = rng.choice([0, 3], (images, channels, height, width)).astype(np.int16)
    padded = np.pad(words, ((0, 0), (0, 0), (top, bottom), (left, right)))
    ofmap = ((padded.shape[2] - taps[0]) // stride[0] + 1, (padded.shape[3] - taps[1]) // stride[1] + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    expected = np.count_nonzero(windows[:, :, : ofmap[0], : ofmap[1]], axis=(0, 2, 3))
    assert np.array_equal(nonzero_positions(words, taps, stride, ofmap, (top, left)), expected)


def test_words_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="C-contiguous int16 words"):
        nonzero_positions(np.zeros((1, 1, 2, 2), np.int32), (1, 1), (1, 1), (2, 2), (0, 0))


def test_negative_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="a size below its minimum"):
        nonzero_positions(np.zeros((1, 1, 2, 2), np.int16), (1, 1), (1, 1), (2, 2), (-1, 0))
