"""A layer and its mapping in words and letters: what is computed, what stays where, and what of each store is used."""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from simulator.counts import Action, Level, Tensor
from simulator.mapping.usage import PassShape, Room, pass_shapes, rooms
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer
from simulator.spec.tensors import Densities

_MOST_SHAPES = 6


def layer_text(layer: Layer, densities: Densities, width: int | None) -> str:
    """Shape, MACs and tensors."""
    groups = (
        f"  G = {layer.G} groups, each of M/G = {layer.M // layer.G} filters on C/G = {layer.C // layer.G} channels\n"
    )
    prose = (
        f"  batch N = {layer.N}, C = {layer.C} channels of H x W = {layer.H} x {layer.W}, "
        f"M = {layer.M} filters of R x S = {layer.R} x {layer.S}, {_stride_and_padding(layer)}\n"
        f"{groups if layer.G > 1 else ''}"
        f"  ofmaps E x F = {layer.E} x {layer.F}{', an FC layer' if layer.is_fc else ''}\n"
        f"  N*M*E*F*C/G*R*S = {layer.macs:,} MACs, those on padding included\n"
    )
    return wrapped(prose, width) + "\n" + render(_tensor_columns(layer, densities), width=width)


def mapping_text(result: LayerResult, layer: Layer, accelerator: Accelerator, width: int | None) -> str:
    """Each parameter with what it does, the passes, and the stores. `layer` as it runs: folded where it must."""
    folded = (
        f"  runs folded (DEVIATIONS 12): filters of {layer.R} x {layer.S} on C = {layer.C} channels, "
        f"ifmaps of {layer.H} x {layer.W}, their padding stored\n"
    )
    parameters = "".join(f"  {line}\n" for line in _parameters(result, layer, accelerator))
    prose = (folded if result.is_folded else "") + parameters + _dram_times(result, layer)
    used = rooms(result.mapping, layer, accelerator)
    return f"{wrapped(prose, width)}\n{_passes(result, layer, width)}\n{render(_room_columns(used), width=width)}"


def tensor_rows(layer: Layer, densities: Densities) -> list[dict[str, Any]]:
    """Each tensor's shape, words, bits of a word and density."""
    return [
        {"tensor": name, "shape": list(shape), "words": prod(shape), "bits_per_word": bits, "density": density}
        for name, shape, bits, density in (
            ("ifmap", layer.ifmap_shape, layer.ifmap_bits, densities.ifmap),
            ("filter", layer.filter_shape, layer.filter_bits, densities.filters),
            ("ofmap", layer.ofmap_shape, layer.ifmap_bits, densities.ofmap),
        )
    ]


def _stride_and_padding(layer: Layer) -> str:
    stride = f"stride U = {layer.U}" if layer.U == layer.V else f"strides U = {layer.U} down and V = {layer.V} across"
    top, left, bottom, right = layer.padding
    if not any(layer.padding):
        return f"{stride}, no padding"
    if len(set(layer.padding)) == 1:
        return f"{stride}, padding {top} on every side"
    return f"{stride}, padding {top} above, {left} left, {bottom} below, {right} right"


def _tensor_columns(layer: Layer, densities: Densities) -> list[Column]:
    rows = tensor_rows(layer, densities)
    return [
        Column(heading=("tensor",), cells=tuple(row["tensor"] for row in rows), is_text=True),
        Column(heading=("shape",), cells=tuple(" x ".join(map(str, row["shape"])) for row in rows), is_text=True),
        Column(heading=("words",), cells=tuple(f"{row['words']:,}" for row in rows)),
        Column(heading=("a word", "[bits]"), cells=tuple(str(row["bits_per_word"]) for row in rows)),
        number_column(("not zero", "[%]"), [100 * row["density"] for row in rows], decimals=2),
    ]


def _parameters(result: LayerResult, layer: Layer, accelerator: Accelerator) -> Iterator[str]:
    mapping, in_group = result.mapping, " of a group" if layer.G > 1 else ""
    m, n, e, p, q, r, t = (getattr(mapping, letter) for letter in "mnepqrt")
    yield (
        f"m = {_of(m, layer.M // layer.G)} ofmap channels{in_group}: their psums stay in the GLB until all channels "
        f"are in{_turns(m, layer.M // layer.G)}"
    )
    yield f"n = {_of(n, layer.N)} images in a pass, which share its filters{_turns(n, layer.N)}"
    yield f"e = {_of(e, layer.E)} ofmap rows at once, the width of a PE set{_strips(e, layer, accelerator)}"
    yield f"p = {_count(p, 'filter')} interleaved in each PE, which keeps a psum for each"
    yield f"q = {_count(q, 'channel')} interleaved in each PE, whose products it adds up"
    yield (
        f"r = {_count(r, 'PE set')} on different channels: psums go up from set to set; "
        f"q*r = {q * r} of {layer.C // layer.G} channels{in_group} a pass"
    )
    yield (
        f"t = {_count(t, 'PE set')} on different filters: they share ifmap words; "
        f"p*t = {p * t} of m = {m} filters a pass"
    )
    if layer.G > 1:
        yield f"g = {_of(mapping.g, layer.G)} groups at once{_turns(mapping.g, layer.G)}"


def _strips(e: int, layer: Layer, accelerator: Accelerator) -> str:
    columns = accelerator.pe_array.columns
    segments = f", in {-(-e // columns)} segments of the array's {columns} columns" if e > columns else ""
    halo = f", each but the first reading {layer.R - layer.U} rows again" if e < layer.E and layer.R > layer.U else ""
    return segments + _turns(e, layer.E) + halo


def _dram_times(result: LayerResult, layer: Layer) -> str:
    """How often each word comes over the DRAM link: what reuse in the GLB leaves."""
    counts = result.counts
    ifmap, filters = (
        counts.of(Level.DRAM, tensor, Action.READ) / prod(shape)
        for tensor, shape in ((Tensor.IFMAP, layer.ifmap_shape), (Tensor.FILTER, layer.filter_shape))
    )
    return (
        f"  so each ifmap word comes from DRAM {_times(ifmap)}, each filter word {_times(filters)}; each ofmap word "
        "leaves once\n"
    )


def _passes(result: LayerResult, layer: Layer, width: int | None) -> str:
    shapes = pass_shapes(layer, result.mapping).most_common()
    shown, others = shapes[:_MOST_SHAPES], shapes[_MOST_SHAPES:]
    kinds = f"of {len(shapes)} kinds, most frequent first" if len(shapes) > 1 else "all alike"
    above = (
        f"{_count(result.passes, 'pass', 'passes')}, {kinds}; the fullest has {result.active_pes} of {result.pes} PEs "
        "at work:\n"
    )
    rest = f"and {sum(times for _, times in others):,} passes of {len(others)} other kinds\n" if others else ""
    return wrapped(above, width) + "\n" + render(_pass_columns(shown, layer), width=width) + rest


def _pass_columns(shapes: Sequence[tuple[PassShape, int]], layer: Layer) -> list[Column]:
    def column(heading: tuple[str, ...], cell: Callable[[PassShape], str]) -> Column:
        return Column(heading=heading, cells=tuple(cell(shape) for shape, _ in shapes))

    return [
        Column(heading=("passes",), cells=tuple(f"{times:,}" for _, times in shapes)),
        column(("images", "n"), lambda shape: str(shape.images)),
        column(("groups", "g"), lambda shape: str(shape.groups)),
        column(("ofmap rows", "e"), lambda shape: str(shape.rows)),
        column(("channels", "r x q"), lambda shape: "{} x {}".format(*shape.channels)),
        column(("filters", "t x p"), lambda shape: "{} x {}".format(*shape.filters)),
        column(("at work", "[PEs]"), lambda shape: str(_pes(shape, layer))),
    ]


def _pes(shape: PassShape, layer: Layer) -> int:
    """R x e PEs in each set."""
    return shape.groups * shape.channels[0] * shape.filters[0] * layer.R * shape.rows


def _room_columns(used: Sequence[Room]) -> list[Column]:
    return [
        Column(heading=("store",), cells=tuple(room.store for room in used), is_text=True),
        Column(heading=("holds",), cells=tuple(room.formula for room in used), is_text=True),
        Column(heading=("used",), cells=tuple(f"{room.used:,}" for room in used)),
        Column(heading=("of",), cells=tuple(f"{room.capacity:,}" for room in used), joined=True),
        Column(heading=("",), cells=tuple(room.unit for room in used), is_text=True, joined=True),
        number_column(("[%]",), [100 * room.used / room.capacity for room in used], decimals=1, joined=True),
    ]


def _of(value: int, whole: int) -> str:
    return f"all {whole}" if value == whole > 1 else f"{value} of {whole}"


def _turns(size: int, whole: int) -> str:
    turns = -(-whole // size)
    return f"; {turns} turns" if turns > 1 else ""


def _times(mean: float) -> str:
    if mean == int(mean):
        return "once" if mean == 1 else f"{mean:.0f} times"
    return f"{mean:.2f} times on average"


def _count(number: int, thing: str, things: str = "") -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
