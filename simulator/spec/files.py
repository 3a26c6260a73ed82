"""TOML files that people write or that come with picojoule: finding one by name, saying what is wrong with it."""

from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError

from simulator.errors import PicojouleError


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
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(names)}"
        raise error(f"{name}: no such {what} or file; {hint}") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise error(f"{name}: cannot be read as text ({fault}); give a TOML file") from None


def fault_lines(error: ValidationError) -> list[str]:
    """Every fault that pydantic found, a line each: its path, what is wrong, and the value where it is short."""
    return [_fault_line(dict(fault)) for fault in error.errors()]


def _fault_line(fault: dict[str, object]) -> str:
    path = ".".join(str(part) for part in fault["loc"])  # type: ignore[attr-defined]
    plain = {"missing": "missing", "extra_forbidden": "unknown key", "model_type": "not a table"}
    if fault["type"] in plain:
        return f"  {path}: {plain[str(fault['type'])]}"
    message, given = str(fault["msg"]).removeprefix("Value error, "), fault["input"]
    shown = f", the value {given!r}" if isinstance(given, str | int | float | bool) else ""
    return f"  {path or 'the file'}: {message}{shown}"
