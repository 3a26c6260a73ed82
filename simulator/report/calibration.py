"""What a calibration is worth, in words: its factors, and each network's error with the others' fit."""

from simulator.analytic.calibration import Calibration
from simulator.analytic.compare import EVEN_ZEROS
from simulator.report.text_table import Column, number_column, render, wrapped


def calibration_text(calibration: Calibration, width: int | None = None) -> str:
    """What `picojoule calibrate` prints."""
    above = (
        f"{calibration.arch}, {calibration.coding} coding: factors on counts estimated by density, where zeros are "
        f"taken as spread evenly (DEVIATIONS {EVEN_ZEROS}); every other count is exact and has none\n"
    )
    factors = [
        Column(heading=("level.tensor",), cells=tuple(calibration.factors), is_text=True),
        number_column(("factor", "[-]"), list(calibration.factors.values()), decimals=5),
    ]
    residuals = [
        Column(
            heading=("left out of the fit",), cells=tuple(each.network for each in calibration.held_out), is_text=True
        ),
        number_column(("energy error", "raw [%]"), [100 * each.raw for each in calibration.held_out], decimals=3),
        number_column(
            ("energy error", "calibrated [%]"), [100 * each.calibrated for each in calibration.held_out], decimals=3
        ),
    ]
    below = (
        "error of total energy: analytic, by density, to simulated; each with factors fitted on all other networks\n"
    )
    tables = [wrapped(above, width), render(residuals, width=width), wrapped(below, width)]
    if calibration.factors:
        tables.insert(1, render(factors, width=width))
    return "\n".join(tables)
