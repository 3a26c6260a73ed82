"""Which mapping of a layer costs least? Enumerates the mappings that fit; what one costs is the caller's function."""

from collections.abc import Callable, Iterator
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

    Searched are the values that waste least: for each count of pieces that a dimension can be cut into, its smallest
    size, and as many psums in the GLB as fit.
    """
    best: tuple[float, int] | None = None
    winner: RowStationaryMapping | None = None
    for grid in _fitting_mappings(layer, accelerator):
        costs = cost_of(layer, grid, accelerator)
        index = int(np.lexsort((-grid.pes, costs))[0])
        rank = (float(costs[index]), -int(grid.pes[index]))
        if best is None or rank < best:
            best, winner = rank, grid.mapping(index)
    if winner is None:
        raise MappingError(
            f"{layer.name}: no mapping fits {accelerator.name}: for one channel, filter and ofmap row, the "
            f"{layer.R}x{layer.padded_width} ifmap tile and {layer.F} psums exceed {accelerator.glb.banks} GLB banks "
            f"of {accelerator.glb.bank_words} words, or the {layer.R}x{layer.S} filter its buffer; enlarge it"
        )
    return winner


def _fitting_mappings(layer: Layer, accelerator: Accelerator) -> Iterator[MappingGrid]:
    """Every p, q, e, r, g and n that fits, in blocks, each with the m and t that it leaves room for."""
    per_pe, on_array = _in_a_pe(layer, accelerator), _on_the_array(layer, accelerator)
    images = _sizes(layer.N, layer.N)
    together = _cross(per_pe, on_array)
    _, q, _, r, _, _ = together
    together = together[:, q * r <= layer.C // layer.G]
    step = max(1, _BLOCK // len(images))
    for start in range(0, together.shape[1], step):
        grid = _with_psums_and_sets(_cross(together[:, start : start + step], images[None]), layer, accelerator)
        if len(grid):
            yield grid


def _in_a_pe(layer: Layer, accelerator: Accelerator) -> Ints:
    """(2, k): p and q that the spads hold."""
    spads = accelerator.pe.spads
    filters, channels = layer.M // layer.G, layer.C // layer.G
    p, q = _cross(_sizes(filters, filters)[None], _sizes(channels, channels)[None])
    window = q * layer.S
    if isinstance(spads, PooledSpad):
        fits = p * window + window + p <= spads.words
    else:
        fits = (window <= spads.ifmap_words) & (p * window <= spads.filter_words) & (p <= spads.psum_words)
    return np.stack([p[fits], q[fits]])


def _on_the_array(layer: Layer, accelerator: Accelerator) -> Ints:
    """(4, k): e, r, g and how many sets on different filters each of the g groups can then have."""
    rows, columns = accelerator.pe_array.rows, accelerator.pe_array.columns
    found = []
    for e in _sizes(layer.E, min(layer.E, rows // layer.R * columns)):
        for r in range(1, rows // layer.R + 1):
            stacks = sets_that_fit(int(e), r * layer.R, rows, columns)
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
    fits = t > 0
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


def _cross(left: Ints, right: Ints) -> Ints:
    """Each column of `left` on top of each column of `right`."""
    return np.concatenate([np.repeat(left, right.shape[1], axis=1), np.tile(right, (1, left.shape[1]))])
