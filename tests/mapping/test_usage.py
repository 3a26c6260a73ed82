"""Is what a mapping is said to use what fits.py compares, and are its kinds of passes those that run?"""

from collections import Counter
from dataclasses import replace

import pytest

from simulator.errors import MappingError
from simulator.mapping.fits import check_fits
from simulator.mapping.load import load_mappings
from simulator.mapping.passes import processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.usage import PassShape, Room, pass_shapes, rooms
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from workloads import open_workload

CHIP, POOLED = load_accelerator("eyeriss-v1"), load_accelerator("isca16-256")
CONV3 = next(layer for layer in open_workload("alexnet", batch=4).layers if layer.name == "CONV3")
RAGGED = Layer(name="ragged", N=5, M=42, C=30, H=17, W=15, R=3, S=3, padding=(1, 1, 1, 1), G=3)


def walked(layer: Layer, mapping: RowStationaryMapping) -> Counter[PassShape]:
    """Every pass looked at."""
    return Counter(
        PassShape(
            images=len(each.tile.images),
            groups=len(each.tile.groups),
            rows=len(each.tile.rows),
            channels=(each.channels.sets, each.channels.interleaved),
            filters=(each.filters.sets, each.filters.interleaved),
        )
        for each in processing_passes(layer, mapping)
    )


@pytest.mark.parametrize(
    ("layer", "mapping"),
    [
        (CONV3, load_mappings("jssc2017")["CONV3"]),
        (RAGGED, RowStationaryMapping(m=9, n=2, e=5, p=2, q=3, r=2, t=2, g=2)),
        (RAGGED, RowStationaryMapping(m=14, n=5, e=17, p=4, q=4, r=1, t=1, g=1)),
    ],
)
def test_kinds_of_passes_are_those_of_a_walk(layer: Layer, mapping: RowStationaryMapping) -> None:
    assert pass_shapes(layer, mapping) == walked(layer, mapping)


def test_rooms_of_a_published_mapping_by_hand() -> None:
    found = {room.store: (room.used, room.capacity, room.unit) for room in rooms(*_published())}
    assert found == {
        "ifmap spad": (12, 12, "words"),
        "filter spad": (192, 224, "words"),
        "psum spad": (16, 24, "words"),
        "filter buffer": (64 * 4 * 9, 4096, "words"),
        "GLB ifmaps, 2 banks": (4 * 4 * 15 * 15, 2 * 2048, "words"),
        "GLB psums, 22 banks": (4 * 64 * 13 * 13, 22 * 2048, "words"),
        "GLB": (24, 25, "banks"),
    }


def test_narrower_words_find_more_room() -> None:
    mapping, layer, chip = _published()
    narrow = replace(layer, ifmap_bits=8, filter_bits=8)
    found = {room.store: room.capacity for room in rooms(mapping, narrow, chip)}
    assert (found["ifmap spad"], found["filter spad"], found["psum spad"]) == (24, 448, 24)
    assert (found["filter buffer"], found["GLB ifmaps, 1 bank"], found["GLB psums, 22 banks"]) == (
        8192,
        4096,
        22 * 2048,
    )


def test_one_spad_for_all_is_in_words_or_in_bits() -> None:
    mapping, layer, _ = _published()
    assert rooms(mapping, layer, POOLED)[0] == Room(
        store="spad", formula="p*q*S+q*S+p", used=192 + 12 + 16, capacity=256
    )
    assert rooms(mapping, replace(layer, filter_bits=8), POOLED)[0] == Room(
        store="spad", formula="p*q*S*8+q*S*16+p*16", used=192 * 8 + 12 * 16 + 16 * 16, capacity=256 * 16, unit="bits"
    )


@pytest.mark.parametrize("letter", ["m", "n", "p", "q"])
def test_more_than_a_room_holds_is_what_does_not_fit(letter: str) -> None:
    """On a layer with no end of everything: some room is exceeded exactly where check_fits refuses."""
    large = Layer(name="large", N=99, M=999, C=999, H=30, W=30, R=3, S=3)
    for value in range(1, 70):
        mapping = replace(RowStationaryMapping(m=40, n=1, e=7, p=6, q=2, r=1, t=2), **{letter: value})
        if mapping.p * mapping.t > mapping.m:
            continue
        is_exceeded = any(room.used > room.capacity for room in rooms(mapping, large, CHIP))
        try:
            check_fits(mapping, large, CHIP)
            assert not is_exceeded
        except MappingError:
            assert is_exceeded


def _published() -> tuple[RowStationaryMapping, Layer, Accelerator]:
    return load_mappings("jssc2017")["CONV3"], CONV3, CHIP
