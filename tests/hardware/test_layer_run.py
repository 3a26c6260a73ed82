"""Do passes, ifmap loads, ofmap dumps and the filter prefetch take turns as the machine's do?"""

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest

from native.pe_array import time_pass
from simulator.counts import Access, Action, Level, Tensor
from simulator.errors import MappingError
from simulator.hardware.layer_run import simulate_layer
from simulator.hardware.pe_array import shape_of
from simulator.mapping.passes import processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import LayerResult, PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import LayerTensors

CHIP = load_accelerator("eyeriss-v1")
ISCA = load_accelerator("isca16-256")
ONE_PASS = Layer(name="one pass", N=1, M=2, C=1, H=5, W=5, R=2, S=2)
TWO_PASSES = Layer(name="two passes", N=1, M=4, C=1, H=5, W=5, R=2, S=2)
MAPPING = RowStationaryMapping(m=2, n=1, e=4, p=2, q=1, r=1, t=1)


def with_link(machine: Accelerator, clock_mhz: float) -> Accelerator:
    return machine.model_copy(update={"dram": machine.dram.model_copy(update={"clock_mhz": clock_mhz})})


def ones(layer: Layer) -> LayerTensors:
    return LayerTensors(
        ifmap=np.ones(layer.ifmap_shape, np.int16),
        filters=np.ones(layer.filter_shape, np.int16),
        ofmap=np.ones(layer.ofmap_shape, np.int16),
    )


def run(layer: Layer, machine: Accelerator, mapping: RowStationaryMapping = MAPPING) -> LayerResult:
    return simulate_layer(layer, ones(layer), mapping, machine)


def pass_times(layer: Layer, machine: Accelerator) -> list[tuple[int, int]]:
    steps = processing_passes(layer, MAPPING)
    return [(t.filter_cycles, t.cycles) for t in (time_pass(shape_of(step, layer, machine)) for step in steps)]


def cycles_for(machine: Accelerator) -> Callable[[int], int]:
    return lambda words: ceil(ceil(words * 16 / 64) * machine.clock.core_mhz / machine.dram.clock_mhz)


def test_one_pass_is_filters_then_ifmap_then_pass_then_dump() -> None:
    """The link serves the filters first, since the prefetcher asks first; nothing overlaps in a single pass."""
    result, takes = run(ONE_PASS, ISCA), cycles_for(ISCA)
    ((_, pass_cycles),) = pass_times(ONE_PASS, ISCA)
    assert result.processing_cycles == pass_cycles
    assert result.total_cycles == takes(8) + takes(25) + pass_cycles + takes(32)
    assert result.pe_cycles[PeState.DRAM_WAIT] == 256 * (result.total_cycles - pass_cycles)


def test_the_next_filters_come_while_a_pass_runs() -> None:
    """On a fast link the second pass waits for nothing but its own ifmap load and the first dump."""
    fast = with_link(ISCA, 2000.0)
    result, takes = run(TWO_PASSES, fast), cycles_for(fast)
    (_, first), (_, second) = pass_times(TWO_PASSES, fast)
    # One tile serves both passes: it is the same strip of the same channel.
    assert result.total_cycles == takes(8) + takes(25) + first + takes(32) + second + takes(32)


def test_the_buffer_holds_no_more_than_the_next_pass() -> None:
    """On a slow link the second pass's filters start to load when the first's are in the spads, and not before."""
    slow = with_link(ISCA, 1.0)
    result, takes = run(TWO_PASSES, slow), cycles_for(slow)
    (first_filters, first), (_, second) = pass_times(TWO_PASSES, slow)
    begin = takes(8) + takes(25)
    filters_there = begin + first_filters + takes(8)
    assert filters_there > begin + first, "the link must be what takes the time"
    assert result.total_cycles == filters_there + takes(32) + second + takes(32)


def test_an_infinitely_fast_link_leaves_the_passes() -> None:
    result = run(TWO_PASSES, with_link(CHIP, 1e12))
    assert result.total_cycles - result.processing_cycles <= 6  # each of six transfers rounds up to a cycle


def test_a_mapping_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MappingError, match=r"one pass: p\*t = 4 is more than the layer's 2 filters kept in the GLB"):
        run(ONE_PASS, CHIP, RowStationaryMapping(m=2, n=1, e=4, p=2, q=1, r=1, t=2))


def test_progress_ends_at_the_last_pass() -> None:
    seen: list[tuple[int, int]] = []
    simulate_layer(TWO_PASSES, ones(TWO_PASSES), MAPPING, CHIP, progress=lambda *at: seen.append(at))
    assert seen[-1] == (2, 2)


@pytest.mark.parametrize("name", ["eyeriss-v1", "eyeriss-estimation", "isca16-256"])
def test_energy_is_counts_times_table(name: str) -> None:
    machine = load_accelerator(name)
    result = run(TWO_PASSES, machine)
    for access, bits in result.counts.bits.items():
        cost = 0 if access in machine.charges.free else machine.energy.cost_of(access).per_access
        assert result.energy.of_access[access] == pytest.approx(bits / 16 * cost)
    assert result.energy.total == pytest.approx(sum(list(result.energy.by_level().values())[:-1]))


def test_the_energies_of_a_result_cannot_be_changed() -> None:
    energy: Any = run(TWO_PASSES, CHIP).energy
    with pytest.raises(TypeError):
        energy.of_access[Access(Level.GLB, Tensor.IFMAP, Action.FILL)] = 0.0


def test_a_free_access_is_counted_and_costs_nothing() -> None:
    result = run(TWO_PASSES, ISCA)
    fill = Access(Level.GLB, Tensor.IFMAP, Action.FILL)
    assert result.counts.words[fill] == 25
    assert result.energy.of_access[fill] == 0


def test_counts_of_one_pass_by_hand() -> None:
    """5x5 ifmap, two 2x2 filters, 4x4 ofmaps, 2 x 4 PEs: every number small enough to draw."""
    of = run(ONE_PASS, CHIP).counts.of
    assert of(Level.DRAM, Tensor.IFMAP, Action.READ) == of(Level.GLB, Tensor.IFMAP, Action.READ) == 25
    assert of(Level.NOC, Tensor.IFMAP, Action.DELIVERY) == of(Level.SPAD, Tensor.IFMAP, Action.WRITE) == 8 * 5
    assert of(Level.GLB, Tensor.FILTER, Action.READ) == 8
    assert of(Level.NOC, Tensor.FILTER, Action.DELIVERY) == 8 * 4
    assert of(Level.SPAD, Tensor.FILTER, Action.READ) == 2 * 16 * 4
    assert of(Level.NOC, Tensor.PSUM, Action.HOP) == 2 * 16
    assert of(Level.GLB, Tensor.PSUM, Action.READ) == 0
    assert of(Level.GLB, Tensor.PSUM, Action.WRITE) == of(Level.DRAM, Tensor.PSUM, Action.WRITE) == 32
    assert of(Level.SPAD, Tensor.PSUM, Action.READ) == of(Level.SPAD, Tensor.PSUM, Action.WRITE) == 2 * 16 * 2
