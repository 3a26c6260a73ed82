"""Does `picojoule explain` take one layer apart as it is asked to, and help where no one layer is meant?"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_reference import options_of, rows

HEADING = "`picojoule explain NETWORK LAYER`"


def fields(value: Any, path: str = "") -> set[str]:
    """Every field of an object and of the objects in its lists."""
    if isinstance(value, dict) and path not in ("layer", "choice.searched.mapping") and not path.endswith("energy"):
        return {name for key, inner in value.items() for name in fields(inner, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {name for item in value for name in fields(item, f"{path}[]")}
    return {path}


def test_it_ends_with_an_example_of_the_command(run: Run) -> None:
    assert run("explain", "--help").out.rstrip().splitlines()[-1].startswith("Example: picojoule explain alexnet CONV3")


def test_options_are_those_of_estimate_but_two() -> None:
    assert options_of("explain") == options_of("estimate") - {"--layers", "--output"}
    assert set(rows(HEADING)) == {"--json"} < options_of("explain")


def test_every_field_of_the_object_is_documented(run: Run) -> None:
    found = json.loads(run("explain", "alexnet", "CONV3", "--batch", 4, "--mapping", "jssc2017", "--json").out)
    assert {f"shape.{letter}" for letter in found["shape"]} == {f"shape.{letter}" for letter in "NMCHWEFRSUVG"}
    there = {"shape.<letter>" if name.startswith("shape.") else name for name in fields(found)}
    assert set(rows("Explanations")) == there


def test_the_object_holds_what_the_text_shows(run: Run) -> None:
    command = ("explain", "alexnet", "FC2", "--batch", 16)
    found, text = json.loads(run(*command, "--json").out), run(*command).out
    assert found["method"] == "analytic"
    assert "all figures analytic" in text.splitlines()[0]
    for term in found["terms"]:
        assert f"\n{term['name']} " in text
        assert f"{term['count']:,}" in text
    for neighbour in found["neighbours"]:
        change = f"{neighbour['parameter']} = {neighbour['value']}"
        is_said = f"\n{change} " in text if neighbour["does_not_fit"] is None else f"\n  {change}: " in text
        assert is_said
    assert all(f"\n{store['store']} " in text for store in found["stores"])
    assert sum(term["energy"] for term in found["terms"]) == pytest.approx(found["layer"]["energy"]["total"])


def test_the_layer_is_that_of_estimate(run: Run) -> None:
    options = ("--batch", 4, "--bits", "weight=8,activation=8", "--coding", "significance_map")
    estimated = json.loads(run("estimate", "alexnet", *options, "--layers", "CONV4", "--json").out)
    explained = json.loads(run("explain", "alexnet", "conv4", *options, "--json").out)
    assert explained["layer"] == estimated["layers"][0]
    assert explained["notes"] == estimated["notes"]
    assert explained["data"] == estimated["data"]


def test_densities_are_those_of_the_file_or_of_the_tensors(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "half.toml"
    file.write_text('["*"]\nifmap = 0.5\nfilters = 0.25\nofmap = 0.125\n')

    def densities(*options: object) -> list[float]:
        found = json.loads(run("explain", "alexnet", "CONV5", *options, "--json").out)
        return [tensor["density"] for tensor in found["tensors"]]

    assert densities("--densities", file) == [0.5, 0.25, 0.125]
    assert densities() == [0.224, 1.0, 0.351]
    from_tensors = densities("--zeros", "tensors")
    assert from_tensors == pytest.approx([0.224, 1.0, 0.351], abs=0.01)
    assert from_tensors[0] != 0.224


def test_a_pattern_that_matches_one_layer_is_its_name(run: Run) -> None:
    named, matched = (run("explain", "alexnet", word, "--json").out for word in ("FC3", "?c3"))
    assert json.loads(matched) == json.loads(named)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("explain alexnet CON3", "alexnet: no layer matches 'CON3'; did you mean 'CONV3'?\n"),
        ("explain alexnet pool", "alexnet: no layer matches 'pool'; its layers: CONV1, CONV2, "),
        ("explain alexnet conv*", "alexnet: 'conv*' matches 5 layers; give one of CONV1, CONV2, CONV3, CONV4, CONV5\n"),
        ("explain alexnt CONV1", "unknown network 'alexnt'; did you mean 'alexnet'?"),
        ("explain alexnet CONV1 --mapping jssc2017 --objective edp", "objective 'edp': the mapping is given, nothing"),
        ("explain alexnet FC1 --mapping jssc2017", "jssc2017: no mapping for layer FC1, only for CONV1, CONV2, "),
    ],
)
def test_what_cannot_be_explained(run: Run, argv: str, message: str) -> None:
    ran = run(*argv.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message}")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("explain alexnet", 'Command "explain" parameter LAYER requires an argument.'),
        ("explain alexnet CONV1 --layers CONV2", "Unknown option: --layers."),
        ("explain alexnet CONV1 CONV2", "unexpected argument 'CONV2'\n"),
    ],
)
def test_what_cannot_be_parsed(run: Run, argv: str, message: str) -> None:
    ran = run(*argv.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"picojoule: {message}")


def test_a_terminal_gets_lines_as_wide_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picojoule.explain.terminal_width", lambda: 80)
    lines = run("explain", "alexnet", "CONV3", "--batch", 4).out.splitlines()
    assert 70 < max(map(len, lines)) <= 80
