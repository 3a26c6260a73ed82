"""Is a file what Perfetto's own schema takes it for, and as the small reader of these tests reads it?"""

from pathlib import Path
from typing import Any

import pytest

from simulator.timeline.window import Window
from simulator.timeline.write import write_timeline
from tests.timeline.test_conservation import small_run
from tests.timeline.trace_reader import read_trace


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result, workload, machine = small_run()
    path = tmp_path_factory.mktemp("timeline") / "run.pftrace"
    write_timeline(path, result, workload, machine, Window(first=10, end=900))
    return path


def test_perfetto_s_schema_knows_every_field(file: Path) -> None:
    """Parsed by the messages that the `perfetto` package generates from its schema: nothing is unknown to them."""
    schema: Any = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    unknown: Any = pytest.importorskip("google.protobuf.unknown_fields")
    trace = schema.Trace()
    trace.ParseFromString(file.read_bytes())
    assert len(trace.packet) > 1000
    for packet in trace.packet:
        for message in messages_in(packet):
            assert len(unknown.UnknownFieldSet(message)) == 0, message
    kinds = {packet.track_event.type for packet in trace.packet if packet.HasField("track_event")}
    assert kinds == {
        schema.TrackEvent.TYPE_SLICE_BEGIN,
        schema.TrackEvent.TYPE_SLICE_END,
        schema.TrackEvent.TYPE_COUNTER,
    }
    first = trace.packet[0]
    assert first.sequence_flags == schema.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    assert [name.name for name in first.interned_data.event_names] == ["send", "read", "write", "issue"]


def messages_in(message: Any) -> list[Any]:
    """The message and all inside it."""
    inner = [value for field, value in message.ListFields() if field.message_type]
    each = [one for value in inner for one in (value if hasattr(value, "__len__") else [value])]
    return [message, *(deeper for one in each for deeper in messages_in(one))]


def test_tracks_are_named_nested_and_have_units(file: Path) -> None:
    trace = read_trace(file)
    paths = list(trace.paths.values())
    assert paths[0] == "drawn, batch 1, on eyeriss-v1; 1 ns is 1 cycle at 200 MHz"
    assert all(path.startswith(paths[0]) for path in paths)
    inside = [path.partition("/")[2] for path in paths[1:]]
    assert inside[:4] == ["layers and passes", "DRAM link", "GLB", "GLB/ifmap banks"]
    assert [path for path in inside if path.startswith("PE rows/row")] == [f"PE rows/row {row}" for row in range(12)]
    units = {path.partition("/")[2]: unit for path, unit in trace.units.items()}
    assert units["energy per cycle/DRAM"] == "one 16-bit MAC / cycle"
    assert units["words held/filter buffer"] == "words"
    assert units.keys() == trace.counters.keys()


def test_nothing_is_outside_the_window(file: Path) -> None:
    trace = read_trace(file)
    times = [time for slices in trace.slices.values() for one in slices for time in (one.begin, one.end)]
    times += [time for values in trace.counters.values() for time, _ in values]
    assert (min(times), max(times)) == (10, 900)


def test_the_same_run_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    result, workload, machine = small_run()
    write_timeline(tmp_path / "again", result, workload, machine, Window(first=10, end=900))
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_pass_says_what_it_works_on(file: Path) -> None:
    first = next(one for one in read_trace(file).slices["layers and passes"] if one.name == "pass")
    assert first.notes == {
        "pass": 1, "images": "0–0", "groups": "0–0", "channels": "0–1", "filters": "0–2", "ofmap rows": "0–4", "PEs": 30
    }  # fmt: skip
