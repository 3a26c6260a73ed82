"""Accelerator files: reading them, and saying everything that is wrong with one at once."""

import hashlib
import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator

_SHIPPED = files("simulator.spec") / "accelerators"


def shipped_accelerators() -> tuple[str, ...]:
    """Names of the accelerators that come with picojoule."""
    names = (entry.name for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def accelerator_text(name_or_path: str | Path) -> str:
    """The TOML text of a shipped accelerator (by name) or of a file."""
    name = str(name_or_path)
    if name in shipped_accelerators():
        return (_SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(f"{name}: no such accelerator or file; {_suggestion(name)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{name}: cannot be read as text ({error}); give a TOML file") from None


def load_accelerator(name_or_path: str | Path) -> Accelerator:
    """An accelerator by its shipped name or from a TOML file. Raises SpecError listing every fault of the file."""
    return parse_accelerator(accelerator_text(name_or_path), where=str(name_or_path))


def parse_accelerator(text: str, *, where: str) -> Accelerator:
    """An accelerator from TOML text; `where` starts each message."""
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{where}: not TOML: {error}; `picojoule arch show eyeriss-v1` prints a valid file") from None
    try:
        return Accelerator.model_validate(fields)
    except ValidationError as error:
        raise SpecError(_faults(error, where)) from None


def accelerator_sha256(accelerator: Accelerator) -> str:
    """Of the accelerator's content, however its file is laid out."""
    return hashlib.sha256(accelerator.model_dump_json().encode()).hexdigest()


def energy_table_sha256(accelerator: Accelerator) -> str:
    """Of the energy table and of what is charged, which together turn counts into energy."""
    charged = accelerator.energy.model_dump_json() + accelerator.charges.model_dump_json()
    return hashlib.sha256(charged.encode()).hexdigest()


def _suggestion(name: str) -> str:
    shipped = shipped_accelerators()
    near = get_close_matches(name, shipped, n=1)
    return f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(shipped)}"


def _faults(error: ValidationError, where: str) -> str:
    lines = [_fault(dict(fault)) for fault in error.errors()]
    count = f"{len(lines)} fault{'s' if len(lines) > 1 else ''}"
    return f"{where}: {count}; `picojoule arch show eyeriss-v1` prints a valid file\n" + "\n".join(lines)


def _fault(fault: dict[str, object]) -> str:
    path = ".".join(str(part) for part in fault["loc"])  # type: ignore[attr-defined]
    given = fault["input"]
    if fault["type"] == "missing":
        return f"  {path}: missing"
    if fault["type"] == "extra_forbidden":
        return f"  {path}: unknown key"
    message = str(fault["msg"]).removeprefix("Value error, ")
    shown = f", the value {given!r}" if isinstance(given, str | int | float | bool) else ""
    return f"  {path or 'the file'}: {message}{shown}"
