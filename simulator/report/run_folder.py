"""The files of `-o DIR`: manifest.json, layers.csv, counts.csv and summary.txt, written together or not at all.

The same input gives the same bytes: no time, host or user enters here. docs/reference.md defines every field.
"""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simulator.errors import OutputError
from simulator.results import NetworkResult

RUN_FILES = ("manifest.json", "layers.csv", "counts.csv", "summary.txt")


def check_run_folder(folder: Path, names: Iterable[str] = RUN_FILES) -> None:
    """Raise OutputError unless the run's files could be written there now. Creates nothing."""
    try:
        for taken in (folder / name for name in names):
            if taken.is_dir():
                raise OutputError(f"{taken}: is a folder, where a file of this run would go; choose another DIR")
        _try_to_write_in(folder)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def check_file(path: Path) -> None:
    """Raise OutputError unless a file could be written at that path now. Creates nothing."""
    try:
        if path.is_dir():
            raise OutputError(f"{path}: is a folder; give the path of a file")
        if path.exists() and not path.is_file():
            raise OutputError(f"{path}: is a device or a pipe, which a file would replace; give the path of a file")
        if not path.parent.exists():
            raise OutputError(f"{path}: there is no folder {path.parent}; create it first")
        _try_to_write_in(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from None


def write_run(folder: Path, result: NetworkResult, *, manifest: Mapping[str, Any], summary: str) -> None:
    """Write the run's files, replacing those of an earlier run. Raises OutputError."""
    texts = (json_text(manifest), csv_text(result.rows()), csv_text(result.count_rows()), summary)
    write_files(folder, dict(zip(RUN_FILES, texts, strict=True)))


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the texts under their names, all or none of them; the folder is made. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_together(folder, texts)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def json_text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with the same keys as CSV: a heading, `\\n` line ends, numbers in full."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _try_to_write_in(folder: Path) -> None:
    """In the nearest folder that exists, with a file that is gone at once: permission bits alone do not tell."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
    if not nearest.is_dir():
        raise OutputError(f"{folder}: cannot be a folder, {nearest} is a file; choose another DIR")
    with tempfile.TemporaryFile(dir=nearest):
        pass


def _write_together(folder: Path, texts: Mapping[str, str]) -> None:
    """Under temporary names in the same folder first: no reader sees half of a file, and a disk that is full leaves an
    earlier run's files as they were, all of them."""
    temporary = {name: folder / f".{name}.{os.getpid()}.tmp" for name in texts}
    try:
        for name, text in texts.items():
            temporary[name].write_text(text, encoding="utf-8", newline="")
        for name in texts:
            os.replace(temporary[name], folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place with -o")
