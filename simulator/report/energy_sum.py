"""A layer's energy as a sum that can be redone by hand: what is counted, times what it costs, term by term."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.counts import MEANING, Access, Level, Tensor
from simulator.energy import energy_per_mac
from simulator.report.count_formulas import formula_of, formula_of_macs, reuse_text
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import LayerResult
from simulator.spec.accelerator import Accelerator, Gate
from simulator.spec.layer import Layer

MAC = "mac"
_ONE_MAC = "one 16-bit MAC"
_MAC_MEANING = "a multiply-accumulate that no zero stops"
_LABELS = {Level.SPAD: "spad", Level.NOC: "NoC", Level.GLB: "GLB", Level.DRAM: "DRAM"}
_STOPPED_BY = {
    Gate.ZERO_IFMAP: "a zero ifmap word (padding is one)",
    Gate.ZERO_FILTER: "a zero filter word",
    Gate.ZERO_EITHER: "a zero ifmap word (padding is one) or a zero filter word",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One row of the sum.

    name     the access, or "mac"
    count    words; of the MACs, those that are done
    bits     what moves; None for MACs
    cost     of a 16-bit word or of a MAC, in the table's unit; 0 for an access that the machine does not charge
    source   where the cost is from, or why nothing is charged
    energy   in the table's unit: bits / 16 x cost, or count x cost
    meaning  what one count is
    formula  where the count comes from, in the papers' letters and the words of simulator/mapping/reuse.py
    """

    name: str
    count: int
    bits: int | None
    cost: float
    source: str
    energy: float
    is_charged: bool
    meaning: str
    formula: str


def terms_of(result: LayerResult, accelerator: Accelerator) -> tuple[Term, ...]:
    """A row for each access of the layer, in the order of its counts, and one for its MACs."""
    counts = result.counts
    mac = Term(
        name=MAC,
        count=counts.macs - counts.gated_macs,
        bits=None,
        cost=energy_per_mac(result.layer, accelerator),
        source=accelerator.energy.mac.source + _mac_width(result.layer),
        energy=result.energy.mac,
        is_charged=True,
        meaning=_MAC_MEANING,
        formula=formula_of_macs(accelerator.gating),
    )
    return (*(_term(access, result, accelerator) for access in counts.words), mac)


def sum_text(result: LayerResult, layer: Layer, accelerator: Accelerator, width: int | None) -> str:
    """The rows; where costs are from; the same by level and tensor; what each row counts, and where its count comes
    from. `layer` as it runs: folded where it must."""
    terms, unit = terms_of(result, accelerator), unit_of(accelerator)
    below = "".join((*_prices(terms, accelerator), *_coded(terms, result), *_zeros(result, accelerator)))
    by_level = f"The same energies by level and tensor [{unit}] (analytic):\n"
    counts = "What each row counts:\n" + "".join(f"  {term.name} = {term.formula}: {term.meaning}\n" for term in terms)
    parts = (
        render(_columns(terms, unit), width=width),
        wrapped(below, width),
        wrapped(by_level, width),
        render(_matrix(result), totals=1, width=width),
        reuse_text(layer, result.mapping, width),
        wrapped(counts, width),
    )
    return "\n".join(parts)


def unit_of(accelerator: Accelerator) -> str:
    """The energy table's unit as it stands in a heading."""
    unit = accelerator.energy.unit
    return "MAC" if unit == _ONE_MAC else unit


def _term(access: Access, result: LayerResult, accelerator: Accelerator) -> Term:
    cost, is_charged = accelerator.energy.cost_of(access), access not in accelerator.charges.free
    return Term(
        name=str(access),
        count=result.counts.words[access],
        bits=result.counts.bits[access],
        cost=cost.per_access if is_charged else 0.0,
        source=cost.source if is_charged else f"not charged: {accelerator.charges.why}",
        energy=result.energy.of_access[access],
        is_charged=is_charged,
        meaning=MEANING[access],
        formula=formula_of(access, accelerator.gating),
    )


def _columns(terms: Sequence[Term], unit: str) -> list[Column]:
    return [
        Column(heading=("access", "(analytic)"), cells=tuple(term.name for term in terms), is_text=True),
        Column(heading=("count", "[words, MACs]"), cells=tuple(f"{term.count:,}" for term in terms)),
        Column(
            heading=("moves", "[bits]"), cells=tuple("" if term.bits is None else f"{term.bits:,}" for term in terms)
        ),
        Column(heading=("cost of", "16 bits", f"[{unit}]"), cells=tuple(f"{term.cost:g}" for term in terms)),
        Column(heading=("= energy", f"[{unit}]"), cells=_cells([term.energy for term in terms])),
    ]


def _cells(values: Sequence[float]) -> tuple[str, ...]:
    """In full, up to four decimals, their points one below the other."""
    wholes, fractions = zip(*(f"{value:,.4f}".split(".") for value in values), strict=True)
    shown = [fraction.rstrip("0") for fraction in fractions]
    most = max(map(len, shown))
    ends = [f".{fraction}" if fraction else "" for fraction in shown]
    return tuple(whole + end.ljust(most + bool(most)) for whole, end in zip(wholes, ends, strict=True))


def _prices(terms: Sequence[Term], accelerator: Accelerator) -> Iterator[str]:
    """Each cost once: of a level, of the accesses that have their own, of what is not charged."""
    yield f"energy = bits / 16 x cost, for MACs count x cost; the table's unit is {accelerator.energy.unit}:\n"
    costs: dict[tuple[str, float], list[str]] = {}
    for term in terms:
        costs.setdefault((term.source, term.cost), []).append(term.name)
    for (source, cost), names in costs.items():
        yield f"  {cost:g} for {_who(names, terms)}: {source}\n"


def _who(names: Sequence[str], terms: Sequence[Term]) -> str:
    """A level's accesses by the level's name, if all that the layer has are meant."""
    if names[0] == MAC:
        return "a MAC"
    level = names[0].split(".")[0]
    of_level = [term.name for term in terms if term.name.startswith(f"{level}.")]
    return f"every {_LABELS[Level(level)]} access" if of_level == names else ", ".join(names)


def _coded(terms: Sequence[Term], result: LayerResult) -> Iterator[str]:
    """What of DRAM moves other bits than its words have, being coded."""
    layer = result.layer
    width = {Tensor.IFMAP: layer.ifmap_bits, Tensor.FILTER: layer.filter_bits, Tensor.PSUM: layer.ifmap_bits}
    found = [
        f"{term.name} {term.bits / term.count:.2f} bits a word in place of {width[tensor]}"
        for tensor in Tensor
        for term in terms
        if term.name.startswith(f"{Level.DRAM}.{tensor}.") and term.bits not in (None, term.count * width[tensor])
    ]
    if found:
        yield f"coded as they move, padded to whole link words: {'; '.join(found)}\n"


def _zeros(result: LayerResult, accelerator: Accelerator) -> Iterator[str]:
    """What zeros stop on the machine, and how many MACs that leaves."""
    gating, counts = accelerator.gating, result.counts
    for gate, by_what in _STOPPED_BY.items():
        stopped = [name.replace("_", " ") for name in type(gating).model_fields if getattr(gating, name) is gate]
        if stopped:
            yield f"{by_what} stops: {', '.join(stopped)}\n"
    yield (
        f"MACs: {counts.macs:,} in all, {counts.gated_macs:,} stopped, {counts.macs - counts.gated_macs:,} done; "
        f"{counts.nonzero_macs:,} have no zero operand\n"
    )


def _mac_width(layer: Layer) -> str:
    widths = f"{layer.ifmap_bits} x {layer.filter_bits}"
    return "" if widths == "16 x 16" else f"; its operands have {widths} bits: x {widths} / 256"


def _matrix(result: LayerResult) -> list[Column]:
    """Energy of each level and tensor, with sums of both, and shares of the total."""
    energy = result.energy
    columns = [[*(_energy(result, level, tensor) for level in _LABELS), energy.of_tensor(tensor)] for tensor in Tensor]
    by_level = [energy.mac, *(energy.of_level(level) for level in _LABELS), energy.total]
    return [
        Column(heading=("level",), cells=("MAC", *_LABELS.values(), "total"), is_text=True),
        *(Column(heading=(tensor,), cells=("", *_cells(of))) for tensor, of in zip(Tensor, columns, strict=True)),
        Column(heading=("total",), cells=_cells(by_level)),
        number_column(("[%]",), [100 * part / energy.total for part in by_level], decimals=1, joined=True),
    ]


def _energy(result: LayerResult, level: Level, tensor: Tensor) -> float:
    of_access = result.energy.of_access
    return sum(of_access[access] for access in of_access if access.level is level and access.tensor is tensor)
