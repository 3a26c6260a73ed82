"""`picojoule simulate`: from the options to the result."""

from pathlib import Path

import simulator.run
from picojoule.options import SimulateOptions, TimelineOptions
from picojoule.shown import show
from picojoule.terminal import shown_progress
from picojoule.timeline import check_timeline, draw_timeline
from simulator.choices import machine_of
from simulator.report.run_folder import check_run_folder


def run(
    network: str,
    options: SimulateOptions,
    timeline: TimelineOptions,
    *,
    jobs: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Simulate, print, and write the run folder and the timeline if there is to be one. Raises PicojouleError."""
    check_timeline(timeline)
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
    draw_timeline(timeline, result, network, options, accelerator)
