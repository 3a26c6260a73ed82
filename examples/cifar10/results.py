"""What did the cells of the experiment come to? Writes cells.csv, paths.csv and paths.svg, and prints the comparison.

    python results.py CELLS [--methods alternating-channels-maps magnitude …] [--seeds 0 1 2]

Energies are simulated; shares are of the dense network that all cells start from, on the same images. Cells that have
not run are shown as missing.
"""

import argparse
import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.state import write_whole
from simulator.report.pictures.figure_data import Column, FigureData, Guide, Points
from simulator.report.pictures.plots import write_plot

ORIGINAL, DENSE, TAUGHT = "original", "dense", "dense-taught"
TEST_IMAGES = 10_000
DRAWS = 10_000
"""Resamplings of the test images for an interval."""
SHOWN = "eyeriss-estimation 16"
LOST = (0.5, 1.0)
"""Points that steps may lose on `threshold` against the dense reference to be compared: half of one, and one."""
_SPLITS = ("threshold", "curves", "test")

Cell = dict[str, Any]


def read(cells: Path, method: str, seed: int) -> Cell | None:
    path = cells / f"{method}-{seed}" / "cell.json"
    return json.loads(path.read_text()) if path.exists() else None


def needed(cells: Path, method: str, seed: int = 0) -> Cell:
    found = read(cells, method, seed)
    if found is None:
        raise SystemExit(f"{cells}: no {method}-{seed}; run experiment.py with --methods {method} first")
    return found


def rows(cells: Path, methods: Sequence[str], seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A row a cell: accuracies in per cent, weights and energy left in per cent of the original's."""
    original = needed(cells, ORIGINAL)
    for method, seed in [
        (ORIGINAL, 0),
        (DENSE, 0),
        (TAUGHT, 0),
        *((method, seed) for method in methods for seed in seeds),
    ]:
        cell = read(cells, method, seed)
        row: dict[str, Any] = {"method": method, "seed": seed, "state": "finished" if cell else "missing"}
        if cell is not None:
            row |= measured(cell, original) | history(cell) | within(cell, read(cells, DENSE, 0))
        yield row


def measured(cell: Cell, original: Cell) -> dict[str, float]:
    found: dict[str, Any] = {f"{name}_accuracy_percent": 100 * cell["accuracy"][name] for name in _SPLITS}
    found["weights_left_percent"] = 100 * sum(cell["weights"].values()) / sum(original["weights"].values())
    for on, energy in cell["energy"].items():
        for part in ("whole", "conv"):
            left = total(energy, part) / total(original["energy"][on], part)
            found[f"{on} {part} energy_left_percent".replace(" ", "_")] = 100 * left
    return found


def history(cell: Cell) -> dict[str, float]:
    steps = cell.get("steps", [])
    if not steps:
        return {}
    return {
        "rounds": steps[-1]["round"],
        "probes": sum(step["probes"] for step in steps),
        "largest_prediction_error_percent": 100 * max(error_of(step, steps[0]) for step in steps),
    }


def within(cell: Cell, reference: Cell | None) -> dict[str, float]:
    """Least energy of the cell's steps that lost no more than so much on `threshold` against the reference, if that has
    run."""
    if reference is None:
        return {}
    least = reference["accuracy"]["threshold"]
    steps = [step for step in cell.get("steps", []) if step["accepted"]]
    return {
        f"{SHOWN}_energy_left_percent_within_{points}_points".replace(" ", "_"): 100 * min(energies)
        for points in LOST
        if (energies := [step["energy"] for step in steps if step["accuracy"] >= least - points / 100])
    }


def total(energy: dict[str, float], part: str) -> float:
    """Of all layers, or of the CONV layers."""
    return sum(value for layer, value in energy.items() if part == "whole" or not layer.startswith("fc"))


def error_of(step: dict[str, float], first: dict[str, float]) -> float:
    """Of a saving as predicted against that simulated, a share of the original's energy."""
    return abs((first["predicted"] - step["predicted"]) - (first["energy"] - step["energy"]))


def right(cells: Path, method: str, seed: int) -> NDArray[np.bool_]:
    """Of each test image, whether it was classified rightly."""
    packed = np.frombuffer(bytes.fromhex(needed(cells, method, seed)["right"]["test"]), np.uint8)
    return np.unpackbits(packed)[:TEST_IMAGES].astype(bool)


def interval(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    """Difference of two accuracies in points, and its 95 % interval: test images drawn again, in pairs."""
    differences = 100 * (first - second)
    rng = np.random.default_rng(0)
    means = [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def comparison(cells: Path, found: list[dict[str, Any]], methods: Sequence[str]) -> Iterator[str]:
    """Each method against the dense networks, then the first against the others."""
    key = f"{SHOWN} whole energy_left_percent".replace(" ", "_")
    left = {
        name: {row["seed"]: row[key] for row in found if row["method"] == name and row["state"] == "finished"}
        for name in methods
    }
    for name, mine in left.items():
        yield against_dense(cells, name, mine) if mine else f"{name}: missing"
    ours, *others = left
    for other in others:
        if seeds := sorted(left[ours].keys() & left[other].keys()):
            below = [100 * (1 - left[ours][seed] / left[other][seed]) for seed in seeds]
            yield against_other(cells, ours, other, seeds, below)


def against_dense(cells: Path, name: str, left: dict[int, float]) -> str:
    energies = list(left.values())
    marks = np.mean([right(cells, name, seed) for seed in left], axis=0)
    references = " and ".join(
        f"{points:+.2f} points against {reference}, 95 % interval {low:+.2f} to {high:+.2f}"
        for reference in (ORIGINAL, DENSE)
        if read(cells, reference, 0)
        for points, low, high in [interval(marks, right(cells, reference, 0).astype(float))]
    )
    return (
        f"{name}, {len(left)} seeds: {100 - np.mean(energies):.1f} % below the original in simulated energy on {SHOWN} "
        f"({100 - max(energies):.1f} to {100 - min(energies):.1f}); test accuracy {references}"
    )


def against_other(cells: Path, ours: str, other: str, seeds: list[int], below: list[float]) -> str:
    """Seed by seed."""
    marks = [np.mean([right(cells, name, seed) for seed in seeds], axis=0) for name in (ours, other)]
    points, low, high = interval(*marks)
    return (
        f"{ours} against {other}, {len(seeds)} seeds: {np.mean(below):.1f} % less energy ({min(below):.1f} to "
        f"{max(below):.1f}); test accuracy {points:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}"
    )


def paths(cells: Path, methods: Sequence[str], seeds: Sequence[int]) -> FigureData:
    """Every step of every finished cell: accuracy on `threshold` against energy simulated."""
    found = [(method, seed, cell) for method in methods for seed in seeds if (cell := read(cells, method, seed))]
    steps = [(method, seed, cell, step) for method, seed, cell in found for step in cell["steps"] if step["accepted"]]
    dense = read(cells, DENSE, 0)
    reference = 100 * (dense or needed(cells, ORIGINAL))["accuracy"]["threshold"]
    named = "the reference" if dense else "the original"
    return FigureData(
        name="paths",
        title="Energy and accuracy, step by step",
        caption="Each step that was kept, of every seed; outlined: before training.",
        origin="energy simulated, accuracy measured",
        columns=(
            Column(name="method"),
            Column(name="seed"),
            Column(name="round"),
            Column(name="layer"),
            Column(name="energy", unit="%"),
            Column(name="accuracy", unit="%"),
            Column(name="untrained"),
        ),
        rows=tuple(
            (
                method,
                seed,
                step["round"],
                step["layer"],
                100 * step["energy"],
                100 * step["accuracy"],
                step["layer"] != "" or (step["round"] > 0 and not cell["epochs"][step["round"] - 1]),
            )
            for method, seed, cell, step in steps
        ),
        drawing=Points(
            x="energy",
            y="accuracy",
            x_axis=f"energy on {SHOWN} [% of the original's]",
            y_axis="accuracy on threshold [%]",
            label="layer",
            group="method",
            hollow="untrained",
            names_hollow=False,
            guides=tuple(
                Guide(name=f"{points} points below {named}", points=((20.0, at), (100.0, at)))
                for points in LOST
                for at in [reference - points]
            ),
        ),
    )


def csv_of(found: Sequence[dict[str, Any]]) -> str:
    columns = dict.fromkeys(key for row in found for key in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()} for row in found
    )
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("cells", type=Path)
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["alternating-channels-maps", "magnitude", "magnitude-deeper"],
        help="the first is held against the others",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    found = list(rows(given.cells, given.methods, given.seeds))
    write_whole(given.cells / "cells.csv", csv_of(found).encode())
    figure = paths(given.cells, given.methods, given.seeds)
    write_whole(given.cells / "paths.csv", figure.csv().encode())
    write_plot(figure, given.cells / "paths.svg")
    print("\n".join(comparison(given.cells, found, given.methods)))


if __name__ == "__main__":
    main()
