"""Does `picojoule reproduce` run what it was asked for, put it where it was asked to, and fail when a figure is off?"""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from picojoule.reproduce import FILES
from picojoule.targets import TARGETS
from picojoule.terminal import Progress
from simulator.report.published_figures import published_figures
from simulator.report.reproduction import Reproduction
from tests.cli.conftest import Run


@pytest.fixture
def one_figure_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the paper had CONV2 with half the psums."""
    found = published_figures("jssc2017_table3")
    conv2 = {**found.layers["CONV2"], "psum_kb": found.layers["CONV2"]["psum_kb"] / 2}
    other = replace(found, layers={**found.layers, "CONV2": conv2})
    monkeypatch.setattr("picojoule.targets.published_figures", lambda _: other)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that were run; each gives Table III under its own name."""
    names: list[str] = []

    def stand_in(name: str, progress: Progress | None) -> Reproduction:
        names.append(name)
        return replace(TARGETS["table3"](progress), target=name)

    targets = {name: lambda progress, name=name: stand_in(name, progress) for name in TARGETS}
    monkeypatch.setattr("picojoule.reproduce.TARGETS", targets)
    return names


def test_a_table_is_shown_with_its_source(run: Run) -> None:
    ran = run("reproduce", "table3")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("table3: JSSC 2017, Table III\n")
    assert "published: Chen, Krishna, Emer, Sze, IEEE JSSC 52(1), 2017, Table III" in ran.out
    assert ran.out.endswith("table3: 15 of 15 figures within their limits\n")


def test_without_a_target_all_run_in_order(run: Run, asked: list[str]) -> None:
    ran = run("reproduce")
    assert ran.code == 0
    assert asked == ["table3", "table5", "fig10", "run-length", "formula"]
    heads = [line.split(":")[0] for line in ran.out.splitlines() if line.endswith(": JSSC 2017, Table III")]
    assert heads == asked


def test_one_target_runs_alone(run: Run, asked: list[str]) -> None:
    run("reproduce", "run-length")
    assert asked == ["run-length"]


@pytest.mark.usefixtures("one_figure_off")
def test_a_figure_off_is_named_and_the_exit_code_is_1(run: Run) -> None:
    ran = run("reproduce", "table3")
    assert ran.code == 1
    last = ran.out.splitlines()[-1]
    assert last == "table3: OUTSIDE its limit: CONV2, psums: error +100.05 %, limit 0.1 %"


@pytest.mark.usefixtures("one_figure_off")
def test_json_says_so_too(run: Run) -> None:
    ran = run("reproduce", "table3", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["passed"]) == (1, False)
    (target,) = found["targets"]
    assert (target["target"], target["title"], target["passed"]) == ("table3", "JSSC 2017, Table III", False)
    assert target["outside"] == ["CONV2, psums: error +100.05 %, limit 0.1 %"]
    assert [cell["row"] for cell in target["cells"] if cell["passed"] is False] == ["CONV2"]


def test_a_folder_gets_what_is_printed_and_every_cell(run: Run, tmp_path: Path) -> None:
    ran = run("reproduce", "table3", "-o", tmp_path / "new")
    as_json = run("reproduce", "table3", "--json")
    written = {file.name: file.read_text() for file in (tmp_path / "new").iterdir()}
    assert set(written) == set(FILES)
    assert written["summary.txt"] == ran.out
    assert written["reproduction.json"] == as_json.out
    cells = json.loads(as_json.out)["targets"][0]["cells"]
    rows = list(csv.DictReader(written["reproduction.csv"].splitlines()))
    assert rows == [{key: "" if value is None else str(value) for key, value in cell.items()} for cell in cells]


def test_a_folder_that_cannot_be_is_refused_before_anything_runs(run: Run, asked: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run("reproduce", "-o", tmp_path / "file")
    assert (ran.code, asked) == (2, [])
    assert ran.err.startswith(f"picojoule: {tmp_path / 'file'}: cannot be a folder")


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("tabel3", "did you mean 'table3'?"),
        ("runlength", "did you mean 'run-length'?"),
        ("x", "there are table3, table5, fig10, run-length, formula; without one, all are reproduced"),
    ],
)
def test_a_target_that_is_none_gets_the_nearest(run: Run, target: str, hint: str) -> None:
    ran = run("reproduce", target)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"picojoule: reproduce: no target {target!r}; {hint}\n"


def test_a_terminal_gets_tables_as_wide_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picojoule.reproduce.terminal_width", lambda: 80)
    for target in ("table3", "fig10"):
        assert max(map(len, run("reproduce", target).out.splitlines())) <= 80
