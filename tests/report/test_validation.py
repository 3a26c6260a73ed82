"""Does a validation say what differs, why, and whether it passes?"""

import pytest

from simulator.analytic.compare import Deviation
from simulator.report.validation import Validation, validation_text
from tests.report.by_hand import layer_result, network_result

EQUAL = Deviation(layer="CONV1", what="macs", unit="MACs", simulated=5, analytic=5, rows=())
SPREAD = Deviation(layer="CONV1", what="dram.ifmap.read", unit="bits", simulated=200, analytic=201, rows=(25,))
WRONG = Deviation(layer="CONV1", what="glb.ifmap.read", unit="bits", simulated=1_000, analytic=2_000, rows=())


def validation(*deviations: Deviation, scale: int = 1, tolerance: float = 0.03) -> Validation:
    """Its analytic layer counts `scale` times as much."""
    return Validation(
        simulated=network_result(layer_result("CONV1")),
        analytic=network_result(layer_result("CONV1", scale=scale)),
        deviations=deviations,
        tolerance=tolerance,
        energy_unit="pJ",
    )


def test_all_equal_passes() -> None:
    text = validation_text(validation(EQUAL))
    assert "1 of 1 counts and cycles are equal\n" in text
    assert text.endswith("energy +0.000 %, total cycles +0.000 % (analytic to simulated; tolerance 3 %): passed\n")


def test_a_difference_with_its_row() -> None:
    text = validation_text(validation(EQUAL, SPREAD))
    assert "CONV1  dram.ifmap.read  bits        200       201  1.005000  25\n" in text
    assert "DEVIATIONS 25, 1 of them: zeros are taken as spread evenly, at each tensor's density\n" in text
    assert text.endswith("passed\n")


def test_a_difference_without_a_row_fails() -> None:
    one = validation(WRONG)
    assert one.faults == ("CONV1 glb.ifmap.read: 1,000 simulated, 2,000 analytic; both must be equal",)
    assert "  2.000000  NOTHING\n" in validation_text(one)
    assert not one.to_dict()["passed"]


@pytest.mark.parametrize(("tolerance", "faults"), [(1.0, 0), (0.999, 2)])
def test_totals_may_differ_by_the_tolerance(tolerance: float, faults: int) -> None:
    one = validation(EQUAL, scale=2, tolerance=tolerance)
    assert (one.energy_error, one.cycles_error) == (1.0, 1.0)
    assert len(one.faults) == faults


def test_faults_say_by_how_much() -> None:
    assert validation(scale=2).faults == (
        "energy differs by +100.000 %, more than 3 %",
        "total cycles differs by +100.000 %, more than 3 %",
    )


def test_rows_and_layers() -> None:
    one = validation(EQUAL, SPREAD, scale=2)
    assert [row["deviations"] for row in one.rows()] == ["", "25"]
    layer, total = one.to_dict()["layers"]
    assert layer["name"] == "CONV1"
    assert layer["total_cycles_error"] == total["total_cycles_error"] == 1.0
    assert layer["energy_analytic"] == 2 * layer["energy_simulated"]
