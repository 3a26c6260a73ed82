"""How long does an estimate take when the mapping is known? Counts, cycles and energy of every layer of a network.

Once as a first estimate in a process, which remembers nothing but what layers of one network have in common; once as
one of many, as in a sweep.
"""

import random
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from simulator.analytic.access_counts import count_accesses
from simulator.analytic.coding import layer_streams
from simulator.analytic.layer_cycles import layer_cycles
from simulator.analytic.mapping_cost import expected_energy
from simulator.energy import energy
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.search import find_mapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import Densities
from workloads import open_workload

pytestmark = pytest.mark.benchmark
Record = Callable[[str, object], None]
Mapped = tuple[Layer, RowStationaryMapping, Densities]


@pytest.mark.parametrize("machine", ["eyeriss-v1", "eyeriss-estimation"])
@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("network", ["alexnet", "vgg16", "googlenet", "squeezenet1_0", "resnet50", "mobilenet_v1"])
@pytest.mark.parametrize(("seen", "most_ms"), [(True, 0.2), (False, 0.35)], ids=["again", "first"])
def test_known_mappings(
    benchmark: BenchmarkFixture,
    record_property: Record,
    network: str,
    batch: int,
    machine: str,
    seen: bool,
    most_ms: float,
) -> None:
    """Target 0.2 ms a layer, the mean over the network, for a network that was estimated before in the process. A first
    estimate, which makes the tables of each layer's densities and shape, has no target: its limit guards it."""
    accelerator = load_accelerator(machine)
    layers = list(mapped_layers(network, batch, accelerator))
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        estimate, args=(layers, accelerator), setup=None if seen else forget, warmup_rounds=1, rounds=15
    )
    assert benchmark.stats is not None
    a_layer_ms = benchmark.stats.stats.median / len(layers) * 1e3
    record_property("milliseconds a layer", a_layer_ms)
    assert a_layer_ms <= most_ms


def mapped_layers(network: str, batch: int, accelerator: Accelerator) -> Iterator[Mapped]:
    """Each layer's ifmap is as dense as the ofmap of the one before it."""
    rng = random.Random(network)
    ifmap = 1.0
    for layer in open_workload(network, batch=batch).layers:
        densities = Densities(ifmap=ifmap, filters=rng.uniform(0.3, 1), ofmap=rng.uniform(0.2, 0.9))
        yield layer, find_mapping(layer, accelerator, expected_energy(layer, accelerator, densities)), densities
        ifmap = densities.ofmap


def estimate(layers: list[Mapped], accelerator: Accelerator) -> None:
    for layer, mapping, densities in layers:
        counts = count_accesses(layer, mapping, accelerator, densities)
        layer_cycles(layer, mapping, accelerator, layer_streams(layer, densities, accelerator))
        energy(counts, accelerator, layer)


def forget() -> None:
    """Empties every cache of the closed forms."""
    for name, module in list(sys.modules.items()):
        if name.startswith("simulator.analytic."):
            forget_in(module)


def forget_in(module: ModuleType) -> None:
    for member in vars(module).values():
        if hasattr(member, "cache_clear"):
            member.cache_clear()
