"""Which mapping of a layer costs least? Branch and bound over all that fit; what a mapping costs is the caller's.

Nodes are partial.py's: first e, n, g, q and r are chosen, then (where every m is tried, the groups of m and) p, t and
m, each time only where the objective's bound still allows a better mapping than the best so far.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from simulator.errors import MappingError
from simulator.mapping.fits import words_held
from simulator.mapping.partial import (
    Ints,
    PartialMappings,
    counted,
    most_stacks,
    partial_mappings,
    sizes,
    up_to,
    with_every_t,
    with_groups,
    with_m,
    with_p,
)
from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.accelerator import Accelerator
from simulator.spec.layer import Layer

Floats = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]
_FIRST_NODES = 32
"""Expanded before any other: the best of them leave little to try."""
_BLOCK = 1 << 13  # mappings costed at a time: their arrays stay in a core's cache
_EQUAL = 1e-12
"""Costs within this share are one cost: sums of floats, rounded in different orders."""


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

    def __getitem__(self, chosen: slice | Chosen | Ints) -> "MappingGrid":
        return MappingGrid(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def mapping(self, index: int) -> RowStationaryMapping:
        return RowStationaryMapping(**{field.name: int(getattr(self, field.name)[index]) for field in fields(self)})

    @property
    def pes(self) -> Ints:
        """Proportional to the PEs at work: r*t*g*e."""
        return self.r * self.t * self.g * self.e


class Sizes(StrEnum):
    """Which sizes are worth trying.

    Of e, n and g, but for ALL: for each count of pieces that the ofmap rows, images and groups can be cut into, the
    smallest; a larger one takes room and saves nothing (but see _strip_heights). Of p, q, t and m:

    COUNTED  the cost depends on them by counts of passes, sets and groups alone, as raw words' energy does. So: the
             smallest q for each count of full and other sets on channels; the largest t; no m below the largest
             multiple of p*t, which has the fewest passes and sets there are, and no more groups than a smaller m
    EVERY    all of them
    ALL      all of them, and of e, n and g too: what the pieces that remain are like matters
    LARGEST  every q; the largest t; the largest m, and the largest multiples of p and of p*t
    """

    COUNTED = "counted"
    EVERY = "every"
    ALL = "all"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a mapping costs, and what no completion of a partial mapping costs less than (zeros, if nothing better is
    known). Both give float64 of the length of what they are asked about.

    within: what is found may cost so much more than the least, as a share of it. Mappings hidden behind the DRAM link
    differ by less than a bound can tell, and are too many to try.
    """

    cost_of: Callable[[Layer, MappingGrid, Accelerator], Floats]
    bound_of: Callable[[Layer, PartialMappings, Accelerator], Floats]
    sizes: Sizes
    within: float = 0.0


def find_mapping(layer: Layer, accelerator: Accelerator, objective: Objective) -> RowStationaryMapping:
    """The mapping of least cost, or one within objective.within of it; if that is 0, of equals the one with most PEs at
    work, and of those the first in the order of search. Raises MappingError if none fits.

    Sizes says which sizes are searched. Nothing else is left out: tests compare with all mappings there are.
    """
    search = _Search(layer=layer, accelerator=accelerator, objective=objective)
    nodes, bounds = search.nodes(every_q=objective.sizes is not Sizes.COUNTED)
    return search.best(nodes, bounds).mapping


def mappings_within(
    layer: Layer, accelerator: Accelerator, objective: Objective, share: float, most: int = 1000
) -> list[tuple[RowStationaryMapping, float]]:
    """Mappings that cost at most (1 + share) times what find_mapping's does, cheapest first, with their costs: the
    cheapest `most`.

    Of e, n and g the sizes that find_mapping searches, of p, q, r, t and m every one: an FC layer has millions within a
    hundredth, alike but for m. Raises MappingError if none fits.
    """
    search = _Search(layer=layer, accelerator=accelerator, objective=objective)
    nodes, bounds = search.nodes(every_q=True)
    within = _Within(most, search.best(nodes, bounds).cost * (1 + share) * (1 + _EQUAL))
    search.try_every_m(nodes[np.argsort(bounds, kind="stable")], within, every_t=True)
    return within.cheapest()


class _Best:
    """The best mapping so far."""

    def __init__(self, within: float) -> None:
        self._within = within
        self.cost, self.pes = np.inf, 0
        self.mapping = RowStationaryMapping(m=1, n=1, e=1, p=1, q=1, r=1, t=1)

    def allows(self, partial: PartialMappings, bounds: Floats) -> Chosen:
        """Which may hold a mapping that costs less, or the same with more PEs at work."""
        if self._within:
            return bounds < self.cost / (1 + self._within)
        cheaper = bounds < self.cost * (1 - _EQUAL)
        return cheaper | ((bounds <= self.cost * (1 + _EQUAL)) & (partial.most_pes > self.pes))

    def add(self, grid: MappingGrid, costs: Floats) -> None:
        equals = np.flatnonzero(costs <= min(costs.min(), self.cost) * (1 + _EQUAL))
        if not len(equals):
            return
        index = int(equals[np.argmax(grid.pes[equals])])
        cost, pes = float(costs[index]), int(grid.pes[index])
        if cost < self.cost * (1 - _EQUAL) or pes > self.pes:
            self.cost, self.pes, self.mapping = cost, pes, grid.mapping(index)


class _Within:
    """The cheapest so many mappings of those that cost no more than something."""

    def __init__(self, most: int, cost: float) -> None:
        self._most, self._cost = most, cost
        self._found: list[tuple[MappingGrid, Floats]] = []

    def allows(self, _: PartialMappings, bounds: Floats) -> Chosen:
        return bounds <= self._cost

    def add(self, grid: MappingGrid, costs: Floats) -> None:
        chosen = costs <= self._cost
        self._found.append((grid[chosen], costs[chosen]))
        if sum(len(each) for _, each in self._found) > 2 * self._most:
            grid, costs = self._sorted()
            self._found, self._cost = [(grid, costs)], float(costs[-1])

    def cheapest(self) -> list[tuple[RowStationaryMapping, float]]:
        if not self._found:
            return []
        grid, costs = self._sorted()
        return [(grid.mapping(index), cost) for index, cost in enumerate(costs.tolist())]

    def _sorted(self) -> tuple[MappingGrid, Floats]:
        grids, costs = zip(*self._found, strict=True)
        together = np.concatenate(costs)
        order = np.argsort(together, kind="stable")[: self._most]
        return _joined(grids)[order], together[order]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    layer: Layer
    accelerator: Accelerator
    objective: Objective

    def nodes(self, *, every_q: bool) -> tuple[PartialMappings, Floats]:
        """All partial mappings and their bounds. Raises MappingError if there is none."""
        nodes = partial_mappings(self.layer, self.accelerator, self._tiles(), every_q=every_q)
        if not len(nodes):
            raise MappingError(
                f"{self.layer.name}: no mapping fits {self.accelerator.name}: "
                f"{_what_is_too_small(self.layer, self.accelerator)}"
            )
        return nodes, self._bounds(nodes)

    def _tiles(self) -> tuple[Ints, Ints, Ints]:
        """e, n and g that are worth trying."""
        layer, most_groups = self.layer, most_stacks(self.layer, self.accelerator)
        if self.objective.sizes is Sizes.ALL:
            return up_to(min(layer.E, most_groups)), up_to(layer.N), up_to(min(layer.G, most_groups))
        heights = np.array(_strip_heights(layer, self.accelerator, self.objective), np.int64)
        return heights, sizes(layer.N, layer.N), sizes(layer.G, most_groups)

    def best(self, nodes: PartialMappings, bounds: Floats) -> _Best:
        """Of the sizes that the objective asks for. The first nodes' best leaves few others to try."""
        best = _Best(self.objective.within)
        self._try_largest(nodes[np.argpartition(bounds, min(_FIRST_NODES, len(nodes) - 1))[:_FIRST_NODES]], best)
        left = np.flatnonzero(best.allows(nodes, bounds))
        left = left[np.argsort(bounds[left], kind="stable")]
        for block in _blocks(left, nodes.most_p[left]):
            self._try_largest(nodes[block[best.allows(nodes[block], bounds[block])]], best)
        if self.objective.sizes is not Sizes.LARGEST:
            left = left[best.allows(nodes[left], bounds[left])]
            self.try_every_m(nodes[left], best, every_t=self.objective.sizes is not Sizes.COUNTED)
        return best

    def try_every_m(self, nodes: PartialMappings, kept: _Best | _Within, *, every_t: bool) -> None:
        """Every p, and with the largest t no m below the largest multiple of p*t, or with every t every m."""
        if every_t:
            nodes = self._allowed(with_groups(nodes, self.layer), kept)
        for block in _blocks(np.arange(len(nodes)), nodes.most_p):
            pairs = self._allowed(with_p(nodes[block], self.layer), kept)
            if not every_t:
                whole = pairs.most_m // pairs.most_filters * pairs.most_filters
                self._try_m(replace(pairs, least_t=pairs.most_t, least_m=whole), kept)
                continue
            for some in _blocks(np.arange(len(pairs)), pairs.most_t):
                self._try_m(self._allowed(with_every_t(pairs[some], self.layer), kept), kept)

    def _try_m(self, chosen: PartialMappings, kept: _Best | _Within) -> None:
        """p and t chosen: every m that is left."""
        counts = chosen.most_m - chosen.least_m + 1
        for block in _blocks(np.arange(len(chosen)), counts):
            some = np.repeat(block, counts[block])
            m = chosen.least_m[some] + counted(counts[block])
            self._try(_grid(self._allowed(with_m(chosen[some], self.layer, m), kept)), kept)

    def _try_largest(self, nodes: PartialMappings, best: _Best) -> None:
        """Every p with the largest t and three m."""
        self._try(_largest(self._allowed(with_p(nodes, self.layer), best)), best)

    def _try(self, grid: MappingGrid, kept: _Best | _Within) -> None:
        if len(grid):
            kept.add(grid, self.objective.cost_of(self.layer, grid, self.accelerator))

    def _allowed(self, partial: PartialMappings, kept: _Best | _Within) -> PartialMappings:
        return partial[kept.allows(partial, self._bounds(partial))]

    def _bounds(self, partial: PartialMappings) -> Floats:
        """Made safe against rounding."""
        return self.objective.bound_of(self.layer, partial, self.accelerator) * (1 - _EQUAL)


def _grid(partial: PartialMappings) -> MappingGrid:
    """All chosen as large as they may be."""
    n, e, q, r, g = partial.n, partial.e, partial.q, partial.r, partial.g
    return MappingGrid(m=partial.most_m, n=n, e=e, p=partial.most_p, q=q, r=r, t=partial.most_t, g=g)


def _largest(pairs: PartialMappings) -> MappingGrid:
    """p and t chosen: each with the most m, and where that is less, with whole p and whole p*t."""
    most, p, filters = pairs.most_m, pairs.most_p, pairs.most_filters
    whole_p, whole_filters = most // p * p, most // filters * filters
    every = np.arange(len(pairs))
    fewer_p, fewer_filters = every[whole_p < most], every[whole_filters < whole_p]
    grid = _grid(pairs[np.concatenate([every, fewer_p, fewer_filters])])
    return replace(grid, m=np.concatenate([most, whole_p[fewer_p], whole_filters[fewer_filters]]))


def _joined(grids: Sequence[MappingGrid]) -> MappingGrid:
    names = [field.name for field in fields(MappingGrid)]
    return MappingGrid(**{name: np.concatenate([getattr(grid, name) for grid in grids]) for name in names})


def _blocks(items: Ints, counts: Ints) -> Iterator[Ints]:
    """The items in order, cut where their counts reach a block."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(items):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        yield items[start:stop]
        start = stop


def _strip_heights(layer: Layer, accelerator: Accelerator, objective: Objective) -> list[int]:
    """For each count of strips, the smallest e, and every larger one that can cost less than each before it.

    Strips of other heights can code better, by the pad at the end of a stream. What that saves is linear in the loads
    of an ifmap tile and in the passes that read it: what saves nothing with one of both, with one load and a pass for
    every filter, nor with a load and a pass for every filter, never does.
    """
    filters = layer.M // layer.G
    heights = up_to(min(layer.E, most_stacks(layer, accelerator)))
    ones, all_filters = np.ones_like(heights), np.full_like(heights, filters)
    costs = np.stack(
        [
            objective.cost_of(
                layer, MappingGrid(m=m, n=ones, e=heights, p=p, q=ones, r=ones, t=ones, g=ones), accelerator
            )
            for m, p in ((all_filters, all_filters), (all_filters, ones), (ones, ones))
        ]
    )
    chosen: list[int] = []
    for strips in np.split(heights, np.flatnonzero(np.diff(-(-layer.E // heights))) + 1):
        kept: list[int] = []
        for e in strips.tolist():
            if not any((costs[:, other - 1] <= costs[:, e - 1]).all() for other in kept):
                kept.append(e)
        chosen += kept
    return chosen


def _what_is_too_small(layer: Layer, accelerator: Accelerator) -> str:
    """Why not even one channel, filter, image and ofmap row fit."""
    glb = accelerator.glb
    buffer_words = words_held(glb.filter_buffer_words, layer.filter_bits)
    if layer.R > accelerator.pe_array.rows:
        return f"R = {layer.R} filter rows exceed the array's {accelerator.pe_array.rows}; fold the filter first"
    if layer.R * layer.S > buffer_words:
        return (
            f"one {layer.R}x{layer.S} filter exceeds the {buffer_words}-word filter buffer; "
            "enlarge glb.filter_buffer_words"
        )
    return (
        f"for one channel, filter and ofmap row, the {layer.R}x{layer.padded_width} ifmap tile and {layer.F} psums "
        f"exceed the GLB (banks = {glb.banks}, bank_words = {glb.bank_words}); enlarge it"
    )
