"""Does a timeline hold exactly what its run counted: words, bits, cycles, MACs, energy, and nothing twice?"""

from itertools import pairwise
from math import ceil, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.counts import Action, Level, Tensor
from simulator.hardware.layer_run import as_run
from simulator.hardware.pe_array import shape_of
from simulator.mapping.passes import processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.usage import rooms
from simulator.results import LayerResult, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Workload
from simulator.timeline import layer_recorder, pass_record
from simulator.timeline.series import step_of
from simulator.timeline.window import Window
from tests.strategies import fitting_mappings, small_layers, sparse_tensors
from tests.timeline.small_runs import drawn_timeline, run_of
from tests.timeline.trace_reader import Slice, Trace

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
PE_ROW, GLB_PSUM = "PE rows/row ", "GLB/psum banks, "
MOVED = {
    ("DRAM link", "ifmap read"): (Level.DRAM, Tensor.IFMAP, Action.READ),
    ("DRAM link", "filter read"): (Level.DRAM, Tensor.FILTER, Action.READ),
    ("DRAM link", "ofmap write"): (Level.DRAM, Tensor.PSUM, Action.WRITE),
    ("GLB/ifmap banks", "fill"): (Level.GLB, Tensor.IFMAP, Action.FILL),
    ("GLB/ifmap banks", "read"): (Level.GLB, Tensor.IFMAP, Action.READ),
    ("GLB/filter buffer", "fill"): (Level.GLB, Tensor.FILTER, Action.FILL),
    ("GLB/filter buffer", "read"): (Level.GLB, Tensor.FILTER, Action.READ),
    (GLB_PSUM + "read", "read"): (Level.GLB, Tensor.PSUM, Action.READ),
    (GLB_PSUM + "read", "dump"): (Level.GLB, Tensor.PSUM, Action.DUMP),
    (GLB_PSUM + "write", "write"): (Level.GLB, Tensor.PSUM, Action.WRITE),
    ("NoC/GIN, filter", "send"): (Level.DRAM, Tensor.FILTER, Action.READ),
    ("NoC/GIN, psum", "send"): (Level.NOC, Tensor.PSUM, Action.DELIVERY),
    ("NoC/GON", "send"): (Level.NOC, Tensor.PSUM, Action.COLLECT),
}
"""Which count the words of a track's slices add up to."""
ANYWHERE = st.integers(0, 2**40)
ENERGY = {"MAC": "mac", "spad": "spad", "NoC": "noc", "GLB": "glb", "DRAM": "dram"}


@st.composite
def runs(draw: st.DrawFn, layers: int = 1) -> tuple[NetworkResult, Workload, Accelerator]:
    machine = draw(st.sampled_from(MACHINES))
    drawn = []
    for _ in range(layers):
        layer = draw(small_layers().filter(lambda drawn: drawn.macs < 2000))
        drawn.append((layer, draw(sparse_tensors(layer)), draw(fitting_mappings(layer, machine))))
    return *run_of(drawn, machine), machine


@settings(max_examples=25, deadline=None)
@given(runs())
def test_a_whole_layer_adds_up(run: tuple[NetworkResult, Workload, Accelerator]) -> None:
    result, _, machine = run
    (layer,) = result.layers
    trace = drawn_timeline(*run, Window(first=0, end=layer.total_cycles + 5))
    assert_words(trace, layer)
    assert_cycles(trace, layer, machine)
    assert_energy(trace, layer)


def assert_words(trace: Trace, layer: LayerResult) -> None:
    for (track, name), access in MOVED.items():
        assert trace.sum_of(track, "words", name) == layer.counts.of(*access), (track, name)
    assert trace.sum_of("DRAM link", "bits") == layer.counts.moved_bits(Level.DRAM)
    assert sum(trace.sum_of(track, "MACs") for track in rows(trace)) == layer.counts.macs
    assert trace.integral("PE rows/PEs that issue a MAC") == pytest.approx(layer.counts.macs)


def assert_cycles(trace: Trace, layer: LayerResult, machine: Accelerator) -> None:
    whole, *inner = trace.slices["layers and passes"]
    ran, _ = as_run(layer.layer, None, machine)  # type: ignore[arg-type]
    glb = {room.store.partition(",")[0]: room for room in rooms(layer.mapping, ran, machine)}
    bank = machine.glb.bank_words
    banks = {f"{kind} banks": glb[f"GLB {kind}s"].capacity // bank for kind in ("ifmap", "psum")}
    assert whole == ("layer 0", 0, layer.total_cycles, {"cycles": layer.total_cycles, "passes": layer.passes, **banks})
    passes = [one for one in inner if one.name == "pass"]
    assert sum(one.end - one.begin for one in passes) == layer.processing_cycles
    assert [one.notes["pass"] for one in passes] == list(range(1, layer.passes + 1))
    shapes = [shape_of(step, ran, machine) for step in processing_passes(ran, layer.mapping)]
    beats = [(s.n * s.F * s.e * s.g * s.t, s.p, s.psum_in_beat_words, s.psum_out_beat_words, s.psum_in) for s in shapes]
    assert trace.busy("NoC/GON") == sum(columns * ceil(p / beat) for columns, p, _, beat, _ in beats)
    assert trace.busy("NoC/GIN, psum") == sum(columns * ceil(p / beat) for columns, p, beat, _, takes in beats if takes)
    loads = [one for one in inner if one.name == "load filters"]
    assert trace.busy("NoC/GIN, filter") == sum(one.end - one.begin for one in loads)
    held = sum(ceil(machine.dram_cycles(int(one.notes["bits"]))) for one in trace.slices["DRAM link"])
    assert trace.busy("DRAM link") == held


def assert_energy(trace: Trace, layer: LayerResult) -> None:
    by_level = layer.energy.by_level()
    for track, level in ENERGY.items():
        assert trace.integral(f"energy per cycle/{track}") == pytest.approx(by_level[level]), track


def rows(trace: Trace) -> list[str]:
    return [track for track in trace.slices if track.startswith(PE_ROW)]


@settings(max_examples=15, deadline=None)
@given(runs(layers=2))
def test_slices_of_a_track_never_overlap(run: tuple[NetworkResult, Workload, Accelerator]) -> None:
    """Layers and passes nest: each slice lies in the layer, and in the pass, that began before it."""
    trace = drawn_timeline(*run)
    for track, slices in trace.slices.items():
        if track != "layers and passes":
            assert all(before.end <= after.begin for before, after in pairwise(slices)), track
    outer: list[Slice] = []
    for one in trace.slices["layers and passes"]:
        while outer and outer[-1].end <= one.begin:
            outer.pop()
        assert not outer or one.end <= outer[-1].end
        assert len(outer) == (2 if one.name == "load filters" else 1 if one.name == "pass" else 0)
        outer.append(one)


@settings(max_examples=8, deadline=None)
@given(runs(layers=2), ANYWHERE)
def test_windows_side_by_side_are_the_whole(run: tuple[NetworkResult, Workload, Accelerator], where: int) -> None:
    result, workload, machine = run
    end = sum(layer.total_cycles for layer in result.layers)
    cut = 1 + where % (end - 1)
    whole = drawn_timeline(result, workload, machine, Window(first=0, end=end))
    parts = [drawn_timeline(result, workload, machine, Window(first=a, end=b)) for a, b in ((0, cut), (cut, end))]
    for track, slices in whole.slices.items():
        assert whole.busy(track) == sum(part.busy(track) for part in parts)
        for note in ("words", "bits", "MACs"):
            if slices[0].notes.get(note) is not None:
                assert whole.sum_of(track, note) == sum(part.sum_of(track, note) for part in parts)
        assert all(one.end <= cut for one in parts[0].slices[track])
        assert all(one.begin >= cut for one in parts[1].slices[track])
    for track in (track for track in whole.counters if not track.startswith("words held")):
        assert whole.integral(track) == pytest.approx(sum(part.integral(track) for part in parts))


@settings(max_examples=15, deadline=None)
@given(runs(), ANYWHERE)
def test_a_window_in_the_middle_knows_what_is_held(
    run: tuple[NetworkResult, Workload, Accelerator], where: int
) -> None:
    """Occupancy at a moment is what came and went before, whether the window saw it or not."""
    result, workload, machine = run
    total = result.layers[0].total_cycles
    step = step_of(total)
    at = where % ceil(total / step) * step
    whole = drawn_timeline(result, workload, machine, Window(first=0, end=total))
    late = drawn_timeline(result, workload, machine, Window(first=at, end=total))
    for track in ("words held/GLB: ifmap", "words held/GLB: psum", "words held/filter buffer"):
        seen = [value for time, value in whole.counters[track] if time >= at]
        assert [value for _, value in late.counters[track]] == pytest.approx(seen, abs=1e-6)
        assert min(seen) >= -1e-6
    glb = machine.glb
    words = [whole.counters[f"words held/{name}"] for name in ("GLB: ifmap", "GLB: psum", "filter buffer")]
    assert all(a + b <= glb.banks * glb.bank_words for (_, a), (_, b) in zip(words[0], words[1], strict=True))
    assert max(value for _, value in words[2]) <= glb.filter_buffer_words


@pytest.mark.parametrize("counts_at_once", [1, 1000])
def test_passes_worked_out_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch, counts_at_once: int) -> None:
    run = small_run()
    window = Window(first=30, end=600)
    whole = drawn_timeline(*run, window)
    monkeypatch.setattr(pass_record, "_COUNTS_AT_ONCE", counts_at_once)
    monkeypatch.setattr(pass_record, "_CYCLES_KEPT", 10)
    parts = drawn_timeline(*run, window)
    assert parts.slices.keys() == whole.slices.keys()
    for track in whole.slices:
        assert parts.busy(track) == whole.busy(track), track
    for track in whole.counters:
        assert dict(parts.counters[track]) == pytest.approx(dict(whole.counters[track]))


def test_a_full_file_ends_with_a_whole_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run()
    total = sum(layer.total_cycles for layer in run[0].layers)
    whole = drawn_timeline(*run, Window(first=0, end=total))
    passes = [one for one in whole.slices["layers and passes"] if one.name == "pass"]
    monkeypatch.setattr(layer_recorder, "MOST_SLICES", 300)
    full = drawn_timeline(*run, Window(first=0, end=total))
    shown = [one for one in full.slices["layers and passes"] if one.name == "pass"]
    assert 0 < len(shown) < len(passes)
    assert shown == passes[: len(shown)]
    end = passes[len(shown)].begin
    for track in (track for track in whole.slices if track not in ("layers and passes", "DRAM link")):
        assert [one for one in full.slices[track] if one.end <= end] == [
            one for one in whole.slices[track] if one.end <= end
        ]
        assert all(one.begin < end for one in full.slices[track])
    assert all(time <= end for times in full.counters.values() for time, _ in times)


def small_run() -> tuple[NetworkResult, Workload, Accelerator]:
    layer = Layer(name="small", N=2, M=6, C=4, H=9, W=9, R=3, S=3, padding=(1, 1, 1, 1))
    rng = np.random.default_rng(0)
    shapes = (layer.ifmap_shape, layer.filter_shape, layer.ofmap_shape)
    ifmap, filters, ofmap = (rng.integers(-2, 3, prod(shape)).astype(np.int16).reshape(shape) for shape in shapes)
    mapping = RowStationaryMapping(m=6, n=1, e=5, p=3, q=1, r=2, t=1)
    tensors = LayerTensors(ifmap=ifmap, filters=filters, ofmap=ofmap)
    return *run_of([(layer, tensors, mapping)] * 2, MACHINES[0]), MACHINES[0]
