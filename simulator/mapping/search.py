"""Which mapping of a layer costs least? Enumerates the mappings that fit; what one costs is the caller's function."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from simulator.errors import MappingError
from simulator.mapping.fits import sets_that_fit
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator, PooledSpad
from simulator.spec.layer import Layer

Ints = npt.NDArray[np.int64]
_BLOCK = 1 << 12  # mappings costed at a time: their arrays stay in a core's cache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MappingGrid:
    """Many mappings at once: RowStationaryMapping's parameters as int64 arrays of one length."""

    m: Ints
    n: Ints
    e: Ints
    p: Ints
    q: Ints
    r: Ints
    t: Ints
    g: Ints

    def __len__(self) -> int:
        return len(self.m)

    def __getitem__(self, chosen: slice | npt.NDArray[np.bool_]) -> "MappingGrid":
        return MappingGrid(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def mapping(self, index: int) -> RowStationaryMapping:
        return RowStationaryMapping(**{field.name: int(getattr(self, field.name)[index]) for field in fields(self)})

    @property
    def pes(self) -> Ints:
        """Proportional to the PEs at work: r*t*g*e."""
        return self.r * self.t * self.g * self.e


CostOf = Callable[[Layer, MappingGrid, Accelerator], npt.NDArray[np.float64]]


def find_mapping(layer: Layer, accelerator: Accelerator, cost_of: CostOf) -> RowStationaryMapping:
    """The mapping of least cost; of equals, the one with most PEs at work. Raises MappingError if none fits.

    Searched are all p, q and r. Of e, n and g, for each count of pieces that the ofmap rows, images and groups can be
    cut into, the smallest size: a larger one takes room and saves nothing (but see _strip_heights). Of m and t, the
    largest that fit. A test compares with all mappings there are. Where filters move coded, another m or t can save a
    few of the pads that end their streams, which this does not look for (DEVIATIONS 20).
    """
    best: tuple[float, int] | None = None
    winner: RowStationaryMapping | None = None
    for grid in _fitting_mappings(layer, accelerator, _strip_heights(layer, accelerator, cost_of)):
        costs = cost_of(layer, grid, accelerator)
        index = int(np.lexsort((-grid.pes, costs))[0])
        rank = (float(costs[index]), -int(grid.pes[index]))
        if best is None or rank < best:
            best, winner = rank, grid.mapping(index)
    if winner is None:
        raise MappingError(
            f"{layer.name}: no mapping fits {accelerator.name}: {_what_is_too_small(layer, accelerator)}"
        )
    return winner


def _what_is_too_small(layer: Layer, accelerator: Accelerator) -> str:
    """Why not even one channel, filter, image and ofmap row fit."""
    glb = accelerator.glb
    if layer.R > accelerator.pe_array.rows:
        return f"R = {layer.R} filter rows exceed the array's {accelerator.pe_array.rows}; fold the filter first"
    if layer.R * layer.S > glb.filter_buffer_words:
        return (
            f"one {layer.R}x{layer.S} filter exceeds the {glb.filter_buffer_words}-word filter buffer; "
            "enlarge glb.filter_buffer_words"
        )
    return (
        f"for one channel, filter and ofmap row, the {layer.R}x{layer.padded_width} ifmap tile and {layer.F} psums "
        f"exceed the GLB (banks = {glb.banks}, bank_words = {glb.bank_words}); enlarge it"
    )


def _fitting_mappings(layer: Layer, accelerator: Accelerator, heights: Sequence[int]) -> Iterator[MappingGrid]:
    """Every p, q, e, r, g and n that fits, in blocks, each with the m and t that it leaves room for."""
    per_pe, on_array = _in_a_pe(layer, accelerator), _on_the_array(layer, accelerator, heights)
    images = _sizes(layer.N, layer.N)
    step = max(1, _BLOCK // max(1, on_array.shape[1] * len(images)))
    for start in range(0, per_pe.shape[1], step):
        together = _cross(per_pe[:, start : start + step], on_array)
        _, q, _, r, _, _ = together
        block = _cross(together[:, q * r <= layer.C // layer.G], images[None])
        grid = _with_psums_and_sets(block, layer, accelerator)
        if len(grid):
            yield grid


def _strip_heights(layer: Layer, accelerator: Accelerator, cost_of: CostOf) -> list[int]:
    """For each count of strips, the smallest e and every larger one that costs less.

    Strips of other heights can code better, by the pad at the end of a stream. What that saves grows with the times
    that an ifmap tile is loaded, so a height that saves nothing with one load nor with one for every filter never does.
    """
    most = min(layer.E, accelerator.pe_array.rows // layer.R * accelerator.pe_array.columns)
    heights = np.arange(1, most + 1)
    ones, filters = np.ones_like(heights), np.full_like(heights, layer.M // layer.G)
    one_load, many_loads = (
        cost_of(layer, MappingGrid(m=m, n=ones, e=heights, p=ones, q=ones, r=ones, t=ones, g=ones), accelerator)
        for m in (filters, ones)
    )
    chosen: list[int] = []
    cheapest: dict[int, tuple[float, float]] = {}
    for e, few, many in zip(heights.tolist(), one_load.tolist(), many_loads.tolist(), strict=True):
        strips = -(-layer.E // e)
        least = cheapest.get(strips, (np.inf, np.inf))
        if few < least[0] or many < least[1]:
            chosen.append(e)
        cheapest[strips] = min(few, least[0]), min(many, least[1])
    return chosen


def _in_a_pe(layer: Layer, accelerator: Accelerator) -> Ints:
    """(2, k): p and q that the spads hold."""
    spads, S = accelerator.pe.spads, layer.S
    most_p, most_q = layer.M // layer.G, layer.C // layer.G
    if isinstance(spads, PooledSpad):
        p, q = _cross(_up_to(min(most_p, spads.words)), _up_to(min(most_q, spads.words // S)))
        fits = p * q * S + q * S + p <= spads.words
    else:
        p, q = _cross(_up_to(min(most_p, spads.psum_words)), _up_to(min(most_q, spads.ifmap_words // S)))
        fits = p * q * S <= spads.filter_words
    return np.stack([p[fits], q[fits]])


def _on_the_array(layer: Layer, accelerator: Accelerator, heights: Sequence[int]) -> Ints:
    """(4, k): e, r, g and how many sets on different filters each of the g groups can then have."""
    rows, columns = accelerator.pe_array.rows, accelerator.pe_array.columns
    found = []
    for e in heights:
        for r in range(1, rows // layer.R + 1):
            stacks = sets_that_fit(e, r * layer.R, rows, columns)
            found += [(e, r, g, stacks // g) for g in _sizes(layer.G, min(stacks, layer.G))]
    return np.array(found, np.int64).reshape(-1, 4).T


def _with_psums_and_sets(block: Ints, layer: Layer, accelerator: Accelerator) -> MappingGrid:
    """The block's mappings with all psums that fit beside the ifmap tile, and all PE sets that find filters.

    More sets on filters never cost: they save passes, each of which reads the ifmap tile again. The psums are tried as
    they are, in whole p and in whole p*t, since a pass with fewer filters reads the tile as well.
    """
    p, q, e, r, g, stacks, n = block
    glb = accelerator.glb
    ifmap_words = n * g * q * r * ((e - 1) * layer.U + layer.R) * layer.padded_width
    psum_words = (glb.banks - -(-ifmap_words // glb.bank_words)) * glb.bank_words
    most = np.minimum(layer.M // layer.G, psum_words // (n * g * e * layer.F))
    buffered = glb.filter_buffer_words // (g * p * q * r * layer.R * layer.S)
    t = np.minimum(np.minimum(stacks, buffered), most // p)
    # An image more costs nothing as long as all filters' psums still fit: then fewer images need not be tried.
    everything = most == layer.M // layer.G
    more_images = np.append(everything[1:] & (n[1:] > n[:-1]), False)
    fits = (t > 0) & ~more_images
    p, q, e, r, g, n, t, most = (part[fits] for part in (p, q, e, r, g, n, t, most))
    grid = MappingGrid(m=most, n=n, e=e, p=p, q=q, r=r, t=t, g=g)
    whole_p, whole_pt = most // p * p, most // (p * t) * (p * t)
    return _joined(
        grid,
        replace(grid, m=whole_p)[whole_p < most],
        replace(grid, m=whole_pt)[whole_pt < whole_p],
    )


def _joined(*grids: MappingGrid) -> MappingGrid:
    return MappingGrid(
        **{field.name: np.concatenate([getattr(grid, field.name) for grid in grids]) for field in fields(MappingGrid)}
    )


def _sizes(whole: int, most: int) -> Ints:
    """Sizes up to `most` to cut a whole into: for each count of pieces, the smallest."""
    sizes = {-(-whole // -(-whole // size)) for size in range(1, most + 1)}
    return np.array(sorted(size for size in sizes if size <= most), np.int64)


def _up_to(most: int) -> Ints:
    """(1, most): 1, 2, …"""
    return np.arange(1, most + 1, dtype=np.int64)[None]


def _cross(left: Ints, right: Ints) -> Ints:
    """Each column of `left` on top of each column of `right`."""
    return np.concatenate([np.repeat(left, right.shape[1], axis=1), np.tile(right, (1, left.shape[1]))])
