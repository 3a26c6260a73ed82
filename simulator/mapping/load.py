"""Mapping files: TOML, one table for each layer, named like the layer, with m n e p q r t (and g)."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from simulator.errors import MappingError
from simulator.mapping.row_stationary import RowStationaryMapping

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
    names = (entry.name for entry in _PUBLISHED.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def load_mappings(name_or_path: str | Path) -> Mapping[str, RowStationaryMapping]:
    """Layer name -> mapping, from a published set by name or a TOML file. Raises MappingError listing every fault."""
    where = str(name_or_path)
    try:
        tables = _MappingFile.model_validate(tomllib.loads(_text_of(where))).root
    except tomllib.TOMLDecodeError as error:
        raise MappingError(
            f"{where}: not TOML: {error}; docs/reference.md shows the layout of a mapping file"
        ) from None
    except ValidationError as error:
        faults = "\n".join(_fault(dict(fault)) for fault in error.errors())
        raise MappingError(
            f"{where}: each layer needs m n e p q r t (and may have g), whole numbers\n{faults}"
        ) from None
    if not tables:
        raise MappingError(f"{where}: no mappings; docs/reference.md shows the layout of a mapping file")
    return {layer: RowStationaryMapping(**table.model_dump()) for layer, table in tables.items()}


def _fault(fault: dict[str, object]) -> str:
    path = ".".join(str(part) for part in fault["loc"])  # type: ignore[attr-defined]
    words = {"missing": "missing", "extra_forbidden": "unknown key", "model_type": "not a table"}
    return f"  {path}: {words.get(str(fault['type']), fault['msg'])}"


def _text_of(name: str) -> str:
    if name in published_mappings():
        return (_PUBLISHED / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        near = get_close_matches(name, published_mappings(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"published: {', '.join(published_mappings())}"
        raise MappingError(f"{name}: no such mapping or file; {hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{name}: cannot be read as text ({error}); give a TOML file") from None
