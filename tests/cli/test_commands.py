"""Does each command print what it promises?"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from picojoule import __version__, doctor
from simulator.spec.load import load_accelerator, shipped_accelerators
from tests.cli.conftest import Run, Simulations
from workloads import built_in_networks

ON_NETWORKS = ("simulate", "estimate", "validate", "calibrate", "explain", "compare", "prune", "record")
COMMANDS = (
    "",
    *ON_NETWORKS,
    "networks",
    "arch",
    "arch list",
    "arch show",
    "doctor",
    "completion",
    "demo",
    "reproduce",
    "prune compare",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_an_example_of_the_command(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.rstrip().splitlines()[-1].startswith(f"Example: picojoule {command}")


def test_version(run: Run) -> None:
    assert run("--version").out == f"{__version__}\n"


def test_networks_lists_each_with_its_size_and_source(run: Run) -> None:
    lines = run("networks").out.splitlines()
    assert lines[1].split() == ["name", "[-]", "[M]", "[M", "an", "image]", "network", "source"]
    assert len(lines) == 3 + len(built_in_networks())
    alexnet = next(line for line in lines if line.startswith("alexnet "))
    assert alexnet.split()[1] == "8"
    assert "724.4" in alexnet
    assert "Krizhevsky" in alexnet


def test_arch_list_describes_each_shipped_accelerator(run: Run) -> None:
    out = run("arch", "list").out
    for name in shipped_accelerators():
        accelerator = load_accelerator(name)
        assert f"{name}: {accelerator.pes} PEs, core at {accelerator.clock.core_mhz:g} MHz\n" in out
        assert accelerator.description.split()[0] in out


@pytest.mark.parametrize("name", shipped_accelerators())
def test_arch_show_prints_a_file_that_is_the_accelerator(run: Run, tmp_path: Path, name: str) -> None:
    ran = run("arch", "show", name)
    assert tomllib.loads(ran.out)["name"] == name
    (tmp_path / "copy.toml").write_text(ran.out)
    assert load_accelerator(tmp_path / "copy.toml") == load_accelerator(name)
    assert run("arch", "show", tmp_path / "copy.toml").out == ran.out


@pytest.fixture
def without_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picojoule.demo.find_spec", lambda _: None)


@pytest.mark.usefixtures("without_pruning")
def test_demo_asks_for_the_published_runs_and_shows_them_beside_the_silicon(run: Run, simulations: Simulations) -> None:
    ran = run("demo")
    assert ran.code == 0
    five = tuple(f"CONV{i}" for i in range(1, 6))
    asked = [(ask["network"], ask["batch"], ask["layers"], ask["mapping"]) for ask in simulations.asked]
    assert asked == [("alexnet", 4, five, "jssc2017"), ("alexnet", 4, ("CONV3",), "jssc2017-conv3b")]
    assert "mapping: jssc2017; all figures simulated" in ran.out
    assert "published: Chen, Krishna, Emer, Sze, IEEE JSSC 52(1), 2017, Table V" in ran.out


@pytest.mark.usefixtures("without_pruning")
def test_demo_shows_conv3_with_both_mappings(run: Run) -> None:
    """The real thing: half a second. Its accuracy is the anchors' question."""
    lines = run("demo").out.splitlines()
    rows = [line.split()[0] for line in lines if line.startswith(("CONV", "total"))]
    table = [f"CONV{i}" for i in range(1, 6)]
    assert rows == [*table, "total", "CONV3*", "CONV3*:", *table, "total"]
    other = next(line for line in lines if line.startswith("CONV3* "))
    assert other.split()[-5] == "50.2"


@pytest.mark.usefixtures("simulations")
def test_demo_ends_with_a_small_network_pruned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("picojoule.prune.run", lambda *args, **options: asked.append((args, options)))
    assert "(`picojoule prune digits --channel-rounds 1 -o DIR`)" in run("demo").out
    ((model, _), _), *others = asked
    assert (model, others) == ("digits", [])


@pytest.mark.usefixtures("simulations", "without_pruning")
def test_demo_says_what_pruning_needs(run: Run) -> None:
    assert run("demo").out.endswith(
        "pruning a small network needs onnxruntime and sklearn: pip install 'picojoule[onnx,demo]'\n"
    )


def test_record_hands_on_what_it_was_given(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("workloads.record", lambda *args, **options: asked.append((args, options)), raising=False)
    ran = run("record", "m.onnx", "--images", "x.npy", "--batch", 3, "-o", tmp_path / "t.npz")
    assert asked == [((Path("m.onnx"), Path("x.npy"), tmp_path / "t.npz"), {"batch": 3})]
    assert ran.out == f"{tmp_path / 't.npz'}: written; `picojoule simulate {tmp_path / 't.npz'}` runs it\n"


def test_doctor_names_versions_kernel_extras_and_where_packages_are(run: Run) -> None:
    ran = run("doctor")
    lines = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert (ran.code, ran.err) == (0, "")
    assert lines["picojoule"].endswith(__version__)
    assert "_kernels" in lines["compiled kernel"]
    assert {f"package {name}" for name in ("simulator", "native", "workloads", "pruning")} <= set(lines)
    assert {"extra onnx", "extra torch", "extra distributed", "extra search", "extra demo"} <= set(lines)
    assert ran.out.endswith("no faults\n")


def test_doctor_faults_a_missing_kernel(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "native._kernels", None)
    ran = run("doctor")
    assert ran.code == 2
    assert "compiled kernel    missing\n                   FAULT: " in ran.out
    assert "install picojoule again, with a C compiler (in a checkout: `make demo`)" in ran.out
    assert ran.out.endswith("1 fault\n")


def test_doctor_faults_another_distribution_with_the_same_package(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"simulator": ["picojoule", "other-sim"]})
    ran = run("doctor")
    assert ran.code == 2
    assert "FAULT: other-sim also installs a package 'simulator'; uninstall one of them\n" in ran.out


def test_doctor_faults_a_missing_requirement_but_no_missing_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name in ("simpy", "torch") else "1.0")
    ran = run("doctor")
    assert ran.code == 2
    assert "FAULT: install it: `pip install simpy`\n" in ran.out
    assert "torch missing, onnxscript 1.0 (optional: `pip install 'picojoule[torch]'`)\n" in ran.out
    assert ran.out.endswith("1 fault\n")
