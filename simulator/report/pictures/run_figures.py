"""The figures of one simulation or estimate: energy, cycles, traffic, and the array of one layer."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import cast

from simulator.errors import SpecError
from simulator.report.pictures.array_layout import Block, sets
from simulator.report.pictures.figure_data import (
    BOTH_AXES,
    Absent,
    ArrayPicture,
    Bars,
    Column,
    Figure,
    FigureData,
    Guide,
    Point,
    Points,
    Row,
    Series,
)
from simulator.report.pictures.stored_runs import NO_MACHINE, StoredRun
from simulator.report.pictures.style import LEVEL_FILL, STATE_FILL, TENSOR_FILL
from simulator.report.pictures.tables import TableRow
from simulator.report.run_reader import LEVELS, TENSORS
from simulator.report.verdict import millions_of, shown
from simulator.results import PeState
from simulator.spec.accelerator import Accelerator

MILLIONTH = 1e-6
ARRAY_FIGURES = ("utilization", "mapping")
"""Those of one layer."""
MOST_SETS = 2048
"""More would not be told apart in a picture; a page with the array of each layer stays of a size to be sent."""
SET_COLUMNS = (
    Column(name="row"),
    Column(name="rows", unit="PEs"),
    Column(name="column"),
    Column(name="columns", unit="PEs"),
    *(Column(name=name) for name in ("group", "filter_set", "channel_set")),
    *(Column(name=name) for name in ("first_filter_row", "first_ofmap_row", "filters", "channels")),
)
"""Where PEs are and what they hold in the layer's first pass; all numbers from 0."""
WORK_COLUMNS = (Column(name="mac_slots", unit="cycles of each PE"), Column(name="share", unit="of processing cycles"))


def run_figures(run: StoredRun) -> tuple[Figure, ...]:
    """All but those of one layer."""
    return _energy_by_level(run), _energy_by_tensor(run), _pe_states(run), _roofline(run)


def array_figures(run: StoredRun, layer: str) -> tuple[Figure, ...]:
    """How much each PE works, and what it holds. Raises SpecError if the folder contradicts itself."""
    titles = (f"{layer}: how much of the time each PE works", f"{layer}: what each PE holds")
    row = next(row for row in run.layers if row["name"] == layer)
    sets_at_once = prod(int(row[f"mapping.{letter}"]) for letter in "rtg")
    if run.machine is None or sets_at_once > MOST_SETS:
        reason = (
            NO_MACHINE if run.machine is None else f"{sets_at_once:,} PE sets are more than the {MOST_SETS:,} drawn"
        )
        pairs = zip(ARRAY_FIGURES, titles, strict=True)
        return tuple(Absent(name=name, title=title, reason=reason) for name, title in pairs)
    accelerator, found = run.machine.accelerator, run.blocks_of(layer)
    captions = _array_captions(run, row, accelerator)
    held = tuple(_held(block, row) for block in sets(found))
    at_work = tuple((*_held(block, row), *_work(block, row)) for block in found)
    tables = ((*SET_COLUMNS, *WORK_COLUMNS), at_work), (SET_COLUMNS, held)
    array = accelerator.pe_array
    return tuple(
        FigureData(
            name=name,
            title=title,
            caption=caption,
            origin=run.origin,
            columns=columns,
            rows=rows,
            drawing=ArrayPicture(rows=array.rows, columns=array.columns, is_mapping=name == "mapping"),
        )
        for name, title, caption, (columns, rows) in zip(ARRAY_FIGURES, titles, captions, tables, strict=True)
    )


def layer_of(run: StoredRun, name: str | None) -> str:
    """The layer of that name, or the first. Raises SpecError."""
    names = [row["name"] for row in run.layers]
    if name is None:
        return names[0]
    if name not in names:
        raise SpecError(f"{run.folder}: no layer {name!r}; its layers: {', '.join(names)}")
    return name


def _energy_by_level(run: StoredRun) -> FigureData:
    series = tuple(Series(column=level, name=shown(level), fill=LEVEL_FILL[level]) for level in LEVELS)
    return _energy(run, "energy-by-level", "Energy by layer and level", "energy", series)


def _energy_by_tensor(run: StoredRun) -> FigureData:
    series = tuple(Series(column=tensor, name=shown(tensor), fill=TENSOR_FILL[tensor]) for tensor in TENSORS)
    return _energy(run, "energy-by-tensor", "Energy by layer and tensor", "energy_by_tensor", series)


def _energy(run: StoredRun, name: str, title: str, prefix: str, series: tuple[Series, ...]) -> FigureData:
    unit = run.compared.energy_unit
    parts = [run.layer_numbers(f"{prefix}.{one.column}") for one in series]
    names = [row["name"] for row in run.layers]
    return FigureData(
        name=name,
        title=title,
        caption=f"Energy of the whole batch in {millions_of(unit)}, {run.origin}: counts × table. Unit: {unit}.",
        origin=run.origin,
        columns=(Column(name="layer"), *(Column(name=one.column, unit=unit) for one in series)),
        rows=tuple(zip(names, *parts, strict=True)),
        drawing=Bars(label="layer", series=series, axis=f"energy [{millions_of(unit)}]", scale=MILLIONTH),
    )


def _pe_states(run: StoredRun) -> FigureData:
    states = [state.value for state in PeState]
    series = tuple(Series(column=state, name=state.replace("_", " "), fill=STATE_FILL[state]) for state in states)
    parts = [run.layer_numbers(f"pe_cycles.{state}") for state in states]
    names = [row["name"] for row in run.layers]
    return FigureData(
        name="pe-states",
        title="What the PEs do, and what they wait for",
        caption=f"PE-cycles of each layer's total time, each bar to 100 %, {run.origin}. Active: a MAC slot is issued, "
        "gated or not.",
        origin=run.origin,
        columns=(Column(name="layer"), *(Column(name=state, unit="PE-cycles") for state in states)),
        rows=tuple(zip(names, *parts, strict=True)),
        drawing=Bars(label="layer", series=series, axis="share of PE-cycles [%]", arrangement="shares"),
    )


def _roofline(run: StoredRun) -> Figure:
    title = "Traffic against the roof"
    if run.machine is None:
        return Absent(name="roofline", title=title, reason=NO_MACHINE)
    rows = tuple(_roofline_rows(run))
    return FigureData(
        name="roofline",
        title=title,
        caption="MACs a cycle of each layer's total time against MACs for each byte over the DRAM link, as moved "
        f"(coded where the machine codes), {run.origin}. No layer can be above the roof: the PEs, and what the link "
        "brings. A layer below it waits in turns for both, or uses few PEs.",
        origin=run.origin,
        columns=(
            Column(name="layer"),
            Column(name="macs", unit="MACs"),
            Column(name="total_cycles", unit="core cycles"),
            Column(name="dram_bytes", unit="bytes"),
            Column(name="macs_per_dram_byte", unit="MACs/byte"),
            Column(name="macs_per_cycle", unit="MACs/core cycle"),
            Column(name="kind"),
        ),
        rows=rows,
        drawing=Points(
            x="macs_per_dram_byte",
            y="macs_per_cycle",
            x_axis="MACs a DRAM byte",
            y_axis="MACs a core cycle",
            label="layer",
            group="kind",
            logarithmic=BOTH_AXES,
            guides=_roof(run.machine.accelerator, [cast(float, row[4]) for row in rows]),
        ),
    )


def _roofline_rows(run: StoredRun) -> Iterator[Row]:
    shapes = run.machine.shapes if run.machine else {}
    amounts = (run.layer_numbers(name) for name in ("macs", "total_cycles", "dram_bytes"))
    for row, macs, cycles, dram in zip(run.layers, *amounts, strict=True):
        kind = "FC" if shapes[row["name"]].is_fc else "CONV"
        yield row["name"], macs, cycles, dram, macs / dram, macs / cycles, kind


def _roof(accelerator: Accelerator, intensities: Sequence[float]) -> tuple[Guide, ...]:
    """From half the least to twice the greatest intensity, the corner included."""
    dram, clock, pes = accelerator.dram, accelerator.clock, accelerator.pes
    bytes_per_cycle = dram.bits / 8 * dram.clock_mhz / clock.core_mhz
    corner = pes / bytes_per_cycle
    left, right = min(*intensities, corner) / 2, max(*intensities, corner) * 2
    link: tuple[Point, Point] = ((left, left * bytes_per_cycle), (corner, float(pes)))
    return (
        Guide(name=f"DRAM link, {bytes_per_cycle:.3g} bytes a core cycle", points=link),
        Guide(name=f"{pes} PEs, a MAC a cycle each", points=((corner, float(pes)), (right, float(pes)))),
    )


def _held(block: Block, row: TableRow) -> Row:
    filters, channels = (
        _span(block.filter_set, int(row["mapping.p"])),
        _span(block.channel_set, int(row["mapping.q"])),
    )
    where = (block.row, block.rows, block.column, block.columns)
    return *where, block.group, block.filter_set, block.channel_set, 0, block.ofmap_row, filters, channels


def _work(block: Block, row: TableRow) -> Row:
    return block.mac_slots, block.mac_slots / int(row["processing_cycles"])


def _span(number: int, size: int) -> str:
    """Which of the pass's filters or channels a set holds, from 0."""
    first = number * size
    return str(first) if size == 1 else f"{first}–{first + size - 1}"


def _array_captions(run: StoredRun, row: TableRow, accelerator: Accelerator) -> tuple[str, str]:
    letters = " ".join(f"{letter}={row[f'mapping.{letter}']}" for letter in "mnepqrtg")
    array = f"{accelerator.pe_array.rows} × {accelerator.pe_array.columns} PEs"
    busy = 100 * float(row["utilization"])
    placed = "Which sets run together is the mapping's; where they stand is drawn from the top left."
    work = (
        f"{array}; share of the layer's processing cycles in which each PE issues a MAC slot, in %, {run.origin}; "
        f"{busy:.1f} % over the whole array. Empty: no pass uses it. {placed}"
    )
    held = (
        f"{array}; first pass, mapping {letters} ({run.origin}). In a PE: filter row, ofmap row of the strip. On a "
        f"set: its filters (f) and channels (c) of the pass. Psums go up. {placed}"
    )
    return work, held
