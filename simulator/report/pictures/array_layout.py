"""Where on the array is what? PE sets in their places, what each PE of them holds, and how long it is at work.

Simulator and closed form fix which sets run together and that they fit (mapping/fits.py), not where they stand: a pass
takes the same time and energy wherever they do. Here they stand from the array's first row and column on, stack after
stack, a stack being r PE sets above one another; a set wider than the array is cut into segments, one below the other.
Psums go up: from a set's last filter row to its first, then into the set above, on the channels that follow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.mapping.usage import PassShape, pass_shapes
from simulator.spec.accelerator import PeArray
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """PEs of one set that are at work equally often; rows and columns count from 0 at the array's top left.

    row, rows, column, columns  where it is
    group, filter_set, channel_set  which set, each from 0
    ofmap_row  in the strip, of the block's first column; each further column has the next. A set has all filter rows
    mac_slots  that each of its PEs issues for the whole layer and batch, gated or not
    """

    row: int
    rows: int
    column: int
    columns: int
    group: int
    filter_set: int
    channel_set: int
    ofmap_row: int
    mac_slots: int

    @property
    def pes(self) -> int:
        return self.rows * self.columns


def blocks(layer: Layer, mapping: RowStationaryMapping, array: PeArray) -> tuple[Block, ...]:
    """Every PE that the layer's first pass uses, which no later pass goes beyond. The layer is as it runs: folded where
    its filters need it; the mapping fits it."""
    shapes = pass_shapes(layer, mapping)
    found = []
    for group, filter_set, channel_set in product(range(mapping.g), range(mapping.t), range(mapping.r)):
        for start, stop in _parts(shapes, mapping, array):
            top, left = _place(group * mapping.t + filter_set, channel_set, start, layer, mapping, array)
            found.append(
                Block(
                    row=top,
                    rows=layer.R,
                    column=left,
                    columns=stop - start,
                    group=group,
                    filter_set=filter_set,
                    channel_set=channel_set,
                    ofmap_row=start,
                    mac_slots=_slots(shapes, layer, (group, filter_set, channel_set, start)),
                )
            )
    return tuple(found)


def sets(parts: Iterable[Block]) -> tuple[Block, ...]:
    """The same PEs with each segment of a set in one block, which has the MAC slots of its first column."""
    found: list[Block] = []
    for part in parts:
        if part.ofmap_row and found[-1].row == part.row:
            found[-1] = replace(found[-1], columns=found[-1].columns + part.columns)
        else:
            found.append(part)
    return tuple(found)


def _parts(shapes: Counter[PassShape], mapping: RowStationaryMapping, array: PeArray) -> Iterator[tuple[int, int]]:
    """The ofmap rows of a strip, cut where a segment ends and where a shorter strip does."""
    cuts = {0, mapping.e, *(shape.rows for shape in shapes), *range(0, mapping.e, array.columns)}
    return pairwise(sorted(cuts))


def _place(
    stack: int, channel_set: int, ofmap_row: int, layer: Layer, mapping: RowStationaryMapping, array: PeArray
) -> tuple[int, int]:
    """Row and column of the first PE. The first channels are at the bottom of a stack, where psums come in."""
    height = mapping.r * layer.R
    within = (mapping.r - 1 - channel_set) * layer.R
    beside = max(1, array.columns // mapping.e)
    segments = -(-mapping.e // array.columns)
    segment, column = divmod(ofmap_row, array.columns)
    down, across = divmod(stack, beside)
    return (down * segments + segment) * height + within, across * mapping.e + column


def _slots(shapes: Counter[PassShape], layer: Layer, where: tuple[int, int, int, int]) -> int:
    """All passes that reach so far, each with images x ofmap columns x window words x filters in each of its PEs."""
    group, filter_set, channel_set, ofmap_row = where
    return sum(
        times * shape.images * layer.F * shape.channels[1] * layer.S * shape.filters[1]
        for shape, times in shapes.items()
        if group < shape.groups
        and filter_set < shape.filters[0]
        and channel_set < shape.channels[0]
        and ofmap_row < shape.rows
    )
