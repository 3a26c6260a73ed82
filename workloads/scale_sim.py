"""What does a SCALE-Sim topology say? Reads its CONV tables (CSV) into layers; their tensors are synthetic.

A table has no padding (its ifmaps include it), no groups, no densities: those of `assumed_densities` are taken.
GEMM tables (M, N, K) are another format, and refused.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.errors import SpecError, WorkloadError, nearby_file
from simulator.spec.layer import Layer
from simulator.spec.workload import DeclaredDensities, Origin, Provenance, Workload
from workloads.synthetic import ASSUMED, SyntheticTensors, assumed_densities

_LETTERS = {
    "layer name": "name",
    "layer": "name",
    "ifmap height": "H",
    "ifmap width": "W",
    "filter height": "R",
    "filter width": "S",
    "channels": "C",
    "num filter": "M",
    "num filters": "M",
    "strides": "U",
    "stride": "U",
    "stride height": "U",
    "stride width": "V",
}
_NEEDED = {"name": "Layer name", "H": "IFMAP Height", "W": "IFMAP Width", "R": "Filter Height", "S": "Filter Width"}
_NEEDED |= {"C": "Channels", "M": "Num Filter", "U": "Strides"}


def open_topology(path: Path, *, batch: int, seed: int) -> Workload:
    """The network of a topology file. Raises WorkloadError naming every row that cannot be used, by line."""
    content = _read(path)
    layers = tuple(layer.with_batch(batch) for layer in _layers(content, str(path)))
    densities = {layer.name: assumed_densities(layer) for layer in layers}
    return Workload(
        name=path.stem,
        layers=layers,
        tensors_of=SyntheticTensors(seed=seed, densities=densities),
        densities=DeclaredDensities(of_layer=densities, detail=f"density {ASSUMED}"),
        provenance=Provenance(
            weights=Origin.SYNTHETIC,
            activations=Origin.SYNTHETIC,
            detail=f"shapes of {path.name}; synthetic words, seed {seed}; density {ASSUMED}",
            sha256=hashlib.sha256(f"{content}\nseed {seed}".encode()).hexdigest(),
        ),
        notes=("padding, groups and other operators are not in a SCALE-Sim topology",),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise WorkloadError(f"{path}: no such file; {nearby_file(path, 'give a topology CSV')}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"{path}: cannot be read as text ({error}); give a SCALE-Sim topology CSV") from None


def _layers(content: str, where: str) -> list[Layer]:
    rows = [(line, cells) for line, cells in enumerate(map(_cells, content.splitlines()), start=1) if any(cells)]
    if not rows:
        raise WorkloadError(f"{where}: empty; a topology has a heading and a row for each layer")
    columns = _columns(rows[0][1], where)
    layers: list[Layer] = []
    faults: list[str] = []
    for line, cells in rows[1:]:
        try:
            layers.append(_layer(columns, cells, layers))
        except (SpecError, WorkloadError) as error:
            faults.append(f"  line {line}: {error}")
    if faults:
        raise WorkloadError("\n".join([f"{where}: {len(faults)} of {len(rows) - 1} rows cannot be used", *faults]))
    if not layers:
        raise WorkloadError(f"{where}: no layers, only a heading; add a row for each layer")
    return layers


def _cells(line: str) -> list[str]:
    """Every row of a topology ends in a comma, so the last cell is empty."""
    cells = [cell.strip() for cell in next(csv.reader([line]), [])]
    return cells[:-1] if cells and not cells[-1] else cells


def _columns(heading: Sequence[str], where: str) -> list[str]:
    """The letter of each column."""
    words = [" ".join(cell.lower().replace("_", " ").split()) for cell in heading]
    if {"m", "n", "k"} <= set(words):
        raise WorkloadError(f"{where}: a GEMM topology (M, N, K); give a CONV topology, an FC layer as a 1x1 one")
    unknown = [cell for cell, word in zip(heading, words, strict=True) if word not in _LETTERS]
    letters = [_LETTERS[word] for word in words if word in _LETTERS]
    missing = [name for letter, name in _NEEDED.items() if letter not in letters]
    if unknown or missing or len(set(letters)) < len(letters):
        said = [f"unknown: {', '.join(unknown)}"] * bool(unknown) + [f"missing: {', '.join(missing)}"] * bool(missing)
        raise WorkloadError(
            f"{where}: heading is not a SCALE-Sim topology's ({'; '.join(said) or 'a column twice'}); "
            f"its columns are {', '.join(_NEEDED.values())}"
        )
    return letters


def _layer(columns: Sequence[str], cells: Sequence[str], earlier: Sequence[Layer]) -> Layer:
    if len(cells) != len(columns):
        raise WorkloadError(f"{len(cells)} cells; the heading has {len(columns)}")
    row = dict(zip(columns, cells, strict=True))
    name = row.pop("name")
    if not name:
        raise WorkloadError("no layer name")
    if name in (layer.name for layer in earlier):
        raise WorkloadError(f"a second layer {name}; names must differ")
    size = _numbers(row, name)
    shape = {letter: size[letter] for letter in "MCHWRSU"}
    return Layer(name=name, N=1, **shape, V=size.get("V", size["U"]), padding=(0, 0, 0, 0), from_input=not earlier)


def _numbers(row: Mapping[str, str], name: str) -> dict[str, int]:
    wrong = {letter: cell for letter, cell in row.items() if not cell.removeprefix("-").isdecimal()}
    if wrong:
        said = ", ".join(f"{letter} = {cell!r}" for letter, cell in wrong.items())
        raise WorkloadError(f"{name}: {said}; whole numbers are needed")
    return {letter: int(cell) for letter, cell in row.items()}
