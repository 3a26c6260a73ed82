"""Is a SCALE-Sim topology read as its columns say, and is every row that cannot be used named at once?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.workload import Origin
from workloads import open_workload

HEADING = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
CONV = "Conv1, 227, 227, 11, 11, 3, 96, 4,\n"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "net.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def message_of(path: Path) -> str:
    with pytest.raises(WorkloadError) as error:
        open_workload(path)
    return str(error.value).removeprefix(str(path))


def test_a_row_is_a_layer(write: Write) -> None:
    workload = open_workload(write(HEADING + CONV + "FC6, 6, 5, 6, 5, 256, 4096, 1,\n"), batch=2)
    assert workload.name == "net"
    assert workload.layers == (
        Layer(name="Conv1", N=2, M=96, C=3, H=227, W=227, R=11, S=11, U=4, V=4, from_input=True),
        Layer(name="FC6", N=2, M=4096, C=256, H=6, W=5, R=6, S=5),
    )


def test_batch_is_one_unless_said(write: Write) -> None:
    assert open_workload(write(HEADING + CONV)).batch == 1


@pytest.mark.parametrize(
    "text",
    [
        HEADING.upper() + CONV,
        HEADING.replace(" ", "  ").replace("Num Filter", "num_filters") + CONV.replace(" ", ""),
        "\ufeff" + HEADING + "\n" + CONV + "\n  \n,,,,\n",
        (HEADING + CONV).replace(",\n", "\n"),
        (HEADING + CONV).replace("\n", "\r\n"),
        (HEADING + CONV).rstrip("\n"),
        HEADING.replace("Strides", "Stride height, Stride width") + CONV.replace("4,", "4, 4,"),
        (
            "Strides, Layer, Num Filter, Channels, Filter Width, Filter Height, IFMAP Width, IFMAP Height\n"
            "4, Conv1, 96, 3, 11, 11, 227, 227\n"
        ),
    ],
    ids=["case", "spaces", "blank lines", "no last comma", "CRLF", "no last line end", "two strides", "other order"],
)
def test_what_people_write_is_the_same_layer(write: Write, text: str) -> None:
    assert open_workload(write(text)).layers == open_workload(write(HEADING + CONV)).layers


def test_strides_may_differ(write: Write) -> None:
    text = HEADING.replace("Strides", "Stride height, Stride width") + CONV.replace("4,", "2, 3,")
    (layer,) = open_workload(write(text)).layers
    assert (layer.U, layer.V) == (2, 3)


def test_tensors_are_synthetic_at_the_assumed_density_and_said_to_be(write: Write) -> None:
    workload = open_workload(write(HEADING + CONV + "Conv2, 40, 40, 3, 3, 96, 64, 1,\n"), seed=7)
    first, second = (workload.tensors_of(layer) for layer in workload.layers)
    assert np.count_nonzero(first.ifmap) == first.ifmap.size, "the network's input is dense"
    assert abs(np.count_nonzero(second.ifmap) / second.ifmap.size - 0.5) < 0.01
    assert np.count_nonzero(second.filters) == second.filters.size
    assert workload.provenance.weights is workload.provenance.activations is Origin.SYNTHETIC
    assert workload.provenance.detail == (
        "shapes of net.csv; synthetic words, seed 7; density assumed: 0.5 of the words of feature maps are not zero; "
        "the network's input is dense"
    )


def test_the_hash_is_over_the_file_and_the_seed(write: Write) -> None:
    one = open_workload(write(HEADING + CONV)).provenance.sha256
    assert one == open_workload(write(HEADING + CONV)).provenance.sha256
    assert one != open_workload(write(HEADING + CONV), seed=1).provenance.sha256
    assert one != open_workload(write(HEADING + CONV + "Conv2, 40, 40, 3, 3, 96, 64, 1,\n")).provenance.sha256


def test_every_bad_row_is_named_by_its_line(write: Write) -> None:
    rows = [
        "Conv1, 227, 227, 11, 11, 3, 96,\n",
        "Conv2, 31, big, 5, 2.5, 96, 256, 1,\n",
        "\n",
        "Conv3, 3, 3, 5, 5, 1, 1, 1,\n",
        "Conv4, 15, 15, 3, 3, 0, 384, 1,\n",
        "Conv5, 15, 15, 3, 3, -4, 384, 1,\n",
        "Conv6, 15, 15, 3, 3, 8, 16, 1,\n",
        "Conv6, 15, 15, 3, 3, 8, 16, 1,\n",
        ", 15, 15, 3, 3, 8, 16, 1,\n",
    ]
    assert message_of(write(HEADING + "".join(rows))).splitlines() == [
        ": 7 of 8 rows cannot be used",
        "  line 2: 7 cells; the heading has 8",
        "  line 3: Conv2: W = 'big', S = '2.5'; whole numbers are needed",
        "  line 5: Conv3: a 5x5 filter is larger than its padded 3x3 ifmap; nothing would be computed",
        "  line 6: Conv4: C = 0; every dimension must be at least 1",
        "  line 7: Conv5: C = -4; every dimension must be at least 1",
        "  line 9: a second layer Conv6; names must differ",
        "  line 10: no layer name",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": empty; a topology has a heading and a row for each layer"),
        (" \n,,\n", ": empty; a topology has a heading and a row for each layer"),
        (HEADING, ": no layers, only a heading; add a row for each layer"),
        (
            "Layer, M, N, K,\nQKT, 8, 8, 8,\n",
            ": a GEMM topology (M, N, K); give a CONV topology, an FC layer as a 1x1 one",
        ),
    ],
)
def test_a_file_that_is_no_conv_topology_is_refused(write: Write, text: str, message: str) -> None:
    assert message_of(write(text)) == message


@pytest.mark.parametrize(
    ("was", "is_now", "fault"),
    [
        ("Channels", "Depth", "unknown: Depth; missing: Channels"),
        ("Channels,", "", "missing: Channels"),
        ("Strides", "Strides, Sparsity", "unknown: Sparsity"),
        ("Strides", "Strides, Stride", "a column twice"),
    ],
)
def test_a_heading_says_all_that_is_wrong_with_it(write: Write, was: str, is_now: str, fault: str) -> None:
    assert message_of(write(HEADING.replace(was, is_now) + CONV)) == (
        f": heading is not a SCALE-Sim topology's ({fault}); its columns are Layer name, IFMAP Height, IFMAP Width, "
        "Filter Height, Filter Width, Channels, Num Filter, Strides"
    )


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_bytes(b"\xff\xfe\x00\x80")
    assert "cannot be read as text" in message_of(path)
    assert message_of(path).endswith("give a SCALE-Sim topology CSV")
