"""How often does a mapping send, store and bring again? The numbers between a layer's letters and its access counts.

Written as plainly as it can be: a person multiplies these. The closed form of the analytic model, which is made for
speed, must give the same, a test holds.
"""

from dataclasses import dataclass, field

from simulator.mapping.passes import chunks, strips
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """Whole numbers, each with what it is. A map is one channel of one image; a remainder's passes and sets count."""

    loads: int = field(
        metadata={"is": "times that an ifmap tile comes from DRAM: for each m ofmap channels, once where it stays"}
    )
    image_groups: int = field(metadata={"is": "N/n, rounded up"})
    strips: int = field(metadata={"is": "E/e, rounded up"})
    filter_passes: int = field(metadata={"is": "passes on different filters, for the same channels of a group"})
    filter_sets: int = field(metadata={"is": "PE sets at work in those, with up to p filters each"})
    channel_passes: int = field(metadata={"is": "passes on different channels, for the same filters of a group"})
    channel_sets: int = field(metadata={"is": "PE sets at work in those, with up to q channels each"})
    stored: int = field(metadata={"is": "ifmap words of a map that all strips store, halo rows again"})
    sent: int = field(metadata={"is": "ifmap words of a map that all strips send into the array"})
    taken: int = field(metadata={"is": "ifmap words, padding included, that a PE takes for one ofmap row of a map"})


def reuse(layer: Layer, mapping: RowStationaryMapping) -> Reuse:
    """Of the layer as it runs: folded where its filters need it."""
    filters, ofmap_groups = layer.M // layer.G, -(-layer.M // layer.G // mapping.m)
    of_filters = [
        chunk
        for start in range(0, filters, mapping.m)
        for chunk in chunks(range(start, min(start + mapping.m, filters)), mapping.p, mapping.t)
    ]
    of_channels = chunks(range(layer.C // layer.G), mapping.q, mapping.r)
    rows = strips(layer, mapping)
    stays = len(rows) == len(of_channels) == 1  # the whole ifmap of these images is one tile: no other replaces it
    return Reuse(
        loads=1 if stays else ofmap_groups,
        image_groups=-(-layer.N // mapping.n),
        strips=len(rows),
        filter_passes=len(of_filters),
        filter_sets=sum(chunk.sets for chunk in of_filters),
        channel_passes=len(of_channels),
        channel_sets=sum(chunk.sets for chunk in of_channels),
        stored=sum(len(_spanned(strip, layer)) for strip in rows) * layer.W,
        sent=sum(len(_rows_met(strip, layer)) for strip in rows) * len(_columns_met(layer)),
        taken=layer.S + (layer.F - 1) * min(layer.S, layer.V),
    )


def _rows_met(strip: range, layer: Layer) -> set[int]:
    """Ifmap rows that are under some filter row, padding not."""
    met = {row * layer.U + tap - layer.padding[0] for row in strip for tap in range(layer.R)}
    return met & set(range(layer.H))


def _columns_met(layer: Layer) -> set[int]:
    met = {column * layer.V + tap - layer.padding[1] for column in range(layer.F) for tap in range(layer.S)}
    return met & set(range(layer.W))


def _spanned(strip: range, layer: Layer) -> range:
    """Ifmap rows from the first to the last, with those that a stride beyond R leaves out."""
    first, last = strip.start * layer.U, (strip.stop - 1) * layer.U + layer.R - 1
    return range(max(0, first - layer.padding[0]), min(layer.H, last - layer.padding[0] + 1))
