"""Is a stored point there again, and is a store that cannot be used refused before anything is lost?"""

from pathlib import Path

import pytest

from simulator.errors import OutputError
from simulator.sweep.evaluate import Outcome
from simulator.sweep.store import STORE, PointStore

FIGURES = Outcome(figures={"energy.total": 0.1 + 0.2, "total_cycles": 7})


def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    with PointStore(tmp_path / "new" / "folder") as store:
        store.keep("a", FIGURES)
        store.keep("b", Outcome(reason="no mapping fits"))
        store.keep("a", FIGURES)
    with PointStore(tmp_path / "new" / "folder") as store:
        assert store.outcomes(["a", "b", "c"]) == {"a": FIGURES, "b": Outcome(reason="no mapping fits")}


def test_many_keys_at_once(tmp_path: Path) -> None:
    with PointStore(tmp_path) as store:
        for number in range(1201):
            store.keep(str(number), FIGURES)
        assert len(store.outcomes(map(str, range(2000)))) == 1201


def test_two_sweeps_at_once_are_refused(tmp_path: Path) -> None:
    with PointStore(tmp_path), pytest.raises(OutputError, match="another sweep is at work in this folder; wait for it"):
        PointStore(tmp_path)


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / STORE).write_text("not a database, and long enough to see that it is none" * 20)
    with pytest.raises(OutputError, match=r"points.sqlite: cannot be used \(file is not a database\); delete it"):
        PointStore(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be used"):
        PointStore(tmp_path / "file" / "folder")
