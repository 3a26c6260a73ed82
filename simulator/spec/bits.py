"""How many bits has a word of each tensor? From `weight=8,activation=8`, or from a file that says it layer by layer."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import SpecError, suggestion
from simulator.spec.files import fault_lines, file_text, list_of_faults
from simulator.spec.layer import Layer

_WHAT = "weight=8,activation=8, or a TOML file with such lines"
_LARGEST_BYTES = 1_000_000
Width = Annotated[int, Field(ge=1, le=16)]


class BitWidths(BaseModel):
    """Bits of a word of each tensor; None leaves the width that is there, 16 bits unless a wider rule says another.

    activation is of ifmaps and of the ofmaps they become; psum is of what accumulates in the spads and the GLB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    weight: Width | None = None
    activation: Width | None = None
    psum: Width | None = None

    def of(self, layer: Layer) -> Layer:
        """The layer with these widths."""
        return replace(
            layer,
            filter_bits=self.weight or layer.filter_bits,
            ifmap_bits=self.activation or layer.ifmap_bits,
            psum_bits=self.psum or layer.psum_bits,
        )


def with_bits(layers: Sequence[Layer], bits: str) -> tuple[Layer, ...]:
    """The layers with words of other widths. `bits` is a list such as `weight=8,activation=8`, or the name of a TOML
    file: such lines for all layers at its top, and a table for each layer that differs.

    Raises SpecError for what is neither, with every fault, and for a table that names no layer.
    """
    rules = _rules(bits)
    names = [layer.name for layer in layers]
    strangers = [name for name in rules if name and name not in names]
    if strangers:
        hint = suggestion(strangers, names, f"the layers are {', '.join(names)}")
        raise SpecError(f"{bits}: no layer is called {' or '.join(strangers)}; {hint}")
    every = rules.get("", BitWidths())
    return tuple(rules.get(layer.name, BitWidths()).of(every.of(layer)) for layer in layers)


def _rules(bits: str) -> dict[str, BitWidths]:
    """By layer name; the empty name is for all."""
    is_list = "=" in bits and not Path(bits).exists()
    fields = _of_list(bits) if is_list else _of_file(bits)
    tables = {name: value for name, value in fields.items() if isinstance(value, dict)}
    plain = {name: value for name, value in fields.items() if name not in tables}
    faults: list[str] = []
    rules: dict[str, BitWidths] = {}
    for name, table in {"": plain, **tables}.items():
        try:
            rules[name] = BitWidths.model_validate(table)
        except ValidationError as error:
            faults += [line.replace("  ", f"  {name}." if name else "  ", 1) for line in fault_lines(error, BitWidths)]
    if faults:
        raise SpecError(list_of_faults(faults, bits, f"give {_WHAT}"))
    return rules


def _of_list(bits: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    for part in bits.split(","):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d{1,9})\s*", part, flags=re.ASCII)
        if match is None or match[1] in fields:
            why = "is no width" if match is None else "is given twice"
            raise SpecError(f"{bits}: {part.strip()!r} {why}; give {_WHAT}")
        fields[match[1]] = int(match[2])
    return fields


def _of_file(path: str) -> dict[str, object]:
    try:
        return tomllib.loads(file_text(Path(path), what=_WHAT, largest_bytes=_LARGEST_BYTES))
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: not TOML: {error}; give {_WHAT}") from None
