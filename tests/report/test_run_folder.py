"""Are the run's files whole, the same for the same run, and never begun where they could not be finished?"""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.counts import MEANING
from simulator.errors import OutputError
from simulator.report.run_folder import RUN_FILES, check_file, check_run_folder, csv_text, write_run
from simulator.results import NetworkResult
from tests.report.by_hand import WORDS, network_result


def _write(folder: Path, result: NetworkResult | None = None) -> None:
    write_run(folder, result or network_result(), manifest={"seed": 0}, summary="a table\n")


def test_the_four_files_are_there_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path / "new" / "run")
    assert sorted(path.name for path in (tmp_path / "new" / "run").iterdir()) == sorted(RUN_FILES)
    assert json.loads((tmp_path / "new" / "run" / "manifest.json").read_text()) == {"seed": 0}
    assert (tmp_path / "new" / "run" / "summary.txt").read_text() == "a table\n"


def test_layers_csv_holds_every_field_in_full(tmp_path: Path) -> None:
    _write(tmp_path)
    rows = list(csv.DictReader((tmp_path / "layers.csv").open()))
    expected = network_result().rows()
    assert [row["name"] for row in rows] == ["CONV1", "CONV2"]
    assert [{key: str(value) for key, value in row.items()} for row in expected] == rows
    assert float(rows[0]["energy.total"]) == expected[0]["energy.total"]


def test_counts_csv_is_long_and_its_energy_adds_up(tmp_path: Path) -> None:
    _write(tmp_path)
    rows = [row for row in csv.DictReader((tmp_path / "counts.csv").open()) if row["layer"] == "CONV1"]
    assert list(rows[0]) == ["layer", "level", "tensor", "action", "words", "bits", "energy"]
    assert {(row["level"], row["tensor"], row["action"]) for row in rows[1:]} == set(WORDS) <= set(MEANING)
    assert sum(float(row["energy"]) for row in rows) == pytest.approx(network_result().layers[0].energy.total)


def test_the_same_run_gives_the_same_bytes_and_replaces_older_files(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _write(tmp_path / folder)
    (tmp_path / "two" / "layers.csv").write_text("older")
    _write(tmp_path / "two")
    for name in RUN_FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("full_at", RUN_FILES)
def test_files_are_replaced_only_when_all_new_ones_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    _write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in RUN_FILES}
    another = replace(network_result(), layers=network_result().layers[:1])

    def disk_full(self: Path, text: str, **_: str) -> int:
        is_last = full_at in self.name
        with self.open("w") as file:
            file.write(text[:10] if is_last else text)
        if is_last:
            raise OSError(28, "No space left on device")
        return len(text)

    monkeypatch.setattr(Path, "write_text", disk_full)
    with pytest.raises(
        OutputError, match=r"cannot be written \(No space left on device\); choose another place with -o"
    ):
        write_run(tmp_path, another, manifest={"seed": 1}, summary="another table\n")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(OutputError, match=r"cannot be a folder, .*run is a file; choose another DIR"):
        check_run_folder(tmp_path / "run")
    with pytest.raises(OutputError, match=r"cannot be a folder, .*run is a file; choose another DIR"):
        check_run_folder(tmp_path / "run" / "below")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match=r"cannot be a folder, .*link is a file; choose another DIR"):
        check_run_folder(tmp_path / "link")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layers.csv").mkdir()
    with pytest.raises(OutputError, match=r"layers.csv: is a folder, where a file of this run would go"):
        check_run_folder(tmp_path)


def test_checking_creates_nothing(tmp_path: Path) -> None:
    check_run_folder(tmp_path / "a" / "b")
    check_file(tmp_path / "trace.npz")
    assert not list(tmp_path.iterdir())


def test_a_place_that_takes_no_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only folders do not stop root, who may run this: the refusal of the system is put in its place."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(
        OutputError, match=r"new: cannot be written \(Permission denied\); choose another place with -o"
    ):
        check_run_folder(tmp_path / "new")
    with pytest.raises(OutputError, match=r"t.npz: cannot be written \(Permission denied\)"):
        check_file(tmp_path / "t.npz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        check_run_folder(tmp_path / "new")


def test_a_file_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"t.npz: there is no folder .*missing; create it first"):
        check_file(tmp_path / "missing" / "t.npz")
    with pytest.raises(OutputError, match="is a folder; give the path of a file"):
        check_file(tmp_path)
    with pytest.raises(OutputError, match="/dev/null: is a device or a pipe, which a file would replace"):
        check_file(Path("/dev/null"))


def test_csv_quotes_what_a_layer_name_may_hold() -> None:
    assert csv_text([{"name": 'a,"b"', "n": 1}]) == 'name,n\n"a,""b""",1\n'
