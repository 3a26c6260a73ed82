"""The commands: what each takes, and which functions answer it. Modules load inside the command that needs them, so
that `picojoule --help` is quick.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from picojoule import __version__
from picojoule.options import SimulateOptions
from picojoule.terminal import terminal_width

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
arch = App(
    name="arch",
    help="Show accelerators as files that --arch takes.",
    help_epilogue="Example: picojoule arch show eyeriss-v1",
)
app.command(arch)

_DEFAULTS = SimulateOptions()


@app.command(help_epilogue="Example: picojoule simulate alexnet --batch 4 --mapping jssc2017 -o alexnet-run")
def simulate(
    network: str,
    /,
    options: SimulateOptions = _DEFAULTS,
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

    run(network, options, jobs=jobs, as_json=json, output=output)


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


@app.command(help_epilogue="Example: picojoule networks")
def networks() -> None:
    """List the built-in networks."""
    from picojoule.listings import networks_text

    print(networks_text(terminal_width()), end="")


@arch.command(name="list", help_epilogue="Example: picojoule arch list")
def arch_list() -> None:
    """List the accelerators that come with picojoule."""
    from picojoule.listings import accelerators_text

    print(accelerators_text(terminal_width()), end="")


@arch.command(name="show", help_epilogue="Example: picojoule arch show eyeriss-v1 > mine.toml")
def arch_show(accelerator: str, /) -> None:
    """Check an accelerator and print its file: the machine, its energy table, and the source of each number.

    Parameters
    ----------
    accelerator
        A shipped accelerator (`picojoule arch list`) or a TOML file.
    """
    from simulator.spec.load import accelerator_text, parse_accelerator

    text = accelerator_text(accelerator)
    parse_accelerator(text, where=accelerator)
    print(text, end="")


@app.command(help_epilogue="Example: picojoule doctor")
def doctor() -> int:
    """Show versions, the compiled kernel, the extras that are there, and where each package comes from."""
    from picojoule.doctor import examine, report_text

    findings = examine()
    print(report_text(findings), end="")
    return 2 if any(finding.fault for finding in findings) else 0


@app.command(help_epilogue="Example: picojoule demo")
def demo() -> None:
    """Simulate AlexNet's CONV layers, batch 4, and print them beside the figures measured on the Eyeriss chip."""
    from picojoule.demo import run

    run()


def command_of(argv: list[str]) -> list[str]:
    """The names at the start of argv that lead to a command, such as ["arch", "show"]."""
    names, _, _ = app.parse_commands(argv)
    return list(names)
