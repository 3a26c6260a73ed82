"""Does a layer trace give back what was recorded, to numpy too, and is every damaged one refused with its fault?"""

import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from simulator.errors import OutputError, WorkloadError
from simulator.spec.layer import Layer
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload
from workloads import open_workload
from workloads.synthetic import SyntheticTensors, assumed_densities
from workloads.trace import write_trace

LAYERS = (
    Layer(name="conv", N=3, M=6, C=4, H=9, W=7, R=3, S=2, U=2, V=3, G=2, padding=(0, 1, 2, 1), from_input=True),
    Layer(name="fc/ü", N=3, M=5, C=6, H=2, W=3, R=2, S=3),
)
Arrays = dict[str, npt.NDArray[Any]]
Change = Callable[[Arrays], None]


def tensors_of(layer: Layer) -> LayerTensors:
    words = SyntheticTensors(seed=1, densities={each.name: assumed_densities(each) for each in LAYERS})(layer)
    return replace(words, ifmap_scale=12, filter_scale=-3, ofmap_scale=7, zeroed=(3, 0, 1))


RECORDED = Workload(
    name="small",
    layers=LAYERS,
    tensors_of=tensors_of,
    provenance=Provenance(weights=Origin.REAL, activations=Origin.CONSTANT, detail="made by hand", sha256="0" * 64),
    not_costed=("MaxPool x1",),
    notes=("A note.",),
)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "small.npz"
    write_trace(RECORDED, path)
    return path


@pytest.fixture
def changed(trace: Path) -> Callable[[Change], Path]:
    """The trace, written again by numpy after a change."""

    def changed(change: Change) -> Path:
        with np.load(trace) as file:
            arrays = dict(file)
        change(arrays)
        np.savez(trace, allow_pickle=True, **arrays)
        return trace

    return changed


def message_of(path: Path, **options: Any) -> str:
    with pytest.raises(WorkloadError) as error:
        open_workload(path, **options)
    return str(error.value).removeprefix(f"{path}: ")


def assert_same(found: LayerTensors, expected: LayerTensors, images: int) -> None:
    assert np.array_equal(found.ifmap, expected.ifmap[:images])
    assert np.array_equal(found.filters, expected.filters)
    assert np.array_equal(found.ofmap, expected.ofmap[:images])
    for name in ("ifmap_scale", "filter_scale", "ofmap_scale", "zeroed"):
        assert getattr(found, name) == getattr(expected, name)


def test_a_trace_gives_back_what_was_recorded(trace: Path) -> None:
    workload = open_workload(trace)
    assert (workload.name, workload.layers) == ("small", LAYERS)
    assert (workload.not_costed, workload.notes) == (("MaxPool x1",), ("A note.",))
    assert (workload.provenance.weights, workload.provenance.activations) == (Origin.REAL, Origin.CONSTANT)
    assert workload.provenance.detail == "layer trace small.npz: made by hand"
    for layer in workload.layers:
        assert_same(workload.tensors_of(layer), tensors_of(layer), images=3)
        workload.tensors_of(layer).check(layer)


def test_a_smaller_batch_is_the_first_images(trace: Path) -> None:
    workload = open_workload(trace, batch=2)
    assert workload.batch == 2
    for layer, recorded in zip(workload.layers, LAYERS, strict=True):
        assert_same(workload.tensors_of(layer), tensors_of(recorded), images=2)
        workload.tensors_of(layer).check(layer)


def test_a_larger_batch_is_refused(trace: Path) -> None:
    assert message_of(trace, batch=4) == "a batch of 4, but the trace holds 3 images; lower the batch"


def test_layers_can_be_chosen_and_tensors_go_to_workers(trace: Path) -> None:
    workload = pickle.loads(pickle.dumps(open_workload(trace, layers=["FC*"])))
    assert workload.layers == LAYERS[1:]
    assert_same(workload.tensors_of(LAYERS[1]), tensors_of(LAYERS[1]), images=3)


def test_tensors_are_found_from_another_folder(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trace.parent)
    workload = open_workload(trace.name)
    monkeypatch.chdir("/")
    assert_same(workload.tensors_of(LAYERS[0]), tensors_of(LAYERS[0]), images=3)


def test_numpy_reads_a_trace_without_pickles(trace: Path) -> None:
    with np.load(trace, allow_pickle=False) as file:
        assert file.files == [
            "meta",
            *(f"{at}/{name}" for at in (0, 1) for name in ("ifmap", "filters", "ofmap", "scales", "zeroed")),
        ]
        assert json.loads(str(file["meta"]))["layers"][1]["name"] == "fc/ü"
        assert np.array_equal(file["0/ifmap"], tensors_of(LAYERS[0]).ifmap)
        assert file["1/scales"].tolist() == [12, -3, 7]
        assert file["1/zeroed"].tolist() == [3, 0, 1]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_trace_that_numpy_wrote_is_taken(trace: Path, tmp_path: Path, save: Callable[..., None]) -> None:
    with np.load(trace) as file:
        save(tmp_path / "by-numpy.npz", **file)
    workload = open_workload(tmp_path / "by-numpy.npz")
    assert_same(workload.tensors_of(LAYERS[1]), tensors_of(LAYERS[1]), images=3)


def test_the_same_tensors_make_the_same_bytes(trace: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.npz"
    write_trace(RECORDED, again)
    assert again.read_bytes() == trace.read_bytes()
    with zipfile.ZipFile(trace) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "not the time of day"
    assert open_workload(again).provenance.sha256 == open_workload(trace).provenance.sha256


# Damage


def test_wherever_a_trace_is_cut_it_is_refused(trace: Path) -> None:
    whole = trace.read_bytes()
    for length in range(0, len(whole), max(1, len(whole) // 97)):
        trace.write_bytes(whole[:length])
        assert message_of(trace).startswith("not a layer trace, or a truncated one (")
        assert message_of(trace).endswith("); record it again")


def test_a_flipped_bit_is_found_when_the_layer_is_read(tmp_path: Path) -> None:
    path, layer = tmp_path / "large.npz", Layer(name="large", N=1, M=64, C=128, H=3, W=3, R=1, S=1)
    synthetic = SyntheticTensors(seed=0, densities={"large": assumed_densities(layer)})
    write_trace(replace(RECORDED, layers=(layer,), tensors_of=synthetic), path)
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("0/filters.npy").header_offset
    content = bytearray(path.read_bytes())
    content[offset + 15_000] ^= 1
    path.write_bytes(content)
    workload = open_workload(path)
    with pytest.raises(WorkloadError, match=r"not a layer trace, or a truncated one \(Bad CRC-32 for file '0/filters"):
        workload.tensors_of(layer)


def test_any_other_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("Layer name, IFMAP Height")
    assert message_of(tmp_path / "text.npz").startswith("not a layer trace, or a truncated one (File is not a zip file")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    assert message_of(tmp_path / "other.npz") == (
        "no 'meta' in it, so not a layer trace; `picojoule record` writes traces"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    assert message_of(tmp_path / "folder.npz") == "no such file; give one that exists, or a built-in network"


@pytest.mark.parametrize("key", ["0/ifmap", "1/filters", "1/scales", "0/zeroed"])
def test_a_missing_array_is_named(changed: Callable[[Change], Path], key: str) -> None:
    layer = LAYERS[int(key[0])]
    path = changed(lambda arrays: arrays.__delitem__(key))
    assert message_of(path) == f"layer {layer.name!r}: no {key!r} in it; record it again"


@pytest.mark.parametrize(
    ("key", "array", "found"),
    [
        ("0/ifmap", np.zeros((3, 4, 9, 7), np.float32), "is float32 of shape (3, 4, 9, 7)"),
        ("0/ifmap", np.zeros((3, 9, 7, 4), np.int16), "is int16 of shape (3, 9, 7, 4)"),
        ("0/ifmap", np.zeros((3, 4, 9, 7), ">i2"), "is >i2 of shape (3, 4, 9, 7)"),
        ("0/ifmap", np.zeros((7, 9, 4, 3), np.int16).T, "is int16 of shape (3, 4, 9, 7) in Fortran order"),
        ("0/ifmap", np.full((3, 4, 9, 7), None), "is object of shape (3, 4, 9, 7)"),
    ],
)
def test_an_array_of_another_type_or_shape_is_named(
    changed: Callable[[Change], Path], key: str, array: npt.NDArray[Any], found: str
) -> None:
    message = message_of(changed(lambda arrays: arrays.update({key: array})))
    assert message == f"layer 'conv': '{key}' {found}; the layer needs int16 of shape (3, 4, 9, 7)"


def test_an_array_shorter_than_its_header_says_is_named(trace: Path) -> None:
    with zipfile.ZipFile(trace) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["1/ofmap.npy"] = content["1/ofmap.npy"][:-2]
    with zipfile.ZipFile(trace, "w") as archive:
        for name, member in content.items():
            archive.writestr(name, member)
    assert message_of(trace) == "layer 'fc/ü': '1/ofmap' is cut short; record it again"


def test_scales_are_three_integers(changed: Callable[[Change], Path]) -> None:
    message = message_of(changed(lambda arrays: arrays.update({"1/scales": np.zeros(2)})))
    assert message == "layer 'fc/ü': '1/scales' is float64 of shape (2,); the layer needs int64 of shape (3,)"


# The meta text


@pytest.fixture
def with_meta(changed: Callable[[Change], Path]) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """The trace after a change of its meta text."""

    def with_meta(change: Callable[[dict[str, Any]], None]) -> Path:
        def rewrite(arrays: Arrays) -> None:
            fields = json.loads(str(arrays["meta"]))
            change(fields)
            arrays["meta"] = np.array(json.dumps(fields))

        return changed(rewrite)

    return with_meta


WithMeta = Callable[[Callable[[dict[str, Any]], None]], Path]


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        (np.array(["a", "b"]), "'meta' is <U1 of shape (2,); one text is needed"),
        (np.array(3), "'meta' is int64 of shape (); one text is needed"),
        (np.array("{"), "'meta' is not a JSON object; `picojoule record` writes traces"),
        (np.array("[]"), "'meta' is not a JSON object; `picojoule record` writes traces"),
        (np.array("{}"), "format None, version None; this picojoule reads 'picojoule-trace', version 1"),
    ],
)
def test_a_meta_that_is_no_text_of_ours_is_refused(
    changed: Callable[[Change], Path], meta: npt.NDArray[Any], message: str
) -> None:
    assert message_of(changed(lambda arrays: arrays.update(meta=meta))) == message


def test_a_pickled_meta_is_not_loaded(changed: Callable[[Change], Path]) -> None:
    path = changed(lambda arrays: arrays.update(meta=np.array({"format": "picojoule-trace"}, object)))
    assert "Object arrays cannot be loaded" in message_of(path)


def test_another_version_is_named_before_anything_else(with_meta: WithMeta) -> None:
    path = with_meta(lambda fields: fields.update(version=2, layers="none"))
    assert message_of(path) == "format 'picojoule-trace', version 2; this picojoule reads 'picojoule-trace', version 1"


def test_every_fault_of_the_meta_is_listed(with_meta: WithMeta) -> None:
    def spoil(fields: dict[str, Any]) -> None:
        del fields["network"]
        fields["layers"][0]["M"] = "six"
        fields["layers"][1]["color"] = 1
        fields["data"]["weights"] = "trained"

    lines = message_of(with_meta(spoil)).splitlines()
    assert lines[0] == "4 faults in 'meta'"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "network",
        "data.weights",
        "layers.0.M",
        "layers.1.color",
    ]


@pytest.mark.parametrize("size", ["11", 11.0, True])
def test_a_size_of_another_type_is_not_converted(with_meta: WithMeta, size: object) -> None:
    message = message_of(with_meta(lambda fields: fields["layers"][0].update(H=size)))
    assert message == f"1 fault in 'meta'\n  layers.0.H: Input should be a valid integer, the value {size!r}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "conv\x1b[m\n"}, r"'conv\x1b[m\n': a layer's name is one line of printable characters; rename it"),
        ({"M": 0}, "conv: M = 0; every dimension must be at least 1"),
        ({"G": 5}, "conv: 5 groups do not divide C = 4 channels and M = 6 filters"),
        ({"R": 12}, "conv: a 12x2 filter is larger than its padded 11x9 ifmap; nothing would be computed"),
        ({"N": 2}, "layer 'fc/ü' has N = 3; the first has 2"),
        ({"name": "fc/ü"}, "layer 'fc/ü' is there 2 times"),
        (
            {"H": 10},
            "layer 'conv': '0/ifmap' is int16 of shape (3, 4, 9, 7); the layer needs int16 of shape (3, 4, 10, 7)",
        ),
    ],
)
def test_a_layer_that_cannot_be_is_refused(with_meta: WithMeta, change: dict[str, Any], message: str) -> None:
    assert message_of(with_meta(lambda fields: fields["layers"][0].update(change))) == message


def test_a_trace_without_layers_is_refused(with_meta: WithMeta) -> None:
    assert message_of(with_meta(lambda fields: fields.update(layers=[]))) == "has no layers; record it again"


# Writing


def failing_at_the_second(layer: Layer) -> LayerTensors:
    if layer == LAYERS[1]:
        raise WorkloadError("fc/ü: ifmap: NaN")
    return tensors_of(layer)


def test_a_recording_that_fails_leaves_the_old_file_and_no_other(trace: Path) -> None:
    before = trace.read_bytes()
    with pytest.raises(WorkloadError, match=r"^fc/ü: ifmap: NaN$"):
        write_trace(replace(RECORDED, tensors_of=failing_at_the_second), trace)
    assert trace.read_bytes() == before
    assert list(trace.parent.iterdir()) == [trace]


def test_ctrl_c_leaves_no_file(tmp_path: Path) -> None:
    def interrupted(_: Layer) -> LayerTensors:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_trace(replace(RECORDED, tensors_of=interrupted), tmp_path / "t.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for output, reason in (("folder", "Is a directory"), ("nowhere/t.npz", "No such file or directory")):
        with pytest.raises(OutputError) as error:
            write_trace(RECORDED, tmp_path / output)
        assert str(error.value) == f"{tmp_path / output}: cannot be written ({reason}); choose another file"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_tensors_of_another_shape_are_not_written(tmp_path: Path) -> None:
    wrong = replace(RECORDED, tensors_of=lambda _: tensors_of(LAYERS[0]))
    with pytest.raises(WorkloadError, match=r"^fc/ü: ifmap has shape \(3, 4, 9, 7\); the layer needs \(3, 6, 2, 3\)$"):
        write_trace(wrong, tmp_path / "t.npz")
