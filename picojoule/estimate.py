"""`picojoule estimate`: from the options to the result."""

from pathlib import Path

import simulator.estimation
from picojoule.options import EstimateOptions
from picojoule.shown import show
from simulator.choices import machine_of
from simulator.report.run_folder import check_run_folder
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator


def run(network: str, options: EstimateOptions, *, as_json: bool, output: Path | None) -> None:
    """Estimate, print, and write the run folder if there is to be one. Raises PicojouleError."""
    if output is not None:
        check_run_folder(output)
    accelerator = machine_of(options.arch, options.energy)
    result = estimated(network, options, accelerator)
    show(result, network, options, accelerator, as_json=as_json, output=output)


def estimated(network: str, options: EstimateOptions, accelerator: Accelerator) -> NetworkResult:
    """The estimate that the options ask for, on an accelerator with its energy table."""
    return simulator.estimation.estimate(
        network,
        accelerator=accelerator,
        batch=options.batch,
        layers=options.layer_names,
        images=options.images,
        mapping=options.mapping,
        objective=options.objective,
        seed=options.seed,
        zeros=options.zeros,
        densities=options.densities,
        bits=options.bits,
        coding=options.coding,
        calibration=options.calibration,
    )
