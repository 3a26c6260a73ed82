"""Scans over int16 tensors, in C: run-length-coded sizes, and non-zero words under each filter tap."""

import numpy as np
import numpy.typing as npt

from native._kernels import ffi, lib
from native.status import check


def run_length_pairs(
    words: npt.NDArray[np.int16],
    starts: npt.NDArray[np.int64],
    segments: tuple[int, int, int],
    longest_run: int,
) -> npt.NDArray[np.int64]:
    """Pairs of each stream that begins at flat index `starts[i]` of `words`: (count, stride, words) of its segments.

    Returns int64 of the shape of `starts`; the pad that fills a stream's last link word is not included.
    """
    count, stride, length = segments
    if words.dtype != np.int16 or not words.flags.c_contiguous:
        raise ValueError(f"C-contiguous int16 words are needed, not {words.dtype}")
    if min(count, length) < 1 or stride < 0 or longest_run < 0:
        raise ValueError(f"segments {segments} with runs of at most {longest_run} describe no stream")
    if starts.size and (starts.min() < 0 or starts.max() + (count - 1) * stride + length > words.size):
        raise ValueError(f"streams reach beyond the {words.size} words")
    begins = np.ascontiguousarray(starts, np.int64)
    pairs = np.zeros(begins.shape, np.int64)
    check(
        lib.pj_run_length_pairs(
            ffi.from_buffer("int16_t[]", words),
            ffi.from_buffer("int64_t[]", begins),
            begins.size,
            count,
            stride,
            length,
            longest_run,
            ffi.from_buffer("int64_t[]", pairs, require_writable=True),
        )
    )
    return pairs


def nonzero_positions(
    words: npt.NDArray[np.int16],
    filter_size: tuple[int, int],
    stride: tuple[int, int],
    ofmap_size: tuple[int, int],
    padding: tuple[int, int],
) -> npt.NDArray[np.int64]:
    """For words (N, C, H, W): int64 (C, R, S), how many ofmap positions of all images meet a non-zero word at each tap.

    `padding` is (top, left); words in the padding are zero. Sizes and strides are (vertical, horizontal).
    """
    if words.dtype != np.int16 or words.ndim != 4 or not words.flags.c_contiguous:
        raise ValueError(f"C-contiguous int16 words (N, C, H, W) are needed, not {words.dtype} {words.shape}")
    images, channels, height, width = words.shape
    positions = np.zeros((channels, *filter_size), np.int64)
    geometry = np.array([height, width, *filter_size, *stride, *ofmap_size, *padding], np.int32)
    check(
        lib.pj_nonzero_positions(
            ffi.from_buffer("int16_t[]", words),
            images * channels,
            channels,
            ffi.from_buffer("int32_t[]", geometry),
            ffi.from_buffer("int64_t[]", positions, require_writable=True),
        )
    )
    return positions
