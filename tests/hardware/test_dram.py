"""Is the DRAM link's timing tight, and are the sizes of what moves over it exact?"""

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.hardware.dram import DramLink, TensorSizes
from simulator.mapping.passes import processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import LayerTensors
from tests.oracles.tensor_scans import encode
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

CHIP = load_accelerator("eyeriss-v1")
ESTIMATION = load_accelerator("eyeriss-estimation")
ISCA = load_accelerator("isca16-256")


@pytest.mark.parametrize(("bits", "cycles"), [(1, 4), (64, 4), (65, 7), (64 * 3, 10), (64 * 600, 2000)])
def test_a_transfer_ends_when_its_last_word_has_crossed(bits: int, cycles: int) -> None:
    """64 bits take 200/60 = 3.33 core cycles: not over at t - 1, over at t."""
    env = simpy.Environment()
    transfer = env.process(DramLink(env, CHIP).transfer(bits))
    env.run(until=cycles - 0.5)
    assert transfer.is_alive
    env.run()
    assert env.now == cycles


def test_transfers_queue() -> None:
    env = simpy.Environment()
    link = DramLink(env, CHIP)
    first, second = (env.process(link.transfer(64 * words)) for words in (300, 3))
    env.run(first)
    assert env.now == 1000
    env.run(second)
    assert env.now == 1010


def test_nothing_takes_no_time() -> None:
    env = simpy.Environment()
    env.run(env.process(DramLink(env, CHIP).transfer(0)))
    assert env.now == 0


LAYER = Layer(name="tiles", N=2, M=3, C=2, H=6, W=5, R=3, S=3, U=2, V=1, padding=(1, 0, 0, 0))
MAPPING = RowStationaryMapping(m=3, n=2, e=2, p=2, q=2, r=1, t=1)


def tensors_of(layer: Layer, value: int) -> LayerTensors:
    return LayerTensors(
        ifmap=np.full(layer.ifmap_shape, value, np.int16),
        filters=np.full(layer.filter_shape, value, np.int16),
        ofmap=np.full(layer.ofmap_shape, value, np.int16),
    )


def test_raw_tiles_by_hand() -> None:
    """E = 3 in strips of 2 and 1: padded rows 0-4 and 4-6. Less the padding row on top, 4 rows and 3, row 3 twice."""
    sizes, steps = TensorSizes(LAYER, tensors_of(LAYER, 1), ISCA), list(processing_passes(LAYER, MAPPING))
    loads = [sizes.ifmap_tile(step) for step in steps if step.loads_ifmap]
    assert loads == [(4 * 5 * 2 * 2, 4 * 5 * 2 * 2 * 16), (3 * 5 * 2 * 2, 3 * 5 * 2 * 2 * 16)]
    assert [sizes.ofmap_tile(step.tile)[0] for step in steps if step.is_last] == [2 * 3 * 3 * 2, 1 * 3 * 3 * 2]
    assert [sizes.filters(step)[0] for step in steps] == [2 * 2 * 9, 1 * 2 * 9] * 2


def test_coded_tiles_by_hand() -> None:
    """Without zeros a word is a pair, three pairs a link word: 20 and 15 words of a channel take 7 and 5 of them."""
    steps = list(processing_passes(LAYER, MAPPING))
    coded = TensorSizes(LAYER, tensors_of(LAYER, 1), CHIP)
    assert [coded.ifmap_tile(step)[1] for step in steps if step.loads_ifmap] == [4 * 7 * 64, 4 * 5 * 64]
    assert [coded.ofmap_tile(step.tile)[1] for step in steps if step.is_last] == [6 * 2 * 64, 6 * 1 * 64]
    assert coded.filters(steps[0]) == (36, 36 * 16)
    empty = TensorSizes(LAYER, tensors_of(LAYER, 0), CHIP)
    assert empty.ifmap_tile(steps[0]) == (80, 4 * 64)


def test_the_network_input_is_raw_on_the_chip_and_coded_for_the_method() -> None:
    first = Layer(name="first", N=1, M=1, C=1, H=4, W=4, R=3, S=3, from_input=True)
    mapping = RowStationaryMapping(m=1, n=1, e=2, p=1, q=1, r=1, t=1)
    (step,) = processing_passes(first, mapping)
    assert TensorSizes(first, tensors_of(first, 0), CHIP).ifmap_tile(step) == (16, 256)
    assert TensorSizes(first, tensors_of(first, 0), ESTIMATION).ifmap_tile(step) == (16, 64)


def test_filters_are_one_stream_a_pass_for_the_method() -> None:
    """18 words a filter and pass: 36 words make 12 link words, not two streams of 6."""
    sizes = TensorSizes(LAYER, tensors_of(LAYER, 1), ESTIMATION)
    assert [sizes.filters(step)[1] for step in processing_passes(LAYER, MAPPING)] == [12 * 64, 6 * 64] * 2


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([CHIP, ESTIMATION]))
def test_sizes_equal_the_coder(data: st.DataObject, machine: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, machine))
    tensors = data.draw(sparse_tensors(layer))
    sizes = TensorSizes(layer, tensors, machine)
    for step in processing_passes(layer, mapping):
        groups = range(step.tile.groups.start, step.tile.groups.stop)
        if machine.compression.filter:
            filters = tensors.filters.reshape(layer.G, layer.M // layer.G, *layer.filter_shape[1:])
            streams = [filters[group, step.filters.slice, step.channels.slice].ravel() for group in groups]
            assert sizes.filters(step)[1] == sum(map(link_bits, streams))
        ofmap = tensors.ofmap.reshape(layer.N, layer.G, layer.M // layer.G, layer.E, layer.F)
        tile = ofmap[
            tuple(slice(a.start, a.stop) for a in (step.tile.images, groups, step.tile.ofmaps, step.tile.rows))
        ]
        assert sizes.ofmap_tile(step.tile)[1] == sum(map(link_bits, tile.reshape(-1, tile.shape[3] * tile.shape[4])))


def link_bits(stream: np.ndarray) -> int:
    return -(-len(encode(stream.tolist(), 31)) // 3) * 64
