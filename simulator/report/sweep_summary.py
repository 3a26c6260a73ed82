"""What a person reads after a sweep: the front, point by point, and why some points have no figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.report.verdict import millions_of

_MILLION = 1e6
_MOST_POINTS = 40
_MOST_REASONS = 10
_WORDS = ("network", "arch", "batch", "bits")

Row = Mapping[str, Any]


def sweep_summary(found: Mapping[str, Any], width: int | None = None) -> str:
    """The text of what `picojoule sweep --json` prints, ending in a newline; lines of at most `width` characters."""
    front = found["front"]
    above = (
        f"{found['points']:,} points, all figures {found['method']}; {len(front):,} on the front of "
        f"{', '.join(found['objectives'])}: no other point of the same network beats them in all at once\n"
    )
    parts = [wrapped(above, width)]
    if front:
        parts.append(render(_columns(front[:_MOST_POINTS], found), width=width))
    parts.append(wrapped(_notes(found), width))
    return "\n".join(parts)


def _columns(front: Sequence[Row], found: Mapping[str, Any]) -> list[Column]:
    millions = f"[{millions_of(found['energy_unit'])}"
    varied = [name for name in front[0] if name in found["varied"]]
    return [
        number_column(("point",), [row["point"] for row in front], decimals=0),
        *(_text(name, [row[name] for row in front]) for name in varied),
        number_column(("energy", millions, "an image]"), [row["energy_per_image"] / _MILLION for row in front]),
        number_column(("time", "[ms", "an image]"), [row["ms_per_image"] for row in front]),
        number_column(("area proxy", "[kB]"), [row["area_kb"] for row in front], decimals=1),
        number_column(("utilization", "[%]"), [100 * row["utilization"] for row in front], decimals=1),
    ]


def _text(name: str, values: Sequence[object]) -> Column:
    """A field of the accelerator in two lines, at its last dot."""
    part, _, last = name.rpartition(".")
    heading = (f"{part}.", last) if part else (name,)
    return Column(heading=heading, cells=tuple(str(value) for value in values), is_text=name in _WORDS)


def _notes(found: Mapping[str, Any]) -> str:
    beyond = len(found["front"]) - _MOST_POINTS
    more = [f"note: {beyond:,} more points on the front are in front.csv"] if beyond > 0 else []
    reasons = Counter(failure["reason"] for failure in found["failures"])
    first = {failure["reason"]: failure["point"] for failure in reversed(found["failures"])}
    for reason, count in reasons.most_common(_MOST_REASONS):
        whose = f"point {first[reason]}" if count == 1 else f"{count:,} points, the first {first[reason]}"
        more.append(f"failed: {whose}: {reason}")
    if len(reasons) > _MOST_REASONS:
        more.append(f"failed: {len(reasons) - _MOST_REASONS:,} more reasons are in points.csv")
    more.append(f"area proxy = {found['area']}, in kB of GLB storage; nobody has laid these machines out")
    return "".join(f"{line}\n" for line in more)
