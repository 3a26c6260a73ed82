"""What is counted, decided once. Simulator and closed form both return `AccessCounts`; energy is counts x table.

A count is of 16-bit words (the accelerator's `word_bits`). `words` are logical; `bits` are what moves, so they differ
from words x word_bits only where data moves coded. The sentence beside each access is its whole definition.

Conventions that no single sentence holds:
- Padding is made at the edge of the array: it costs NoC deliveries, spad writes and gated MACs, no GLB or DRAM word.
- A psum that is accumulated d times in a spad costs d - 1 reads and d - 1 writes: the first product of a window starts
  it, the last goes straight to the output FIFO. A MAC that is skipped makes none of its own spad accesses.
- Run-length coding has one stream for each channel of each image's tile as it moves (for filters: each pass's filters),
  padded to whole link words at its end; halo rows are read, and coded, again.
- The GLB's array side is `read` and `write`, its DRAM side `fill` and `dump`. Published GLB figures are the array side.
"""

import copyreg
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Level(StrEnum):
    DRAM = "dram"
    GLB = "glb"
    NOC = "noc"
    SPAD = "spad"


class Tensor(StrEnum):
    IFMAP = "ifmap"
    FILTER = "filter"
    PSUM = "psum"
    """Psums and the ofmap they become."""


class Action(StrEnum):
    READ = "read"
    WRITE = "write"
    FILL = "fill"
    DUMP = "dump"
    DELIVERY = "delivery"
    HOP = "hop"
    COLLECT = "collect"


class Access(NamedTuple):
    level: Level
    tensor: Tensor
    action: Action

    def __str__(self) -> str:
        return f"{self.level}.{self.tensor}.{self.action}"


MEANING: Mapping[Access, str] = MappingProxyType(
    {
        Access(Level.DRAM, Tensor.IFMAP, Action.READ): "an ifmap word of a tile brought to the GLB; halo rows again",
        Access(Level.DRAM, Tensor.FILTER, Action.READ): "a filter word brought for one pass",
        Access(Level.DRAM, Tensor.PSUM, Action.WRITE): "a finished ofmap word, before pooling",
        Access(Level.GLB, Tensor.IFMAP, Action.FILL): "an ifmap word written as it arrives from DRAM",
        Access(
            Level.GLB, Tensor.IFMAP, Action.READ
        ): "an ifmap word sent into the array, once a pass however many PEs take it",
        Access(Level.GLB, Tensor.FILTER, Action.FILL): "a filter word written to the filter buffer",
        Access(Level.GLB, Tensor.FILTER, Action.READ): "a filter word sent into the array, once a pass",
        Access(Level.GLB, Tensor.PSUM, Action.READ): "a psum sent into the array, in all but the first channel pass",
        Access(Level.GLB, Tensor.PSUM, Action.WRITE): "a psum coming out of the array",
        Access(Level.GLB, Tensor.PSUM, Action.DUMP): "a finished ofmap word read on its way to DRAM",
        Access(Level.NOC, Tensor.IFMAP, Action.DELIVERY): "an ifmap word, padding included, accepted by one PE",
        Access(Level.NOC, Tensor.FILTER, Action.DELIVERY): "a filter word accepted by one PE",
        Access(Level.NOC, Tensor.PSUM, Action.DELIVERY): "a psum from the GLB accepted by one PE",
        Access(Level.NOC, Tensor.PSUM, Action.HOP): "a psum passed by one PE to the next up its column",
        Access(Level.NOC, Tensor.PSUM, Action.COLLECT): "a psum taken from the top of a column to the GLB",
        Access(Level.SPAD, Tensor.IFMAP, Action.READ): "an ifmap word read for one MAC slot",
        Access(Level.SPAD, Tensor.IFMAP, Action.WRITE): "an ifmap word, padding included, stored in one PE",
        Access(Level.SPAD, Tensor.FILTER, Action.READ): "a filter word read for one MAC slot",
        Access(Level.SPAD, Tensor.FILTER, Action.WRITE): "a filter word stored in one PE",
        Access(
            Level.SPAD, Tensor.PSUM, Action.READ
        ): "a psum read to be added to: every MAC slot of a window but its first",
        Access(
            Level.SPAD, Tensor.PSUM, Action.WRITE
        ): "a psum stored after an addition: every MAC slot of a window but its last",
    }
)
"""Every access there is, and what one count of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCounts:
    """Words and bits moved by each access, with the MACs. All integers; an access that is not there moved nothing.

    macs          all multiply-accumulates of the layer, those on padding included
    nonzero_macs  those with both operands non-zero, on any machine
    gated_macs    those that this machine gates or skips
    """

    words: Mapping[Access, int]
    bits: Mapping[Access, int]
    macs: int
    nonzero_macs: int
    gated_macs: int

    def of(self, level: Level, tensor: Tensor, action: Action) -> int:
        """Words of one access."""
        return self.words.get(Access(level, tensor, action), 0)

    def moved_bits(self, level: Level, actions: Iterable[Action] = tuple(Action)) -> int:
        """Bits moved at a level by any of the actions, over all tensors."""
        wanted = frozenset(actions)
        return sum(bits for access, bits in self.bits.items() if access.level is level and access.action in wanted)

    def __add__(self, other: "AccessCounts") -> "AccessCounts":
        return AccessCounts(
            words=_sum_of(self.words, other.words),
            bits=_sum_of(self.bits, other.bits),
            macs=self.macs + other.macs,
            nonzero_macs=self.nonzero_macs + other.nonzero_macs,
            gated_macs=self.gated_macs + other.gated_macs,
        )


def _sum_of(left: Mapping[Access, int], right: Mapping[Access, int]) -> Mapping[Access, int]:
    return MappingProxyType({access: left.get(access, 0) + right.get(access, 0) for access in {**left, **right}})


def _read_only(items: dict[object, object]) -> MappingProxyType[object, object]:
    return MappingProxyType(items)


# Python does not pickle read-only mappings by itself, and worker processes send results that hold them.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))
