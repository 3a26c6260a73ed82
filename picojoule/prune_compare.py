"""`picojoule prune compare`: pruning runs side by side, each at the least energy that it reached at one accuracy."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picojoule.terminal import terminal_width
from simulator.errors import SpecError
from simulator.report.run_folder import json_text
from simulator.report.text_table import Column, number_column, render, wrapped

_MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedRun:
    """One run as its folder tells: what decided it, and its steps (accuracy, energy, weights), the first unpruned."""

    folder: str
    method: str
    order: str
    shares: str
    channel_rounds: int
    images: int
    asked: float
    judged_alike: str
    steps: tuple[tuple[float, float, int], ...]

    def at(self, accuracy: float) -> tuple[float, float, int]:
        """Of its steps at or above an accuracy, the one of least energy."""
        return min((step for step in self.steps if step[0] >= accuracy), key=lambda step: step[1])


def run(folders: Sequence[Path], *, as_json: bool) -> None:
    """Print. Raises SpecError for a folder that is none, and for runs that cannot be compared."""
    runs = [read_pruned_run(folder) for folder in folders]
    differing = [one.folder for one in runs if one.judged_alike != runs[0].judged_alike]
    if differing:
        raise SpecError(
            f"{', '.join(differing)}: pruned another model, or judged on other images or another accelerator, than "
            f"{runs[0].folder}; compare runs that differ in --method, --order, --shares, --channel-rounds or limits "
            "only"
        )
    accuracy = max(one.asked for one in runs)
    print(json_text(_as_dict(runs, accuracy)) if as_json else _text(runs, accuracy, terminal_width()), end="")


def read_pruned_run(folder: Path) -> PrunedRun:
    """Raises SpecError."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        with (folder / "steps.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        options, result = manifest["options"], manifest["result"]
        apart = (
            "method",
            "order",
            "shares",
            "channel_rounds",
            "max_accuracy_loss",
            "min_accuracy",
            "target_energy",
            "samples",
            "calibration_images",
        )
        alike = {name: value for name, value in options.items() if name not in apart}
        return PrunedRun(
            folder=str(folder),
            method=options["method"],
            order=options["order"],
            shares=options["shares"],
            channel_rounds=options["channel_rounds"],
            images=int(result["images"]["accuracy"]),
            asked=float(result["accuracy"]["limit"]),
            judged_alike=json.dumps(
                [alike, manifest["model"], manifest["data"], manifest["sha256"], result["images"]], sort_keys=True
            ),
            steps=tuple((float(row["accuracy"]), float(row["energy"]), int(row["weights"])) for row in rows),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SpecError(
            f"{folder}: no folder of a pruning run ({error}); give what `picojoule prune -o` wrote"
        ) from None


def _rows(runs: Sequence[PrunedRun], accuracy: float) -> list[dict[str, Any]]:
    rows = []
    for one in runs:
        (_, original, weights), (reached, energy, left) = one.steps[0], one.at(accuracy)
        rows.append(
            {
                "folder": one.folder,
                "method": one.method,
                "order": one.order,
                "shares": one.shares,
                "channel_rounds": one.channel_rounds,
                "accuracy": reached,
                "energy": energy,
                "saved": 1 - energy / original,
                "weights_left": left / weights,
            }
        )
    return rows


def _as_dict(runs: Sequence[PrunedRun], accuracy: float) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "images": runs[0].images,
        "original_energy": runs[0].steps[0][1],
        "runs": _rows(runs, accuracy),
    }


def _text(runs: Sequence[PrunedRun], accuracy: float, width: int | None) -> str:
    rows = _rows(runs, accuracy)
    above = (
        f"the least energy of each run at {100 * accuracy:.2f} % accuracy or more, the highest that any was held to "
        f"(on {runs[0].images} images; the network as it was: {100 * runs[0].steps[0][0]:.2f} %); energy simulated\n"
    )

    def text(heading: str, key: str) -> Column:
        return Column(heading=(heading,), cells=tuple(str(row[key]) for row in rows), is_text=True)

    columns = [
        text("folder", "folder"),
        text("method", "method"),
        text("order", "order"),
        text("shares", "shares"),
        number_column(("rounds of", "channels"), [row["channel_rounds"] for row in rows], decimals=0),
        number_column(("accuracy", "[%]"), [100 * row["accuracy"] for row in rows], decimals=2),
        number_column(("weights", "left [%]"), [100 * row["weights_left"] for row in rows], decimals=1),
        number_column(("energy", "[M]"), [row["energy"] / _MILLION for row in rows]),
        number_column(("saved", "[%]"), [100 * row["saved"] for row in rows], decimals=1),
        number_column(
            ("energy, to", "the first [%]"), [100 * row["energy"] / rows[0]["energy"] for row in rows], decimals=1
        ),
    ]
    return f"{wrapped(above, width)}\n{render(columns, width=width)}"
