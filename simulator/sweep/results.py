"""What did a sweep find? Every point with its figures or its reason, and which are on the front. docs/sweeps.md and
docs/reference.md define the columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.results import Method
from simulator.sweep.area import FORMULA
from simulator.sweep.evaluate import Outcome
from simulator.sweep.machine_fields import Value
from simulator.sweep.pareto import is_on_front
from simulator.sweep.points import Point
from simulator.sweep.spec_file import CHOICES, Objective, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptPoint:
    """A point and what came of it."""

    point: Point
    outcome: Outcome
    is_on_front: bool = False

    def costs(self, objectives: Sequence[Objective]) -> list[float] | None:
        """What each objective is to make small; None for a point without figures."""
        figures = self.figures()
        return None if figures is None else [float(figures[_COLUMN_OF[name]]) for name in objectives]

    def figures(self) -> dict[str, int | float] | None:
        """An image's energy and time, the area, and the network's totals for the batch."""
        totals, area = self.outcome.figures, self.point.area_kb
        if totals is None or area is None:
            return None
        images = self.point.batch
        return {
            "energy_per_image": totals["energy.total"] / images,
            "ms_per_image": totals["total_ms"] / images,
            "area_kb": area,
            **totals,
        }


_COLUMN_OF: Mapping[Objective, str] = {"energy": "energy_per_image", "latency": "ms_per_image", "area": "area_kb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """A finished sweep, its points by number."""

    spec: SweepSpec
    points: tuple[SweptPoint, ...]
    energy_unit: str

    @property
    def method(self) -> Method:
        return Method.ANALYTIC if self.spec.file.by == "estimate" else Method.SIMULATED

    @property
    def front(self) -> tuple[SweptPoint, ...]:
        return tuple(swept for swept in self.points if swept.is_on_front)

    @property
    def failures(self) -> tuple[SweptPoint, ...]:
        return tuple(swept for swept in self.points if swept.outcome.reason is not None)

    @property
    def is_whole(self) -> bool:
        """Whether the same would come of it again: no worker was lost over a point."""
        return all(swept.outcome.is_final for swept in self.points)

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict a point, all with the same keys; what a point has not is empty."""
        figures = next((found for swept in self.points if (found := swept.figures())), {})
        return [self._row(swept, list(figures)) for swept in self.points]

    def to_dict(self) -> dict[str, Any]:
        """The object that `--json` prints. JSON values only."""
        rows = self.rows()
        return {
            "method": self.method.value,
            "energy_unit": self.energy_unit,
            "area": FORMULA,
            "points": len(self.points),
            "failed": len(self.failures),
            "objectives": list(self.spec.file.front),
            "varied": list(self.spec.varied),
            "front": [row for row, swept in zip(rows, self.points, strict=True) if swept.is_on_front],
            "failures": [{"point": each.point.number, "reason": each.outcome.reason} for each in self.failures],
        }

    def _row(self, swept: SweptPoint, columns: Sequence[str]) -> dict[str, Any]:
        point, figures = swept.point, swept.figures() or {}
        return {
            "point": point.number,
            **{name: getattr(point, name) or "" for name in CHOICES},
            **{name: _cell(point.parameters.get(name, "")) for name in self.spec.varied if name not in CHOICES},
            "method": self.method.value,
            "on_front": swept.is_on_front,
            **{name: figures.get(name, "") for name in columns},
            "reason": swept.outcome.reason or "",
        }


def with_front(points: Sequence[SweptPoint], objectives: Sequence[Objective]) -> tuple[SweptPoint, ...]:
    """The points, those marked that no other of the same network beats; of points that are one machine, the first."""
    marked = {swept.point.number: swept for swept in points}
    firsts = {swept.point.task.key: swept for swept in reversed(points) if swept.point.task is not None}.values()
    for network in dict.fromkeys(swept.point.network for swept in points):
        rivals = [(swept, costs) for swept in firsts if (costs := _costs(swept, network, objectives)) is not None]
        flags = is_on_front([costs for _, costs in rivals])
        for (swept, _), flag in zip(rivals, flags, strict=True):
            marked[swept.point.number] = replace(swept, is_on_front=bool(flag))
    return tuple(marked[number] for number in sorted(marked))


def _costs(swept: SweptPoint, network: str, objectives: Sequence[Objective]) -> list[float] | None:
    return swept.costs(objectives) if swept.point.network == network else None


def _cell(value: Value) -> Value:
    return " ".join(value) if isinstance(value, tuple) else value
