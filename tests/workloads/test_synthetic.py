"""Do synthetic tensors have the stated density, and are they the same whoever asks, in whatever order?"""

import pickle
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import SpecError
from simulator.spec.layer import Layer
from workloads import open_workload
from workloads.synthetic import Densities, SyntheticTensors, assumed_densities, synthetic_words

LAYER = Layer(name="conv", N=2, M=6, C=4, H=9, W=7, R=3, S=3, G=2)
SHAPE = (3, 1000, 67)  # more than one chunk of random words, and an odd number of them


@pytest.mark.parametrize("density", [0.001, 0.207, 0.5, 0.613, 0.9999])
@pytest.mark.parametrize("signed", [False, True])
def test_zeros_come_at_the_stated_density(density: float, signed: bool) -> None:
    words = synthetic_words(SHAPE, density, key="a", signed=signed)
    deviation = sqrt(density * (1 - density) / words.size)
    assert abs(np.count_nonzero(words) / words.size - density) < 4 * deviation


@pytest.mark.parametrize("density", [0.0, 1.0])
def test_density_0_and_1_are_exact(density: float) -> None:
    assert np.count_nonzero(synthetic_words(SHAPE, density, key="a", signed=True)) == density * np.prod(SHAPE)


def test_whether_a_word_is_zero_does_not_depend_on_its_neighbours() -> None:
    """Each word is made from half of a 64-bit draw: the halves must not go together."""
    zero = synthetic_words((1 << 20,), 0.5, key="a", signed=False) == 0
    for distance in (1, 2, 1 << 16):
        together = np.mean(zero[:-distance] & zero[distance:])
        assert abs(together - 0.25) < 4 * sqrt(0.25 * 0.75 / zero.size) * 2


def test_words_are_uniform_and_odd_or_zero() -> None:
    words = synthetic_words((1 << 20,), 0.5, key="a", signed=True)
    values = words[words != 0].astype(np.int64)
    assert (values % 2 == 1).all()
    assert values.min() < -32700
    assert values.max() > 32700
    assert abs(values.mean()) < 4 * (65536 / sqrt(12)) / sqrt(values.size)
    assert synthetic_words((1 << 16,), 0.5, key="a", signed=False).min() == 0


def test_a_words_value_and_its_zero_are_independent() -> None:
    """One draw decides on both, so small values must not be kept more often."""
    dense, sparse = (synthetic_words((1 << 20,), density, key="a", signed=True) for density in (1.0, 0.25))
    quarters = (dense.astype(np.int32) + 32768) // 16384
    for quarter in range(4):
        kept = np.mean(sparse[quarters == quarter] != 0)
        assert abs(kept - 0.25) < 4 * sqrt(0.25 * 0.75 / (1 << 18))


def test_the_words_are_these_on_every_machine_and_version() -> None:
    """A change here moves every simulated number of a network without weights: list it in the CHANGELOG."""
    words = synthetic_words((6,), 0.5, key="0/conv/ifmap", signed=True)
    assert words.tolist() == [0, 0, 0, 0, 5551, -20127]


@given(st.integers(1, 5), st.integers(0, 4))
def test_a_larger_batch_begins_with_the_words_of_a_smaller_one(batch: int, more: int) -> None:
    tensors_of = SyntheticTensors(seed=3, densities={"conv": assumed_densities(LAYER)})
    small, large = tensors_of(LAYER.with_batch(batch)), tensors_of(LAYER.with_batch(batch + more))
    assert np.array_equal(small.ifmap, large.ifmap[:batch])
    assert np.array_equal(small.ofmap, large.ofmap[:batch])
    assert np.array_equal(small.filters, large.filters)


def test_tensors_do_not_depend_on_the_order_of_asking_and_survive_a_trip_to_a_worker() -> None:
    workload = open_workload("alexnet", layers=["CONV3", "CONV4"])
    first, second = workload.layers
    workload.tensors_of(second)
    here, there = workload.tensors_of(first), pickle.loads(pickle.dumps(workload)).tensors_of(first)
    assert np.array_equal(here.ifmap, there.ifmap)
    assert np.array_equal(here.filters, there.filters)
    assert np.array_equal(here.ofmap, there.ofmap)


def test_a_workload_pickles_small() -> None:
    assert len(pickle.dumps(open_workload("resnet50"))) < 20_000


def test_tensors_of_a_layer_differ_from_one_another_from_other_layers_and_seeds() -> None:
    density = {name: assumed_densities(LAYER) for name in ("a", "b")}
    square = {"N": 1, "M": 64, "C": 64, "H": 1, "W": 1, "R": 1, "S": 1}
    a, b = (Layer(name=name, **square, padding=(0, 0, 0, 0), from_input=False) for name in ("a", "b"))
    of = SyntheticTensors(seed=0, densities=density)
    drawn = [of(a).ifmap, of(a).ofmap, of(b).ifmap, SyntheticTensors(seed=1, densities=density)(a).ifmap]
    assert len({words.tobytes() for words in drawn}) == len(drawn)


def test_tensors_have_the_layers_shapes() -> None:
    SyntheticTensors(seed=0, densities={"conv": assumed_densities(LAYER)})(LAYER).check(LAYER)


@pytest.mark.parametrize("density", [-0.1, 1.5, float("nan")])
def test_a_density_lies_between_0_and_1(density: float) -> None:
    with pytest.raises(SpecError, match=rf"^ofmap density {density}; a density lies between 0 and 1$"):
        Densities(ifmap=0.5, filters=1.0, ofmap=density)
