"""Does an estimate hold what it promises: the simulator's counts from tensors, expected ones from densities, with other
widths, codings, folds and batches?"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import estimate, simulate
from simulator.analytic.layer_estimate import estimate_layer
from simulator.counts import Level
from simulator.errors import MappingError, SpecError, WorkloadError
from simulator.hardware.layer_run import simulate_layer
from simulator.mapping.load import load_mappings
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.results import Method, NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import DENSE, LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload
from tests.strategies import fitting_mappings, small_layers, sparse_tensors
from workloads import built_in_networks, open_workload
from workloads.synthetic import SyntheticTensors

MACHINES = tuple(load_accelerator(name) for name in ("eyeriss-v1", "eyeriss-estimation", "isca16-256"))
CHIP, ESTIMATION = MACHINES[:2]
NETWORKS = [network.name for network in built_in_networks()]


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(MACHINES))
def test_from_tensors_every_count_is_the_simulators(data: st.DataObject, accelerator: Accelerator) -> None:
    layer = data.draw(small_layers())
    mapping, tensors = data.draw(fitting_mappings(layer, accelerator)), data.draw(sparse_tensors(layer))
    ran, estimated = (
        of(layer, tensors, mapping, accelerator) for of in (simulate_layer, estimate_layer)
    )  # fmt: skip
    assert estimated.counts == ran.counts
    assert dict(estimated.energy.of_access) == dict(ran.energy.of_access)
    assert estimated.energy.mac == ran.energy.mac
    for field in ("mapping", "active_pes", "passes", "is_folded", "dram_bits_uncompressed", "pes", "core_mhz"):
        assert getattr(estimated, field) == getattr(ran, field), field


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_built_in_networks_from_tensors(network: str, machine: Accelerator) -> None:
    """Every layer of every network, folded ones among them; cycles too."""
    workload = open_workload(network)
    ran = simulate(workload, accelerator=machine)
    estimated = estimate(workload, accelerator=machine, mapping=mappings_of(ran), zeros="tensors")
    for one, other in zip(ran.layers, estimated.layers, strict=True):
        assert one.counts == other.counts, one.layer.name
        assert one.processing_cycles == other.processing_cycles, one.layer.name
        assert other.total_cycles == pytest.approx(one.total_cycles, rel=0.01), one.layer.name


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("machine", [CHIP, ESTIMATION], ids=lambda machine: machine.name)
def test_built_in_networks_by_density(network: str, machine: Accelerator) -> None:
    """Total energy within 3 %; the same mappings are found by either way."""
    ran, estimated = (of(network, accelerator=machine) for of in (simulate, estimate))
    assert mappings_of(ran) == mappings_of(estimated)
    assert energy_of(estimated) == pytest.approx(energy_of(ran), rel=0.001)
    assert energy_of(estimated) != energy_of(ran)


def test_dense_networks_cycle_for_cycle() -> None:
    """No density leaves anything to chance: cycles and the DRAM link's waits are the simulator's."""
    for layer in open_workload("alexnet", batch=4, layers=["CONV*"]).layers:
        tensors = dense_tensors(layer)
        mapping = load_mappings("jssc2017")[layer.name]
        for machine in (CHIP, ESTIMATION):
            ran, estimated = (
                simulate_layer(layer, tensors, mapping, machine),
                estimate_layer(layer, DENSE, mapping, machine),
            )
            assert estimated.counts == ran.counts
            assert (estimated.processing_cycles, estimated.total_cycles) == (ran.processing_cycles, ran.total_cycles)


def test_the_result_says_how_it_came_about() -> None:
    by_density, by_tensors = (
        estimate("alexnet", layers=["CONV3"]),
        estimate("alexnet", layers=["CONV3"], zeros="tensors"),
    )
    assert by_density.method is by_tensors.method is Method.ANALYTIC
    assert by_density.provenance.weights is by_density.provenance.activations is Origin.DENSITY
    assert by_density.provenance.detail.startswith(
        "no words, zeros spread evenly; density ifmap zeros of CONV1-5: JSSC"
    )
    assert by_tensors.provenance == simulate("alexnet", layers=["CONV3"]).provenance


def test_densities_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "half.toml"
    file.write_text('["*"]\nifmap = 0.5\nfilters = 0.5\nofmap = 0.5\n')
    given_file = estimate("alexnet", layers=["CONV3"], accelerator="eyeriss-estimation", densities=file)
    (layer,) = given_file.layers
    assert layer.counts.nonzero_macs == pytest.approx(layer.counts.macs / 4, rel=0.1)  # padding is never a non-zero
    assert given_file.provenance.sha256 != estimate("alexnet", layers=["CONV3"]).provenance.sha256
    with pytest.raises(
        SpecError, match=r"half.toml: densities, but zeros are to come from the tensors; leave one of both"
    ):
        estimate("alexnet", densities=file, zeros="tensors")


def test_measured_densities_where_tensors_are_real() -> None:
    """A workload with tensors of its own: from them by default, else from what share of them is not zero."""
    workload = own_workload()
    exact, spread = estimate(workload), estimate(workload, zeros="densities")
    assert exact.layers[0].counts == simulate(workload).layers[0].counts
    assert exact.provenance == workload.provenance
    assert spread.provenance.detail == "no words, zeros spread evenly; densities of by hand"
    assert spread.layers[0].counts.nonzero_macs == 3 * 2 * 2 // 2  # half the ifmap's words, each in 3 x 2 MACs a column


def test_narrower_words() -> None:
    """Computation scales with both widths, what moves with its own; buffers hold more, so the mapping may change."""
    wide = estimate("alexnet", layers=["CONV3"])
    mapping = mappings_of(wide)
    narrow = estimate("alexnet", layers=["CONV3"], mapping=mapping, bits="weight=4,activation=8")
    one, other = wide.layers[0], narrow.layers[0]
    assert other.energy.mac == one.energy.mac * 4 * 8 / 256
    for access in one.counts.words:
        share = {"filter": 4 / 16, "ifmap": 8 / 16, "psum": 1}[access.tensor]
        if access.level is not Level.DRAM:
            assert (
                abs(other.counts.bits[access] - one.counts.bits[access] * share) <= 0.5
            )  # expected counts are rounded
    assert "words of 4 bits (weights), 8 (activations), 16 (psums)" in narrow.notes
    searched = estimate("alexnet", layers=["CONV3"], bits="weight=4,activation=8")
    assert energy_of(searched) < energy_of(narrow)
    assert mappings_of(searched) != mapping


def test_only_the_closed_form_takes_narrower_words() -> None:
    layer = Layer(name="narrow", N=1, M=1, C=1, H=2, W=2, R=1, S=1, filter_bits=8)
    with pytest.raises(
        SpecError, match=r"narrow: words of 16, 8 and 16 bits .* moves 16-bit words only; estimate the layer"
    ):
        simulate_layer(layer, dense_tensors(layer), next(iter(load_mappings("jssc2017").values())), CHIP)


def test_a_significance_map_is_a_bit_a_word_and_the_words_that_are_not_zero() -> None:
    counts = (
        estimate("alexnet", layers=["CONV3"], coding="significance_map", accelerator="eyeriss-estimation")
        .layers[0]
        .counts
    )
    (moved,) = (access for access in counts.bits if str(access) == "dram.filter.read")
    assert counts.bits[moved] == 17 * counts.words[moved]  # dense filters


@pytest.mark.parametrize("batch", [1, 4, 16, 64, 256])
def test_an_fc_layer_reuses_its_weights_over_the_batch(batch: int) -> None:
    """Filters from DRAM once for as many images as the GLB has psums and ifmaps of: less for each image, never more."""
    (layer,) = estimate("alexnet", layers=["FC2"], batch=batch).layers
    (alone,) = estimate("alexnet", layers=["FC2"], batch=1).layers
    filters = next(words for access, words in layer.counts.words.items() if str(access) == "dram.filter.read")
    groups = -(-batch // layer.mapping.n)
    assert filters == 4096 * 4096 * groups
    assert layer.energy.total / batch < alone.energy.total or batch == 1
    ran = simulate("alexnet", layers=["FC2"], batch=batch, mapping={"FC2": layer.mapping}).layers[0]
    assert ran.energy.total == pytest.approx(layer.energy.total, rel=0.005)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"zeros": "words"}, SpecError, "zeros 'words': no such one; give one of tensors, densities"),
        ({"coding": "huffman"}, SpecError, "coding 'huffman': no such one; give one of run_length, significance_map"),
        ({"objective": "area"}, SpecError, "objective 'area': no such one; give one of energy, latency, edp"),
        (
            {"objective": "edp", "mapping": "jssc2017"},
            SpecError,
            "objective 'edp': the mapping is given, nothing is searched; leave one of both out",
        ),
        ({"layers": ["CONV9"]}, WorkloadError, "alexnet: no layer matches 'CONV9'"),
        ({"mapping": "jssc2017"}, MappingError, "jssc2017: no mapping for layer FC1"),
        ({"mapping": {}}, MappingError, "mapping: no mapping for layer CONV1"),
    ],
)
def test_what_is_refused(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        estimate("alexnet", **options)  # type: ignore[arg-type]


def mappings_of(result: NetworkResult) -> dict[str, RowStationaryMapping]:
    return {layer.layer.name: layer.mapping for layer in result.layers}


def energy_of(result: NetworkResult) -> float:
    return float(result.total()["energy"]["total"])


def dense_tensors(layer: Layer) -> LayerTensors:
    return SyntheticTensors(seed=0, densities={layer.name: DENSE})(layer)


def own_workload() -> Workload:
    layer = Layer(name="own", N=1, M=3, C=2, H=2, W=1, R=1, S=1)
    ifmap = np.array([1, 0, 0, 5], np.int16).reshape(layer.ifmap_shape)
    filters, ofmap = np.ones(layer.filter_shape, np.int16), np.ones(layer.ofmap_shape, np.int16)
    return Workload(
        name="own",
        layers=(layer,),
        tensors_of=lambda _: LayerTensors(ifmap=ifmap, filters=filters, ofmap=ofmap),
        provenance=Provenance(weights=Origin.REAL, activations=Origin.REAL, detail="by hand", sha256="0" * 64),
    )
