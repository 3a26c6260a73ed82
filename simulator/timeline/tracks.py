"""The tracks of a timeline, by their number in the file, and how they are named and nested."""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple


class Track(IntEnum):
    """Numbers are track_uuids of the file; PE row i is PE_ROWS + 1 + i."""

    RUN = 1
    LAYERS = 2
    DRAM = 3
    GLB = 4
    GLB_IFMAP = 5
    GLB_PSUM_READ = 6
    GLB_PSUM_WRITE = 7
    GLB_FILTER = 8
    NOC = 9
    GIN_IFMAP = 10
    GIN_FILTER = 11
    GIN_PSUM = 12
    GON = 13
    ENERGY = 14
    ENERGY_MAC = 15
    ENERGY_SPAD = 16
    ENERGY_NOC = 17
    ENERGY_GLB = 18
    ENERGY_DRAM = 19
    OCCUPANCY = 20
    IFMAP_WORDS = 21
    PSUM_WORDS = 22
    FILTER_WORDS = 23
    ISSUING = 24
    PE_ROWS = 32


class Described(NamedTuple):
    """unit: of a counter; None for a track of slices, or one that only groups."""

    track: int
    name: str
    parent: int | None
    unit: str | None = None


def described_tracks(run: str, energy_unit: str, pe_rows: int) -> Iterator[Described]:
    """All tracks in the order in which they are shown; `run` names the whole."""
    yield Described(Track.RUN, run, None)
    for track, name, parent in _SLICES:
        yield Described(track, name, parent)
    yield Described(Track.ISSUING, "PEs that issue a MAC", Track.PE_ROWS, "PEs")
    for row in range(pe_rows):
        yield Described(Track.PE_ROWS + 1 + row, f"row {row}", Track.PE_ROWS)
    yield Described(Track.ENERGY, "energy per cycle", Track.RUN)
    for track, name in _ENERGIES:
        yield Described(track, name, Track.ENERGY, f"{energy_unit} / cycle")
    yield Described(Track.OCCUPANCY, "words held", Track.RUN)
    for track, name in _OCCUPANCIES:
        yield Described(track, name, Track.OCCUPANCY, "words")


_SLICES = (
    (Track.LAYERS, "layers and passes", Track.RUN),
    (Track.DRAM, "DRAM link", Track.RUN),
    (Track.GLB, "GLB", Track.RUN),
    (Track.GLB_IFMAP, "ifmap banks", Track.GLB),
    (Track.GLB_PSUM_READ, "psum banks, read", Track.GLB),
    (Track.GLB_PSUM_WRITE, "psum banks, write", Track.GLB),
    (Track.GLB_FILTER, "filter buffer", Track.GLB),
    (Track.NOC, "NoC", Track.RUN),
    (Track.GIN_IFMAP, "GIN, ifmap", Track.NOC),
    (Track.GIN_FILTER, "GIN, filter", Track.NOC),
    (Track.GIN_PSUM, "GIN, psum", Track.NOC),
    (Track.GON, "GON", Track.NOC),
    (Track.PE_ROWS, "PE rows", Track.RUN),
)
_ENERGIES = (
    (Track.ENERGY_MAC, "MAC"),
    (Track.ENERGY_SPAD, "spad"),
    (Track.ENERGY_NOC, "NoC"),
    (Track.ENERGY_GLB, "GLB"),
    (Track.ENERGY_DRAM, "DRAM"),
)
_OCCUPANCIES = (
    (Track.IFMAP_WORDS, "GLB: ifmap"),
    (Track.PSUM_WORDS, "GLB: psum"),
    (Track.FILTER_WORDS, "filter buffer"),
)
