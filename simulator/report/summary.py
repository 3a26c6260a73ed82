"""What a person reads after a run: one table a network, where its values came from, and where idle PE-cycles went.

How columns are laid out is left to text_table.py; what each figure means is docs/reference.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import LayerResult, NetworkResult, PeState

_MILLION = 1e6
_ONE_MAC = "one 16-bit MAC"
_ENERGY_PARTS = (("mac", "MAC"), ("spad", "spad"), ("noc", "NoC"), ("glb", "GLB"), ("dram", "DRAM"), ("total", "total"))

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoices:
    """What a result does not say of itself, in words for its table.

    mapping      how the mappings were chosen
    arch         the accelerator as `picojoule arch show` takes it: a shipped name or a file
    energy_unit  the unit of the energy table
    energy_table its file, where it is not the accelerator's own
    functional   values went through the PEs, and each ofmap was compared with the convolution
    """

    mapping: str
    arch: str
    energy_unit: str
    energy_table: str | None = None
    functional: bool = False


def summary_text(result: NetworkResult, choices: RunChoices, width: int | None = None) -> str:
    """What `picojoule simulate` prints, ending in a newline; lines of at most `width` characters, if given."""
    notes = "".join(f"note: {note}\n" for note in result.notes)
    above, below = _origin(result, choices), notes + _pe_cycles(result) + _energy(choices)
    return f"{wrapped(above, width)}\n{_table(result, choices, width)}\n{wrapped(below, width)}"


def _origin(result: NetworkResult, choices: RunChoices) -> str:
    data = result.provenance
    checked = "; each ofmap equals the convolution bit for bit" if choices.functional else ""
    return (
        f"{result.network}, batch {result.batch}, on {result.arch}; mapping: {choices.mapping}; "
        f"all figures {result.method}{checked}\n"
        f"weights {data.weights}, activations {data.activations}: {data.detail}\n"
    )


def _table(result: NetworkResult, choices: RunChoices, width: int | None) -> str:
    rows = [*(layer.to_dict() for layer in result.layers), {"name": "total", **result.total()}]
    names = Column(heading=("layer", f"({result.method})"), cells=tuple(row["name"] for row in rows), is_text=True)
    columns = [names, _mapping_column(result.layers), *_figures(rows), *_energies(rows, choices.energy_unit)]
    return render(columns, totals=1, width=width)


def _figures(rows: list[Row]) -> list[Column]:
    def figure(name: tuple[str, ...], value: Callable[[Row], float], decimals: int | None = None) -> Column:
        return number_column(name, [value(row) for row in rows], decimals=decimals)

    return [
        figure(("MACs", "[M]"), lambda row: row["macs"] / _MILLION),
        figure(("non-zero", "MACs [%]"), lambda row: 100 * row["nonzero_macs"] / row["macs"], 1),
        figure(("gated", "[%]"), lambda row: 100 * row["gated_macs"] / row["macs"], 1),
        figure(("processing", "[ms]"), lambda row: row["processing_ms"]),
        figure(("total", "[ms]"), lambda row: row["total_ms"]),
        figure(("active", "[PEs]"), lambda row: row["active_pes"], 1),
        figure(("utilization", "[%]"), lambda row: 100 * row["utilization"], 1),
        figure(("GLB", "[MB]"), lambda row: row["glb_bytes"] / _MILLION),
        figure(("DRAM", "[MB]"), lambda row: row["dram_bytes"] / _MILLION),
    ]


def _energies(rows: list[Row], unit: str) -> list[Column]:
    unit_heading = "[M MAC]" if unit == _ONE_MAC else f"[M {unit}]"
    return [
        number_column((label, "energy", unit_heading), [row["energy"][part] / _MILLION for row in rows])
        for part, label in _ENERGY_PARTS
    ]


def _mapping_column(layers: tuple[LayerResult, ...]) -> Column:
    """The mapping's letters as a heading and, under each, its value; g only where some layer uses it."""
    mappings = [layer.mapping.to_dict() for layer in layers]
    letters = [letter for letter in mappings[0] if letter != "g" or any(mapping["g"] > 1 for mapping in mappings)]
    widths = {letter: max(len(str(mapping[letter])) for mapping in mappings) for letter in letters}
    cells = [" ".join(str(mapping[letter]).rjust(widths[letter]) for letter in letters) for mapping in mappings]
    heading = " ".join(letter.rjust(widths[letter]) for letter in letters)
    return Column(heading=("mapping [-]", heading), cells=(*cells, ""), is_text=True)


def _pe_cycles(result: NetworkResult) -> str:
    cycles = result.total()["pe_cycles"]
    everything = sum(cycles.values())
    shares = [
        f"{state.value.replace('_', ' ')} {100 * cycles[state.value] / everything:.1f} %"
        for state in PeState
        if cycles[state.value]
    ]
    return f"PE-cycles, {result.layers[0].pes} PEs over the total time ({result.method}): {', '.join(shares)}\n"


def _energy(choices: RunChoices) -> str:
    where = f"{choices.energy_table} is" if choices.energy_table else f"`picojoule arch show {choices.arch}` prints"
    return (
        f"energy = counts x table, in millions of its unit, {choices.energy_unit}; "
        f"{where} the table, -o DIR writes the counts\n"
    )
