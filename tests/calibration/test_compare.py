"""Is every difference between simulation and closed form either none, or explained by a row, or reported as neither?"""

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import estimate, simulate
from simulator.analytic.compare import (
    EVEN_ZEROS,
    EXPECTED_TRANSFERS,
    EXPLANATION,
    PSUM_FIFOS,
    WAITS,
    Deviation,
    compare,
)
from simulator.analytic.layer_estimate import estimate_layer
from simulator.counts import Access, Action, Level, Tensor
from simulator.hardware.layer_run import simulate_layer
from simulator.results import LayerResult, Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator
from simulator.spec.workload import Origin, Provenance
from tests.strategies import fitting_mappings, small_layers, sparse_tensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
CHIP = MACHINES[0]
FILL = Access(Level.GLB, Tensor.IFMAP, Action.FILL)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(MACHINES), st.booleans())
def test_nothing_differs_without_a_reason(data: st.DataObject, accelerator: Accelerator, by_density: bool) -> None:
    layer = data.draw(small_layers())
    mapping, tensors = data.draw(fitting_mappings(layer, accelerator)), data.draw(sparse_tensors(layer))
    ran = result(simulate_layer(layer, tensors, mapping, accelerator), Method.SIMULATED, Origin.REAL)
    zeros = tensors.densities() if by_density else tensors
    origin = Origin.DENSITY if by_density else Origin.REAL
    estimated = result(estimate_layer(layer, zeros, mapping, accelerator), Method.ANALYTIC, origin)
    for deviation in compare(ran, estimated, accelerator):
        assert not deviation.is_unexplained, deviation
        if not by_density:
            assert deviation.is_equal or deviation.unit in ("cycles", "PE-cycles"), deviation
        assert set(deviation.rows) <= set(EXPLANATION)


def test_each_row_explains_what_it_is_about() -> None:
    ran = simulate("alexnet", layers=["CONV3"])
    rows = {each.what: each.rows for each in compare(ran, estimate("alexnet", layers=["CONV3"]), CHIP)}
    assert rows["macs"] == rows["glb.ifmap.read"] == rows["dram.filter.read"] == rows["spad.ifmap.read"] == ()
    for what in ("dram.ifmap.read", "dram.psum.write", "spad.filter.read", "macs done", "nonzero macs"):
        assert rows[what] == (EVEN_ZEROS,)
    assert rows["total"] == rows["PEs dram wait"] == (EXPECTED_TRANSFERS,)
    assert rows["PEs drain"] == (WAITS,)
    assert rows["processing"] == ()


def test_other_processing_cycles_are_the_psum_fifos() -> None:
    ran = simulate("alexnet", layers=["CONV3"])
    other = with_layer(ran, processing_cycles=ran.layers[0].processing_cycles + 1)
    rows = {each.what: each.rows for each in compare(ran, other, CHIP)}
    assert rows["processing"] == (PSUM_FIFOS,)
    assert rows["PEs drain"] == (WAITS, PSUM_FIFOS)


def test_a_count_that_must_be_equal_and_is_not() -> None:
    ran = simulate("alexnet", layers=["CONV3"])
    counts = ran.layers[0].counts
    bits = MappingProxyType({**counts.bits, FILL: counts.bits[FILL] + 1})
    other = with_layer(ran, counts=replace(counts, bits=bits))
    assert [each.what for each in compare(ran, other, CHIP) if each.is_unexplained] == ["glb.ifmap.fill"]
    assert [each.what for each in compare(ran, ran, CHIP) if not each.is_equal] == []


def test_ratio() -> None:
    one = Deviation(layer="a", what="x", unit="bits", simulated=4, analytic=5, rows=())
    assert (one.ratio, one.is_unexplained) == (1.25, True)
    assert replace(one, simulated=0).ratio is None
    assert replace(one, simulated=0, analytic=0).ratio == 1


@pytest.mark.parametrize("row", list(EXPLANATION))
def test_rows_stand_in_the_table(row: int) -> None:
    from tests.deviations.test_rows import TABLE

    assert f"\n| {row} | " in TABLE.read_text(encoding="utf-8")


def result(layer: LayerResult, method: Method, origin: Origin) -> NetworkResult:
    provenance = Provenance(weights=origin, activations=origin, detail="drawn", sha256="0" * 64)
    return NetworkResult(
        network="drawn", method=method, arch="a", batch=layer.layer.N, provenance=provenance, layers=(layer,)
    )


def with_layer(network: NetworkResult, **fields: object) -> NetworkResult:
    return replace(network, layers=(replace(network.layers[0], **fields),))  # type: ignore[arg-type]
