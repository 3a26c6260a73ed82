"""A small reader of traces that shares nothing with the writer: protobuf fields to each track's slices and counters."""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

Message = dict[int, list[int | bytes]]


class Slice(NamedTuple):
    name: str
    begin: int
    end: int
    notes: dict[str, int | str]


@dataclass
class Trace:
    """Slices of each track in order of time, an outer one before its inner ones, and the counters' (time, value)."""

    slices: dict[str, list[Slice]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    paths: dict[int, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    open_slices: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def sum_of(self, track: str, note: str, name: str | None = None) -> int:
        return sum(int(one.notes[note]) for one in self.slices[track] if name in (None, one.name))

    def busy(self, track: str) -> int:
        return sum(one.end - one.begin for one in self.slices[track])

    def integral(self, track: str) -> float:
        """Value times cycles; the last value has no end and must be 0."""
        values = self.counters[track]
        assert values[-1][1] == 0
        return sum(value * (after - time) for (time, value), (after, _) in pairwise(values))


def read_trace(path: Path) -> Trace:
    trace, events = Trace(), []
    names: dict[tuple[int, int], str] = {}
    for _, packet in fields(path.read_bytes()):
        assert isinstance(packet, bytes)
        message = parsed(packet)
        assert message[10] == [1], "one sequence of packets"
        for interned in message.get(12, []):
            for kind, entry in fields(interned):
                one = parsed(entry)
                names[kind, number(one, 1)] = text(one, 2)
        for descriptor in message.get(60, []):
            describe(trace, parsed(descriptor))
        if 11 in message:
            events.append((number(message, 8), parsed(message[11][0])))
    # The viewer sorts by time and keeps the order of the file among equals.
    for time, event in sorted(events, key=lambda each: each[0]):
        put(trace, time, event, names)
    assert not any(trace.open_slices.values()), "every slice ends"
    return trace


def describe(trace: Trace, descriptor: Message) -> None:
    name = text(descriptor, 2)
    parent = trace.paths[number(descriptor, 5)] + "/" if 5 in descriptor else ""
    trace.paths[number(descriptor, 1)] = parent + name
    if 8 in descriptor:
        trace.units[parent + name] = text(parsed(descriptor[8][0]), 6)


def put(trace: Trace, time: int, event: Message, names: dict[tuple[int, int], str]) -> None:
    track = trace.paths[number(event, 11)].partition("/")[2]
    kind = number(event, 9)
    if kind == 4:
        (value,) = event[44]
        assert isinstance(value, bytes)
        trace.counters[track].append((time, struct.unpack("<d", value)[0]))
    elif kind == 1:
        name = text(event, 23) if 23 in event else names[2, number(event, 10)]
        notes = dict(note(parsed(said), names) for said in event.get(4, []))
        trace.open_slices[track].append(len(trace.slices[track]))
        trace.slices[track].append(Slice(name, time, -1, notes))
    else:
        assert kind == 2
        last = trace.open_slices[track].pop()
        trace.slices[track][last] = trace.slices[track][last]._replace(end=time)


def note(said: Message, names: dict[tuple[int, int], str]) -> tuple[str, int | str]:
    name = text(said, 10) if 10 in said else names[3, number(said, 1)]
    return name, number(said, 3) if 3 in said else text(said, 6)


def fields(content: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    assert isinstance(content, bytes)
    at = 0
    while at < len(content):
        tag, at = varint(content, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(content, at)
            yield tag >> 3, value
            continue
        assert kind in (1, 2)
        length, at = (8, at) if kind == 1 else varint(content, at)
        assert at + length <= len(content), "a field is cut off"
        yield tag >> 3, content[at : at + length]
        at += length


def parsed(content: int | bytes) -> Message:
    message: Message = defaultdict(list)
    for number_, value in fields(content):
        message[number_].append(value)
    return dict(message)


def varint(content: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def number(message: Message, which: int) -> int:
    (value,) = message[which]
    assert isinstance(value, int)
    return value


def text(message: Message, which: int) -> str:
    (value,) = message[which]
    assert isinstance(value, bytes)
    return value.decode()
