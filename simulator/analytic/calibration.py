"""Factors that bring estimates by density nearer to simulations: fitted here, kept in a file, refused elsewhere.

At most one a (level, tensor), and only where the closed form is approximate (scaling.py). What a fit is worth is what
it does to networks that it has not seen: each is left out once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from simulator.analytic.coding import Coding
from simulator.analytic.scaling import MAC, approximate_accesses, key_of, macs_are_approximate, scaled
from simulator.counts import AccessCounts
from simulator.energy import energy
from simulator.errors import SpecError
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.files import fault_lines, file_text, list_of_faults
from simulator.spec.load import accelerator_sha256

_WHAT = "a file that `picojoule calibrate` wrote"
_LARGEST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One network on one machine, simulated and estimated by density with the same mappings, not calibrated."""

    simulated: NetworkResult
    analytic: NetworkResult


class Residual(BaseModel):
    """Error of a network's total energy, analytic to simulated minus one, with factors fitted on all the others."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    network: str
    raw: float
    calibrated: float


class Calibration(BaseModel):
    """Factors for one machine and coding, the networks that they were fitted on, and what they are worth."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["picojoule calibration 1"] = "picojoule calibration 1"
    arch: str
    arch_sha256: str
    coding: Coding
    factors: dict[str, float]
    networks: list[str]
    held_out: list[Residual]

    def check_is_for(self, accelerator: Accelerator, coding: Coding) -> None:
        """Raise SpecError for another machine, or another coding, than it was fitted for."""
        if self.arch_sha256 != accelerator_sha256(accelerator):
            raise SpecError(
                f"calibration: fitted for {self.arch} (SHA-256 {self.arch_sha256[:12]}), not for {accelerator.name} as "
                f"it is given ({accelerator_sha256(accelerator)[:12]}); run `picojoule calibrate` for it"
            )
        if self.coding is not coding:
            raise SpecError(
                f"calibration: fitted for {self.coding} coding, not {coding}; run `picojoule calibrate` for it"
            )


def calibrate(samples: Sequence[Sample], accelerator: Accelerator, coding: Coding = Coding.RUN_LENGTH) -> Calibration:
    """Fit on all samples; each one's residual is with the others' fit. Raises SpecError for fewer than two."""
    check_samples(len(samples))
    return Calibration(
        arch=accelerator.name,
        arch_sha256=accelerator_sha256(accelerator),
        coding=coding,
        factors=_fit(samples, accelerator),
        networks=[f"{sample.simulated.network} (batch {sample.simulated.batch})" for sample in samples],
        held_out=[_residual(at, samples, accelerator) for at in range(len(samples))],
    )


def check_samples(networks: int) -> None:
    """Raise SpecError for fewer than two."""
    if networks < 2:
        raise SpecError(
            f"calibrate: {networks} network; a fit is judged on a network that it has not seen: give two or more"
        )


def load_calibration(path: str | Path) -> Calibration:
    """Raises SpecError for a file that is none."""
    text = file_text(Path(path), what=_WHAT, largest_bytes=_LARGEST_BYTES)
    try:
        return Calibration.model_validate_json(text)
    except ValidationError as error:
        raise SpecError(list_of_faults(fault_lines(error), str(path), f"give {_WHAT}")) from None


def _fit(samples: Sequence[Sample], accelerator: Accelerator) -> dict[str, float]:
    """By key, from what the key counts over each network."""
    of_networks = [_sums(sample, accelerator) for sample in samples]
    factors = {}
    for key in sorted({key for sums in of_networks for key in sums}):
        counted = (sums.get(key, (0, 0)) for sums in of_networks)
        ratios = [analytic / simulated for simulated, analytic in counted if simulated]
        if any(ratios):
            factors[key] = _factor(ratios)
    return factors


def _factor(ratios: Sequence[float]) -> float:
    """Least squares of the networks' relative errors, each counting alike, drawn towards 1 as far as they disagree.

    Networks that err in different directions say nothing of the next one: of the factor's distance from 1, the share is
    taken away that its variance is of its square (positive-part James-Stein). One network cannot disagree with itself.
    """
    factor = sum(ratios) / sum(ratio * ratio for ratio in ratios)
    distance, count = factor - 1, len(ratios)
    if count == 1 or not distance:
        return factor
    mean = sum(ratios) / count
    variance = sum((ratio - mean) ** 2 for ratio in ratios) / (count - 1) / count
    return 1 + distance * max(0.0, 1 - variance / distance**2)


def _sums(sample: Sample, accelerator: Accelerator) -> dict[str, tuple[int, int]]:
    """(simulated, analytic) of what each factor scales, over a network's layers."""
    sums: dict[str, tuple[int, int]] = {}

    def add(key: str, ran: int, estimated: int) -> None:
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + ran, before[1] + estimated)

    for ran, estimated in zip(sample.simulated.layers, sample.analytic.layers, strict=True):
        for access in approximate_accesses(ran.layer, accelerator):
            add(key_of(access), ran.counts.bits.get(access, 0), estimated.counts.bits.get(access, 0))
        if macs_are_approximate(accelerator):
            add(MAC, _done(ran.counts), _done(estimated.counts))
    return sums


def _residual(at: int, samples: Sequence[Sample], accelerator: Accelerator) -> Residual:
    left_out = samples[at]
    factors = _fit([*samples[:at], *samples[at + 1 :]], accelerator)
    simulated = sum(layer.energy.total for layer in left_out.simulated.layers)
    raw = sum(layer.energy.total for layer in left_out.analytic.layers)
    calibrated = sum(
        energy(scaled(layer.counts, factors, layer.layer, accelerator), accelerator, layer.layer).total
        for layer in left_out.analytic.layers
    )
    return Residual(network=left_out.simulated.network, raw=raw / simulated - 1, calibrated=calibrated / simulated - 1)


def _done(counts: AccessCounts) -> int:
    return counts.macs - counts.gated_macs
