"""Does docs/reference.md define everything that a run puts out and a person may write, and nothing else?"""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from cyclopts import App
from pydantic import BaseModel

from picojoule.__main__ import EXIT_BAD_INPUT, EXIT_CLOSED_PIPE, EXIT_INTERRUPTED
from picojoule.app import app
from picojoule.manifest import manifest_of
from picojoule.options import EstimateOptions, SimulateOptions
from picojoule.prune_files import PRUNE_FILES
from picojoule.targets import TARGETS
from pruning.layer_methods import Method
from simulator import simulate
from simulator.counts import MEANING
from simulator.mapping.load import load_mappings
from simulator.results import NetworkResult, PeState
from simulator.spec.accelerator import Accelerator
from simulator.spec.bits import with_bits
from simulator.spec.densities import load_densities
from simulator.spec.energy_table import load_energy_table
from simulator.spec.load import load_accelerator
from workloads import open_workload

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


@pytest.fixture(scope="module")
def result() -> NetworkResult:
    return simulate("alexnet", layers=["FC3"])


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return re.split(r"^#+ ", REFERENCE.read_text(encoding="utf-8").split(f"# {heading}\n", 1)[1], flags=re.M)[0]


def rows(heading: str) -> dict[str, str]:
    """First cell, which is code, and last cell of each row of a section's tables."""
    lines = re.findall(r"^\| `([^`]+)`[^|]*\|(.*)\|$", section(heading), flags=re.M)
    return {name: rest.split(" | ")[-1].strip() for name, rest in lines}


def paths(value: Any, prefix: str = "") -> set[str]:
    """Names of all fields that are no object themselves, nested ones with a dot."""
    if not isinstance(value, dict):
        return {prefix.removesuffix(".")}
    return {path for key, inner in value.items() for path in paths(inner, f"{prefix}{key}.")}


def options_of(*command: str) -> set[str]:
    """The longest name of each option that a command takes."""
    found: App = app
    for name in command:
        found = found[name]
    arguments = found.assemble_argument_collection()
    longest = {max(argument.names, key=len) for argument in arguments if argument.names and argument.parse}
    return {name for name in longest if name.startswith("--")}


@pytest.mark.parametrize(
    "command", ["simulate", "record", "calibrate", "prune", "reproduce", "compare", "report", "plot"]
)
def test_options(command: str) -> None:
    headings = {
        "simulate": "`picojoule simulate NETWORK`",
        "calibrate": "`picojoule calibrate NETWORK`",
        "prune": "`picojoule prune MODEL`",
        "record": "`picojoule record MODEL`",
        "compare": "`picojoule compare THING`",
        "reproduce": "`picojoule reproduce [TARGET]`",
        "report": "`picojoule report RUN`",
        "plot": "`picojoule plot RUN FIGURE`",
    }
    assert set(rows(headings[command])) == options_of(command)


@pytest.mark.parametrize(("command", "left_out"), [("estimate", {"functional", "jobs"}), ("validate", {"functional"})])
def test_options_beside_those_of_simulate(command: str, left_out: set[str]) -> None:
    of_simulate = options_of("simulate") - {f"--{name}" for name in left_out}
    documented = set(rows(f"`picojoule {command} NETWORK`"))
    assert documented | of_simulate == options_of(command)
    assert documented & of_simulate <= {"--json", "--output"}


def test_commands() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    commands = [name for name in app if not name.startswith("-") and name != "arch"]
    commands += [f"{group} {name}" for group in ("arch", "prune") for name in app[group] if not name.startswith("-")]
    documented = re.findall(r"^### `picojoule ([a-z ]+?)(?: \[?[A-Z]+\]?)*`$", text, flags=re.M)
    assert sorted(documented) == sorted(commands)


def test_exit_codes() -> None:
    documented = set(re.findall(r"^\| (\d+) \|", section("Exit codes"), flags=re.M))
    assert documented == {"0", "1", str(EXIT_BAD_INPUT), str(EXIT_INTERRUPTED), str(EXIT_CLOSED_PIPE)}


def test_network_fields(result: NetworkResult) -> None:
    found = paths({**result.to_dict(), "total": None})
    assert set(rows("Network")) == found


def test_layer_fields(result: NetworkResult) -> None:
    found = paths(result.to_dict()["layers"][0])
    documented = set(rows("Layer"))
    elsewhere = {f"pe_cycles.{state.value}" for state in PeState} | {f"mapping.{key}" for key in rows("Mapping files")}
    ranges = {"pe_cycles.active", "mapping.m"}
    assert documented - ranges == found - elsewhere
    assert elsewhere <= found


def test_layers_csv_columns_are_the_layer_fields(result: NetworkResult) -> None:
    assert set(result.rows()[0]) == paths(result.to_dict()["layers"][0])


def test_total_fields_are_the_layer_fields_without_name_and_mapping(result: NetworkResult) -> None:
    layer = {key: value for key, value in result.to_dict()["layers"][0].items() if key not in ("name", "mapping")}
    assert paths(result.total()) == paths(layer)


def test_counts_csv_columns(result: NetworkResult) -> None:
    assert list(rows("counts.csv")) == list(result.count_rows()[0])


def test_manifest_fields(result: NetworkResult) -> None:
    found: set[str] = set()
    for options in (SimulateOptions(), EstimateOptions()):
        manifest = manifest_of("alexnet", options, load_accelerator("eyeriss-v1"), result)
        by_name = {"mapping": {"<layer>": None}, "shape": {"<layer>": None}, "versions": {"<package>": None}}
        found |= paths({**manifest, **by_name, "accelerator": None})
    assert set(rows("manifest.json")) == found


def test_example_density_and_width_files_load(tmp_path: Path) -> None:
    layers = open_workload("alexnet").layers
    for heading, name in (("Density files", "densities.toml"), ("Width files", "bits.toml")):
        (tmp_path / name).write_text(re.findall(r"```toml\n(.*?)```", section(heading), flags=re.S)[0])
    densities = load_densities(tmp_path / "densities.toml", layers).of_layer
    assert (densities["CONV1"].filters, densities["CONV2"].filters) == (0.84, 0.35)
    narrow = with_bits(layers, str(tmp_path / "bits.toml"))
    assert [(layer.filter_bits, layer.ifmap_bits) for layer in narrow[:2]] == [(8, 16), (8, 8)]


def test_accesses_in_the_very_words_of_the_code() -> None:
    assert rows("Accesses") == {str(access): meaning for access, meaning in MEANING.items()}


def test_pe_states() -> None:
    assert list(rows("PE states")) == [state.value for state in PeState]


def test_targets_and_cells_of_reproductions() -> None:
    assert list(rows("Targets")) == list(TARGETS)
    assert list(rows("Cells")) == list(TARGETS["table3"](None).csv_rows()[0])


def test_example_mapping_file_loads_and_has_every_key(tmp_path: Path) -> None:
    example = re.findall(r"```toml\n(.*?)```", section("Mapping files"), flags=re.S)[0]
    file = tmp_path / "mapping.toml"
    file.write_text(example)
    mappings = load_mappings(file)
    assert mappings["CONV3"] == load_mappings("jssc2017-conv3b")["CONV3"]
    assert list(rows("Mapping files")) == list(mappings["CONV3"].to_dict())


def test_accelerator_keys() -> None:
    sources = {f"energy.{level}.source" for level in ("mac", "spad", "noc", "glb", "dram")}
    by_name = {"sources", "energy.access.per_access", "energy.access.source"}
    written_once = {
        "energy.<level>.source",
        'energy.access."<access>".per_access',
        'energy.access."<access>".source',
        "sources.<part>",
    }
    assert set(rows("Accelerator files")) == keys_of(Accelerator) - sources - by_name | written_once


def test_example_energy_files_load_and_have_every_key(tmp_path: Path) -> None:
    """The example that refers to an ERT needs nothing of it but the energies, which the example of an ERT has."""
    alone, referring = re.findall(r"```toml\n(.*?)```", section("Energy tables"), flags=re.S)
    (tmp_path / "ERT.yaml").write_text(re.findall(r"```yaml\n(.*?)```", section("Energy tables"), flags=re.S)[0])
    for example in (alone, referring):
        file = tmp_path / "energy.toml"
        file.write_text(example)
        table = load_energy_table(file)
        assert table.unit == "pJ"
        assert table.access
    keys = {"unit", "ert", "<cost>.per_access", "<cost>.source", "<cost>.component", "<cost>.action", "<cost>.words"}
    assert set(rows("Energy tables")) == keys | {"<cost>.arguments"}


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every key that a file of that model may have, nested ones with a dot; of a union, those of each alternative."""
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_model(kind)]
        keys |= {key for kind in kinds for key in keys_of(kind, f"{prefix}{name}.")} or {f"{prefix}{name}"}
    return keys


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_pruning_methods_and_files() -> None:
    assert list(rows("Pruning methods")) == [method.value for method in Method]
    written = re.findall(r"`([a-z.]+)`", "".join(rows_of_files()))
    assert set(PRUNE_FILES) <= set(written)


def rows_of_files() -> list[str]:
    return re.findall(r"^\| (`[^|]*) \|", section("Files of a pruning run"), flags=re.M)
