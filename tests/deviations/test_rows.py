"""Is each row of DEVIATIONS.md still true? One test a row: closing a gap breaks its test, and so changes the table."""

import csv
import re
from collections import Counter
from dataclasses import replace
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

from native.pe_array import PassShape, time_pass
from pruning.restore import restore
from pruning.samples import Gram
from simulator.analytic.layer_estimate import estimate_layer
from simulator.analytic.mapping_cost import dense_objective
from simulator.counts import Access, Action, Level, Tensor
from simulator.hardware.dram import DramLink
from simulator.hardware.functional import convolve
from simulator.hardware.layer_run import simulate_layer
from simulator.hardware.pe_array import shape_of
from simulator.mapping.fits import check_fits
from simulator.mapping.fold import find_fold
from simulator.mapping.load import load_mappings
from simulator.mapping.passes import chunks, processing_passes
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.report.silicon import compare, jssc2017_table5
from simulator.results import LayerResult, NetworkResult, PeState
from simulator.run import simulate
from simulator.spec.accelerator import Arithmetic
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import DENSE, LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload
from tests.timeline.small_runs import drawn_timeline, run_of
from workloads import open_workload
from workloads.synthetic import SyntheticTensors

CHIP = load_accelerator("eyeriss-v1")
CONV = ["CONV1", "CONV2", "CONV3", "CONV4", "CONV5"]
TABLE = Path(__file__).parents[2] / "DEVIATIONS.md"
OURS = "alternating-channels-maps"


@pytest.fixture(scope="module")
def chip_run() -> NetworkResult:
    return simulate("alexnet", batch=4, layers=CONV, mapping="jssc2017")


def test_every_row_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|", TABLE.read_text(), re.MULTILINE)
    tests = [name for name in globals() if re.match(r"test_row_\d+_", name)]
    assert Counter(rows) == Counter(re.findall(r"test_row_(\d+)_", " ".join(tests)))


def test_row_1_conv3_published_mapping_does_not_fit_its_traffic(chip_run: NetworkResult) -> None:
    other = simulate("alexnet", batch=4, layers=["CONV3"], mapping="jssc2017-conv3b")
    assert error(chip_run, "CONV3", "glb_mb") == pytest.approx(39.0, abs=0.1)
    assert error(other, "CONV3", "glb_mb") == pytest.approx(1.8, abs=0.1)


def test_row_2_conv4_and_conv5_passes_are_identical(chip_run: NetworkResult) -> None:
    shapes = [last_shape(name) for name in ("CONV4", "CONV5")]
    assert shapes[0] == shapes[1]
    assert time_pass(shapes[0]).cycles == 8201
    assert error(chip_run, "CONV4", "processing_ms") == pytest.approx(-1.6, abs=0.1)
    assert error(chip_run, "CONV5", "processing_ms") == pytest.approx(5.0, abs=0.1)


def test_row_3_filters_load_before_anything_else() -> None:
    saved = []
    for name in CONV:
        shape = last_shape(name)
        times = time_pass(shape)
        assert times.filter_load == times.filter_cycles * shape.mapped_pes
        free = time_pass(replace(shape, filter_beat_words=100_000))
        published = jssc2017_table5().layers[name]["processing_ms"]
        passes = len(list(processing_passes(layer(name), load_mappings("jssc2017")[name])))
        saved.append((times.cycles - free.cycles) * passes / 2e5 / published * 100)
    assert saved == pytest.approx([8.3, 3.8, 5.0, 5.0, 5.4], abs=0.1)


def test_row_4_a_psum_takes_no_cycle_of_its_own() -> None:
    shape = last_shape("CONV5")
    windows = shape.F * shape.n
    assert time_pass(shape).active == shape.mapped_pes * windows * shape.p * shape.q * shape.S
    assert windows * shape.p * (shape.q * shape.S + 1) == 8320
    total_ms, passes = jssc2017_table5().layers["CONV5"]["total_ms"], 256
    assert total_ms * 2e5 / passes == pytest.approx(8203, abs=1)


def test_row_5_deeper_fifos_change_nothing() -> None:
    for name in CONV:
        shape = last_shape(name)
        cycles = time_pass(shape).cycles
        for ifmap, psum in ((2, 16), (16, 48)):
            assert time_pass(replace(shape, ifmap_fifo_words=ifmap, psum_fifo_words=psum)).cycles == cycles
    shallow = time_pass(replace(last_shape("CONV3"), psum_fifo_words=4)).cycles
    assert shallow / time_pass(last_shape("CONV3")).cycles == pytest.approx(5.2, abs=0.2)


def test_row_6_the_bus_order_staggers_the_columns() -> None:
    """With one image row after another, the last column of CONV1 starts when all 35 rows have had 11 words."""
    shape = last_shape("CONV1")
    times = time_pass(shape)
    assert times.cycles - times.filter_cycles - 55 * 16 * 11 == pytest.approx(35 * 11, abs=60)


def test_row_7_dram_fills_take_no_bank_from_the_array() -> None:
    """A link twice as fast changes the total time, and not one cycle of the passes."""
    fast = CHIP.model_copy(update={"dram": CHIP.dram.model_copy(update={"clock_mhz": 120.0})})
    slow_run, fast_run = run("CONV5", CHIP), run("CONV5", fast)
    assert slow_run.processing_cycles == fast_run.processing_cycles
    assert slow_run.total_cycles > fast_run.total_cycles


def test_row_8_the_link_is_its_width_and_clock() -> None:
    assert CHIP.dram_cycles(64) == pytest.approx(200 / 60)
    assert CHIP.dram_cycles(64 * 600) == pytest.approx(2000)
    # A transfer knows how many bits, not which: no address, so no open row to miss and no bank to wait for.
    assert list(signature(DramLink.transfer).parameters) == ["self", "bits"]


def test_row_9_conv1_ofmap_density_is_the_next_layers(chip_run: NetworkResult) -> None:
    conv1 = open_workload("alexnet", batch=4, layers=["CONV1"])
    ofmap = conv1.tensors_of(conv1.layers[0]).ofmap
    assert np.count_nonzero(ofmap) / ofmap.size == pytest.approx(1 - 0.387, abs=0.002)
    assert error(chip_run, "CONV1", "dram_mb") == pytest.approx(12.8, abs=0.2)


def test_row_10_synthetic_zeros_have_no_neighbours() -> None:
    workload = open_workload("alexnet", batch=1, layers=["CONV3"])
    zero = workload.tensors_of(workload.layers[0]).ifmap == 0
    both = np.mean(zero[..., 1:] & zero[..., :-1])
    assert both == pytest.approx(np.mean(zero) ** 2, abs=0.01)


def test_row_11_psums_are_exact_unless_the_machine_says_otherwise() -> None:
    assert CHIP.arithmetic.psum == "exact"
    cut = CHIP.model_copy(update={"arithmetic": Arithmetic(psum="cut", product_shift=8)})
    assert run("CONV5", CHIP) == run("CONV5", cut)
    tensors, one = tensors_of("CONV5"), layer("CONV5")
    assert not np.array_equal(convolve(one, tensors, CHIP.arithmetic), convolve(one, tensors, cut.arithmetic))


def test_row_12_tall_filters_run_folded() -> None:
    tall = Layer(name="tall", N=1, M=1, C=1, H=30, W=5, R=24, S=3)
    assert find_fold(tall, CHIP).rows == 2
    assert not find_fold(layer("CONV1"), CHIP).is_needed


def test_row_13_many_channels_and_odd_strides_are_one_configuration() -> None:
    wide = Layer(name="wide", N=1, M=2048, C=2048, H=7, W=7, R=1, S=1, U=3, V=3)
    mapping = find_mapping(wide, CHIP, dense_objective(wide, CHIP))
    check_fits(mapping, wide, CHIP)
    assert max(step.channels.stop for step in processing_passes(wide, mapping)) == 2048


def test_row_14_depthwise_layers_run_groups_side_by_side() -> None:
    depthwise = Layer(name="depthwise", N=1, M=64, C=64, G=64, H=14, W=14, R=3, S=3, padding=(1, 1, 1, 1))
    mapping = find_mapping(depthwise, CHIP, dense_objective(depthwise, CHIP))
    assert mapping.g > 1
    assert mapping.t == mapping.r == 1


def test_row_15_remainders_run_in_passes_of_their_own() -> None:
    cut = [(chunk.interleaved, chunk.sets) for chunk in chunks(range(23), 4, 3)]
    assert cut == [(4, 3), (4, 2), (3, 1)]
    for name, mapping in load_mappings("jssc2017").items():
        one = layer(name)
        assert (one.C // one.G) % (mapping.q * mapping.r) == (one.M // one.G) % (mapping.p * mapping.t) == 0


def test_row_16_filters_reload_for_every_pass() -> None:
    small = Layer(name="small", N=1, M=4, C=1, H=12, W=12, R=3, S=3)
    mapping = RowStationaryMapping(m=4, n=1, e=2, p=4, q=1, r=1, t=1)
    tensors = LayerTensors(
        ifmap=np.ones(small.ifmap_shape, np.int16),
        filters=np.ones(small.filter_shape, np.int16),
        ofmap=np.ones(small.ofmap_shape, np.int16),
    )
    counts = simulate_layer(small, tensors, mapping, CHIP).counts
    assert counts.of(Level.DRAM, Tensor.FILTER, Action.READ) == 5 * 4 * 9


def test_row_17_a_skipped_first_slot_leaves_its_windows_read_to_others() -> None:
    """Three slots of one window, the first skipped: two MACs are done, one addition; both read a psum, one writes."""
    one = Layer(name="window", N=1, M=1, C=1, H=1, W=3, R=1, S=3)
    tensors = LayerTensors(
        ifmap=np.array([0, 2, 3], np.int16).reshape(one.ifmap_shape),
        filters=np.ones(one.filter_shape, np.int16),
        ofmap=np.ones(one.ofmap_shape, np.int16),
    )
    mapping = RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)
    counts = simulate_layer(one, tensors, mapping, load_accelerator("eyeriss-estimation")).counts
    assert counts.of(Level.SPAD, Tensor.PSUM, Action.READ) == 2
    assert counts.of(Level.SPAD, Tensor.PSUM, Action.WRITE) == 1


def test_row_18_biases_are_no_tensor() -> None:
    words = {name for name in LayerTensors.__slots__ if not name.endswith(("_scale", "zeroed"))}
    assert words == {"ifmap", "filters", "ofmap"}
    first = run("CONV5", CHIP).counts
    reads, writes = (first.of(Level.GLB, Tensor.PSUM, action) for action in (Action.READ, Action.WRITE))
    assert writes - reads == 4 * 256 * 13 * 13  # the first channel pass starts psums without a read


def test_row_19_energy_is_macs_and_words_only() -> None:
    result = run("CONV5", CHIP)
    by_hand = (result.counts.macs - result.counts.gated_macs) * CHIP.energy.mac.per_access
    for access, bits in result.counts.bits.items():
        by_hand += bits / 16 * CHIP.energy.cost_of(access).per_access
    assert result.energy.total == pytest.approx(by_hand)


def test_row_20_the_search_knows_how_many_words_are_zero_not_which() -> None:
    """Zeros at the end of each channel or scattered: they code differently, and get the same mapping."""
    machine, one = load_accelerator("eyeriss-estimation"), layer("CONV2")
    scattered = tensors_of("CONV2")
    gathered = replace(scattered, ifmap=-np.sort(-np.abs(scattered.ifmap), axis=3))
    assert gathered.densities() == scattered.densities()
    runs = [simulate(workload_of(one, tensors), accelerator=machine).layers[0] for tensors in (scattered, gathered)]
    assert runs[0].mapping == runs[1].mapping
    assert runs[0].dram_bytes != runs[1].dram_bytes
    sparser = replace(scattered, filters=np.where(np.arange(one.S) == 0, scattered.filters, np.int16(0)))
    assert simulate(workload_of(one, sparser), accelerator=machine).layers[0].mapping != runs[0].mapping


def test_row_21_isca16_charges_were_found_by_trying() -> None:
    machine = load_accelerator("isca16-256")
    assert "found by trying" in machine.charges.why
    assert "taken as 32 x 8" in machine.sources["pe_array"]
    assert (machine.pe_array.rows, machine.pe_array.columns) == (32, 8)
    assert machine.noc == CHIP.noc


def test_row_22_dense_filters_and_maps_of_one_word_code_longer_than_raw() -> None:
    counts = run("CONV5", load_accelerator("eyeriss-estimation")).counts
    read = Access(Level.DRAM, Tensor.FILTER, Action.READ)
    assert counts.bits[read] / (counts.words[read] * 16) == pytest.approx(4 / 3, abs=0.001)
    (fc,) = simulate("alexnet", layers=["FC2"]).layers
    for access in (Access(Level.DRAM, Tensor.IFMAP, Action.READ), Access(Level.DRAM, Tensor.PSUM, Action.WRITE)):
        assert fc.counts.bits[access] == 4 * 16 * fc.counts.words[access]


def test_row_23_waits_are_apportioned() -> None:
    """To the right cycle in all, but under another wait."""
    ran, estimated = run("CONV1", CHIP), by_tensors("CONV1")
    assert ran.processing_cycles == estimated.processing_cycles
    waits = (PeState.IFMAP_WAIT, PeState.PSUM_IN_WAIT, PeState.PSUM_OUT_WAIT, PeState.DRAIN)
    assert {state for state in PeState if ran.pe_cycles[state] != estimated.pe_cycles[state]} - {PeState.DRAM_WAIT}
    for state in set(PeState) - {*waits, PeState.DRAM_WAIT}:
        assert ran.pe_cycles[state] == estimated.pe_cycles[state]
    moved = sum(abs(ran.pe_cycles[state] - estimated.pe_cycles[state]) for state in waits) / 2
    assert 0 < moved < 0.01 * sum(ran.pe_cycles.values())


def test_row_24_cycles_of_some_small_passes() -> None:
    """Two PEs in one column: 2.8 % too few cycles."""
    small = Layer(name="small", N=2, M=5, C=4, H=7, W=10, R=1, S=3, U=3, V=1)
    mapping = RowStationaryMapping(m=3, n=1, e=1, p=1, q=1, r=2, t=1)
    dense = SyntheticTensors(seed=0, densities={"small": DENSE})(small)
    ran, estimated = simulate_layer(small, dense, mapping, CHIP), estimate_layer(small, DENSE, mapping, CHIP)
    assert ran.counts == estimated.counts
    assert (ran.processing_cycles, estimated.processing_cycles) == (2160, 2100)


def test_row_25_zeros_that_cluster() -> None:
    """The words of each channel sorted, so that zeros stand together: the same densities, another size."""
    one, tensors = layer("CONV3"), tensors_of("CONV3")
    channels = -np.sort(-tensors.ifmap.reshape(one.N, one.C, -1), axis=2)
    gathered = replace(tensors, ifmap=np.ascontiguousarray(channels.reshape(one.ifmap_shape)))
    mapping = load_mappings("jssc2017")["CONV3"]
    ran = simulate_layer(one, gathered, mapping, CHIP)
    by_density = estimate_layer(one, gathered.densities(), mapping, CHIP)
    assert estimate_layer(one, gathered, mapping, CHIP).counts == ran.counts
    moved = Access(Level.DRAM, Tensor.IFMAP, Action.READ)
    assert abs(by_density.counts.bits[moved] / ran.counts.bits[moved] - 1) > 0.02
    assert by_density.energy.total == pytest.approx(ran.energy.total, rel=0.03)


def test_row_26_transfers_of_expected_size() -> None:
    ran, estimated = run("CONV2", CHIP), by_tensors("CONV2")
    assert ran.counts == estimated.counts
    assert ran.processing_cycles == estimated.processing_cycles
    assert ran.total_cycles != estimated.total_cycles
    assert estimated.total_cycles == pytest.approx(ran.total_cycles, rel=0.001)


def test_row_27_a_weight_comes_back_by_the_squares_of_the_error() -> None:
    """Of two weights that are gone, the one whose return leaves the smaller sum of squares: p = 2."""
    rng = np.random.default_rng(0)
    inputs, weights = rng.standard_normal((64, 3)), np.array([[1.0], [0.5], [-0.4]])
    squares = inputs.T @ inputs
    gram = Gram(xx=squares[None], xy=(squares @ weights)[None], yy=np.zeros((1, 1)), samples=64)
    kept = np.array([[[True], [False], [False]]])
    back = restore(weights[None], gram, kept, 1, among=np.ones((1, 3, 1), bool))
    left = {came: float(((inputs[:, gone] * weights[gone]) ** 2).sum()) for came, gone in ((1, 2), (2, 1))}
    assert back[0, :, 0].tolist() == [True, *(came == min(left, key=lambda each: left[each]) for came in (1, 2))]


def test_row_28_pruning_saves_less_below_magnitude_than_published() -> None:
    """Of the committed cells: 73 % below the original within a point of test accuracy; not 43 % below magnitude."""
    cells, earlier = cells_of("alexnet", "cells.csv"), cells_of("alexnet", "one-training.csv")
    shared = cells.keys() & earlier.keys()
    assert {cells[one] == earlier[one] for one in shared} == {True}, "both start from the same network"
    _, original = cells["original", "0"]
    ours, magnitude = mean_of(earlier, OURS, seeds=3), mean_of(cells, "magnitude", seeds=3)
    deeper = mean_of(cells, "magnitude-deeper", seeds=1)
    assert 100 - ours[0] == pytest.approx(75.2, abs=0.05)
    assert original - ours[1] == pytest.approx(0.94, abs=0.006)
    assert 100 * (1 - ours[0] / magnitude[0]) == pytest.approx(38.3, abs=0.05)
    assert original - magnitude[1] == pytest.approx(0.28, abs=0.006)
    assert 100 * (1 - ours[0] / deeper[0]) == pytest.approx(37.9, abs=0.05)
    assert original - deeper[1] == pytest.approx(0.04, abs=0.006)
    compact = cells_of("squeezenet", "cells.csv")
    left, accuracy = compact["alternating-channels-only", "0"]
    assert 100 - left == pytest.approx(44.9, abs=0.05)
    assert compact["original", "0"][1] - accuracy == pytest.approx(0.93, abs=0.006)


def test_row_29_a_timeline_writes_every_pass_a_simulation_times_each_kind_once() -> None:
    small = Layer(name="small", N=1, M=8, C=4, H=8, W=8, R=3, S=3)
    mapping = RowStationaryMapping(m=4, n=1, e=2, p=1, q=1, r=1, t=1)
    rng = np.random.default_rng(0)
    shapes = (small.ifmap_shape, small.filter_shape, small.ofmap_shape)
    ifmap, filters, ofmap = (rng.integers(1, 9, shape).astype(np.int16) for shape in shapes)
    drawn = small, LayerTensors(ifmap=ifmap, filters=filters, ofmap=ofmap), mapping
    trace = drawn_timeline(*run_of([drawn], CHIP), CHIP)
    kinds = {shape_of(step, small, CHIP) for step in processing_passes(small, mapping)}
    passes = [one for one in trace.slices["layers and passes"] if one.name == "pass"]
    assert len(passes) > 5 * len(kinds)


def cells_of(network: str, file: str) -> dict[tuple[str, str], tuple[float, float]]:
    """(energy left, test accuracy) in per cent of each finished cell, by method and seed."""
    path = Path(__file__).parents[2] / "examples" / "cifar10" / "cells" / network / file
    figures = ("eyeriss-estimation_16_whole_energy_left_percent", "test_accuracy_percent")
    with path.open() as text:
        finished = [row for row in csv.DictReader(text) if row["state"] == "finished"]
    return {(row["method"], row["seed"]): (float(row[figures[0]]), float(row[figures[1]])) for row in finished}


def mean_of(cells: dict[tuple[str, str], tuple[float, float]], method: str, seeds: int) -> tuple[float, float]:
    """(energy left, test accuracy), of so many seeds."""
    left, accuracy = np.mean([cells[method, str(seed)] for seed in range(seeds)], axis=0)
    return float(left), float(accuracy)


def by_tensors(name: str) -> LayerResult:
    """In closed form, with the published mapping."""
    return estimate_layer(layer(name), tensors_of(name), load_mappings("jssc2017")[name], CHIP)


def workload_of(one: Layer, tensors: LayerTensors) -> Workload:
    origin = Origin.SYNTHETIC
    provenance = Provenance(weights=origin, activations=origin, detail="by hand", sha256="0" * 64)
    return Workload(name="by hand", layers=(one,), tensors_of=lambda _: tensors, provenance=provenance)


def error(result: NetworkResult, name: str, figure: str) -> float:
    (row,) = (row for row in compare(result, jssc2017_table5()) if row.name == name)
    return row.error_percent(figure)


def layer(name: str) -> Layer:
    return open_workload("alexnet", batch=4, layers=[name]).layers[0]


def tensors_of(name: str) -> LayerTensors:
    workload = open_workload("alexnet", batch=4, layers=[name])
    return workload.tensors_of(workload.layers[0])


def run(name: str, machine: object) -> LayerResult:
    assert isinstance(machine, type(CHIP))
    return simulate_layer(layer(name), tensors_of(name), load_mappings("jssc2017")[name], machine)


def last_shape(name: str) -> PassShape:
    """The shape of most passes with the published mapping: psums come in, the strip is full."""
    one = layer(name)
    steps = processing_passes(one, load_mappings("jssc2017")[name])
    shapes = Counter(shape_of(step, one, CHIP) for step in steps)
    return shapes.most_common(1)[0][0]
