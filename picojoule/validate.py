"""`picojoule validate`: simulate, estimate the same layers with the same mappings, and hold one against the other."""

import re
from pathlib import Path

import simulator.run
from picojoule.options import ValidateOptions
from picojoule.terminal import shown_progress, terminal_width
from simulator.analytic.calibration import Sample
from simulator.analytic.compare import compare
from simulator.choices import machine_of, open_network
from simulator.errors import SpecError
from simulator.estimation import estimate
from simulator.report.run_folder import check_run_folder, csv_text, json_text, write_files
from simulator.report.validation import Validation, validation_text
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.workload import Workload

FILES = ("validation.json", "validation.csv", "summary.txt")


def run(network: str, options: ValidateOptions, *, tol: str, jobs: int, as_json: bool, output: Path | None) -> bool:
    """Validate and print; True if both agree. Raises PicojouleError."""
    tolerance = share_of(tol)
    if output is not None:
        check_run_folder(output, FILES)
    machine = machine_of(options.arch, options.energy)
    workload = open_network(
        network, batch=options.batch, layers=options.layer_names, images=options.images, seed=options.seed
    )
    with shown_progress() as progress:
        simulated = simulator.run.simulate(
            workload,
            accelerator=machine,
            mapping=options.mapping,
            objective=options.objective,
            jobs=jobs,
            progress=progress,
        )
    sample = sample_of(workload, simulated, machine, options.zeros)
    validation = Validation(
        simulated=sample.simulated,
        analytic=sample.analytic,
        deviations=compare(sample.simulated, sample.analytic, machine),
        tolerance=tolerance,
        energy_unit=machine.energy.unit,
    )
    if output is not None:
        texts = (json_text(validation.to_dict()), csv_text(validation.rows()), validation_text(validation))
        write_files(output, dict(zip(FILES, texts, strict=True)))
    print(json_text(validation.to_dict()) if as_json else validation_text(validation, terminal_width()), end="")
    return not validation.faults


def sample_of(workload: Workload, simulated: NetworkResult, machine: Accelerator, zeros: str | None) -> Sample:
    """A simulation, and the estimate of the same layers with the same mappings."""
    mappings = {layer.layer.name: layer.mapping for layer in simulated.layers}
    analytic = estimate(workload, accelerator=machine, mapping=mappings, zeros=zeros)
    return Sample(simulated=simulated, analytic=analytic)


def share_of(percent: str) -> float:
    """0.03 of "3%" or "3". Raises SpecError."""
    match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,12})?)\s*%?\s*", percent, flags=re.ASCII)
    if match is None:
        raise SpecError(f"--tol {percent!r}: no percentage; give one such as 3% or 0.5%")
    return float(match[1]) / 100
