"""Mapping files: TOML, one table for each layer, named like the layer, with m n e p q r t (and g)."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from simulator.errors import MappingError
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.files import fault_lines, named_text, toml_names

_PUBLISHED = files("simulator.mapping") / "published"


class _MappingTable(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    m: int = Field(ge=1)
    n: int = Field(ge=1)
    e: int = Field(ge=1)
    p: int = Field(ge=1)
    q: int = Field(ge=1)
    r: int = Field(ge=1)
    t: int = Field(ge=1)
    g: int = Field(default=1, ge=1)


class _MappingFile(RootModel[dict[str, _MappingTable]]):
    pass


def published_mappings() -> tuple[str, ...]:
    """Names of the published mapping files that come with picojoule."""
    return toml_names(_PUBLISHED)


def load_mappings(name_or_path: str | Path) -> Mapping[str, RowStationaryMapping]:
    """Layer name -> mapping, from a published set by name or a TOML file. Raises MappingError listing every fault."""
    where = str(name_or_path)
    try:
        tables = _MappingFile.model_validate(
            tomllib.loads(named_text(where, _PUBLISHED, what="mapping", error=MappingError))
        ).root
    except tomllib.TOMLDecodeError as error:
        raise MappingError(
            f"{where}: not TOML: {error}; docs/reference.md shows the layout of a mapping file"
        ) from None
    except ValidationError as error:
        faults = "\n".join(fault_lines(error, _MappingTable))
        raise MappingError(
            f"{where}: each layer needs m n e p q r t (and may have g), whole numbers\n{faults}"
        ) from None
    if not tables:
        raise MappingError(f"{where}: no mappings; docs/reference.md shows the layout of a mapping file")
    return {layer: RowStationaryMapping(**table.model_dump()) for layer, table in tables.items()}
