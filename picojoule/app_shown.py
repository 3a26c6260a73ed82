"""The commands that show what is there, or was published: joined to the others in app.py."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from picojoule.terminal import terminal_width

shown = App()
arch = App(
    name="arch",
    help="Show accelerators as files that --arch takes.",
    help_epilogue="Example: picojoule arch show eyeriss-v1",
)
shown.command(arch)


@shown.command(help_epilogue="Example: picojoule networks")
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


@shown.command(help_epilogue="Example: picojoule doctor")
def doctor() -> int:
    """Show versions, the compiled kernel, the extras that are there, and where each package comes from."""
    from picojoule.doctor import examine, report_text

    findings = examine()
    print(report_text(findings), end="")
    return 2 if any(finding.fault for finding in findings) else 0


@shown.command(help_epilogue="Example: picojoule demo")
def demo() -> None:
    """Simulate AlexNet's CONV layers, batch 4, and print them beside the figures measured on the Eyeriss chip."""
    from picojoule.demo import run

    run()


@shown.command(help_epilogue="Example: picojoule reproduce table5")
def reproduce(
    target: str | None = None,
    /,
    *,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> int:
    """Compare published tables and figures with ours; exit code 1 if one is further off than its file allows.

    Parameters
    ----------
    target
        table3, table5 or run-length (JSSC 2017), fig10 (ISCA 2016) or formula (Asilomar 2017). Default: all.
    json
        Print one JSON object instead of the tables.
    output
        Folder for reproduction.json, reproduction.csv and summary.txt.
    """
    from picojoule.reproduce import run

    return run(target, as_json=json, output=output)
