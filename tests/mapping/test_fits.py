"""Does each rule of a mapping have its message, and is each limit tight: at it fits, one beyond does not?"""

from dataclasses import replace

import pytest

from simulator.errors import MappingError
from simulator.mapping.fits import check_fits, ifmap_tile_words, pass_filter_words, psum_tile_words
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from workloads import open_workload

CHIP = load_accelerator("eyeriss-v1")
POOLED = load_accelerator("isca16-256")
LARGE = Layer(name="large", N=8, M=512, C=512, H=60, W=60, R=3, S=3, padding=(1, 1, 1, 1))
ONE = RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)


@pytest.mark.parametrize(
    ("fits", "beyond", "message"),
    [
        (
            replace(ONE, n=8),
            replace(ONE, n=9),
            "large: n = 9 is more than the layer's 8 images; lower n",
        ),
        (
            replace(ONE, m=512, e=1),
            replace(ONE, m=513),
            "large: m = 513 is more than the layer's 512 filters in a group; lower m",
        ),
        (
            replace(ONE, m=4, p=4),
            replace(ONE, m=4, p=5),
            r"large: p\*t = 5 is more than the layer's 4 filters kept in the GLB \(m\); lower p\*t",
        ),
        (
            replace(ONE, r=4),
            replace(ONE, r=5),
            r"large: r\*R = 15 PE rows exceed the array's 12; lower r",
        ),
        (
            replace(ONE, m=4, t=4, e=14),
            replace(ONE, m=5, t=5, e=14),
            r"large: t\*g = 5 stacks of 3 x 14 PEs do not fit the 12 x 14 array, where 4 fit; lower t, g, r or e",
        ),
        (
            replace(ONE, e=56),
            replace(ONE, e=57),
            r"large: t\*g = 1 stacks of 3 x 57 PEs do not fit the 12 x 14 array, where 0 fit; lower t, g, r or e",
        ),
        (
            replace(ONE, q=4),
            replace(ONE, q=5),
            r"large: q\*S = 15 ifmap words exceed the 12-word ifmap spad; lower q",
        ),
        (
            replace(ONE, m=18, p=18, q=4),
            replace(ONE, m=19, p=19, q=4),
            r"large: p\*q\*S = 228 filter words exceed the 224-word filter spad; lower p or q",
        ),
        (
            replace(ONE, m=24, p=24),
            replace(ONE, m=25, p=25),
            "large: p = 25 psums exceed the 24-word psum spad; lower p",
        ),
        (
            replace(ONE, m=56, p=14, q=4, r=2, t=1),
            replace(ONE, m=60, p=15, q=4, r=2, t=4),
            (
                r"large: g\*p\*t\*q\*r\*R\*S = 4320 filter words of a pass exceed the 4096-word filter buffer; "
                "lower p, t, q or r"
            ),
        ),
        (
            replace(ONE, m=56, e=14),
            replace(ONE, m=57, e=14),
            (
                r"large: 1 ifmap banks \(n\*g\*q\*r\*\(\(e-1\)\*U\+R\)\*W = 992 words\) and 24 psum banks "
                r"\(n\*g\*m\*e\*F = 47880 words\) exceed the GLB's 24; lower n, m or e"
            ),
        ),
    ],
)
def test_rules_of_the_chip(fits: RowStationaryMapping, beyond: RowStationaryMapping, message: str) -> None:
    chip = CHIP
    if "GLB's 24" in message:
        chip = CHIP.model_copy(update={"glb": CHIP.glb.model_copy(update={"banks": 24})})
    check_fits(fits, LARGE, chip)
    with pytest.raises(MappingError, match=message):
        check_fits(beyond, LARGE, chip)


def test_q_and_r_are_bound_by_the_channels() -> None:
    few = replace(LARGE, C=3)
    check_fits(replace(ONE, q=3), few, CHIP)
    with pytest.raises(
        MappingError, match=r"large: q\*r = 4 is more than the layer's 3 channels in a group; lower q\*r"
    ):
        check_fits(replace(ONE, q=2, r=2), few, CHIP)


def test_e_is_bound_by_the_ofmap_and_g_by_the_groups() -> None:
    low = replace(LARGE, H=5, G=2)
    check_fits(replace(ONE, e=5, g=2), low, CHIP)
    with pytest.raises(MappingError, match="large: e = 6 is more than the layer's 5 ofmap rows; lower e"):
        check_fits(replace(ONE, e=6), low, CHIP)
    with pytest.raises(MappingError, match="large: g = 3 is more than the layer's 2 groups; lower g"):
        check_fits(replace(ONE, g=3), low, CHIP)


def test_a_pooled_spad_holds_all_three() -> None:
    check_fits(replace(ONE, m=21, p=21, q=3, e=1), LARGE, POOLED)  # 189 + 9 + 21
    check_fits(replace(ONE, m=24, p=24, q=3), LARGE, POOLED)  # 216 + 9 + 24 = 249
    with pytest.raises(MappingError, match=r"p\*q\*S \+ q\*S \+ p = 259 words exceed the 256-word spad; lower p or q"):
        check_fits(replace(ONE, m=25, p=25, q=3), LARGE, POOLED)


@pytest.mark.parametrize(
    ("widths", "fits", "beyond", "message"),
    [
        ((8, 16, 16), replace(ONE, q=8), replace(ONE, q=9), r"q\*S = 27 ifmap words exceed the 24-word ifmap spad"),
        ((5, 16, 16), replace(ONE, q=12), replace(ONE, q=13), r"q\*S = 39 ifmap words exceed the 38-word ifmap spad"),
        (
            (8, 8, 16),
            replace(ONE, m=24, p=18, q=8),
            replace(ONE, m=24, p=19, q=8),
            r"p\*q\*S = 456 filter words exceed the 448-word filter spad",
        ),
        ((16, 16, 8), replace(ONE, m=48, p=48), replace(ONE, m=49, p=49), "p = 49 psums exceed the 48-word psum spad"),
        (
            (16, 8, 16),
            replace(ONE, m=60, p=14, q=4, r=4, t=4, e=3),
            replace(ONE, m=64, p=15, q=4, r=4, t=4, e=3),
            r"8640 filter words of a pass exceed the 8192-word filter buffer; lower p, t, q or r",
        ),
        (
            (16, 16, 8),
            replace(ONE, m=117, e=14),
            replace(ONE, m=118, e=14),
            r"1 ifmap banks \(.* 992 words\) and 25 psum banks \(.* = 99120 words\) exceed the GLB's 25",
        ),
        (
            (8, 16, 16),
            replace(ONE, n=4, q=4, r=2, e=2, m=98),
            replace(ONE, n=4, q=4, r=2, e=2, m=99),
            r"2 ifmap banks \(.* = 7936 words\) and 24 psum banks \(.* = 47520 words\) exceed the GLB's 25",
        ),
    ],
)
def test_stores_hold_more_of_narrower_words(
    widths: tuple[int, int, int], fits: RowStationaryMapping, beyond: RowStationaryMapping, message: str
) -> None:
    """Bits of ifmap, filter and psum words. What fits then does not with the machine's own 16."""
    narrow = replace(LARGE, ifmap_bits=widths[0], filter_bits=widths[1], psum_bits=widths[2])
    check_fits(fits, narrow, CHIP)
    with pytest.raises(MappingError, match=message):
        check_fits(beyond, narrow, CHIP)
    with pytest.raises(MappingError, match="exceed"):
        check_fits(fits, LARGE, CHIP)


def test_parameters_are_at_least_one() -> None:
    with pytest.raises(MappingError, match="mapping: t = 0; every parameter must be at least 1"):
        replace(ONE, t=0)


@pytest.mark.parametrize(
    ("name", "ifmap_kib", "psum_kib"),
    [("CONV1", 15.5, 72.2), ("CONV2", 3.8, 91.1), ("CONV3", 7.0, 84.5), ("CONV4", 10.5, 84.5), ("CONV5", 10.5, 84.5)],
)
def test_published_mappings_take_the_published_glb(name: str, ifmap_kib: float, psum_kib: float) -> None:
    """JSSC 2017, Table III: GLB allocations, in KiB of 16-bit words."""
    layer, mapping = open_workload("alexnet", batch=4, layers=[name]).layers[0], load_mappings("jssc2017")[name]
    check_fits(mapping, layer, CHIP)
    assert ifmap_tile_words(mapping, layer) * 2 / 1024 == pytest.approx(ifmap_kib, abs=0.06)
    assert psum_tile_words(mapping, layer) * 2 / 1024 == pytest.approx(psum_kib, abs=0.06)


def test_conv1_fills_most_of_the_filter_buffer() -> None:
    """JSSC 2017: 3,872 of 4,096 words."""
    conv1 = open_workload("alexnet", batch=4, layers=["CONV1"]).layers[0]
    assert pass_filter_words(load_mappings("jssc2017")["CONV1"], conv1) == 3872
