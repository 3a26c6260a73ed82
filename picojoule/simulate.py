"""`picojoule simulate`: from the options to the table, the JSON object and the run folder."""

from pathlib import Path

import simulator.run
from picojoule.manifest import manifest_of
from picojoule.options import SimulateOptions
from picojoule.terminal import shown_progress, terminal_width
from simulator.report.run_folder import check_run_folder, json_text, write_run
from simulator.report.summary import RunChoices, summary_text
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import load_accelerator

SEARCHED = "least energy, searched"


def run(network: str, options: SimulateOptions, *, jobs: int, as_json: bool, output: Path | None) -> None:
    """Simulate and print; with `output`, write the run folder first. Raises PicojouleError."""
    if output is not None:
        check_run_folder(output)
    accelerator = load_accelerator(options.arch)
    result = _simulated(network, options, accelerator, jobs)
    choices = choices_of(options, accelerator)
    if output is not None:
        manifest = manifest_of(network, options, accelerator, result)
        write_run(output, result, manifest=manifest, summary=summary_text(result, choices))
    print(json_text(result.to_dict()) if as_json else summary_text(result, choices, terminal_width()), end="")


def choices_of(options: SimulateOptions, accelerator: Accelerator) -> RunChoices:
    return RunChoices(
        mapping=SEARCHED if options.mapping is None else options.mapping,
        arch=options.arch,
        energy_unit=accelerator.energy.unit,
        functional=options.functional,
    )


def _simulated(network: str, options: SimulateOptions, accelerator: Accelerator, jobs: int) -> NetworkResult:
    with shown_progress() as progress:
        return simulator.run.simulate(
            network,
            accelerator=accelerator,
            batch=options.batch,
            layers=options.layer_names,
            images=options.images,
            mapping=options.mapping,
            seed=options.seed,
            functional=options.functional,
            jobs=jobs,
            progress=progress,
        )
