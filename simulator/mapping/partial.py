"""Mappings of which only some parameters are chosen: what is left to choose, and how little of it any choice takes.

The search bounds many at once before it tries any. Limits are those of fits.py, over arrays.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from simulator.mapping.fits import MACHINE_WORD_BITS, words_held
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialMappings:
    """Many mappings that are chosen in part: int64 arrays of one length.

    n e q r g       chosen
    most_m most_p most_t  the largest that fit; no choice of the others leaves room for more
    most_filters    the largest p*t that fits
    least_m least_p least_t  the smallest left to choose
    least_groups    groups of m ofmap channels that the filters of a group are cut into: fewest of any choice
    least_passes    passes on different filters over all of those: fewest
    least_sets      PE sets on different filters at work in those passes: fewest
    """

    n: Ints
    e: Ints
    q: Ints
    r: Ints
    g: Ints
    most_m: Ints
    most_p: Ints
    most_t: Ints
    most_filters: Ints
    least_m: Ints
    least_p: Ints
    least_t: Ints
    least_groups: Ints
    least_passes: Ints
    least_sets: Ints

    def __len__(self) -> int:
        return len(self.n)

    def __getitem__(self, chosen: slice | npt.NDArray[np.bool_] | Ints) -> "PartialMappings":
        return PartialMappings(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @property
    def most_pes(self) -> Ints:
        """Proportional to the most PEs at work: r*t*g*e."""
        return self.r * self.most_t * self.g * self.e


def partial_mappings(
    layer: Layer, accelerator: Accelerator, tiles: tuple[Ints, Ints, Ints], *, every_q: bool
) -> PartialMappings:
    """Every choice of one of those e, n and g, and of q and r, that fits with one filter; p, t and m are left."""
    e, n, g = _crossed(*tiles)
    q, r, spad_p = _channels(layer, accelerator, every_q)
    glb, filters = accelerator.glb, layer.M // layer.G
    one_psum_row = n * g * e * layer.F
    one_channel = n * g * ((e - 1) * layer.U + layer.R) * layer.padded_width
    ifmap_banks = -(-one_channel[:, None] * (q * r) // words_held(glb.bank_words, layer.ifmap_bits))
    psum_words = (glb.banks - ifmap_banks) * words_held(glb.bank_words, layer.psum_bits)
    most_m = np.minimum(psum_words // one_psum_row[:, None], filters)
    buffer_words = words_held(glb.filter_buffer_words, layer.filter_bits)
    buffered = buffer_words // (g[:, None] * (q * r * (layer.R * layer.S)))
    stacks = _stacks(layer, accelerator, e, r) // g[:, None]
    tile, channels = np.nonzero((most_m > 0) & (buffered > 0) & (stacks > 0))
    most_m, buffered, stacks = (limit[tile, channels] for limit in (most_m, buffered, stacks))
    most_filters = np.minimum(most_m, buffered)
    most_p = np.minimum(spad_p[channels], most_filters)
    most_t = np.minimum(stacks, most_filters)
    most_filters = np.minimum(most_filters, most_p * most_t)
    ones = np.ones_like(most_m)
    return PartialMappings(
        n=n[tile],
        e=e[tile],
        q=q[channels],
        r=r[channels],
        g=g[tile],
        most_m=most_m,
        most_p=most_p,
        most_t=most_t,
        most_filters=most_filters,
        least_m=ones,
        least_p=ones,
        least_t=ones,
        least_groups=-(-filters // most_m),
        least_passes=-(-filters // most_filters),
        least_sets=-(-filters // most_p),
    )


def with_groups(partial: PartialMappings, layer: Layer) -> PartialMappings:
    """Each with every count of groups that the filters can be cut into: least and most m make just so many."""
    filters = layer.M // layer.G
    starts = sizes(filters, filters)
    first = np.searchsorted(starts, partial.least_m, side="right") - 1
    counts = np.searchsorted(starts, partial.most_m, side="right") - first
    chosen = partial[np.repeat(np.arange(len(partial)), counts)]
    at = np.repeat(first, counts) + counted(counts)
    most_m = np.minimum(np.append(starts, filters + 1)[at + 1] - 1, chosen.most_m)
    most_filters = np.minimum(chosen.most_filters, most_m)
    return replace(
        chosen,
        most_m=most_m,
        most_p=np.minimum(chosen.most_p, most_filters),
        most_t=np.minimum(chosen.most_t, most_filters),
        most_filters=most_filters,
        least_m=np.maximum(starts[at], chosen.least_m),
        least_groups=-(-filters // most_m),
    )


def with_p(partial: PartialMappings, layer: Layer) -> PartialMappings:
    """Each with every p that it leaves room for, and the largest t that leaves."""
    counts = partial.most_p
    chosen = partial[np.repeat(np.arange(len(partial)), counts)]
    p = counted(counts) + 1
    most_t = np.minimum(chosen.most_t, chosen.most_filters // p)
    return _with_p_and_t(chosen, layer, p, (np.ones_like(p), most_t))


def with_every_t(partial: PartialMappings, layer: Layer) -> PartialMappings:
    """p chosen: each with every t up to the largest."""
    counts = partial.most_t
    chosen = partial[np.repeat(np.arange(len(partial)), counts)]
    t = counted(counts) + 1
    return _with_p_and_t(chosen, layer, chosen.most_p, (t, t))


def _with_p_and_t(partial: PartialMappings, layer: Layer, p: Ints, ts: tuple[Ints, Ints]) -> PartialMappings:
    """With p, and t between two. However the filters are cut into groups of m, no fewer passes do than if they stayed
    one group, nor than each group needs."""
    filters, (least_t, most_t) = layer.M // layer.G, ts
    least_m = np.maximum(partial.least_m, p * least_t)
    of_groups = (partial.least_groups - 1) * -(-least_m // (p * most_t)) + 1
    return replace(
        partial,
        most_p=p,
        most_t=most_t,
        most_filters=p * most_t,
        least_m=least_m,
        least_p=p,
        least_t=least_t,
        least_passes=np.maximum(filter_passes(np.full(len(partial), filters), p, most_t), of_groups),
        least_sets=-(-filters // p),
    )


def with_m(partial: PartialMappings, layer: Layer, m: Ints) -> PartialMappings:
    """All chosen: what was the least is how many there are."""
    filters, p, t = layer.M // layer.G, partial.most_p, partial.most_t
    groups = -(-filters // m)
    last = filters - (groups - 1) * m
    return replace(
        partial,
        least_m=m,
        most_m=m,
        least_groups=groups,
        least_passes=(groups - 1) * filter_passes(m, p, t) + filter_passes(last, p, t),
        least_sets=(groups - 1) * -(-m // p) + -(-last // p),
    )


def filter_passes(filters: Ints, p: Ints, t: Ints) -> Ints:
    """Passes on so many filters: whole sets of p, t at a time, and one of what remains."""
    whole_sets = filters // p
    return -(-whole_sets // t) + (filters > whole_sets * p)


def counted(counts: Ints) -> Ints:
    """0, 1, … below each count, one after another."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def up_to(most: int) -> Ints:
    """1, 2, … most."""
    return np.arange(1, most + 1)


def most_stacks(layer: Layer, accelerator: Accelerator) -> int:
    """PE sets of one ofmap row that the array holds: no more ofmap rows, and no more groups, are processed at once."""
    return accelerator.pe_array.rows // layer.R * accelerator.pe_array.columns


def sizes(whole: int, most: int) -> Ints:
    """Sizes up to `most` to cut a whole into: for each count of pieces, the smallest."""
    pieces = -(-whole // np.arange(1, min(whole, most) + 1))
    smallest = np.unique(-(-whole // pieces))
    return np.asarray(smallest, np.int64)


def _channels(layer: Layer, accelerator: Accelerator, every_q: bool) -> tuple[Ints, Ints, Ints]:
    """q, r, and the most p that the spads then hold, at least 1."""
    channels = layer.C // layer.G
    most_q = min(channels, _spad_windows(layer, accelerator))
    q, r = _crossed(_sizes_of_sets(channels, most_q, every_q), np.arange(1, accelerator.pe_array.rows // layer.R + 1))
    fits = q * r <= channels
    q, r = q[fits], r[fits]
    return q, r, _most_p(layer, accelerator, q)


def _sizes_of_sets(channels: int, most_q: int, every_q: bool) -> Ints:
    """Every q, or the smallest for each count of sets that are full and that are not: others take room only."""
    q = np.arange(1, most_q + 1)
    if every_q:
        return q
    _, first = np.unique(np.stack([-(-channels // q), channels % q > 0]), axis=1, return_index=True)
    return np.sort(q[first])


def _spad_windows(layer: Layer, accelerator: Accelerator) -> int:
    """The most q that the spads hold with one filter."""
    spads = accelerator.pe.spads
    if isinstance(spads, PooledSpad):
        window_bits = layer.S * (layer.filter_bits + layer.ifmap_bits)
        return (spads.words * MACHINE_WORD_BITS - layer.psum_bits) // window_bits
    windows = words_held(spads.ifmap_words, layer.ifmap_bits), words_held(spads.filter_words, layer.filter_bits)
    return min(windows) // layer.S


def _most_p(layer: Layer, accelerator: Accelerator, q: Ints) -> Ints:
    spads, window = accelerator.pe.spads, q * layer.S
    if isinstance(spads, PooledSpad):
        left = spads.words * MACHINE_WORD_BITS - window * layer.ifmap_bits
        return left // (window * layer.filter_bits + layer.psum_bits)
    psum_words = words_held(spads.psum_words, layer.psum_bits)
    return np.minimum(words_held(spads.filter_words, layer.filter_bits) // window, psum_words)


def _stacks(layer: Layer, accelerator: Accelerator, e: Ints, r: Ints) -> Ints:
    """(e, r): sets_that_fit of each."""
    rows, columns = accelerator.pe_array.rows, accelerator.pe_array.columns
    high = rows // (r * layer.R)
    segments = -(-e // columns)
    one_row = high * (columns // e)[:, None]
    return np.where(segments[:, None] == 1, one_row, high // segments[:, None])


def _crossed(*axes: Ints) -> tuple[Ints, ...]:
    """Every choice of one from each axis."""
    return tuple(axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
