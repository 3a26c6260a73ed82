"""Whatever happened to a model's bytes: is it run, or refused in one message, with nothing else printed?"""

import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx.helper import make_node as node  # noqa: E402  onnx may be missing

from simulator.errors import WorkloadError  # noqa: E402
from tests.workloads.onnx_models import Array, model_of, saved, values  # noqa: E402
from workloads import open_workload  # noqa: E402

NODES = [
    node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1], strides=[2, 2], group=1),
    node("BatchNormalization", ["a", "s", "b", "m", "v"], ["n"]),
    node("Clip", ["n", "low", "high"], ["r"]),
    node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2]),
    node("Flatten", ["p"], ["f"]),
    node("Gemm", ["f", "g"], ["h"], transB=1, alpha=2.0),
    node("Relu", ["h"], ["y"]),
]
CONSTANTS: dict[str, Array] = {
    "w": values(4, 3, 3, 3),
    **{name: values(4) for name in ("s", "b", "m")},
    "v": np.ones(4, np.float32),
    "low": np.array(0, np.float32),
    "high": np.array(6, np.float32),
    "g": values(5, 36),
}
WHOLE = model_of(NODES, CONSTANTS).SerializeToString()
Damage = tuple[int, int]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=3))
def test_damaged_bytes_run_or_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], damage: list[Damage]
) -> None:
    content = bytearray(WHOLE)
    for at, byte in damage:
        content[at] = byte
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with suppress(WorkloadError):
            workload = open_workload(path)
            for layer in workload.layers:
                workload.tensors_of(layer).check(layer)
    assert capfd.readouterr() == ("", "")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(WHOLE.replace(b"MaxPool", b"Max\xffool"))
    with pytest.raises(WorkloadError, match="not an ONNX model, or a damaged one: a name is not text; export it again"):
        open_workload(path)


def test_a_negative_variance_is_named_as_the_filters_it_spoils(tmp_path: Path) -> None:
    path = saved(model_of(NODES, {**CONSTANTS, "v": np.array([1, -1, 1, 1], np.float32)}), tmp_path)
    workload = open_workload(path)
    with pytest.raises(
        WorkloadError, match=r"^conv: filters: 27 of 108 values are NaN or infinite, the first at \(1, "
    ):
        workload.tensors_of(workload.layers[0])
