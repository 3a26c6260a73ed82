"""`picojoule prune`: a trained model and labelled images in; a pruned model, and what it saves by simulation, out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from picojoule.options import PruneOptions
from picojoule.prune_files import PRUNE_FILES, identity_of, write_pruning
from picojoule.pruning_inputs import limits_of, tuner_of
from picojoule.terminal import shown_steps, terminal_width
from pruning.job import Job, Step
from pruning.judging import Accuracy, divided
from pruning.layer_methods import Method
from pruning.onnx_network import OnnxNetwork
from pruning.rounds import Order, Plan
from pruning.shares import Shares
from pruning.simulated_energy import energies_on
from pruning.state import store_steps, stored_steps
from pruning.summary import pruning_text
from simulator.choices import machine_of
from simulator.errors import PruningError, nearby_file, suggestion
from simulator.report.run_folder import check_run_folder, json_text
from workloads.data_sets import open_labelled
from workloads.trained_models import trained_model, trained_names


def run(model: str, options: PruneOptions, *, resume: bool, as_json: bool, output: Path) -> None:
    """Prune, write the folder, print what was saved. Raises PicojouleError."""
    check_run_folder(output, PRUNE_FILES)
    machine = machine_of(options.arch, options.energy)
    path, options = _prepared(model, options)
    network = OnnxNetwork.load(path, narrows=options.channel_rounds > 0)
    if options.channel_rounds and not network.channels:
        raise PruningError(f"{path}: --channel-rounds: no channel between its layers can be taken out; leave it out")
    tuner = tuner_of(network, options)
    data = open_labelled(
        str(options.data), split=options.split, scale=options.scale, mean=options.mean, std=options.std
    )
    data.check_fits(network.image_shape, network.classes)
    parts = divided(data, batch=options.batch, calibration=options.calibration_images, seed=options.seed)
    plan = Plan(
        method=Method(options.method),
        order=Order(options.order),
        shares=Shares(options.shares),
        samples=options.samples,
        seed=options.seed,
        channel_rounds=options.channel_rounds,
    )
    with energies_on(machine, parts.energy) as energies:
        accuracy = Accuracy(parts.judged)
        job = Job(network=network, parts=parts, machine=machine, energies=energies, accuracy=accuracy, plan=plan)
        limits = limits_of(options, job.own_accuracy(), job.own_energy())
        tune = None if tuner is None else tuner(parts.calibration, energies, plan)
        identity = identity_of(options, path)
        done = stored_steps(output, identity, network) if resume else ()
        with shown_steps() as (show, measuring):
            steps = job.steps(limits, tune, _keeping(output, identity, show), done, measuring)
        pruning = job.report(path.name, steps, limits)
    write_pruning(output, network, pruning, options)
    print(json_text(pruning.to_dict()) if as_json else pruning_text(pruning, terminal_width()), end="")


def _prepared(model: str, options: PruneOptions) -> tuple[Path, PruneOptions]:
    """The model's file; of one that comes with picojoule, with its own data and preprocessing where none are given."""
    if model not in trained_names():
        if not Path(model).exists():
            remedy = f"give an .onnx file, or {' or '.join(trained_names())}"
            hint = suggestion(model, trained_names(), nearby_file(Path(model), remedy))
            raise PruningError(f"{model}: no such model or file; {hint}")
        if options.data is None:
            raise PruningError(f"{model}: no labelled images to judge it by; give --data")
        return Path(model), options
    shipped = trained_model(model)
    if options.data is not None:
        return shipped.path, options
    return shipped.path, replace(options, data=shipped.data, scale=shipped.scale, mean=shipped.mean, std=shipped.std)


def _keeping(
    output: Path, identity: Mapping[str, Any], show: Callable[[str], None]
) -> Callable[[Sequence[Step]], None]:
    """Stores each step as it is made, and shows it."""

    def keep(made: Sequence[Step]) -> None:
        store_steps(output, identity, made)
        show(_line(made[-1], made[0]))

    return keep


def _line(step: Step, first: Step) -> str:
    energy = 100 * step.total_energy / first.total_energy
    where = f"channels into {step.layer}" if step.round.takes_channels and step.layer else step.layer or "fine-tuned"
    what = f"round {step.round.number}, {where}" if step.round.number else "as it is"
    kept = (
        "" if step.is_accepted else ", kept as it was" if step.layer else ": below the limit, the round is taken back"
    )
    return f"{what}: accuracy {100 * step.accuracy:.2f} %, energy {energy:.1f} % of the original{kept}"
