"""Are a layer's derived sizes right, and is a layer that computes nothing refused?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.errors import SpecError, WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors

CONV1 = Layer(name="CONV1", N=4, M=96, C=3, H=227, W=227, R=11, S=11, U=4, V=4)


def test_alexnet_conv1() -> None:
    """JSSC 2017, Table V: 421.6 M MACs at N = 4 (421.66)."""
    assert (CONV1.E, CONV1.F) == (55, 55)
    assert CONV1.macs == 4 * 96 * 55 * 55 * 3 * 11 * 11
    assert CONV1.ofmap_shape == (4, 96, 55, 55)
    assert not CONV1.is_fc


def test_strides_padding_and_groups() -> None:
    layer = Layer(name="odd", N=1, M=6, C=4, H=10, W=7, R=3, S=2, U=2, V=3, G=2, padding=(1, 0, 2, 1))
    assert (layer.padded_height, layer.padded_width) == (13, 8)
    assert (layer.E, layer.F) == (6, 3)
    assert layer.filter_shape == (6, 2, 3, 2)
    assert layer.macs == 6 * 6 * 3 * 2 * 3 * 2


def test_fc_and_batch() -> None:
    fc = Layer(name="FC1", N=1, M=4096, C=256, H=6, W=6, R=6, S=6)
    assert fc.is_fc
    assert fc.with_batch(16).macs == 16 * fc.macs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a\nb"}, r"'a\\nb': a layer's name is one line of printable characters; rename it"),
        ({"M": 0}, "CONV1: M = 0; every dimension must be at least 1"),
        ({"H": -3}, "CONV1: H = -3; every dimension must be at least 1"),
        ({"padding": (0, -1, 0, 0)}, r"CONV1: padding \(0, -1, 0, 0\) is negative; crop the ifmap instead"),
        ({"G": 2}, "CONV1: 2 groups do not divide C = 3 channels and M = 96 filters"),
        ({"R": 228}, "CONV1: a 228x11 filter is larger than its padded 227x227 ifmap; nothing would be computed"),
        ({"N": 10**9}, r"CONV1: more than 2\*\*48 MACs or ifmap words; lower the batch or the layer's sizes"),
        ({"H": 2 * 10**9, "W": 10**6, "U": 2 * 10**9}, r"CONV1: more than 2\*\*48 MACs or ifmap words"),
        ({"ifmap_bits": 0}, "CONV1: ifmap_bits = 0; a word has 1 to 16 bits, the machine's word"),
        ({"filter_bits": -1}, "CONV1: filter_bits = -1; a word has 1 to 16 bits, the machine's word"),
        ({"psum_bits": 17}, "CONV1: psum_bits = 17; a word has 1 to 16 bits, the machine's word"),
        ({"V": 2**31}, r"CONV1: V = 2147483648; every dimension must be below 2\*\*31"),
        (
            {"padding": (2**30, 0, 2**30, 0)},
            r"CONV1: padded height = 2147483875; every dimension must be below 2\*\*31",
        ),
    ],
)
def test_faults(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(CONV1, **change)


def test_words_are_sixteen_bits_unless_said() -> None:
    assert (CONV1.ifmap_bits, CONV1.filter_bits, CONV1.psum_bits) == (16, 16, 16)
    narrow = replace(CONV1, ifmap_bits=1, filter_bits=8, psum_bits=16).with_batch(1)
    assert (narrow.ifmap_bits, narrow.filter_bits, narrow.psum_bits) == (1, 8, 16)


def test_tensors_of_another_shape_or_kind() -> None:
    one = Layer(name="one", N=1, M=1, C=1, H=2, W=2, R=1, S=1)
    words = np.zeros((1, 1, 2, 2), np.int16)
    whole = LayerTensors(ifmap=words, filters=np.zeros((1, 1, 1, 1), np.int16), ofmap=words)
    whole.check(one)
    with pytest.raises(WorkloadError, match=r"one: ifmap has shape \(1, 2, 2\); the layer needs \(1, 1, 2, 2\)"):
        replace(whole, ifmap=words[0]).check(one)
    with pytest.raises(WorkloadError, match="one: ofmap is float32; C-contiguous int16 words are needed"):
        replace(whole, ofmap=words.astype(np.float32)).check(one)
    with pytest.raises(WorkloadError, match="one: ofmap is int16; C-contiguous int16 words are needed"):
        replace(whole, ofmap=words.transpose(0, 1, 3, 2)).check(one)
