"""`picojoule reproduce`: published tables and figures with ours beside them, and whether each is within its limits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from picojoule.targets import TARGETS
from picojoule.terminal import shown_progress, terminal_width
from simulator.errors import SpecError, suggestion
from simulator.report.reproduction import Reproduction, reproduction_text
from simulator.report.run_folder import check_run_folder, csv_text, json_text, write_files

FILES = ("reproduction.json", "reproduction.csv", "summary.txt")


def run(target: str | None, *, as_json: bool, output: Path | None) -> int:
    """Reproduce one target, or all; print, with `output` write the files first. Exit code 1 if a figure is outside its
    tolerance. Raises PicojouleError."""
    chosen = tuple(TARGETS) if target is None else (_known(target),)
    if output is not None:
        check_run_folder(output, FILES)
    with shown_progress() as progress:
        done = [TARGETS[name](progress) for name in chosen]
    content = _to_dict(done)
    if output is not None:
        rows = [row for one in done for row in one.csv_rows()]
        texts = (json_text(content), csv_text(rows), _text(done, None))
        write_files(output, dict(zip(FILES, texts, strict=True)))
    print(json_text(content) if as_json else _text(done, terminal_width()), end="")
    return 0 if content["passed"] else 1


def _known(target: str) -> str:
    if target in TARGETS:
        return target
    hint = suggestion(target, TARGETS, f"there are {', '.join(TARGETS)}; without one, all are reproduced")
    raise SpecError(f"reproduce: no target {target!r}; {hint}")


def _to_dict(done: Sequence[Reproduction]) -> dict[str, Any]:
    return {"passed": all(one.passed for one in done), "targets": [one.to_dict() for one in done]}


def _text(done: Sequence[Reproduction], width: int | None) -> str:
    return "\n".join(reproduction_text(one, width) for one in done)
