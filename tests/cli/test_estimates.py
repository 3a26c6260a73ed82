"""Do `estimate`, `validate` and `calibrate` hand on what they are asked for, print it, and end with the right code?"""

import csv
import json
from pathlib import Path

import pytest

import simulator.run
from simulator import estimate, simulate
from simulator.analytic.calibration import load_calibration
from simulator.counts import Access, Action, Level, Tensor
from simulator.results import NetworkResult
from tests.cli.conftest import Run

ONE = ("--layers", "CONV5")


def test_estimate_prints_its_result_as_simulate_does(run: Run) -> None:
    printed = run("estimate", "alexnet", *ONE, "--batch", 4, "--mapping", "jssc2017")
    assert printed.out.startswith("alexnet, batch 4, on eyeriss-v1; mapping: jssc2017; all figures analytic\n")
    assert "weights density, activations density: no words, zeros spread evenly; density " in printed.out
    assert "(analytic)" in printed.out
    simulated = run("simulate", "alexnet", *ONE, "--batch", 4, "--mapping", "jssc2017")
    assert len(printed.out.splitlines()) == len(simulated.out.splitlines())


def test_every_option_reaches_the_estimate(run: Run, tmp_path: Path) -> None:
    densities = tmp_path / "d.toml"
    densities.write_text('["*"]\nifmap = 0.5\nfilters = 0.25\nofmap = 0.5\n')
    options = {"bits": "weight=8,activation=8", "coding": "significance_map", "objective": "energy"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    ran = run("estimate", "alexnet", *ONE, "--json", *words, "--densities", densities, "--arch", "eyeriss-estimation")
    asked = estimate(
        "alexnet",
        layers=["CONV5"],
        accelerator="eyeriss-estimation",
        densities=densities,
        **options,  # type: ignore[arg-type]
    )
    assert json.loads(ran.out) == asked.to_dict()
    zeros = run("estimate", "alexnet", *ONE, "--json", "--zeros", "tensors", "--batch", 2, "--seed", 3)
    assert json.loads(zeros.out) == estimate("alexnet", layers=["CONV5"], zeros="tensors", batch=2, seed=3).to_dict()


def test_a_run_folder_of_an_estimate(run: Run, tmp_path: Path) -> None:
    assert run("estimate", "alexnet", *ONE, "--bits", "weight=8", "-o", tmp_path / "run").code == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["method"] == "analytic"
    assert manifest["arguments"]["bits"] == "weight=8"
    with (tmp_path / "run" / "counts.csv").open() as file:
        assert {row["level"] for row in csv.DictReader(file)} == {"mac", "dram", "glb", "noc", "spad"}


def test_an_energy_table_of_ones_own(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "pj.toml"
    cost = 'per_access = {}\nsource = "by hand"\n'
    table.write_text(
        'unit = "pJ"\n' + "".join(f"[{part}]\n{cost.format(2)}" for part in ("mac", "spad", "noc", "glb", "dram"))
    )
    ran = run("estimate", "alexnet", *ONE, "--energy", table)
    assert "[M pJ]" in ran.out
    assert f"energy = counts x table, in millions of its unit, pJ; {table} is the table" in ran.out
    both = [
        json.loads(run(command, "alexnet", *ONE, "--json", "--energy", table).out)
        for command in ("estimate", "simulate")
    ]
    assert both[0]["total"]["energy"]["glb"] == pytest.approx(both[1]["total"]["energy"]["glb"])
    assert run("simulate", "alexnet", "--energy", tmp_path / "none.toml").code == 2


def test_validate_passes_and_says_why_counts_differ(run: Run, tmp_path: Path) -> None:
    ran = run("validate", "alexnet", *ONE, "-o", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("(analytic to simulated; tolerance 3 %): passed\n")
    assert (tmp_path / "summary.txt").read_text() == ran.out
    rows = list(csv.DictReader((tmp_path / "validation.csv").open()))
    found = json.loads((tmp_path / "validation.json").read_text())
    assert [row["quantity"] for row in rows] == [row["quantity"] for row in found["rows"]]
    assert {row["deviations"] for row in rows} >= {"", "25", "26"}
    assert json.loads(run("validate", "alexnet", *ONE, "--json").out) == found


def test_validate_from_tensors_is_equal_in_every_count(run: Run) -> None:
    ran = run("validate", "alexnet", *ONE, "--zeros", "tensors", "--json")
    rows = json.loads(ran.out)["rows"]
    assert all(row["ratio"] == 1 for row in rows if row["unit"] in ("bits", "MACs"))


def test_validate_above_its_tolerance(run: Run) -> None:
    ran = run("validate", "alexnet", *ONE, "--tol", "0.0001%")
    assert ran.code == 1
    assert "tolerance 0.0001 %): FAILED: energy differs by " in ran.out


def test_validate_finds_a_count_that_must_be_equal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that counted one GLB word too many would not get by."""
    from dataclasses import replace
    from types import MappingProxyType

    def one_too_many(*args: object, **options: object) -> NetworkResult:
        result = simulate(*args, **options)  # type: ignore[arg-type]
        (layer,) = result.layers
        fill = Access(Level.GLB, Tensor.IFMAP, Action.FILL)
        bits = MappingProxyType({**layer.counts.bits, fill: layer.counts.bits[fill] + 16})
        return replace(result, layers=(replace(layer, counts=replace(layer.counts, bits=bits)),))

    monkeypatch.setattr(simulator.run, "simulate", one_too_many)
    ran = run("validate", "alexnet", *ONE)
    assert ran.code == 1
    assert "FAILED: CONV5 glb.ifmap.fill: " in ran.out


@pytest.mark.parametrize("tol", ["three", "-1%", "3%%", ""])
def test_a_tolerance_that_is_none(run: Run, tol: str) -> None:
    ran = run("validate", "alexnet", f"--tol={tol}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"picojoule: --tol {tol!r}: no percentage; give one such as 3% or 0.5%\n"


def test_calibrate_writes_what_estimate_takes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    topology = tmp_path / "small.csv"
    heading = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
    topology.write_text(f"{heading}\na,16,16,3,3,8,8,1,\n")
    ran = run("calibrate", topology, "squeezenet1_0", "-o", file)
    assert (ran.code, ran.err) == (0, "")
    assert "left out of the fit" in ran.out
    assert [each.network for each in load_calibration(file).held_out] == ["small", "squeezenet1_0"]
    assert run("estimate", "alexnet", "--calibration", file).code == 0
    refused = run("estimate", "alexnet", "--calibration", file, "--arch", "eyeriss-estimation")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("picojoule: calibration: fitted for eyeriss-v1 (SHA-256 ")


def test_calibrate_checks_everything_before_it_simulates(run: Run, tmp_path: Path) -> None:
    for argv, message in (
        (("alexnet", "-o", tmp_path / "c.json"), "calibrate: 1 network; a fit is judged on a network that it has not"),
        (("alexnet", "alexnt", "-o", tmp_path / "c.json"), "unknown network 'alexnt'; did you mean 'alexnet'?"),
        (("alexnet", "vgg16", "-o", tmp_path / "no" / "c.json"), f"{tmp_path / 'no' / 'c.json'}: there is no folder"),
    ):
        ran = run("calibrate", *argv)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"picojoule: {message}")
    assert list(tmp_path.iterdir()) == []
