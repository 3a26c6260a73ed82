"""Which networks come with picojoule? Reads networks/*.toml: shapes, published totals, densities and their sources."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from simulator.spec.layer import Layer, Padding
from simulator.spec.workload import DeclaredDensities, Origin, Provenance, Workload
from workloads.synthetic import Densities, SyntheticTensors

_FILES = files("workloads") / "networks"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInNetwork:
    """One shipped network. Totals are as its file states them, without biases; tests hold the layers to them.

    layers     at batch 1, in order of execution
    variant    what distinguishes it from other networks of the same name
    densities  by layer name; density_source says who published them, or that they are assumed
    sha256     of its file
    """

    name: str
    title: str
    source: str
    variant: str
    weights: int
    macs_per_image: int
    layers: tuple[Layer, ...]
    densities: Mapping[str, Densities]
    density_source: str
    sha256: str


def built_in_names() -> tuple[str, ...]:
    """Names that `open_workload` takes without a file."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in _FILES.iterdir() if entry.name.endswith(".toml")))


def built_in_networks() -> tuple[BuiltInNetwork, ...]:
    """Every shipped network, by name."""
    return tuple(built_in_network(name) for name in built_in_names())


@cache
def built_in_network(name: str) -> BuiltInNetwork:
    """The shipped network of that name, which must be one of `built_in_names()`."""
    content = (_FILES / f"{name}.toml").read_bytes()
    fields = tomllib.loads(content.decode())
    defaults, rows = fields["densities"], fields["layers"]
    return BuiltInNetwork(
        name=name,
        **{key: fields[key] for key in ("title", "source", "variant", "weights", "macs_per_image")},
        layers=tuple(_layer(row, is_first=row is rows[0]) for row in rows),
        densities={row["name"]: _densities(row, defaults) for row in rows},
        density_source=defaults["source"],
        sha256=hashlib.sha256(content).hexdigest(),
    )


def built_in_workload(name: str, *, batch: int, seed: int) -> Workload:
    """A shipped network with synthetic weights and activations."""
    network = built_in_network(name)
    return Workload(
        name=name,
        layers=tuple(layer.with_batch(batch) for layer in network.layers),
        tensors_of=SyntheticTensors(seed=seed, densities=network.densities),
        densities=DeclaredDensities(of_layer=network.densities, detail=f"density {network.density_source}"),
        provenance=Provenance(
            weights=Origin.SYNTHETIC,
            activations=Origin.SYNTHETIC,
            detail=f"synthetic words, seed {seed}; density {network.density_source}",
            sha256=hashlib.sha256(f"{network.sha256} seed {seed}".encode()).hexdigest(),
        ),
    )


def _layer(row: Mapping[str, Any], *, is_first: bool) -> Layer:
    """A row has the letters of Layer, but `U` is both strides and `padding` may be one number for all four sides."""
    shape = {letter: row[letter] for letter in "MCHWRS"}
    stride, padding = row.get("U", 1), row.get("padding", 0)
    sides: Padding = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
    return Layer(
        name=row["name"], N=1, **shape, U=stride, V=stride, G=row.get("G", 1), padding=sides, from_input=is_first
    )


def _densities(row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Densities:
    return Densities(
        ifmap=row.get("ifmap", defaults["ifmap"]),
        filters=defaults["filter"],
        ofmap=row.get("ofmap", defaults["ofmap"]),
    )
