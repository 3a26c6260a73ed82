"""`picojoule compare`: from networks and run folders to a comparison."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import simulator.run
from picojoule.estimate import estimated
from picojoule.options import CompareOptions, EstimateOptions
from picojoule.terminal import shown_progress, terminal_width
from simulator.choices import machine_of
from simulator.errors import SpecError
from simulator.report.comparison import Comparison, comparison_of, flat
from simulator.report.comparison_text import comparison_text
from simulator.report.run_folder import check_run_folder, csv_text, json_text, write_files
from simulator.report.run_reader import ComparedRun, read_run, run_of
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.spec.load import energy_table_sha256
from workloads import built_in_networks

FILES = ("comparison.json", "comparison.csv", "comparison-layers.csv", "comparison.txt")
_OF_ESTIMATES = ("zeros", "bits", "coding")


def run(
    things: Sequence[str],
    options: CompareOptions,
    *,
    is_simulated: bool,
    as_json: bool,
    picture: Path | None,
    output: Path | None,
) -> None:
    """Compare, print, and write what is to be written. Raises PicojouleError."""
    _check_options(things, options, is_simulated)
    _check_places(picture, output)
    comparison = comparison_of(list(_runs(things, options, is_simulated)))
    if picture is not None:
        from simulator.report.energy_picture import write_energy_picture  # matplotlib takes a while to load

        write_energy_picture(comparison.runs, picture)
    if output is not None:
        write_files(output, dict(zip(FILES, _texts(comparison), strict=True)))
    print(json_text(comparison.to_dict()) if as_json else comparison_text(comparison, terminal_width()), end="")


def is_run_folder(thing: str) -> bool:
    """A folder, unless a built-in network has its name."""
    return Path(thing).is_dir() and thing not in {network.name for network in built_in_networks()}


def _check_options(things: Sequence[str], options: CompareOptions, is_simulated: bool) -> None:
    defaults = CompareOptions()
    changed = [field.name for field in fields(options) if getattr(options, field.name) != getattr(defaults, field.name)]
    useless = [f"--{name}" for name in changed] + ["--simulate"] * is_simulated
    if useless and all(is_run_folder(thing) for thing in things):
        raise SpecError(
            f"{', '.join(useless)}: run folders have their figures already; leave it out, or name a network"
        )
    analytic = [f"--{name}" for name in changed if name in _OF_ESTIMATES]
    if analytic and is_simulated:
        raise SpecError(f"{', '.join(analytic)}: for estimates only; leave it out, or leave --simulate out")


def _check_places(picture: Path | None, output: Path | None) -> None:
    """Before anything is run."""
    if output is not None:
        check_run_folder(output, FILES)
    if picture is not None:
        from simulator.report.figures import check_picture

        check_picture(picture)


def _runs(things: Sequence[str], options: CompareOptions, is_simulated: bool) -> Iterator[ComparedRun]:
    """A run folder is a run; a network is one on each accelerator, at each batch."""
    machines = [machine_of(arch, options.energy) for arch in options.arch]
    for thing in things:
        if is_run_folder(thing):
            yield read_run(Path(thing))
            continue
        for machine in machines:
            for batch in options.batch or (None,):
                result = _result(thing, options, machine, batch, is_simulated)
                unit, table = machine.energy.unit, energy_table_sha256(machine)
                yield run_of(result, label=thing, energy_unit=unit, energy_table=table)


def _result(
    network: str, options: CompareOptions, machine: Accelerator, batch: int | None, is_simulated: bool
) -> NetworkResult:
    same = {field: getattr(options, field) for field in ("layers", "images", "objective", "seed")}
    if not is_simulated:
        choices = {field: getattr(options, field) for field in _OF_ESTIMATES}
        return estimated(network, EstimateOptions(batch=batch, **same, **choices), machine)
    chosen = EstimateOptions(**same)
    with shown_progress() as progress:
        return simulator.run.simulate(
            network,
            accelerator=machine,
            batch=batch,
            layers=chosen.layer_names,
            images=options.images,
            objective=options.objective,
            seed=options.seed,
            progress=progress,
        )


def _texts(comparison: Comparison) -> tuple[str, str, str, str]:
    return (
        json_text(comparison.to_dict()),
        csv_text(flat(row) for row in comparison.run_rows()),
        csv_text(flat(row) for row in comparison.layer_rows()),
        comparison_text(comparison),
    )
