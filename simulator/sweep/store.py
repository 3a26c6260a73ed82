"""Which points are done? Each is stored once, under the hash of what determines it.

An SQLite file: a point is in it whole or not at all, whenever whoever writes is killed. Only the process that started
the sweep opens it, alone, so that it may lie on a disk that many machines share.
"""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.errors import OutputError
from simulator.sweep.evaluate import Outcome

STORE = "points.sqlite"
_AT_ONCE = 500
"""Keys in one question; SQLite takes 999 in its oldest version."""


class PointStore:
    """The stored points of a folder. Raises OutputError where they cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STORE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path, timeout=1, isolation_level=None)
            # One owner, no shared memory: the write-ahead log is then safe on network file systems too.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS points (key TEXT PRIMARY KEY, outcome TEXT)")
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Those that are there, by key."""
        wanted, found = list(dict.fromkeys(keys)), dict[str, Outcome]()
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            try:
                rows = self._database.execute(f"SELECT key, outcome FROM points WHERE key IN ({marks})", some)
                found |= {key: Outcome(**json.loads(text)) for key, text in rows}
            except (sqlite3.Error, ValueError, TypeError) as error:
                raise self._fault(error) from None
        return found

    def keep(self, key: str, outcome: Outcome) -> None:
        """Store a point; it survives this process from here on."""
        text = json.dumps({"figures": outcome.figures, "reason": outcome.reason}, allow_nan=False)
        try:
            self._database.execute("INSERT OR REPLACE INTO points VALUES (?, ?)", (key, text))
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> OutputError:
        if "locked" in str(error):
            return OutputError(
                f"{self._path}: another sweep is at work in this folder; wait for it, or choose another DIR"
            )
        return OutputError(f"{self._path}: cannot be used ({error}); delete it, or choose another DIR")
