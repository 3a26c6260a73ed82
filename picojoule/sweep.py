"""`picojoule sweep`: from the SPEC file to the folder of a sweep."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from picojoule import __version__
from picojoule.manifest import distribution_versions, version_of
from picojoule.terminal import shown_progress, terminal_width
from simulator.report.front_picture import write_front_picture
from simulator.report.pictures.page import page_html
from simulator.report.pictures.stored_runs import read_stored
from simulator.report.run_folder import check_run_folder, csv_text, json_text, write_files
from simulator.report.sweep_summary import sweep_summary
from simulator.spec.load import accelerator_sha256, energy_table_sha256
from simulator.sweep.area import FORMULA
from simulator.sweep.code_identity import sources_sha256
from simulator.sweep.evaluate import opened
from simulator.sweep.points import PointMaker
from simulator.sweep.results import SweepResult
from simulator.sweep.spec_file import load_sweep
from simulator.sweep.store import STORE
from simulator.sweep.sweep import sweep

TEXTS = ("points.csv", "front.csv", "manifest.json", "summary.txt")
PICTURE, PAGE = "front.svg", "report.html"
SWEEP_FILES = (*TEXTS, PICTURE, PAGE, STORE)
EXIT_LOST = 1


def run(path: Path, *, output: Path, workers: int | None, cluster: str | None, as_json: bool) -> int:
    """Sweep, write the folder, print. Raises PicojouleError."""
    spec = load_sweep(path)
    check_run_folder(output, SWEEP_FILES)
    with shown_progress("points") as progress:
        result = sweep(
            spec,
            output,
            workers=workers or len(os.sched_getaffinity(0)),
            cluster=cluster,
            progress=None if progress is None else lambda done, points: progress(path.name, done, points),
        )
    write(output, result)
    print(json_text(result.to_dict()) if as_json else sweep_summary(result.to_dict(), terminal_width()), end="")
    return 0 if result.is_whole else EXIT_LOST


def write(folder: Path, result: SweepResult) -> None:
    """The files of a sweep: the same bytes whoever ran its points, and however often it was stopped."""
    rows, found = result.rows(), result.to_dict()
    texts = (csv_text(rows), _front_csv(rows), json_text(manifest_of(result)), sweep_summary(found))
    write_files(folder, dict(zip(TEXTS, texts, strict=True)))
    write_front_picture(rows, found, folder / PICTURE)
    write_files(folder, {PAGE: page_html([read_stored(folder)])})


def manifest_of(result: SweepResult) -> dict[str, Any]:
    """As docs/reference.md defines it: what decided the figures, and nothing of who ran them."""
    spec, maker = result.spec, PointMaker(spec=result.spec)
    machines = {str(arch): maker.machine(str(arch)) for arch in spec.possible("arch")}
    choices = {(choice.network, choice.batch, choice.bits): opened(choice)[1] for choice in maker.choices()}
    return {
        "spec": spec.file.model_dump(mode="json", exclude_none=True),
        "method": result.method.value,
        "energy_unit": result.energy_unit,
        "area": FORMULA,
        "points": len(result.points),
        "failed": len(result.failures),
        "front": [swept.point.number for swept in result.front],
        "sha256": {
            "arch": {name: accelerator_sha256(machine) for name, machine in machines.items()},
            "energy_table": {name: energy_table_sha256(machine) for name, machine in machines.items()},
            "workloads": list(dict.fromkeys(choices.values())),
            "code": sources_sha256(),
        },
        "versions": {
            "picojoule": __version__,
            "python": platform.python_version(),
            **distribution_versions(),
            **({} if spec.file.search is None else {"optuna": version_of("optuna")}),
        },
    }


def _front_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Without a point on the front, the heading alone."""
    front = [row for row in rows if row["on_front"]]
    return csv_text(front) if front else csv_text(rows[:1]).splitlines(keepends=True)[0]
