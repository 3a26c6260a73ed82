"""How fast is the simulator? `make bench`. Every figure is of one process on one core.

Yardsticks: onnxruntime computing the same layers in the same process; the MACs/s that STONNE (0.4 M) and SCALE-Sim
(1.1 M) simulate, measured on a machine like the one these were written on.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from simulator.results import NetworkResult
from simulator.run import simulate
from simulator.spec.layer import Layer
from workloads import open_workload

pytestmark = pytest.mark.benchmark
Record = Callable[[str, object], None]
STONNE_MACS_PER_S, SCALE_SIM_MACS_PER_S = 0.4e6, 1.1e6


def alexnet(*, functional: bool = False) -> NetworkResult:
    return simulate("alexnet", batch=4, layers=["CONV*"], mapping="jssc2017", functional=functional)


def test_alexnet_conv_batch_4(benchmark: BenchmarkFixture, record_property: Record) -> None:
    """2.66 G MACs, target 0.5 s, exact data-dependent counts and cycles; tensors are made anew each time."""
    median = measure(benchmark, alexnet, rounds=7)
    rate = alexnet().total()["macs"] / median
    record_property("MACs simulated a second", rate)
    record_property("times STONNE's rate", rate / STONNE_MACS_PER_S)
    record_property("times SCALE-Sim's rate", rate / SCALE_SIM_MACS_PER_S)
    record_property("times as long as onnxruntime computes, same process", median / onnxruntime_seconds())
    assert median <= 0.5


def test_vgg16_conv_batch_3(benchmark: BenchmarkFixture, record_property: Record) -> None:
    """46 G MACs, target 10 s and 1.5 GB, in a process of its own so that the memory is its own."""
    code = (
        "import resource, simulator; r = simulator.simulate('vgg16', batch=3, layers=['CONV*']);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    peaks: list[int] = []
    median = measure(benchmark, lambda: peaks.append(int(python(code))), rounds=3)
    record_property("peak MB", max(peaks) / 1e6)
    assert median <= 10
    assert max(peaks) <= 1.5e9


def test_alexnet_functional(benchmark: BenchmarkFixture) -> None:
    """Every value through the PEs, every pass stepped: target 60 s."""
    assert measure(benchmark, lambda: alexnet(functional=True), rounds=1) <= 60


def test_help(benchmark: BenchmarkFixture) -> None:
    """`picojoule --help`, target 0.5 s from the shell."""
    command = [sys.executable, "-m", "picojoule", "--help"]
    assert measure(benchmark, lambda: subprocess.run(command, check=True, capture_output=True), rounds=7) <= 0.5


def measure(benchmark: BenchmarkFixture, work: Callable[[], object], rounds: int) -> float:
    """Median seconds of some rounds of work."""
    benchmark.pedantic(work, rounds=rounds)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    return float(benchmark.stats.stats.median)


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def onnxruntime_seconds() -> float:
    """Median time in which onnxruntime computes the same five layers, float32, on one thread."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    rng, total = np.random.default_rng(0), 0.0
    for layer in open_workload("alexnet", batch=4, layers=["CONV*"]).layers:
        session = onnxruntime.InferenceSession(conv_model(layer), options, providers=["CPUExecutionProvider"])
        feed = {"x": rng.standard_normal(layer.ifmap_shape, np.float32)}
        session.run(None, feed)
        total += float(np.median([seconds(lambda: session.run(None, feed)) for _ in range(5)]))  # noqa: B023
    return total


def conv_model(layer: Layer) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(1).standard_normal(layer.filter_shape, np.float32)
    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], strides=[layer.U, layer.V], pads=list(layer.padding), group=layer.G
    )
    graph = helper.make_graph(
        [node],
        layer.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, layer.ifmap_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, layer.ofmap_shape)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())
