"""What does a mapping take of each store and of the array, and how many passes of which shapes does it make?

Limits are those of fits.py, the order of passes is that of passes.py; here is what a person asks of both.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from simulator.mapping.fits import (
    MACHINE_WORD_BITS,
    banks_taken,
    ifmap_tile_words,
    pass_filter_words,
    psum_tile_words,
    words_held,
)
from simulator.mapping.passes import chunks, strips
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator, PooledSpad, SeparateSpads
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a mapping takes of a store: `used` of `capacity`, both in `unit`.

    formula  of `used`, in the papers' letters; W is that of the padded ifmap
    """

    store: str
    formula: str
    used: int
    capacity: int
    unit: str = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassShape:
    """What the passes of one kind work on.

    channels, filters  PE sets on different ones, and how many are interleaved in each PE
    """

    images: int
    groups: int
    rows: int
    channels: tuple[int, int]
    filters: tuple[int, int]


def rooms(mapping: RowStationaryMapping, layer: Layer, accelerator: Accelerator) -> tuple[Room, ...]:
    """Every store, from the PE outwards, as check_fits compares them; capacities in words of the tensor they hold. A
    tensor has as many GLB banks as its tile needs. The layer is as it runs: folded where its filters need it."""
    spads = accelerator.pe.spads
    in_pe = _pooled(mapping, layer, spads) if isinstance(spads, PooledSpad) else _separate(mapping, layer, spads)
    glb = accelerator.glb
    filters = Room(
        store="filter buffer",
        formula="g*p*t*q*r*R*S",
        used=pass_filter_words(mapping, layer),
        capacity=words_held(glb.filter_buffer_words, layer.filter_bits),
    )
    ifmap_bank, psum_bank = (words_held(glb.bank_words, bits) for bits in (layer.ifmap_bits, layer.psum_bits))
    ifmap_words, psum_words = ifmap_tile_words(mapping, layer), psum_tile_words(mapping, layer)
    ifmap_banks, psum_banks = banks_taken(mapping, layer, accelerator)
    ifmaps = Room(
        store=f"GLB ifmaps, {_banks(ifmap_banks)}",
        formula="n*g*q*r*((e-1)*U+R)*W",
        used=ifmap_words,
        capacity=ifmap_banks * ifmap_bank,
    )
    psums = Room(
        store=f"GLB psums, {_banks(psum_banks)}", formula="n*g*m*e*F", used=psum_words, capacity=psum_banks * psum_bank
    )
    banks = Room(
        store="GLB",
        formula="ifmaps and psums",
        used=ifmap_banks + psum_banks,
        capacity=glb.banks,
        unit="banks",
    )
    return (*in_pe, filters, ifmaps, psums, banks)


def pass_shapes(layer: Layer, mapping: RowStationaryMapping) -> Counter[PassShape]:
    """How many of the layer's passes have each shape."""
    images, groups = _pieces(layer.N, mapping.n), _pieces(layer.G, mapping.g)
    rows = Counter(len(strip) for strip in strips(layer, mapping))
    channels = _chunks(layer.C // layer.G, mapping.q, mapping.r)
    filters: Counter[tuple[int, int]] = Counter()
    for ofmaps, times in _pieces(layer.M // layer.G, mapping.m).items():
        for chunk, passes in _chunks(ofmaps, mapping.p, mapping.t).items():
            filters[chunk] += times * passes
    return Counter(
        {
            PassShape(images=n, groups=g, rows=e, channels=inputs, filters=outputs): a * b * c * d * f
            for (n, a), (g, b), (e, c), (inputs, d), (outputs, f) in product(
                images.items(), groups.items(), rows.items(), channels.items(), filters.items()
            )
        }
    )


def _separate(mapping: RowStationaryMapping, layer: Layer, spads: SeparateSpads) -> Iterable[Room]:
    p, window = mapping.p, mapping.q * layer.S
    for store, formula, used, words, bits in (
        ("ifmap spad", "q*S", window, spads.ifmap_words, layer.ifmap_bits),
        ("filter spad", "p*q*S", p * window, spads.filter_words, layer.filter_bits),
        ("psum spad", "p", p, spads.psum_words, layer.psum_bits),
    ):
        yield Room(store=store, formula=formula, used=used, capacity=words_held(words, bits))


def _pooled(mapping: RowStationaryMapping, layer: Layer, spad: PooledSpad) -> Iterable[Room]:
    """In bits where words of its tensors differ in width."""
    p, window = mapping.p, mapping.q * layer.S
    widths = (layer.filter_bits, layer.ifmap_bits, layer.psum_bits)
    if len(set(widths)) == 1:
        used, capacity = p * window + window + p, words_held(spad.words, layer.ifmap_bits)
        yield Room(store="spad", formula="p*q*S+q*S+p", used=used, capacity=capacity)
        return
    yield Room(
        store="spad",
        formula="p*q*S*{}+q*S*{}+p*{}".format(*widths),
        used=p * window * widths[0] + window * widths[1] + p * widths[2],
        capacity=spad.words * MACHINE_WORD_BITS,
        unit="bits",
    )


def _banks(banks: int) -> str:
    return f"{banks:,} bank{'' if banks == 1 else 's'}"


def _chunks(whole: int, interleaved: int, sets: int) -> Counter[tuple[int, int]]:
    """(sets, interleaved) of the passes that channels or filters are cut into."""
    return Counter((chunk.sets, chunk.interleaved) for chunk in chunks(range(whole), interleaved, sets))


def _pieces(whole: int, size: int) -> Counter[int]:
    """Sizes of the pieces that a whole is cut into."""
    pieces = Counter({size: whole // size})
    if whole % size:
        pieces[whole % size] += 1
    return pieces
