"""A processing pass in plain Python: what every part holds when a cycle begins decides what happens in it.

Each cycle reads only the state as it was at the beginning, collects what happens, and then lets all of it happen at
once. PEs are named (group, filter set, ofmap row j, channel set, filter row i); psums go from filter row R-1 up to
row 0, and from the last filter row's PE of one channel set on to the next set.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

from native.pass_activity import PassActivity
from native.pe_array import PassShape, PassTimes, PassTraffic, PassValues, SteppedPass

Name = tuple[int, int, int, int, int]
Where = tuple[int, int, int]  # (image, column, channel) of an ifmap word
Event = Callable[[], None]


class IfmapBeat(NamedTuple):
    targets: list[Name]
    words: list[tuple[Where, int, bool]]  # with its value, and whether it is stored or padding


class PsumBeat(NamedTuple):
    image: int
    x: int
    group: int
    filter_set: int
    j: int
    filters: list[int]


@dataclass
class Pe:
    """One PE: its remaining work as a list of MAC slots, and what it holds."""

    slots: deque[tuple[int, int, int, int]]  # (image, x, word of the window, filter)
    filters: dict[tuple[int, int], int] = field(default_factory=dict)  # (word of the window, filter) -> value
    fifo: deque[tuple[Where, int]] = field(default_factory=deque)
    spad: dict[Where, int] = field(default_factory=dict)
    psums: dict[int, int] = field(default_factory=dict)
    inputs: deque[tuple[int, int]] = field(default_factory=deque)  # (first cycle it can be taken, value)


class PassOracle:
    def __init__(self, shape: PassShape, values: PassValues) -> None:
        self.shape, self.values = shape, values
        a = shape
        window = range(a.q * a.S)
        slots = list(product(range(a.n), range(a.F), window, range(a.p)))
        names = product(range(a.g), range(a.t), range(a.e), range(a.r), range(a.R))
        self.pes: dict[Name, Pe] = {name: Pe(slots=deque(slots)) for name in names}
        self.outputs: dict[tuple[int, int, int], deque[tuple[int, int]]] = {
            column: deque() for column in product(range(a.g), range(a.t), range(a.e))
        }
        self.psums = np.zeros(a.psum_block, np.int64)
        self.mac_slots = np.zeros((2, 2, 2, 2), np.int64)
        self.cycle = 0
        self.states = dict.fromkeys(("active", "ifmap_wait", "psum_in_wait", "psum_out_wait", "drain"), 0)
        self.moved = dict.fromkeys(PassTraffic.__slots__, 0)
        self.in_cycle: Counter[tuple[str, int]] = Counter()
        self.macs: Counter[tuple[int, int]] = Counter()

    def run(self) -> SteppedPass:
        filter_cycles = self.load_filters()
        ifmap, inputs, outputs = self.ifmap_beats(), self.psum_beats("in"), self.psum_beats("out")
        next_ifmap, next_input, next_output = next(ifmap, None), next(inputs, None), next(outputs, None)
        while next_output is not None:
            happens: list[Event] = []
            if next_ifmap is not None and self.can_send_ifmap(next_ifmap):
                happens.append(self.send_ifmap(next_ifmap))
                next_ifmap = next(ifmap, None)
            if next_input is not None and self.can_send_psums(next_input):
                happens.append(self.send_psums(next_input))
                next_input = next(inputs, None)
            if self.can_collect(next_output):
                happens.append(self.collect(next_output))
                next_output = next(outputs, None)
            for name in self.pes:
                happens += self.step(name)
            for event in happens:
                event()
            self.cycle += 1
        waiting = filter_cycles * len(self.pes)
        return SteppedPass(
            times=PassTimes(cycles=self.cycle, filter_cycles=filter_cycles, filter_load=waiting, **self.states),
            traffic=PassTraffic(**self.moved),
            psums=self.psums,
            mac_slots=self.mac_slots,
        )

    def move(self, name: str, words: int) -> None:
        """Words over a boundary, in this cycle."""
        self.moved[name] += words
        self.in_cycle[name, self.cycle] += words

    def activity(self, cycles: range) -> PassActivity:
        """After a run: what happened in each of these cycles."""
        names = [name for name in PassActivity.__slots__ if name != "macs"]
        rows = range(self.shape.r * self.shape.R)
        counts = {name: np.array([self.in_cycle[name, cycle] for cycle in cycles], np.int64) for name in names}
        macs = np.array([[self.macs[row, cycle] for cycle in cycles] for row in rows], np.int64)
        return PassActivity(**counts, macs=macs.reshape(len(rows), len(cycles)))

    # ---- filters, before all else: a beat a cycle, to one row of PEs ----

    def load_filters(self) -> int:
        a = self.shape
        for group, filter_set, channel_set, i in product(range(a.g), range(a.t), range(a.r), range(a.R)):
            words = list(product(range(a.q * a.S), range(a.p)))
            for beat in range(0, len(words), a.filter_beat_words):
                for w, k in words[beat : beat + a.filter_beat_words]:
                    tap, channel = divmod(w, a.q)
                    f, c = filter_set * a.p + k, channel_set * a.q + channel
                    value = int(self.values.filters[group, f, c, i, tap])
                    self.move("filter_sent", 1)
                    for j in range(a.e):
                        self.pes[group, filter_set, j, channel_set, i].filters[w, k] = value
                        self.move("filter_delivered", 1)
                self.cycle += 1
        return self.cycle

    # ---- ifmaps ----

    def ifmap_beats(self) -> Iterator[IfmapBeat]:
        """Beats in the order of the bus."""
        a = self.shape
        for image, x, y, group, channel_set in product(
            range(a.n), range(a.F), range(a.tile_rows), range(a.g), range(a.r)
        ):
            targets = [
                (group, filter_set, j, channel_set, y - j * a.U)
                for filter_set in range(a.t)
                for j in range(a.e)
                if 0 <= y - j * a.U < a.R
            ]
            if not targets:
                continue
            seen = set() if x == 0 else {(x - 1) * a.V + tap for tap in range(a.S)}
            columns = [x * a.V + tap for tap in range(a.S) if x * a.V + tap not in seen]
            top, bottom, left, right = self.values.stored
            words = [
                (
                    (image, column, channel),
                    int(self.values.ifmap[image, group, channel_set * a.q + channel, y, column]),
                    top <= y < bottom and left <= column < right,
                )
                for column in columns
                for channel in range(a.q)
            ]
            for beat in range(0, len(words), a.ifmap_beat_words):
                yield IfmapBeat(targets, words[beat : beat + a.ifmap_beat_words])

    def can_send_ifmap(self, beat: IfmapBeat) -> bool:
        targets, words = beat
        return all(len(self.pes[name].fifo) + len(words) <= self.shape.ifmap_fifo_words for name in targets)

    def send_ifmap(self, beat: IfmapBeat) -> Event:
        targets, words = beat

        def event() -> None:
            self.in_cycle["ifmap_bus", self.cycle] += len(words)
            for where, value, is_stored in words:
                self.move("ifmap_sent", is_stored)
                for name in targets:
                    self.pes[name].fifo.append((where, value))
                    self.move("ifmap_delivered", 1)

        return event

    # ---- psums ----

    def psum_beats(self, direction: str) -> Iterator[PsumBeat]:
        """Beats in the order of either bus."""
        a = self.shape
        if direction == "in" and not a.psum_in:
            return
        size = a.psum_in_beat_words if direction == "in" else a.psum_out_beat_words
        for image, x, j, group, filter_set in product(range(a.n), range(a.F), range(a.e), range(a.g), range(a.t)):
            for beat in range(0, a.p, size):
                yield PsumBeat(image, x, group, filter_set, j, list(range(beat, min(beat + size, a.p))))

    def bottom(self, group: int, filter_set: int, j: int) -> Pe:
        return self.pes[group, filter_set, j, 0, self.shape.R - 1]

    def can_send_psums(self, beat: PsumBeat) -> bool:
        _, _, group, filter_set, j, filters = beat
        return len(self.bottom(group, filter_set, j).inputs) + len(filters) <= self.shape.psum_fifo_words

    def send_psums(self, beat: PsumBeat) -> Event:
        image, x, group, filter_set, j, filters = beat
        arrival = self.cycle + 1

        def event() -> None:
            for k in filters:
                value = int(self.values.psums[image, group, filter_set * self.shape.p + k, j, x])
                self.bottom(group, filter_set, j).inputs.append((arrival, value))
                self.move("psum_delivered", 1)

        return event

    def can_collect(self, beat: PsumBeat) -> bool:
        _, _, group, filter_set, j, filters = beat
        waiting = list(self.outputs[group, filter_set, j])[: len(filters)]
        return len(waiting) == len(filters) and all(ready <= self.cycle for ready, _ in waiting)

    def collect(self, beat: PsumBeat) -> Event:
        image, x, group, filter_set, j, filters = beat

        def event() -> None:
            for k in filters:
                _, value = self.outputs[group, filter_set, j].popleft()
                self.psums[image, group, filter_set * self.shape.p + k, j, x] = value
                self.move("psum_collected", 1)

        return event

    # ---- PEs ----

    def step(self, name: Name) -> list[Event]:
        """What this PE does in this cycle: fill its spad, issue a MAC slot."""
        pe, a = self.pes[name], self.shape
        happens: list[Event] = []
        if pe.fifo and len(pe.spad) < a.ifmap_spad_words:
            happens.append(lambda: pe.spad.update([pe.fifo.popleft()]))
        state = self.blocked_by(name)
        self.states[state or "active"] += 1
        if state is None:
            happens.append(lambda: self.issue(name))
        return happens

    def above(self, name: Name) -> deque[tuple[int, int]]:
        """The FIFO that this PE's psums go to."""
        group, filter_set, j, channel_set, i = name
        if i > 0:
            return self.pes[group, filter_set, j, channel_set, i - 1].inputs
        if channel_set < self.shape.r - 1:
            return self.pes[group, filter_set, j, channel_set + 1, self.shape.R - 1].inputs
        return self.outputs[group, filter_set, j]

    def is_bottom(self, name: Name) -> bool:
        return name[3] == 0 and name[4] == self.shape.R - 1

    def where(self, slot: tuple[int, int, int, int]) -> Where:
        image, x, w, _ = slot
        tap, channel = divmod(w, self.shape.q)
        return image, x * self.shape.V + tap, channel

    def blocked_by(self, name: Name) -> str | None:
        pe, a = self.pes[name], self.shape
        if not pe.slots:
            return "drain"
        slot = pe.slots[0]
        if self.where(slot) not in pe.spad:
            return "ifmap_wait"
        if slot[2] < a.q * a.S - 1:
            return None
        if (a.psum_in or not self.is_bottom(name)) and not (pe.inputs and pe.inputs[0][0] <= self.cycle):
            return "psum_in_wait"
        return "psum_out_wait" if len(self.above(name)) == a.psum_fifo_words else None

    def issue(self, name: Name) -> None:
        pe, a = self.pes[name], self.shape
        slot = pe.slots.popleft()
        image, x, w, k = slot
        where, last = self.where(slot), a.q * a.S - 1
        word, weight = pe.spad[where], pe.filters[w, k]
        self.macs[name[3] * a.R + a.R - 1 - name[4], self.cycle] += 1
        self.mac_slots[int(w == 0), int(w == last), int(word == 0), int(weight == 0)] += 1
        pe.psums[k] = self.added(0 if w == 0 else pe.psums[k], self.cut(word * weight))
        if w == last:
            psum = pe.psums.pop(k)
            if a.psum_in or not self.is_bottom(name):
                psum = self.added(psum, pe.inputs.popleft()[1])
            self.move("psum_hops", not self.is_bottom(name))
            is_top = name[3] == a.r - 1 and name[4] == 0
            self.above(name).append((self.cycle + a.pipeline_stages + (0 if is_top else 1), psum))
        if k == a.p - 1 and not any(self.where(later) == where for later in self.next_windows(image, x)):
            del pe.spad[where]

    def next_windows(self, image: int, x: int) -> Iterator[tuple[int, int, int, int]]:
        """Slots of the image's next window: a word that is not in it is in no later one."""
        if x + 1 < self.shape.F:
            yield from ((image, x + 1, w, 0) for w in range(self.shape.q * self.shape.S))

    def cut(self, value: int) -> int:
        return value // 2**self.values.product_shift if self.values.psum_bits else value

    def added(self, left: int, right: int) -> int:
        if not self.values.psum_bits:
            return left + right
        half: int = 2 ** (self.values.psum_bits - 1)
        return int((left + right + half) % (2 * half) - half)
