"""Are factors fitted only where the closed form is approximate, judged on what was left out, and refused elsewhere?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator import estimate, simulate
from simulator.analytic.calibration import Calibration, Sample, _factor, calibrate, load_calibration
from simulator.analytic.coding import Coding
from simulator.analytic.scaling import approximate_accesses, key_of, scaled
from simulator.counts import Level
from simulator.errors import SpecError
from simulator.results import NetworkResult
from simulator.spec.layer import Layer
from simulator.spec.load import load_accelerator
from simulator.spec.tensors import LayerTensors
from simulator.spec.workload import Origin, Provenance, Workload

CHIP, ESTIMATION = load_accelerator("eyeriss-v1"), load_accelerator("eyeriss-estimation")
PROVENANCE = Provenance(weights=Origin.REAL, activations=Origin.REAL, detail="clustered", sha256="0" * 64)


def clustered(name: str, channels: int, density: float) -> Workload:
    """A layer whose zeros come in whole rows: nothing an even spread would foresee."""
    layer = Layer(name=name, N=1, M=8, C=channels, H=24, W=24, R=3, S=3)
    rng = np.random.default_rng(channels)

    def rows(shape: tuple[int, ...]) -> np.ndarray:
        kept = rng.random((*shape[:-1], 1)) < density
        return np.where(kept, rng.integers(1, 99, shape), 0).astype(np.int16)

    tensors = LayerTensors(
        ifmap=rows(layer.ifmap_shape), filters=rows(layer.filter_shape), ofmap=rows(layer.ofmap_shape)
    )
    return Workload(name=name, layers=(layer,), tensors_of=Always(tensors), provenance=PROVENANCE)


class Always:
    def __init__(self, tensors: LayerTensors) -> None:
        self._tensors = tensors

    def __call__(self, _: Layer) -> LayerTensors:
        return self._tensors


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [sample(clustered(name, channels, 0.4)) for name, channels in (("a", 8), ("b", 12), ("c", 20))]


def sample(workload: Workload) -> Sample:
    ran = simulate(workload, accelerator=ESTIMATION)
    mappings = {layer.layer.name: layer.mapping for layer in ran.layers}
    return Sample(
        simulated=ran, analytic=estimate(workload, accelerator=ESTIMATION, mapping=mappings, zeros="densities")
    )


def test_clustered_zeros_are_nearer_with_the_others_factors(samples: list[Sample]) -> None:
    fitted = calibrate(samples, ESTIMATION)
    assert [each.network for each in fitted.held_out] == ["a", "b", "c"]
    for each, one in zip(fitted.held_out, samples, strict=True):
        assert each.raw == pytest.approx(energy_of(one.analytic) / energy_of(one.simulated) - 1)
        assert abs(each.calibrated) < abs(each.raw) / 2
    # A scattered zero is part of the next word's pair; a run of more than 31 takes a pair for itself.
    assert fitted.factors["dram.ifmap"] > 1.02


def test_a_residual_knows_nothing_of_the_network_it_judges(samples: list[Sample]) -> None:
    """Whatever the one left out is like, its residual comes from the others' factors."""
    without = calibrate(samples[1:], ESTIMATION).factors
    (layer,) = samples[0].analytic.layers
    from simulator.energy import energy

    by_hand = energy(scaled(layer.counts, without, layer.layer, ESTIMATION), ESTIMATION, layer.layer).total
    held_out = calibrate(samples, ESTIMATION).held_out[0].calibrated
    assert held_out == pytest.approx(by_hand / energy_of(samples[0].simulated) - 1)


def test_networks_that_disagree_have_no_factor() -> None:
    """Drawn towards 1 by how far they differ; one alone cannot."""
    assert _factor([0.9, 1.1]) == pytest.approx(1)
    assert _factor([1.25]) == 0.8
    assert _factor([1.25, 1.25, 1.25]) == pytest.approx(0.8)
    assert 0.8 < _factor([1.2, 1.25, 1.3]) < 0.81


def test_factors_are_of_approximate_levels_only(samples: list[Sample]) -> None:
    (layer,) = samples[0].simulated.layers
    allowed = {key_of(access) for access in approximate_accesses(layer.layer, ESTIMATION)} | {"mac"}
    factors = calibrate(samples, ESTIMATION).factors
    assert set(factors) == allowed
    changed = scaled(layer.counts, dict.fromkeys(allowed, 0.5), layer.layer, ESTIMATION)
    for access, bits in layer.counts.bits.items():
        is_approximate = access in approximate_accesses(layer.layer, ESTIMATION)
        assert (changed.bits[access] != bits) == is_approximate, access
        assert (changed.words[access] != layer.counts.words[access]) == (is_approximate and access.level is Level.SPAD)


def test_where_nothing_is_coded_or_gated_nothing_is_fitted() -> None:
    machine = load_accelerator("isca16-256")
    (layer,) = simulate("alexnet", layers=["CONV5"], accelerator=machine).layers
    assert approximate_accesses(layer.layer, machine) == frozenset()


def test_an_estimate_takes_its_machines_calibration_only(samples: list[Sample], tmp_path: Path) -> None:
    fitted = calibrate(samples, ESTIMATION)
    file = tmp_path / "c.json"
    file.write_text(fitted.model_dump_json())
    assert load_calibration(file) == fitted
    raw, calibrated = (
        estimate("alexnet", accelerator=ESTIMATION, layers=["CONV3"], calibration=of) for of in (None, file)
    )  # fmt: skip
    (one,), (other,) = raw.layers, calibrated.layers
    assert other.counts == scaled(one.counts, fitted.factors, one.layer, ESTIMATION)
    assert any(note.startswith("calibrated: dram.filter x ") for note in calibrated.notes)
    with pytest.raises(
        SpecError, match=r"calibration: fitted for eyeriss-estimation \(SHA-256 .*\), not for eyeriss-v1"
    ):
        estimate("alexnet", calibration=file)
    clocked = ESTIMATION.model_copy(update={"clock": ESTIMATION.clock.model_copy(update={"core_mhz": 100.0})})
    with pytest.raises(SpecError, match="not for eyeriss-estimation as it is given"):
        estimate("alexnet", accelerator=clocked, calibration=file)
    with pytest.raises(SpecError, match="fitted for run_length coding, not significance_map"):
        estimate("alexnet", accelerator=ESTIMATION, calibration=file, coding="significance_map")
    with pytest.raises(SpecError, match="counts from tensors are exact and have no factors"):
        estimate("alexnet", accelerator=ESTIMATION, calibration=file, zeros="tensors")


def test_one_network_cannot_judge_itself(samples: list[Sample]) -> None:
    with pytest.raises(SpecError, match="calibrate: 1 network; a fit is judged on a network that it has not seen"):
        calibrate(samples[:1], ESTIMATION)


@pytest.mark.parametrize("text", ["{}", "not json", '{"format": "picojoule calibration 2"}'])
def test_files_that_are_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"c.json: \d+ faults?; give a file that `picojoule calibrate` wrote"):
        load_calibration(file)


def test_no_more_macs_than_there_are(samples: list[Sample]) -> None:
    (layer,) = samples[0].simulated.layers
    counts = replace(layer.counts, gated_macs=0)
    assert scaled(counts, {"mac": 1.5}, layer.layer, ESTIMATION).gated_macs == 0


def test_coding_is_kept(samples: list[Sample]) -> None:
    assert calibrate(samples, ESTIMATION).coding is Coding.RUN_LENGTH
    assert isinstance(calibrate(samples, ESTIMATION), Calibration)


def energy_of(result: NetworkResult) -> float:
    return float(result.total()["energy"]["total"])
