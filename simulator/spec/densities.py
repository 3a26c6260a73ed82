"""Which share of a network's words is not zero? From a TOML file that says it for each layer."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import SpecError, suggestion
from simulator.spec.files import fault_lines, file_text, list_of_faults
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities
from simulator.spec.workload import DeclaredDensities

_WHAT = 'tables such as [CONV1] or ["*"] with ifmap, filters and ofmap'
_LARGEST_BYTES = 10_000_000
_WILDCARDS = set("*?[")
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ifmap: Share
    filters: Share
    ofmap: Share


def load_densities(path: str | Path, layers: Sequence[Layer]) -> DeclaredDensities:
    """Densities of every layer, from the file's first table whose name is the layer's or matches it as in a shell.

    Raises SpecError for a file that is not as it should be, a layer without densities, and a table without a layer.
    """
    text = file_text(Path(path), what=_WHAT, largest_bytes=_LARGEST_BYTES)
    tables = _tables(text, str(path))
    of_layer = {layer.name: _matching(layer.name, tables) for layer in layers}
    missing = [name for name, found in of_layer.items() if found is None]
    if missing:
        raise SpecError(f'{path}: no densities of {", ".join(missing)}; add a table for each, or one ["*"] at the end')
    idle = [name for name in tables if name not in of_layer and not set(name) & _WILDCARDS]
    if idle:
        hint = suggestion(idle, of_layer, f"the layers are {', '.join(of_layer)}")
        raise SpecError(f"{path}: no layer is called {' or '.join(idle)}; {hint}")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return DeclaredDensities(
        of_layer={name: tables[str(found)] for name, found in of_layer.items()},
        detail=f"densities of {Path(path).name} (SHA-256 {digest[:12]})",
    )


def _tables(text: str, where: str) -> Mapping[str, Densities]:
    try:
        fields = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{where}: not TOML: {error}; give {_WHAT}") from None
    faults: list[str] = []
    tables: dict[str, Densities] = {}
    for name, value in fields.items():
        try:
            tables[name] = Densities(**_Table.model_validate(value).model_dump())
        except ValidationError as error:
            faults += [f"  {name}.{line.strip()}" for line in fault_lines(error, _Table)]
    if faults:
        raise SpecError(list_of_faults(faults, where, f"give {_WHAT}"))
    return tables


def _matching(layer: str, tables: Mapping[str, Densities]) -> str | None:
    return layer if layer in tables else next((name for name in tables if fnmatchcase(layer, name)), None)
