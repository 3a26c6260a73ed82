"""Does `simulate` give the same result for any number of workers, and say what a reader must know?"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator import load_accelerator, simulate
from simulator.errors import MappingError, SpecError, WorkerError, WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload

TALL = Layer(name="tall", N=1, M=2, C=1, H=20, W=4, R=16, S=2, from_input=True)
SMALL = Layer(name="small", N=1, M=2, C=1, H=4, W=4, R=2, S=2)


class Made:
    """Tensors of ones; picklable, as workers need."""

    def __call__(self, layer: Layer) -> LayerTensors:
        return LayerTensors(
            ifmap=np.ones(layer.ifmap_shape, np.int16),
            filters=np.ones(layer.filter_shape, np.int16),
            ofmap=np.ones(layer.ofmap_shape, np.int16),
            zeroed=(0, 3, 0) if layer.name == "small" else (0, 0, 1),
        )


PROVENANCE = Provenance(weights=Origin.CONSTANT, activations=Origin.CONSTANT, detail="ones", sha256="0")
WORKLOAD = Workload(
    name="made", layers=(TALL, SMALL), tensors_of=Made(), provenance=PROVENANCE, not_costed=("MaxPool x2",)
)


def test_any_number_of_workers_gives_the_same() -> None:
    """And so does a second run: same input and seed, same output."""

    def output(jobs: int) -> str:
        return json.dumps(simulate("alexnet", layers=["CONV2", "CONV5", "FC3"], seed=3, jobs=jobs).to_dict())

    assert output(1) == output(2) == output(1)


def test_a_workload_of_ones_own() -> None:
    result = simulate(WORKLOAD, accelerator=load_accelerator("eyeriss-v1"), functional=True)
    assert result.network == "made"
    assert [layer.layer.name for layer in result.layers] == ["tall", "small"]
    assert result.notes == (
        "not costed: MaxPool x2",
        "run folded, beyond the chip's filter size (DEVIATIONS): tall",
        "filter values that 16 bits round to zero: small 3",
        "ofmap values that 16 bits round to zero: tall 1",
    )


@pytest.mark.parametrize("choice", [{"batch": 1}, {"layers": ["small"]}, {"seed": 1}])
def test_what_a_workload_has_already_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="made: a Workload has its batch, layers, images and seed already"):
        simulate(WORKLOAD, **choice)


def test_a_workload_without_layers_is_refused() -> None:
    with pytest.raises(WorkloadError, match="made: a Workload without layers; there is nothing to simulate"):
        replace(WORKLOAD, layers=())


def test_totals_are_sums_and_time_weighted_means() -> None:
    result = simulate(WORKLOAD)
    rows, total = result.to_dict()["layers"], result.total()
    assert total["macs"] == sum(row["macs"] for row in rows) == TALL.macs + SMALL.macs
    assert total["energy"]["dram"] == sum(row["energy"]["dram"] for row in rows)
    assert total["pe_cycles"]["active"] == sum(row["pe_cycles"]["active"] for row in rows)
    weighted = sum(row["active_pes"] * row["processing_cycles"] for row in rows)
    assert total["active_pes"] == pytest.approx(weighted / total["processing_cycles"])


def test_a_mapping_set_without_a_layer() -> None:
    with pytest.raises(
        MappingError, match=r"jssc2017: no mapping for layer FC1, only for CONV1, .*; add a table \[FC1\]"
    ):
        simulate("alexnet", layers=["FC1"], mapping="jssc2017")


def test_no_workers() -> None:
    with pytest.raises(SpecError, match="jobs: 0 worker processes; give at least 1"):
        simulate(WORKLOAD, jobs=0)


def test_progress_names_the_layer() -> None:
    seen: list[tuple[str, int, int]] = []
    report: Callable[[str, int, int], None] = lambda *at: seen.append(at)  # noqa: E731
    simulate(replace(WORKLOAD, layers=(SMALL,)), progress=report)
    assert seen == [("small", seen[-1][2], seen[-1][2])]


def test_gating_saves_energy_and_no_cycle_on_the_chip() -> None:
    """Zero weights save nothing on eyeriss-v1; on eyeriss-estimation they save MACs, spad accesses and DRAM bits."""
    dense, sparse = (
        Workload(name="x", layers=(SMALL,), tensors_of=Share(share), provenance=PROVENANCE) for share in (1.0, 0.25)
    )
    chip = [simulate(each).layers[0] for each in (dense, sparse)]
    assert chip[0].energy == chip[1].energy
    assert chip[0].total_cycles == chip[1].total_cycles
    method = [simulate(each, accelerator="eyeriss-estimation").layers[0] for each in (dense, sparse)]
    assert method[1].energy.mac < method[0].energy.mac
    assert method[1].energy.total < method[0].energy.total
    assert method[1].processing_cycles == method[0].processing_cycles


class Share:
    """Ones, with a share of the filters' words."""

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, layer: Layer) -> LayerTensors:
        whole = Made()(layer)
        filters = whole.filters.copy().ravel()
        filters[int(filters.size * self.share) :] = 0
        return replace(whole, filters=filters.reshape(whole.filters.shape))


class Dying:
    """Tensors whose making ends the process, as running out of memory does."""

    def __call__(self, layer: Layer) -> LayerTensors:
        os._exit(len(layer.name))


def test_a_worker_that_dies_is_one_message() -> None:
    dying = replace(WORKLOAD, tensors_of=Dying())
    with pytest.raises(WorkerError, match=r"jobs: one of 2 workers ended before its layer did, .* give fewer jobs"):
        simulate(dying, jobs=2)
