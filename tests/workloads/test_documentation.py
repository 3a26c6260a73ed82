"""Does docs/workloads.md say what the code does: its table of networks, its examples, its keys?"""

import re
from pathlib import Path

import numpy as np
import pytest

from simulator.spec.layer import Layer
from simulator.spec.workload import Origin, Provenance, Workload
from workloads import built_in_networks, open_workload
from workloads.synthetic import SyntheticTensors, assumed_densities
from workloads.trace import write_trace
from workloads.trace_meta import LayerMeta, ProvenanceMeta, TraceMeta

TEXT = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text(encoding="utf-8")
LAYER = Layer(name="conv", N=1, M=3, C=2, H=4, W=4, R=3, S=3)


def fenced(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    provenance = Provenance(weights=Origin.SYNTHETIC, activations=Origin.SYNTHETIC, detail="", sha256="")
    tensors_of = SyntheticTensors(seed=0, densities={"conv": assumed_densities(LAYER)})
    write_trace(
        Workload(name="net", layers=(LAYER,), tensors_of=tensors_of, provenance=provenance), tmp_path / "trace.npz"
    )
    return tmp_path / "trace.npz"


def test_the_table_of_networks_is_complete_and_right() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \+ (\d+) \| ([\d,]+) \| ([\d,]+) \| (.+) \|$", TEXT, re.MULTILINE)
    expected = [
        (
            network.name,
            str(sum(not layer.is_fc for layer in network.layers)),
            str(sum(layer.is_fc for layer in network.layers)),
            f"{network.weights:,}",
            f"{network.macs_per_image:,}",
        )
        for network in built_in_networks()
    ]
    assert [row[:5] for row in rows] == expected


def test_sources_in_the_table_are_those_of_the_files() -> None:
    for network in built_in_networks():
        number = re.search(r"arXiv [\d.]+\d|NIPS \d+", network.source)
        assert number
        assert re.search(rf"^\| `{network.name}` .*{re.escape(number[0])}", TEXT, re.MULTILINE), network.name


def test_the_trace_example_runs(
    trace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trace.parent)
    exec(fenced("python"), {})
    assert capsys.readouterr().out.startswith("conv (1, 2, 4, 4) ")


def test_the_trace_keys_are_those_of_a_trace(trace: Path) -> None:
    keys = set(re.findall(r"^\| `(meta|i/\w+)` \|", TEXT, re.MULTILINE))
    assert {key.replace("i/", "0/") for key in keys} == set(np.load(trace).files)


def test_every_key_of_the_meta_text_is_told() -> None:
    section = TEXT[TEXT.index("`meta` is an object") : TEXT.index("## SCALE-Sim")]
    for part in (TraceMeta, ProvenanceMeta, LayerMeta):
        untold = [key for key in part.model_fields if f"`{key}`" not in section]
        assert untold == [], part.__name__


def test_the_topology_example_is_one(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    path.write_text(fenced("csv"), encoding="utf-8")
    assert [layer.name for layer in open_workload(path).layers] == ["Conv1", "Conv2"]
