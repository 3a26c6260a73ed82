"""Files that people write or that come with picojoule: finding one by name, saying what is wrong with it."""

from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from simulator.errors import PicojouleError, SpecError, near_miss, nearby_file, suggestion

_MOST_FAULTS = 50
_LONGEST_VALUE = 80


def toml_names(folder: Traversable) -> tuple[str, ...]:
    """Names, without suffix, of the TOML files in a folder of a package."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def named_text(name: str, folder: Traversable, *, what: str, error: type[PicojouleError]) -> str:
    """The text of the folder's file of that name, else of the file at that path; `what` is it called in messages?"""
    names = toml_names(folder)
    if name in names:
        return (folder / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = suggestion(name, names, nearby_file(Path(name), f"shipped: {', '.join(names)}"))
        raise error(f"{name}: no such {what} or file; {hint}") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise error(f"{name}: cannot be read as text ({fault}); give a TOML file") from None


def file_text(path: Path, *, what: str, largest_bytes: int) -> str:
    """The text of a file of a bounded size; `what` is it called in messages? Raises SpecError."""
    try:
        with path.open("rb") as file:
            content = file.read(largest_bytes + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file; {nearby_file(path, f'give {what}')}") from None
    except (OSError, ValueError) as fault:
        raise SpecError(f"{path}: cannot be read as text ({fault}); give {what}") from None
    if len(content) > largest_bytes:
        raise SpecError(f"{path}: more than {largest_bytes / 1e6:g} MB, the most that is read; give {what}")
    return text


def list_of_faults(lines: list[str], where: str, remedy: str) -> str:
    """One message: how many faults a file has, what would do, and the faults."""
    count = f"{len(lines)} fault{'s' if len(lines) > 1 else ''}"
    more = [f"  and {len(lines) - _MOST_FAULTS} more"] if len(lines) > _MOST_FAULTS else []
    return "\n".join([f"{where}: {count}; {remedy}", *lines[:_MOST_FAULTS], *more])


def fault_lines(error: ValidationError, model: type[BaseModel] | None = None) -> list[str]:
    """Every fault that pydantic found, a line each: its path, what is wrong, and the value where it is short.

    For an unknown key the key of the model that was most likely meant, if the model is given.
    """
    return [_fault_line(dict(fault)) + _meant(fault["type"], fault["loc"], model) for fault in error.errors()]


def _meant(kind: str, path: tuple[int | str, ...], model: type[BaseModel] | None) -> str:
    if kind != "extra_forbidden" or model is None:
        return ""
    near = near_miss(str(path[-1]), _keys(model, path[:-1]))
    return "" if near is None else f"; did you mean {near!r}?"


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """What the models at this path of a file have for keys. Of a path, what names no field names an item or a kind."""
    found = [model]
    for part in path:
        named = [each.model_fields[str(part)] for each in found if part in each.model_fields]
        found = [inner for field in named for inner in _models(field.annotation)] or found
    return [key for each in found for key in each.model_fields]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, such as the two of `dict[str, A | B]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _fault_line(fault: dict[str, object]) -> str:
    path = ".".join(str(part) for part in fault["loc"])  # type: ignore[attr-defined]
    plain = {"missing": "missing", "extra_forbidden": "unknown key", "model_type": "not a table"}
    if fault["type"] in plain:
        return f"  {path or 'the file'}: {plain[str(fault['type'])]}"
    message, given = str(fault["msg"]).removeprefix("Value error, "), fault["input"]
    shown = (
        f", the value {given!r}" if isinstance(given, str | int | float) and len(repr(given)) <= _LONGEST_VALUE else ""
    )
    return f"  {path or 'the file'}: {message}{shown}"
