"""What a run puts out, simulated or estimated: the table or the JSON object, and the run folder."""

from pathlib import Path

from picojoule.manifest import manifest_of
from picojoule.options import RunOptions, SimulateOptions
from picojoule.terminal import terminal_width
from simulator.report.run_folder import json_text, write_run
from simulator.report.summary import RunChoices, summary_text
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator

_SEARCHED = {"latency": "least total cycles, searched", "edp": "least energy x total cycles, searched"}


def show(
    result: NetworkResult,
    network: str,
    options: RunOptions,
    accelerator: Accelerator,
    *,
    as_json: bool,
    output: Path | None,
) -> None:
    """Print; with `output`, write the run folder first. Raises OutputError."""
    choices = choices_of(options, accelerator)
    if output is not None:
        manifest = manifest_of(network, options, accelerator, result)
        write_run(output, result, manifest=manifest, summary=summary_text(result, choices))
    print(json_text(result.to_dict()) if as_json else summary_text(result, choices, terminal_width()), end="")


def choices_of(options: RunOptions, accelerator: Accelerator) -> RunChoices:
    searched = _SEARCHED.get(options.objective or "", "least energy, searched")
    return RunChoices(
        mapping=searched if options.mapping is None else options.mapping,
        arch=options.arch,
        energy_unit=accelerator.energy.unit,
        energy_table=None if options.energy is None else str(options.energy),
        functional=isinstance(options, SimulateOptions) and options.functional,
    )
