"""Simulation beside closed form: every count and cycle of every layer, what explains a difference, and the verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.analytic.compare import EXPLANATION, Deviation
from simulator.report.text_table import Column, number_column, render, wrapped
from simulator.results import NetworkResult

_MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Both results and how they differ. tolerance: largest share by which a total may differ; energy_unit: of both."""

    simulated: NetworkResult
    analytic: NetworkResult
    deviations: tuple[Deviation, ...]
    tolerance: float
    energy_unit: str

    @property
    def energy_error(self) -> float:
        """Of the network's total energy, analytic to simulated minus one."""
        return _error(*(result.total()["energy"]["total"] for result in (self.simulated, self.analytic)))

    @property
    def cycles_error(self) -> float:
        """Of the network's total cycles."""
        return _error(*(result.total()["total_cycles"] for result in (self.simulated, self.analytic)))

    @property
    def unexplained(self) -> tuple[Deviation, ...]:
        return tuple(deviation for deviation in self.deviations if deviation.is_unexplained)

    @property
    def faults(self) -> tuple[str, ...]:
        """Why it fails, a sentence each; none if it passes."""
        errors = (("energy", self.energy_error), ("total cycles", self.cycles_error))
        faults = [
            f"{what} differs by {100 * error:+.3f} %, more than {100 * self.tolerance:g} %"
            for what, error in errors
            if abs(error) > self.tolerance
        ]
        faults += [
            f"{each.layer} {each.what}: {each.simulated:,} simulated, {each.analytic:,} analytic; both must be equal"
            for each in self.unexplained
        ]
        return tuple(faults)

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each layer and quantity."""
        return [
            {
                "layer": each.layer,
                "quantity": each.what,
                "unit": each.unit,
                "simulated": each.simulated,
                "analytic": each.analytic,
                "ratio": each.ratio,
                "deviations": " ".join(map(str, each.rows)) if not each.is_equal else "",
            }
            for each in self.deviations
        ]

    def to_dict(self) -> dict[str, Any]:
        return {
            "network": self.simulated.network,
            "arch": self.simulated.arch,
            "batch": self.simulated.batch,
            "data": {"simulated": self.simulated.provenance.detail, "analytic": self.analytic.provenance.detail},
            "energy_unit": self.energy_unit,
            "tolerance": self.tolerance,
            "energy_error": self.energy_error,
            "total_cycles_error": self.cycles_error,
            "passed": not self.faults,
            "faults": list(self.faults),
            "layers": _layers(self),
            "rows": self.rows(),
        }


def validation_text(validation: Validation, width: int | None = None) -> str:
    """What `picojoule validate` prints."""
    simulated, analytic = validation.simulated, validation.analytic
    above = (
        f"{simulated.network}, batch {simulated.batch}, on {simulated.arch}; both with the same mappings\n"
        f"simulated on {simulated.provenance.detail}\nanalytic from {analytic.provenance.detail}\n"
    )
    parts = (
        wrapped(above, width),
        render(_count_columns(validation.deviations), width=width),
        render(_layer_columns(_layers(validation)), totals=1, width=width),
        wrapped(_explained(validation.deviations) + _verdict(validation), width),
    )
    return "\n".join(parts)


def _count_columns(deviations: Sequence[Deviation]) -> list[Column]:
    def column(heading: tuple[str, ...], cells: list[str], *, is_text: bool = False, joined: bool = False) -> Column:
        return Column(heading=heading, cells=tuple(cells), is_text=is_text, joined=joined)

    return [
        column(("layer",), [each.layer for each in deviations], is_text=True),
        column(("quantity",), [each.what for each in deviations], is_text=True, joined=True),
        column(("unit",), [each.unit for each in deviations], is_text=True, joined=True),
        column(("simulated",), [f"{each.simulated:,}" for each in deviations], joined=True),
        column(("analytic",), [f"{each.analytic:,}" for each in deviations], joined=True),
        column(("ratio",), [_ratio(each) for each in deviations], joined=True),
        column(("explained by", "DEVIATIONS"), [_rows(each) for each in deviations], is_text=True, joined=True),
    ]


def _ratio(deviation: Deviation) -> str:
    """1 only where both are equal."""
    if deviation.is_equal:
        return "1"
    return "-" if deviation.ratio is None else f"{deviation.ratio:.6f}"


def _rows(deviation: Deviation) -> str:
    if deviation.is_equal:
        return ""
    return ", ".join(map(str, deviation.rows)) or "NOTHING"


def _layers(validation: Validation) -> list[dict[str, Any]]:
    """Energy and total cycles both ways, a dict a layer and one of the totals."""
    pairs = zip(validation.simulated.layers, validation.analytic.layers, strict=True)
    rows = [_layer(ran.layer.name, ran.to_dict(), estimated.to_dict()) for ran, estimated in pairs]
    return [*rows, _layer("total", validation.simulated.total(), validation.analytic.total())]


def _layer(name: str, simulated: Mapping[str, Any], analytic: Mapping[str, Any]) -> dict[str, Any]:
    energies = simulated["energy"]["total"], analytic["energy"]["total"]
    cycles = simulated["total_cycles"], analytic["total_cycles"]
    return {
        "name": name,
        "energy_simulated": energies[0],
        "energy_analytic": energies[1],
        "energy_error": _error(*energies),
        "total_cycles_simulated": cycles[0],
        "total_cycles_analytic": cycles[1],
        "total_cycles_error": _error(*cycles),
    }


def _layer_columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    def numbers(heading: tuple[str, ...], key: str, scale: float, decimals: int, *, joined: bool = True) -> Column:
        return number_column(heading, [row[key] * scale for row in rows], decimals=decimals, joined=joined)

    return [
        Column(heading=("layer",), cells=tuple(row["name"] for row in rows), is_text=True),
        numbers(("energy", "simulated", "[M]"), "energy_simulated", 1 / _MILLION, 3, joined=False),
        numbers(("energy", "analytic", "[M]"), "energy_analytic", 1 / _MILLION, 3),
        numbers(("energy", "error", "[%]"), "energy_error", 100, 3),
        numbers(("total cycles", "simulated", "[-]"), "total_cycles_simulated", 1, 0, joined=False),
        numbers(("total cycles", "analytic", "[-]"), "total_cycles_analytic", 1, 0),
        numbers(("total cycles", "error", "[%]"), "total_cycles_error", 100, 3),
    ]


def _explained(deviations: Sequence[Deviation]) -> str:
    equal = sum(each.is_equal for each in deviations)
    rows = Counter(row for each in deviations if not each.is_equal for row in each.rows)
    lines = [f"{equal} of {len(deviations)} counts and cycles are equal"]
    lines += [f"DEVIATIONS {row}, {rows[row]} of them: {EXPLANATION[row]}" for row in sorted(rows)]
    return "\n".join(lines) + "\n"


def _verdict(validation: Validation) -> str:
    summary = (
        f"energy {100 * validation.energy_error:+.3f} %, total cycles {100 * validation.cycles_error:+.3f} % "
        f"(analytic to simulated; tolerance {100 * validation.tolerance:g} %)"
    )
    verdict = "passed" if not validation.faults else "FAILED: " + "; ".join(validation.faults)
    return f"{summary}: {verdict}\n"


def _error(simulated: float, analytic: float) -> float:
    return analytic / simulated - 1 if simulated else float(analytic != 0)
