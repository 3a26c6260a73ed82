"""Files that people write or that come with picojoule: finding one by name, saying what is wrong with it."""

from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError

from simulator.errors import PicojouleError, SpecError

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
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(names)}"
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
        raise SpecError(f"{path}: no such file; give {what}") from None
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


def fault_lines(error: ValidationError) -> list[str]:
    """Every fault that pydantic found, a line each: its path, what is wrong, and the value where it is short."""
    return [_fault_line(dict(fault)) for fault in error.errors()]


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
