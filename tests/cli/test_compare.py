"""Does `picojoule compare` set side by side what it was given, and write what it was asked to?"""

import csv
import json
from pathlib import Path

import pytest

from picojoule.compare import FILES
from simulator.report.comparison import flat
from simulator.results import Method
from tests.cli.conftest import Run, Simulations
from tests.cli.test_reference import paths, rows, section

LAYERS = ("--layers", "CONV1,FC3")


def test_a_run_folder_beside_the_network_it_is_of_differs_in_nothing(run: Run, tmp_path: Path) -> None:
    assert run("estimate", "alexnet", "--batch", 4, *LAYERS, "-o", tmp_path / "run").code == 0
    ran = run("compare", tmp_path / "run", "alexnet", "--batch", 4, *LAYERS, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    stored, fresh = found["runs"]
    assert set(flat(fresh["ratio_to_first"]).values()) == {1.0}
    assert {key: stored[key] for key in stored if key != "name"} == {key: fresh[key] for key in fresh if key != "name"}
    assert [layer["energy_above_first"] for layer in found["layers"]] == [0.0] * 4
    (answer,) = found["answer"]
    assert answer.startswith("alexnet in 2 runs: all take the same energy, ")


def test_totals_are_those_of_estimate(run: Run) -> None:
    total = json.loads(run("estimate", "alexnet", "--batch", 4, "--json").out)["total"]
    first = json.loads(run("compare", "alexnet", "squeezenet1_0", "--batch", 4, "--json").out)["runs"][0]
    assert first["batch_energy"] == pytest.approx(total["energy"]["total"], rel=1e-12)
    for level, energy in total["energy"].items():
        assert 4 * first["energy"][level] == pytest.approx(energy, rel=1e-12)
    for tensor, energy in total["energy_by_tensor"].items():
        assert 4 * first["energy_by_tensor"][tensor] == pytest.approx(energy, rel=1e-12)
    assert (first["weights"], 4 * first["macs"]) == (total["weights"], total["macs"])
    assert first["method"] == "analytic"


def test_each_network_on_each_accelerator_at_each_batch(run: Run) -> None:
    machines = ("--arch", "eyeriss-v1", "--arch", "isca16-256")
    ran = run("compare", "alexnet", *LAYERS, *machines, "--batch", 1, "--batch", 16, "--json")
    found = [(one["name"], one["arch"], one["batch"]) for one in json.loads(ran.out)["runs"]]
    assert found == [
        (f"alexnet on {arch}, batch {batch}", arch, batch) for arch in ("eyeriss-v1", "isca16-256") for batch in (1, 16)
    ]


def test_a_shallow_network_with_more_weights_or_a_deeper_one_with_fewer(run: Run) -> None:
    """It turns with the batch: filters of FC layers are read once a batch."""
    ran = run("compare", "alexnet", "squeezenet1_0", "--batch", 1, "--batch", 16)
    answers = [line for line in ran.out.splitlines() if line.startswith("answer: eyeriss-v1, ")]
    assert any(
        "batch 1 (" in line and "the deeper takes less energy in 1 (squeezenet1_0 than" in line for line in answers
    )
    assert any("batch 16 (" in line and "the shallower in 1 (alexnet than squeezenet1_0)" in line for line in answers)


def test_networks_are_simulated_where_that_is_asked_for(run: Run, simulations: Simulations) -> None:
    ran = run("compare", "one", "two", "--simulate", "--seed", 3, "--layers", "CONV1, CONV2", "--batch", 4, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [one["method"] for one in json.loads(ran.out)["runs"]] == [Method.SIMULATED] * 2
    for asked, network in zip(simulations.asked, ("one", "two"), strict=True):
        assert asked.pop("accelerator").name == "eyeriss-v1"
        options = {"batch": 4, "layers": ("CONV1", "CONV2"), "images": None, "objective": None, "seed": 3}
        assert asked == {"network": network, **options, "progress": None}


def test_every_file_is_written_and_holds_all_layers(run: Run, tmp_path: Path) -> None:
    argv = ("compare", "alexnet", "squeezenet1_0", "-o", tmp_path / "new", "--picture", tmp_path / "energy.svg")
    ran = run(*argv)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(FILES)
    assert (tmp_path / "new" / "comparison.txt").read_text() == ran.out
    layers = list(csv.DictReader((tmp_path / "new" / "comparison-layers.csv").open()))
    assert len(layers) == 8 + 26
    totals = list(csv.DictReader((tmp_path / "new" / "comparison.csv").open()))
    for total in totals:
        energies = [float(layer["energy.total"]) for layer in layers if layer["run"] == total["name"]]
        assert sum(energies) == pytest.approx(float(total["energy.total"]))
    assert json.loads(run(*argv, "--json").out) == json.loads((tmp_path / "new" / "comparison.json").read_text())
    assert (tmp_path / "energy.svg").read_text().startswith("<?xml")


def test_the_reference_has_every_field(run: Run) -> None:
    found = json.loads(run("compare", "alexnet", "squeezenet1_0", *("--layers", "CONV1,conv1"), "--json").out)
    one = {key: value for key, value in found["runs"][0].items() if not isinstance(value, dict)}
    assert set(rows("Runs")) == {*one, "energy.mac", "energy_by_tensor.ifmap", "ratio_to_first.weights"}
    assert list(flat(found["runs"][0]["energy"])) == ["mac", "spad", "noc", "glb", "dram", "total"]
    own = paths(found["layers"][0]) - paths(found["runs"][0])
    assert own == {"run", "share_of_energy", "energy_above_first"}
    assert all(f"`{field}`" in section("Compared layers") for field in own)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("alexnet", "alexnet: nothing to compare it with; give another network or run folder, or --arch or --batch a"),
        ("alexnet alexnt", "unknown network 'alexnt'; did you mean 'alexnet'?"),
        (
            "alexnet vgg16 --simulate --bits weight=8",
            "--bits: for estimates only; leave it out, or leave --simulate out",
        ),
        ("alexnet vgg16 --picture a.bmp", "a.bmp: no such kind of picture; end the name in .svg, .png, .pdf"),
        ("alexnet vgg16 --picture no/a.svg", "no/a.svg: there is no folder no; create it first"),
        ("alexnet vgg16 --arch eyeriss-v2", "eyeriss-v2: no such accelerator or file; did you mean 'eyeriss-v1'?"),
        (
            "{folder} {folder} --batch 4",
            "--batch: run folders have their figures already; leave it out, or name a network",
        ),
        ("{folder} {folder} --simulate", "--simulate: run folders have their figures already"),
        ("{folder} alexnet", "{folder}/manifest.json: no such file; give a run folder, as `picojoule simulate` and"),
    ],
)
def test_what_cannot_be_compared(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("compare", *argv.format(folder=tmp_path).split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message.format(folder=tmp_path)}")
    assert len(ran.err.splitlines()) == 1


def test_a_folder_with_the_name_of_a_network_is_given_with_its_path(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("estimate", "alexnet", "--batch", 2, "-o", "alexnet")
    found = json.loads(run("compare", "alexnet", "./alexnet", "--json").out)["runs"]
    assert [one["batch"] for one in found] == [1, 2]


def test_energies_of_other_units_are_refused(run: Run, tmp_path: Path) -> None:
    costs = "\n".join(
        f'{part} = {{ per_access = 1.0, source = "test" }}' for part in ("mac", "spad", "noc", "glb", "dram")
    )
    (tmp_path / "energy.toml").write_text(f'unit = "pJ"\n{costs}\n')
    run("estimate", "alexnet", *LAYERS, "--energy", tmp_path / "energy.toml", "-o", tmp_path / "run")
    ran = run("compare", tmp_path / "run", "alexnet", *LAYERS)
    assert (ran.code, ran.out) == (2, "")
    assert (
        ": energies in pJ and in one 16-bit MAC cannot be set side by side; run both with one energy table" in ran.err
    )


def test_a_terminal_gets_tables_as_wide_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picojoule.compare.terminal_width", lambda: 80)
    lines = run("compare", "alexnet", "squeezenet1_0").out.splitlines()
    assert max(map(len, lines)) <= 80
