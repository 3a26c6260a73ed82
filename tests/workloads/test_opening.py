"""Does `open_workload` find the network that was meant, and say what is wrong when there is none?"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import WorkloadError
from workloads import built_in_networks, open_workload


def test_importing_workloads_leaves_the_onnx_extra_alone() -> None:
    """`picojoule --help` must be quick, and the extra is optional."""
    loaded = "import sys, workloads; print({'onnx', 'onnxruntime', 'torch', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "set()"


def test_names_may_be_in_any_case() -> None:
    assert open_workload("AlexNet").name == "alexnet"


def test_batch_is_one_unless_said() -> None:
    assert open_workload("alexnet").batch == 1
    assert {layer.N for layer in open_workload("alexnet", batch=4).layers} == {4}


@pytest.mark.parametrize("name", ["alexnt", "alexnet.py", "ALEXNET2"])
def test_unknown_names_suggest_the_near_miss(name: str) -> None:
    with pytest.raises(WorkloadError, match=f"^unknown network '{name}'; did you mean 'alexnet'\\?$"):
        open_workload(name)


def test_names_like_nothing_list_what_there_is() -> None:
    names = ", ".join(network.name for network in built_in_networks())
    with pytest.raises(
        WorkloadError, match=rf"unknown network 'zzz'; give an .onnx, .npz or .csv file, or one of {names}"
    ):
        open_workload("zzz")


@pytest.mark.parametrize("name", ["nowhere.onnx", "nowhere.npz", "nowhere.csv"])
def test_missing_files_are_named(name: str) -> None:
    with pytest.raises(WorkloadError, match=f"^{name}: no such file; give one that exists, or a built-in network$"):
        open_workload(name)


@pytest.mark.parametrize("batch", [0, -3])
def test_a_batch_below_one_is_refused(batch: int) -> None:
    with pytest.raises(WorkloadError, match=f"alexnet: a batch of {batch} images; a batch has at least one"):
        open_workload("alexnet", batch=batch)


def test_images_are_only_for_onnx_models(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 227, 227), np.float32))
    with pytest.raises(WorkloadError, match=r"alexnet: images need a network to run on them; give an \.onnx model"):
        open_workload("alexnet", images=tmp_path / "x.npy")


def test_without_the_onnx_extra_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    for module in [name for name in sys.modules if name.startswith("workloads.onnx")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(WorkloadError, match=r"m\.onnx: ONNX models need .*; pip install 'picojoule\[onnx\]'"):
        open_workload(tmp_path / "m.onnx")


def test_layers_are_chosen_in_any_case_and_by_wildcard() -> None:
    def chosen(*words: str) -> list[str]:
        return [layer.name for layer in open_workload("alexnet", layers=words).layers]

    assert chosen("conv3") == ["CONV3"]
    assert chosen("fc*", "CONV1") == ["CONV1", "FC1", "FC2", "FC3"]
    assert chosen("conv[1-2]", "CONV?") == ["CONV1", "CONV2", "CONV3", "CONV4", "CONV5"]


def test_a_word_that_names_no_layer_is_refused() -> None:
    with pytest.raises(WorkloadError, match=r"alexnet: no layer matches 'CONV9'; its layers: CONV1, CONV2, .*FC3"):
        open_workload("alexnet", layers=["conv1", "CONV9"])


def test_no_words_at_all_are_refused() -> None:
    with pytest.raises(WorkloadError, match="alexnet: no layers were asked for; name some of CONV1, "):
        open_workload("alexnet", layers=[])


def test_choosing_layers_leaves_their_tensors_alone() -> None:
    whole, part = open_workload("alexnet"), open_workload("alexnet", layers=["CONV4"])
    layer = part.layers[0]
    assert np.array_equal(whole.tensors_of(layer).ifmap, part.tensors_of(layer).ifmap)


def test_another_seed_gives_other_words_and_another_hash() -> None:
    first, second = (open_workload("alexnet", layers=["CONV5"], seed=seed) for seed in (0, 1))
    assert first.provenance.sha256 != second.provenance.sha256
    layer = first.layers[0]
    assert not np.array_equal(first.tensors_of(layer).ifmap, second.tensors_of(layer).ifmap)
