"""`picojoule calibrate`: simulate networks, estimate them by density, and fit what brings the one to the other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import simulator.run
from picojoule.options import CalibrateOptions
from picojoule.terminal import shown_progress, terminal_width
from picojoule.validate import sample_of
from simulator.analytic.calibration import Sample, calibrate, check_samples
from simulator.choices import machine_of, open_network
from simulator.estimation import Zeros
from simulator.report.calibration import calibration_text
from simulator.report.run_folder import check_file, json_text, write_files
from simulator.spec.accelerator import Accelerator


def run(networks: Sequence[str], options: CalibrateOptions, *, jobs: int, output: Path) -> None:
    """Calibrate, write the file and print what the fit is worth. Raises PicojouleError."""
    check_samples(len(networks))
    check_file(output)
    machine = machine_of(options.arch, options.energy)
    calibration = calibrate(list(_samples(networks, options, machine, jobs)), machine)
    write_files(output.parent, {output.name: json_text(calibration.model_dump(mode="json"))})
    print(calibration_text(calibration, terminal_width()), end="")
    print(f"{output}: written; `picojoule estimate --arch {options.arch} --calibration {output}` applies it")


def _samples(networks: Sequence[str], options: CalibrateOptions, machine: Accelerator, jobs: int) -> Iterator[Sample]:
    """All are opened before the first is simulated, so that a wrong name costs no time."""
    workloads = [
        open_network(network, batch=options.batch, layers=None, images=options.images, seed=options.seed)
        for network in networks
    ]
    with shown_progress() as progress:
        for workload in workloads:
            simulated = simulator.run.simulate(workload, accelerator=machine, jobs=jobs, progress=progress)
            yield sample_of(workload, simulated, machine, Zeros.DENSITIES)
