"""Of what a round may lose, which part is whose? By energy, or by what each loses, and saves, when pruned alone.

A round prunes several units, each a layer, or the channels that some layers read. Where what a unit loses and saves has
been measured at several depths, the same price for the energy saved by all is least loss for the round: of the lower
convex hulls of the units' points, the steepest segments first, until the loss is spent. That adds up what units lose
alone, as if they did not meet. They do: so shares are all that is taken from it, and how deep a unit goes is searched
with the others as they are by then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Shares(StrEnum):
    """How layers share what a round may lose.

    ENERGY    by their energy: the most expensive may lose the most
    MEASURED  by what each is found to lose, and to save, when it alone is pruned to several depths
    """

    ENERGY = "energy"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Of a unit pruned alone to some depth: accuracy (or what stands for it) lost, 0 to 1, and energy saved."""

    loss: float
    saved: float


NOTHING = Point(loss=0.0, saved=0.0)


def measured_curve(numbers: Sequence[int], measured: Callable[[int], Point], most_lost: float) -> tuple[Point, ...]:
    """Points of every other of the numbers a unit may keep, the most first, until more than so much is lost."""
    found = []
    for keep in numbers[1::2]:
        found.append(measured(keep))
        if found[-1].loss > most_lost:
            break
    return tuple(found)


def equal_price(curves: Mapping[str, Sequence[Point]], loss: float) -> dict[str, float]:
    """What each unit may lose so that all together save most for a loss of so much. What is left when all have gone as
    far as was measured goes to all, in the same proportions.

    A unit that saves nothing may lose nothing; where all are so, they share alike.
    """
    given = dict.fromkeys(curves, 0.0)
    left = loss
    segments = sorted(
        (segment for name, curve in curves.items() for segment in _segments(name, curve)), key=lambda each: each.price
    )  # a hull's own get dearer, and sorting keeps the order of equals
    for segment in segments:
        spent = min(segment.loss, left)
        given[segment.name] += spent
        left -= spent
    total = sum(given.values())
    if total == 0:
        saving = [name for name, curve in curves.items() if any(point.saved > 0 for point in curve)] or list(curves)
        return {name: loss / len(saving) if name in saving else 0.0 for name in curves}
    return {name: each * loss / total for name, each in given.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """Of a unit's hull; price: what it loses for the energy that it saves."""

    name: str
    loss: float
    price: float


def _segments(name: str, curve: Iterable[Point]) -> Iterator[_Segment]:
    for start, end in pairwise(_hull([NOTHING, *curve])):
        lost = end.loss - start.loss
        yield _Segment(name=name, loss=lost, price=lost / (end.saved - start.saved))


def _hull(points: Sequence[Point]) -> list[Point]:
    """The lower convex hull of points from NOTHING on, to what saves most. What seems better than nothing, by chance,
    loses nothing."""
    hull: list[Point] = []
    for point in sorted(points, key=lambda each: (each.saved, each.loss)):
        here = Point(loss=max(0.0, point.loss), saved=point.saved)
        if here.saved < 0 or (hull and here.saved == hull[-1].saved):
            continue
        while len(hull) > 1 and _is_above(hull[-1], hull[-2], here):
            hull.pop()
        hull.append(here)
    return hull


def _is_above(point: Point, before: Point, after: Point) -> bool:
    """Or on the line between the other two."""
    rise, run = after.loss - before.loss, after.saved - before.saved
    return (point.loss - before.loss) * run >= rise * (point.saved - before.saved)
