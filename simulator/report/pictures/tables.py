"""The files of a run folder: CSV as rows of texts and numbers, JSON; every fault of a table is said at once."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from simulator.errors import SpecError
from simulator.spec.files import file_text, list_of_faults

A_RUN_FOLDER = "a folder that `picojoule simulate`, `estimate`, `validate`, `prune` or `sweep` wrote with -o"
WRITE_AGAIN = "write the folder again"
LARGEST_BYTES = 64_000_000

Number = int | float
TableRow = Mapping[str, str]


def read_rows(path: Path, *, texts: Sequence[str], numbers: Sequence[str]) -> list[dict[str, str]]:
    """Rows whose `numbers` are all finite. Raises SpecError for a missing file or column, a short line, no number."""
    reader = csv.DictReader(io.StringIO(folder_text(path), newline=""))
    missing = [name for name in (*texts, *numbers) if name not in (reader.fieldnames or ())]
    faults = [f"  column {name}: missing" for name in missing]
    rows = [] if missing else list(reader)
    faults += [fault for line, row in enumerate(rows, start=2) for fault in _faults(line, row, texts, numbers)]
    if not faults and not rows:
        faults = ["  no rows"]
    if faults:
        raise SpecError(list_of_faults(faults, str(path), WRITE_AGAIN))
    return rows


def read_json(path: Path) -> dict[str, Any]:
    """Raises SpecError for what is no JSON object."""
    try:
        content = json.loads(folder_text(path))
    except ValueError as error:
        raise is_none(path, error) from None
    if not isinstance(content, dict):
        raise is_none(path, TypeError("no JSON object"))
    return content


def is_none(path: Path, error: Exception) -> SpecError:
    """A file whose content nobody wrote here."""
    return SpecError(f"{path}: not what a run writes ({type(error).__name__}: {error}); {WRITE_AGAIN}")


def folder_text(path: Path, largest_bytes: int = LARGEST_BYTES) -> str:
    return file_text(path, what=A_RUN_FOLDER, largest_bytes=largest_bytes)


def number(text: str) -> Number:
    """Whole numbers stay whole. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _faults(line: int, row: Mapping[str, str | None], texts: Sequence[str], numbers: Sequence[str]) -> Iterator[str]:
    yield from (f"  line {line}, {name}: missing" for name in texts if row[name] is None)
    for name in numbers:
        try:
            number(row[name] or "")
        except ValueError:
            yield f"  line {line}, {name}: not a number, the value {row[name]!r}"
