"""A part of a pass, ready to be written as often as such a pass runs: its slices, and its costs by each cycle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from native.pass_activity import PassActivity, trace_pass
from simulator.counts import Level
from simulator.energy import energy_per_bit
from simulator.hardware.pe_array import PassPlan
from simulator.hardware.tally import traffic_accesses
from simulator.spec.accelerator import Accelerator
from simulator.timeline.trace_file import NAMES, NOTES, Block, Slices, block_of
from simulator.timeline.tracks import Track

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)
_COUNTS_AT_ONCE = 1 << 22
"""Counts that the recurrence hands over at a time: 32 MB."""
_CYCLES_KEPT = 1 << 21
"""Cycles of passes whose records are kept: 120 MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassRecord:
    """Cycles first.. of a pass. Sums have one element more than cycles: element k is what has come before cycle
    first + k. `psums` is what the GLB holds more, `energy` without what depends on the words."""

    first: int
    block: Block
    energy: Mapping[Level, Floats]
    macs: Ints
    psums: Ints
    filters: Ints


class PassRecords:
    """The records of a layer's passes; passes of one plan share theirs."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._prices = {
            name: {access.level: energy_per_bit(access, accelerator) * accelerator.word_bits for access in accesses}
            for name, accesses in traffic_accesses(accelerator).items()
        }
        self._kept: dict[tuple[int, int, int], PassRecord] = {}
        self._kept_cycles = 0

    def of(self, plan: PassPlan, cycles: range) -> Iterator[PassRecord]:
        """Those cycles of a pass, in parts that memory has room for; the plan must outlive this object."""
        for part in _parts(plan, cycles):
            key = (id(plan), part.start, part.stop)
            if key not in self._kept:
                self._make_room(len(part))
                self._kept[key] = self._record(plan, part)
            yield self._kept[key]

    def _make_room(self, cycles: int) -> None:
        if self._kept_cycles + cycles > _CYCLES_KEPT:
            self._kept.clear()
            self._kept_cycles = 0
        self._kept_cycles += cycles

    def _record(self, plan: PassPlan, cycles: range) -> PassRecord:
        activity = trace_pass(plan.shape, plan.stored, cycles)
        return PassRecord(
            first=cycles.start,
            block=block_of(_slices(activity, cycles.start, has_filter_buffer=bool(self._prices["filter_sent"]))),
            energy=self._energy(activity, plan),
            macs=_sums(activity.macs.sum(axis=0)),
            psums=_sums(activity.psum_collected - activity.psum_delivered),
            filters=_sums(activity.filter_sent),
        )

    def _energy(self, activity: PassActivity, plan: PassPlan) -> Mapping[Level, Floats]:
        words = {name: getattr(activity, name) for name in self._prices if name != "filter_delivered"}
        words["filter_delivered"] = activity.filter_sent * plan.shape.e
        spent = {level: np.zeros(activity.macs.shape[1]) for level in (Level.SPAD, Level.NOC, Level.GLB)}
        for name, prices in self._prices.items():
            for level, price in prices.items():
                spent[level] += words[name] * price
        return {level: _sums(each) for level, each in spent.items()}


def changes_before(plan: PassPlan, cycles: int) -> tuple[int, int]:
    """(psums that the GLB holds more, filter words sent) after so many cycles of a pass."""
    if cycles >= plan.times.cycles:
        return plan.traffic.psum_collected - plan.traffic.psum_delivered, plan.traffic.filter_sent
    parts = [trace_pass(plan.shape, plan.stored, part) for part in _parts(plan, range(cycles))]
    psums = sum(int(part.psum_collected.sum() - part.psum_delivered.sum()) for part in parts)
    return psums, sum(int(part.filter_sent.sum()) for part in parts)


def _parts(plan: PassPlan, cycles: range) -> Iterator[range]:
    """Cut at multiples of a size that the pass alone decides."""
    size = max(1, _COUNTS_AT_ONCE // (len(PassActivity.__slots__) + plan.shape.r * plan.shape.R))
    first = cycles.start
    while first < cycles.stop:
        end = min((first // size + 1) * size, cycles.stop)
        yield range(first, end)
        first = end


def _slices(activity: PassActivity, first: int, *, has_filter_buffer: bool) -> Slices:
    tracks: list[tuple[int, str, Ints]] = [
        (Track.GIN_FILTER, "send", activity.filter_sent),
        (Track.GIN_IFMAP, "send", activity.ifmap_bus),
        (Track.GIN_PSUM, "send", activity.psum_delivered),
        (Track.GON, "send", activity.psum_collected),
        (Track.GLB_IFMAP, "read", activity.ifmap_sent),
        (Track.GLB_PSUM_READ, "read", activity.psum_delivered),
        (Track.GLB_PSUM_WRITE, "write", activity.psum_collected),
    ]
    if has_filter_buffer:
        tracks.append((Track.GLB_FILTER, "read", activity.filter_sent))
    bursts = [(track, NAMES.index(name) + 1, 1, *_bursts(counts)) for track, name, counts in tracks]
    issue, macs = NAMES.index("issue") + 1, NOTES.index("MACs") + 1
    bursts += [(Track.PE_ROWS + 1 + row, issue, macs, *_bursts(counts)) for row, counts in enumerate(activity.macs)]
    lengths = [len(burst[3]) for burst in bursts]
    track, name, note = (np.repeat(np.array([burst[at] for burst in bursts]), lengths) for at in range(3))
    begins, ends, amounts = (np.concatenate([burst[at] for burst in bursts]) for at in (3, 4, 5))
    return Slices(begins=begins + first, ends=ends + first, tracks=track, names=name, notes=note, amounts=amounts)


def _bursts(counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Runs of cycles in each of which something happens: where each begins, where it has ended, and its sum."""
    busy = np.concatenate(([0], counts != 0, [0])).astype(np.int8)
    borders = np.flatnonzero(np.diff(busy))
    sums = _sums(counts)
    begins, ends = borders[::2], borders[1::2]
    return begins, ends, sums[ends] - sums[begins]


def _sums(counts: npt.NDArray[Number]) -> npt.NDArray[Number]:
    return np.concatenate((np.zeros(1, counts.dtype), np.cumsum(counts)))
