"""Does every product get computed exactly once, in passes that say truly what they need?"""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.mapping.fold import Fold, find_fold, fold_layer
from simulator.mapping.passes import chunks, processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from tests.strategies import fitting_mappings, small_layers

CHIP = load_accelerator("eyeriss-v1")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_everything_once(data: st.DataObject) -> None:
    layer = data.draw(small_layers())
    steps = list(processing_passes(layer, data.draw(fitting_mappings(layer, CHIP))))
    done: Counter[tuple[int, ...]] = Counter()
    for step in steps:
        filters, channels = range(step.filters.start, step.filters.stop), range(step.channels.start, step.channels.stop)
        done.update(product(step.tile.images, step.tile.groups, filters, channels, step.tile.rows))
    whole = product(
        range(layer.N), range(layer.G), range(layer.M // layer.G), range(layer.C // layer.G), range(layer.E)
    )
    assert done == Counter(whole)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flags(data: st.DataObject) -> None:
    """Psums are read in all passes of a tile but those of its first channels, and are complete after its last pass."""
    layer = data.draw(small_layers())
    steps = list(processing_passes(layer, data.draw(fitting_mappings(layer, CHIP))))
    for before, step in zip([None, *steps], steps, strict=False):
        assert step.reads_psums == (step.channels.start > 0)
        if before is not None:
            assert before.is_last == (before.tile != step.tile)
            same = (before.tile.images, before.tile.groups, before.tile.rows, before.channels) == (
                step.tile.images,
                step.tile.groups,
                step.tile.rows,
                step.channels,
            )
            assert step.loads_ifmap != same
    assert steps[0].loads_ifmap
    assert steps[-1].is_last


def test_conv3_is_384_passes() -> None:
    conv3 = Layer(name="CONV3", N=4, M=384, C=256, H=13, W=13, R=3, S=3, padding=(1, 1, 1, 1))
    steps = list(processing_passes(conv3, RowStationaryMapping(m=64, n=4, e=13, p=16, q=4, r=1, t=4)))
    assert len(steps) == 64 * 6
    assert sum(step.loads_ifmap for step in steps) == 384  # one filter chunk a tile: each pass brings its own channels
    assert sum(step.is_last for step in steps) == 6


@pytest.mark.parametrize(
    ("size", "interleaved", "sets", "cut"),
    [
        (12, 4, 3, [(0, 4, 3)]),
        (23, 4, 3, [(0, 4, 3), (12, 4, 2), (20, 3, 1)]),
        (14, 4, 3, [(0, 4, 3), (12, 2, 1)]),
        (3, 4, 3, [(0, 3, 1)]),
    ],
)
def test_remainders(size: int, interleaved: int, sets: int, cut: list[tuple[int, int, int]]) -> None:
    found = [(chunk.start, chunk.interleaved, chunk.sets) for chunk in chunks(range(size), interleaved, sets)]
    assert found == cut


def test_fold_takes_the_fewest_equal_pieces() -> None:
    tall = Layer(name="tall", N=1, M=2, C=3, H=40, W=40, R=15, S=26, U=2, padding=(2, 1, 0, 3))
    assert find_fold(tall, CHIP) == Fold(rows=3, columns=13)  # 5 of at most 12 rows; 2 of at most 12 columns
    folded = fold_layer(tall, Fold(rows=3, columns=13))
    assert (folded.C, folded.R, folded.S, folded.padding) == (3 * 39, 5, 2, (0, 0, 0, 0))
    assert (folded.E, folded.F, folded.macs) == (tall.E, tall.F, tall.macs)
