"""A trace in Perfetto's protobuf format, written as it grows: the few messages that a timeline needs, and no more.

A protobuf message is a row of fields, each a tag (field number x 8 + kind) and a value. Kinds here: 0, a varint (7 bits
a byte, lowest first, the top bit set in all bytes but the last); 1, a 64-bit float; 2, bytes after their length. Field
numbers are those of perfetto/trace/perfetto_trace.proto. A varint may have more bytes than it needs, so slices that
come by the thousand are rows of one fixed length, and numpy fills in their times.

A slice is two packets, its begin and its end. One cycle is one of the viewer's nanoseconds.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from simulator.timeline.tracks import Described

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

NAMES = ("send", "read", "write", "issue")
"""Of slices that come by the thousand; number 1 is the first."""
NOTES = ("words", "MACs")
"""What such a slice says, numbered likewise."""

_TIME_BYTES, _TRACK_BYTES, _AMOUNT_BYTES = 7, 2, 6
_BEGIN, _END, _COUNTER = 1, 2, 4
_SEQUENCE = b"\x50\x01"  # trusted_packet_sequence_id = 1
_CLEARED, _NEEDS_STATE = 1, 2  # sequence_flags: names are declared from here on; names are used
_EXPLICIT = 3  # child_ordering


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slices:
    """Slices that come by the thousand, one element each: times, track, number of the name and of the note, amount."""

    begins: Ints
    ends: Ints
    tracks: Ints
    names: Ints
    notes: Ints
    amounts: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Slices as rows of the file, but for their times, which are those given plus the time at which it is written."""

    rows: Bytes
    begins: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.begins)


class TraceFile:
    """Writes one trace to a stream. Of slices on one track, an outer one must be written before its inner ones."""

    def __init__(self, stream: BinaryIO, tracks: Iterable[Described]) -> None:
        self._stream = stream
        self.slices = 0
        declared = [(2, NAMES), (3, NOTES)]
        names = b"".join(
            _bytes(field, _varint(1, number) + _bytes(2, name.encode()))
            for field, words in declared
            for number, name in enumerate(words, 1)
        )
        self._packet(_varint(13, _CLEARED) + _bytes(12, names))
        for rank, track in enumerate(tracks):
            self._packet(_bytes(60, _descriptor(track, rank)))

    def slice(self, track: int, name: str, times: tuple[int, int], notes: Mapping[str, int | str]) -> None:
        """One slice with whatever notes."""
        begin, end = times
        said = b"".join(_bytes(4, _bytes(10, key.encode()) + _note(value)) for key, value in notes.items())
        event = _varint(9, _BEGIN) + _varint(11, track) + _bytes(23, name.encode()) + said
        self._packet(_varint(8, begin) + _bytes(11, event))
        self._packet(_varint(8, end) + _bytes(11, _varint(9, _END) + _varint(11, track)))
        self.slices += 1

    def write(self, block: Block, at: int) -> None:
        """A block's slices, `at` cycles after the times it has."""
        _fill(block.rows, _BEGIN_TIME, block.begins + at, _TIME_BYTES)
        _fill(block.rows, _END_TIME, block.ends + at, _TIME_BYTES)
        self._stream.write(block.rows.data)
        self.slices += len(block)

    def counter(self, track: int, times: Ints, values: npt.NDArray[np.float64]) -> None:
        """A counter that takes each value at its time."""
        rows = np.tile(np.frombuffer(_COUNTER_ROW, np.uint8), (len(times), 1))
        _fill(rows, _COUNTER_TIME, times, _TIME_BYTES)
        _fill(rows, _COUNTER_TRACK, np.full(len(times), track), _TRACK_BYTES)
        rows[:, -8:] = values.astype("<f8").reshape(-1, 1).view(np.uint8)
        self._stream.write(rows.data)

    def _packet(self, content: bytes) -> None:
        self._stream.write(_bytes(1, content + _SEQUENCE))


def block_of(slices: Slices) -> Block:
    rows = np.tile(np.frombuffer(_SLICE_ROW, np.uint8), (len(slices.begins), 1))
    _fill(rows, _BEGIN_TRACK, slices.tracks, _TRACK_BYTES)
    _fill(rows, _END_TRACK, slices.tracks, _TRACK_BYTES)
    _fill(rows, _NAME, slices.names, 1)
    _fill(rows, _NOTE, slices.notes, 1)
    _fill(rows, _AMOUNT, slices.amounts, _AMOUNT_BYTES)
    return Block(rows=rows, begins=slices.begins, ends=slices.ends)


def _number(value: int, least_bytes: int = 1) -> bytes:
    """A varint of at least so many bytes."""
    digits: list[int] = []
    while value or len(digits) < least_bytes:
        digits.append(value & 0x7F)
        value >>= 7
    return bytes(digit | 0x80 for digit in digits[:-1]) + bytes(digits[-1:])


def _varint(field: int, value: int, least_bytes: int = 1) -> bytes:
    return _number(field * 8) + _number(value, least_bytes)


def _bytes(field: int, content: bytes) -> bytes:
    return _number(field * 8 + 2) + _number(len(content)) + content


def _note(value: int | str) -> bytes:
    return _varint(3, value) if isinstance(value, int) else _bytes(6, value.encode())


def _descriptor(track: Described, rank: int) -> bytes:
    content = _varint(1, track.track) + _bytes(2, track.name.encode()) + _varint(11, _EXPLICIT) + _varint(12, rank)
    if track.parent is not None:
        content += _varint(5, track.parent)
    if track.unit is not None:
        content += _bytes(8, _bytes(6, track.unit.encode()))
    return content


def _event_row(event: bytes) -> bytes:
    """A packet with room for a time, and an event."""
    packet = _varint(8, 0, _TIME_BYTES) + _SEQUENCE + _varint(13, _NEEDS_STATE) + _bytes(11, event)
    return _bytes(1, packet)


def _fill(rows: Bytes, at: int, values: Ints, count: int) -> None:
    """Varints of `count` bytes each into columns at.. of the rows."""
    for index in range(count):
        top = 0x80 if index < count - 1 else 0
        rows[:, at + index] = (values >> (7 * index)) & 0x7F | top


_TRACK_FIELD = _varint(11, 0, _TRACK_BYTES)
_SAID = _bytes(4, _varint(1, 0) + _varint(3, 0, _AMOUNT_BYTES))
_BEGIN_ROW = _event_row(_varint(9, _BEGIN) + _TRACK_FIELD + _varint(10, 0) + _SAID)
_END_ROW = _event_row(_varint(9, _END) + _TRACK_FIELD)
_COUNTER_ROW = _event_row(_varint(9, _COUNTER) + _TRACK_FIELD + _number(44 * 8 + 1) + struct.pack("<d", 0.0))
_SLICE_ROW = _BEGIN_ROW + _END_ROW

# Where the blanks are. Before the time: tag and length of the packet, tag of the time. Between it and the track:
# sequence, flags, tag and length of the event, its type, the track's tag.
_BEGIN_TIME = 3
_BEGIN_TRACK = _BEGIN_TIME + _TIME_BYTES + 9
_NAME = _BEGIN_TRACK + _TRACK_BYTES + 1
_NOTE = _NAME + 1 + 3  # tag and length of the annotation, tag of its name
_AMOUNT = _NOTE + 1 + 1
_END_TIME = len(_BEGIN_ROW) + _BEGIN_TIME
_END_TRACK = len(_BEGIN_ROW) + _BEGIN_TRACK
_COUNTER_TIME, _COUNTER_TRACK = _BEGIN_TIME, _BEGIN_TRACK
