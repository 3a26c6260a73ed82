"""Accelerator files: reading them, and saying everything that is wrong with one at once."""

import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from simulator.errors import SpecError
from simulator.spec.accelerator import Accelerator
from simulator.spec.files import fault_lines, list_of_faults, named_text, toml_names

_SHIPPED = files("simulator.spec") / "accelerators"


def shipped_accelerators() -> tuple[str, ...]:
    """Names of the accelerators that come with picojoule."""
    return toml_names(_SHIPPED)


def accelerator_text(name_or_path: str | Path) -> str:
    """The TOML text of a shipped accelerator (by name) or of a file."""
    return named_text(str(name_or_path), _SHIPPED, what="accelerator", error=SpecError)


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
        remedy = "`picojoule arch show eyeriss-v1` prints a valid file"
        raise SpecError(list_of_faults(fault_lines(error, Accelerator), where, remedy)) from None


def accelerator_sha256(accelerator: Accelerator) -> str:
    """Of the accelerator's content, however its file is laid out."""
    return hashlib.sha256(accelerator.model_dump_json().encode()).hexdigest()


def energy_table_sha256(accelerator: Accelerator) -> str:
    """Of the energy table and of what is charged, which together turn counts into energy."""
    charged = accelerator.energy.model_dump_json() + accelerator.charges.model_dump_json()
    return hashlib.sha256(charged.encode()).hexdigest()
