"""`picojoule simulate`: from the options to the result."""

from pathlib import Path

import simulator.run
from picojoule.options import SimulateOptions
from picojoule.shown import show
from picojoule.terminal import shown_progress
from simulator.choices import machine_of
from simulator.report.run_folder import check_run_folder


def run(network: str, options: SimulateOptions, *, jobs: int, as_json: bool, output: Path | None) -> None:
    """Simulate, print, and write the run folder if there is to be one. Raises PicojouleError."""
    if output is not None:
        check_run_folder(output)
    accelerator = machine_of(options.arch, options.energy)
    with shown_progress() as progress:
        result = simulator.run.simulate(
            network,
            accelerator=accelerator,
            batch=options.batch,
            layers=options.layer_names,
            images=options.images,
            mapping=options.mapping,
            objective=options.objective,
            seed=options.seed,
            functional=options.functional,
            jobs=jobs,
            progress=progress,
        )
    show(result, network, options, accelerator, as_json=as_json, output=output)
