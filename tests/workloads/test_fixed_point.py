"""Is a float tensor rounded as the accelerator's format demands: nearest word, largest scale, zeros kept?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulator.errors import WorkloadError
from workloads.fixed_point import fixed_point

FINITE = arrays.arrays(
    np.float32, arrays.array_shapes(max_dims=4, max_side=5), elements=st.floats(-(2.0**100), 2.0**100, width=32)
)


@given(FINITE)
def test_words_are_the_values_rounded_half_to_even_at_the_scale(values: np.ndarray) -> None:
    fixed = fixed_point(values, where="conv: ifmap")
    exact = [round(float(value) * 2.0**fixed.scale) for value in values.flat]  # Python rounds half to even
    assert fixed.words.ravel().tolist() == exact
    assert fixed.words.shape == values.shape
    assert fixed.words.dtype == np.int16
    assert fixed.words.flags.c_contiguous


@given(FINITE)
def test_no_larger_scale_would_fit(values: np.ndarray) -> None:
    largest, scale = float(np.abs(values).max()), fixed_point(values, where="").scale
    if largest == 0:
        assert scale == 0
    else:
        assert round(largest * 2.0**scale) <= 32767 < round(largest * 2.0 ** (scale + 1))


@given(FINITE)
def test_zeros_stay_zeros_and_those_that_become_zero_are_counted(values: np.ndarray) -> None:
    fixed = fixed_point(values, where="")
    assert not fixed.words[values == 0].any()
    assert fixed.zeroed == np.count_nonzero((fixed.words == 0) & (values != 0))


@pytest.mark.parametrize(
    ("values", "words", "scale", "zeroed"),
    [
        ([0.0, -0.0], [0, 0], 0, 0),
        ([1.0], [16384], 14, 0),
        ([-1.0, 0.5], [-16384, 8192], 14, 0),
        ([32767.0], [32767], 0, 0),
        ([32767.25], [32767], 0, 0),
        ([32767.5], [16384], -1, 0),  # would round to 32768
        ([16384.0, 0.5, 1.5, 0.25], [16384, 0, 2, 0], 0, 2),  # half to even
        ([16384.0, -0.5, -1.5], [16384, 0, -2], 0, 1),
        ([65536.0, 1.0, 3.0], [16384, 0, 1], -2, 1),
    ],
)
def test_by_hand(values: list[float], words: list[int], scale: int, zeroed: int) -> None:
    for dtype in (np.float32, np.float64):
        fixed = fixed_point(np.array(values, dtype), where="")
        assert (fixed.words.tolist(), fixed.scale, fixed.zeroed) == (words, scale, zeroed)


@pytest.mark.parametrize("smallest", [np.float32(1e-45), np.float64(5e-324)])
def test_the_smallest_floats_fill_a_word_too(smallest: np.floating) -> None:
    assert fixed_point(np.array([smallest, -smallest]), where="").words.tolist() == [16384, -16384]


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint8, np.int64])
def test_other_types_are_taken_at_their_value(dtype: type) -> None:
    fixed = fixed_point(np.array([0, 100, 25], dtype), where="")
    assert (fixed.words.tolist(), fixed.scale) == ([0, 25600, 6400], 8)


def test_a_transposed_view_comes_out_contiguous() -> None:
    values = np.arange(12.0).reshape(3, 4).T
    fixed = fixed_point(values, where="")
    assert fixed.words.flags.c_contiguous
    assert np.array_equal(fixed.words * 2.0**-fixed.scale, values)


def test_the_values_are_left_alone() -> None:
    values = np.array([0.3, 0.7], np.float32)
    fixed_point(values, where="")
    assert values.tolist() == [np.float32(0.3), np.float32(0.7)]


@pytest.mark.parametrize("fault", ["nan", "inf", "-inf"])
def test_what_is_not_finite_is_named_with_its_place(fault: str) -> None:
    values = np.ones((2, 3))
    values[1, 0] = values[1, 2] = float(fault)
    with pytest.raises(WorkloadError) as error:
        fixed_point(values, where="conv1: filters")
    assert str(error.value) == (
        f"conv1: filters: 2 of 6 values are NaN or infinite, the first at (1, 0): {fault}; fixed point has neither"
    )
