"""The commands: what each takes, and which functions answer it. Modules load inside the command that needs them, so
that `picojoule --help` is quick.
"""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from picojoule import __version__
from picojoule.app_shown import shown
from picojoule.options import (
    CalibrateOptions,
    CompareOptions,
    EstimateOptions,
    ExplainOptions,
    PruneOptions,
    SimulateOptions,
    TimelineOptions,
    ValidateOptions,
)

app = App(
    name="picojoule",
    help="Simulate a deep network on an Eyeriss-class accelerator, cycle by cycle, and see where its energy goes.",
    help_epilogue="Example: picojoule simulate alexnet --batch 4 --layers CONV1,CONV2",
    version=__version__,
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.update(shown)

_SIMULATE, _ESTIMATE, _EXPLAIN = SimulateOptions(), EstimateOptions(), ExplainOptions()
_COMPARE, _TIMELINE = CompareOptions(), TimelineOptions()
_VALIDATE, _CALIBRATE, _PRUNE = ValidateOptions(), CalibrateOptions(), PruneOptions()


@app.command(help_epilogue="Example: picojoule simulate alexnet --batch 4 --mapping jssc2017 -o alexnet-run")
def simulate(
    network: str,
    /,
    options: SimulateOptions = _SIMULATE,
    timeline: TimelineOptions = _TIMELINE,
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Simulate a network: cycles, access counts and energy, layer by layer.

    Parameters
    ----------
    network
        A built-in network (`picojoule networks`), an .onnx model, a layer trace (.npz) or a SCALE-Sim topology (.csv).
    jobs
        Processes that share the layers.
    json
        Print one JSON object instead of the table.
    output
        Folder for manifest.json, layers.csv, counts.csv and summary.txt.
    """
    from picojoule.simulate import run

    run(network, options, timeline, jobs=jobs, as_json=json, output=output)


@app.command(help_epilogue="Example: picojoule estimate resnet50 --batch 16 --bits weight=8,activation=8")
def estimate(
    network: str,
    /,
    options: EstimateOptions = _ESTIMATE,
    *,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Estimate a network in closed form: the figures of `simulate` in milliseconds, without running anything.

    Parameters
    ----------
    network
        A built-in network (`picojoule networks`), an .onnx model, a layer trace (.npz) or a SCALE-Sim topology (.csv).
    json
        Print one JSON object instead of the table.
    output
        Folder for manifest.json, layers.csv, counts.csv and summary.txt.
    """
    from picojoule.estimate import run

    run(network, options, as_json=json, output=output)


@app.command(help_epilogue="Example: picojoule explain alexnet CONV3 --batch 4 --mapping jssc2017")
def explain(
    network: str,
    layer: str,
    /,
    options: ExplainOptions = _EXPLAIN,
    *,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Take one layer's estimated energy apart: what is counted times what it costs, and why it has its mapping.

    Parameters
    ----------
    network
        A built-in network (`picojoule networks`), an .onnx model, a layer trace (.npz) or a SCALE-Sim topology (.csv).
    layer
        The layer, by name; *, ? and [...] match as in a shell, but must match one.
    json
        Print one JSON object instead of the text.
    """
    from picojoule.explain import run

    run(network, layer, options, as_json=json)


@app.command(help_epilogue="Example: picojoule validate alexnet --tol 1% -o validation")
def validate(
    network: str,
    /,
    options: ValidateOptions = _VALIDATE,
    *,
    tol: str = "3%",
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> int:
    """Simulate a network, estimate it with the same mappings, and compare every count and cycle.

    Exit code 1 if total energy or total cycles differ by more than --tol, or if a count differs that must be equal.

    Parameters
    ----------
    network
        A built-in network (`picojoule networks`), an .onnx model, a layer trace (.npz) or a SCALE-Sim topology (.csv).
    tol
        By how many per cent the network's total energy and total cycles may differ.
    jobs
        Processes that share the layers of the simulation.
    json
        Print one JSON object instead of the tables.
    output
        Folder for validation.json, validation.csv and summary.txt.
    """
    from picojoule.validate import run

    return 0 if run(network, options, tol=tol, jobs=jobs, as_json=json, output=output) else 1


@app.command(help_epilogue="Example: picojoule calibrate a.npz b.npz c.npz -o calibration.json")
def calibrate(
    networks: Annotated[tuple[str, ...], Parameter(negative="")],
    /,
    options: CalibrateOptions = _CALIBRATE,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    jobs: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
) -> None:
    """Fit the factors that bring estimates by density to simulations, and judge them on networks left out of the fit.

    Parameters
    ----------
    networks
        Two or more networks, best with real tensors: layer traces (.npz), or .onnx models with --images.
    output
        The file to write, which `picojoule estimate --calibration` takes.
    jobs
        Processes that share the layers of each simulation.
    """
    from picojoule.calibrate import run

    run(networks, options, jobs=jobs, output=output)


@app.command(help_epilogue="Example: picojoule compare alexnet squeezenet1_0 --batch 1 --batch 16")
def compare(
    things: Annotated[tuple[str, ...], Parameter(negative="")],
    /,
    options: CompareOptions = _COMPARE,
    *,
    simulate: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    picture: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> None:
    """Set networks, machines, batches or run folders side by side: in total, by layer, and what they say in a sentence.

    Parameters
    ----------
    things
        Networks, as `picojoule estimate` takes them, and run folders that `simulate` and `estimate` wrote with -o.
    simulate
        Simulate the networks; without it they are estimated.
    json
        Print one JSON object instead of the tables.
    picture
        Draw energy against weights and against MACs in a file ending in .svg, .png or .pdf.
    output
        Folder for comparison.json, comparison.csv, comparison-layers.csv and comparison.txt.
    """
    from picojoule.compare import run

    run(things, options, is_simulated=simulate, as_json=json, picture=picture, output=output)


@app.command(help_epilogue="Example: picojoule report alexnet-run -o alexnet.html")
def report(
    folders: Annotated[tuple[Path, ...], Parameter(negative="")],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("report.html"),
) -> None:
    """Write one self-contained HTML page of figures from run folders; several stand side by side, with differences.

    Parameters
    ----------
    folders
        Folders that `picojoule simulate`, `estimate`, `validate`, `prune` or `sweep` wrote with -o.
    output
        The page to write.
    """
    from picojoule.report import run

    run(folders, output)


@app.command(help_epilogue="Example: picojoule plot alexnet-run energy-by-level -o energy.pdf")
def plot(
    folder: Path,
    figure: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    layer: str | None = None,
) -> None:
    """Draw one figure of a run folder for a paper, or write its numbers.

    Parameters
    ----------
    folder
        A folder that `picojoule simulate`, `estimate`, `validate`, `prune` or `sweep` wrote with -o.
    figure
        Its name, such as energy-by-level; a wrong one is answered with those that the folder has.
    output
        The file to write, ending in .svg, .pdf or .png; or in .csv, for the numbers.
    layer
        Of utilization and mapping: the layer, by name; the first by default.
    """
    from picojoule.plot import run

    run(folder, figure, layer=layer, output=output)


@app.command(help_epilogue="Example: picojoule sweep sweep.toml -o swept --workers 2")
def sweep(
    spec: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    cluster: str | None = None,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """Run a network on many accelerators, and show which of them no other beats in energy, latency and area at once.

    What is done is kept in the folder: the same command goes on where it was stopped. Exit code 1 if a worker was lost
    over a point.

    Parameters
    ----------
    spec
        A TOML file that names the network and the values of each field: docs/sweeps.md.
    output
        Folder for report.html, points.csv, front.csv, front.svg, manifest.json, summary.txt and the stored points.
    workers
        Processes that share the points. Without it: as many as there are processors.
    cluster
        Address of a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers run the points instead.
    json
        Print one JSON object instead of the table.
    """
    from picojoule.sweep import run

    return run(spec, output=output, workers=workers, cluster=cluster, as_json=json)


pruning = App(
    name="prune",
    help_epilogue="Example: picojoule prune model.onnx --data images.npz -o pruned",
)
app.command(pruning)


@pruning.command(name="compare", help_epilogue="Example: picojoule prune compare ours magnitude")
def prune_compare(
    folders: Annotated[tuple[Path, ...], Parameter(negative="")],
    /,
    *,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Compare pruning runs: the least energy of each at one accuracy.

    Parameters
    ----------
    folders
        Folders that `picojoule prune -o` wrote, of one model, data and accelerator.
    json
        Print one JSON object instead of the table.
    """
    from picojoule.prune_compare import run

    run(folders, as_json=json)


@pruning.default
def prune(
    model: str,
    /,
    options: PruneOptions = _PRUNE,
    *,
    resume: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
) -> None:
    """Prune a trained model where its energy goes, and verify what is saved by simulating again.

    Parameters
    ----------
    model
        The .onnx file, trained; or `digits`, a small network that comes with picojoule, with its data.
    resume
        Go on from where an earlier run into the same folder stopped.
    json
        Print one JSON object instead of the tables.
    output
        Folder for pruned.onnx, masks.npz, layers.csv, steps.csv, manifest.json and summary.txt.
    """
    from picojoule.prune import run

    run(model, options, resume=resume, as_json=json, output=output)


@app.command(help_epilogue="Example: picojoule record model.onnx --images images.npy -o trace.npz")
def record(
    model: Path,
    /,
    *,
    images: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    batch: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
) -> None:
    """Run an ONNX model on images and store each layer's shape, weights and activations as a layer trace.

    Parameters
    ----------
    model
        The .onnx file.
    images
        A .npy file, N x C x H x W.
    output
        The trace to write, an .npz file that `picojoule simulate` takes.
    batch
        Images to run, from the first; all of them by default.
    """
    from simulator.report.run_folder import check_file
    from workloads import record as record_trace

    check_file(output)
    record_trace(model, images, output, batch=batch)
    print(f"{output}: written; `picojoule simulate {output}` runs it")


@app.command(help_epilogue="Example: picojoule completion bash > picojoule.bash")
def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script that has a shell complete commands, options and their values.

    Parameters
    ----------
    shell
        Which shell the script is for.
    """
    print(app.generate_completion(shell=shell), end="")


def command_of(argv: list[str]) -> list[str]:
    """The names at the start of argv that lead to a command, such as ["arch", "show"]."""
    names, _, _ = app.parse_commands(argv)
    return list(names)
