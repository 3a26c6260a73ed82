"""Do words in equal words out at each level, do MACs equal the layer's, and is a loss noticed?"""

from dataclasses import replace
from math import ceil
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.counts import Access, AccessCounts, Action, Level, Tensor
from simulator.errors import ConservationError
from simulator.hardware.layer_run import simulate_layer
from simulator.hardware.tally import check_conservation
from simulator.results import LayerResult, PeState
from simulator.run import simulate
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
LEVELS = tuple(Level)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_every_run_conserves(data: st.DataObject, accelerator: Accelerator) -> None:
    """Beside what every run checks for itself: each word delivered is stored, and gating never exceeds the MACs."""
    layer = data.draw(small_layers())
    mapping = data.draw(fitting_mappings(layer, accelerator))
    result = simulate_layer(layer, data.draw(sparse_tensors(layer)), mapping, accelerator)
    of = result.counts.of
    for tensor in (Tensor.IFMAP, Tensor.FILTER):
        assert of(Level.SPAD, tensor, Action.WRITE) == of(Level.NOC, tensor, Action.DELIVERY)
    assert of(Level.NOC, Tensor.PSUM, Action.DELIVERY) == of(Level.GLB, Tensor.PSUM, Action.READ)
    assert of(Level.GLB, Tensor.IFMAP, Action.FILL) == of(Level.DRAM, Tensor.IFMAP, Action.READ)
    assert 0 <= result.counts.nonzero_macs <= result.counts.macs - result.counts.gated_macs <= layer.macs
    assert result.processing_cycles <= result.total_cycles
    assert sum(result.pe_cycles.values()) == accelerator.pes * result.total_cycles
    assert result.energy.total == pytest.approx(sum(result.energy.by_tensor().values()))


@pytest.fixture(scope="module")
def conv5() -> LayerResult:
    return simulate("alexnet", batch=1, layers=["CONV5"]).layers[0]


def check(result: LayerResult, counts: AccessCounts | None = None, pe_cycles: dict[PeState, int] | None = None) -> None:
    """The check with what its run had. CONV5's PEs begin a psum for each ofmap word, filter row and q channels."""
    windows = 256 * 13 * 13 * 3 * ceil(192 / result.mapping.q)
    states = MappingProxyType(pe_cycles or dict(result.pe_cycles))
    check_conservation(result.layer, counts or result.counts, states, 168 * result.total_cycles, windows)


def test_a_sound_layer_passes(conv5: LayerResult) -> None:
    check(conv5)


@pytest.mark.parametrize(
    ("access", "message"),
    [
        (Access(Level.DRAM, Tensor.PSUM, Action.WRITE), "ofmap words written to DRAM: 43265, but the layer's: 43264"),
        (
            Access(Level.GLB, Tensor.PSUM, Action.READ),
            "psums that stay in the GLB: 43263, but ofmap words dumped: 43264",
        ),
        (Access(Level.NOC, Tensor.PSUM, Action.COLLECT), "psums collected"),
        (
            Access(Level.NOC, Tensor.PSUM, Action.HOP),
            "psums passed on or collected: [0-9]*, but psums begun in the PEs",
        ),
        (Access(Level.GLB, Tensor.FILTER, Action.READ), "filter words sent to the array"),
    ],
)
def test_a_word_too_many_is_noticed(conv5: LayerResult, access: Access, message: str) -> None:
    words = MappingProxyType({**conv5.counts.words, access: conv5.counts.words[access] + 1})
    with pytest.raises(ConservationError, match=f"CONV5: {message}"):
        check(conv5, replace(conv5.counts, words=words))


def test_a_lost_mac_is_noticed(conv5: LayerResult) -> None:
    with pytest.raises(ConservationError, match="CONV5: MACs counted: 74760191, but the layer's: 74760192"):
        check(conv5, replace(conv5.counts, macs=conv5.counts.macs - 1))


@pytest.mark.parametrize("state", [PeState.ACTIVE, PeState.DRAIN])
def test_a_lost_pe_cycle_is_noticed(conv5: LayerResult, state: PeState) -> None:
    with pytest.raises(ConservationError, match="CONV5: PE-cycles"):
        check(conv5, pe_cycles={**conv5.pe_cycles, state: conv5.pe_cycles[state] - 1})
