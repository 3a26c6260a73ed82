"""The row-stationary dataflow: which processing passes a mapping cuts a layer into, and in which order.

For groups, for images n, for ofmap channels m, for strips of e ofmap rows: for channels q*r, bring the ifmap tile; for
filters p*t, run a pass. Psums stay in the GLB until all channels are in. All PEs of a pass do the same amount of work:
what remains of channels or filters after whole q*r or p*t runs in up to two smaller passes of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.mapping.row_stationary import RowStationaryMapping
from simulator.spec.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Channels or filters of one pass: `sets` PE sets with `interleaved` in each PE, from `start` on."""

    start: int
    interleaved: int
    sets: int

    @property
    def size(self) -> int:
        return self.interleaved * self.sets

    @property
    def stop(self) -> int:
        return self.start + self.size

    @property
    def slice(self) -> slice:
        return slice(self.start, self.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfmapTile:
    """Psums that are in the GLB together, and leave as ofmaps: images, groups, ofmap channels in a group, ofmap
    rows."""

    images: range
    groups: range
    ofmaps: range
    rows: range

    @property
    def where(self) -> tuple[slice, slice]:
        """Its part of an array whose first two dimensions are images and groups."""
        return slice(self.images.start, self.images.stop), slice(self.groups.start, self.groups.stop)

    @property
    def planes(self) -> int:
        return len(self.images) * len(self.groups) * len(self.ofmaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingPass:
    """The unit of work of the array: q*r channels, p*t filters, n images, e ofmap rows.

    loads_ifmap  its ifmap tile is not the one that the pass before it left in the GLB
    reads_psums  earlier channels have left psums in the GLB
    is_last      the psums of `tile` are complete after it
    """

    tile: OfmapTile
    channels: Chunk
    filters: Chunk
    loads_ifmap: bool
    is_last: bool

    @property
    def reads_psums(self) -> bool:
        return self.channels.start > 0


def processing_passes(layer: Layer, mapping: RowStationaryMapping) -> Iterator[ProcessingPass]:
    """Every pass of the layer, in order."""
    channel_chunks = chunks(range(layer.C // layer.G), mapping.q, mapping.r)
    last_channels = channel_chunks[-1]
    loaded: tuple[object, ...] = ()
    for tile in _ofmap_tiles(layer, mapping):
        filter_chunks = chunks(tile.ofmaps, mapping.p, mapping.t)
        for channels in channel_chunks:
            ifmap_tile = (tile.images, tile.groups, tile.rows, channels)
            for filters in filter_chunks:
                yield ProcessingPass(
                    tile=tile,
                    channels=channels,
                    filters=filters,
                    loads_ifmap=loaded != ifmap_tile,
                    is_last=channels is last_channels and filters is filter_chunks[-1],
                )
                loaded = ifmap_tile


def chunks(whole: range, interleaved: int, sets: int) -> tuple[Chunk, ...]:
    """Cut into passes of interleaved*sets; what remains: as many full sets as it fills, then one set of the rest."""
    full, remainder = divmod(len(whole), interleaved * sets)
    starts = range(whole.start, whole.start + full * interleaved * sets, interleaved * sets)
    cut = [Chunk(start=start, interleaved=interleaved, sets=sets) for start in starts]
    full_sets, rest = divmod(remainder, interleaved)
    if full_sets:
        cut.append(Chunk(start=whole.stop - remainder, interleaved=interleaved, sets=full_sets))
    if rest:
        cut.append(Chunk(start=whole.stop - rest, interleaved=rest, sets=1))
    return tuple(cut)


def strips(layer: Layer, mapping: RowStationaryMapping) -> tuple[range, ...]:
    """Ofmap rows that are processed together: e of them, fewer in the last."""
    return _cut(layer.E, mapping.e)


def _ofmap_tiles(layer: Layer, mapping: RowStationaryMapping) -> Iterator[OfmapTile]:
    for groups in _cut(layer.G, mapping.g):
        for images in _cut(layer.N, mapping.n):
            for ofmaps in _cut(layer.M // layer.G, mapping.m):
                for rows in strips(layer, mapping):
                    yield OfmapTile(images=images, groups=groups, ofmaps=ofmaps, rows=rows)


def _cut(total: int, size: int) -> tuple[range, ...]:
    return tuple(range(start, min(start + size, total)) for start in range(0, total, size))
