"""How fast is the search for mappings? `make bench`. The slowest layer of each network, on one core."""

import time
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from simulator.analytic.coding import Coding
from simulator.analytic.mapping_cost import expected_energy
from simulator.analytic.objectives import expected_edp, expected_latency
from simulator.mapping.search import Objective, find_mapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from workloads import built_in_networks, open_workload

pytestmark = pytest.mark.benchmark
Make = Callable[[Layer, Accelerator, Densities, Coding], Objective]
DENSE, SPARSE = Densities(ifmap=1.0, filters=1.0, ofmap=1.0), Densities(ifmap=0.5, filters=0.35, ofmap=0.45)
NETWORKS = [network.name for network in built_in_networks()]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize(
    ("machine", "zeros"),
    [("eyeriss-v1", DENSE), ("eyeriss-estimation", DENSE), ("eyeriss-estimation", SPARSE), ("isca16-256", DENSE)],
    ids=["eyeriss-v1", "eyeriss-estimation", "eyeriss-estimation-sparse", "isca16-256"],
)
def test_by_energy(benchmark: BenchmarkFixture, network: str, batch: int, machine: str, zeros: Densities) -> None:
    """Target 20 ms a layer."""
    accelerator = load_accelerator(machine)
    assert slowest(benchmark, network, batch, lambda layer: search(expected_energy, layer, accelerator, zeros)) <= 0.02


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize(
    ("machine", "zeros"), [("eyeriss-v1", DENSE), ("eyeriss-estimation", SPARSE)], ids=["chip", "sparse"]
)
@pytest.mark.parametrize("make", [expected_latency, expected_edp])
def test_by_time(
    benchmark: BenchmarkFixture, network: str, batch: int, machine: str, zeros: Densities, make: Make
) -> None:
    """Latency, and energy x latency: target 0.5 s a layer."""
    accelerator = load_accelerator(machine)
    assert slowest(benchmark, network, batch, lambda layer: search(make, layer, accelerator, zeros)) <= 0.5


def slowest(benchmark: BenchmarkFixture, network: str, batch: int, work: Callable[[Layer], object]) -> float:
    """Median seconds of the layer of a network that takes longest, its tables of coded sizes made before."""
    layers = open_workload(network, batch=batch).layers
    layer = max(layers, key=lambda layer: seconds(lambda: work(layer)))
    benchmark.pedantic(work, args=(layer,), rounds=5)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    return float(benchmark.stats.stats.median)


def search(make: Make, layer: Layer, machine: Accelerator, zeros: Densities) -> object:
    return find_mapping(layer, machine, make(layer, machine, zeros, Coding.RUN_LENGTH))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
