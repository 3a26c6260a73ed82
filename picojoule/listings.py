"""What comes with picojoule: networks and accelerators, as short tables."""

from textwrap import fill

from simulator.report.text_table import Column, number_column, render
from simulator.spec.load import load_accelerator, shipped_accelerators
from workloads import built_in_networks


def networks_text(width: int | None = None) -> str:
    """The built-in networks; weights and MACs are as their files state them, without biases."""
    found = built_in_networks()
    columns = [
        _text("name", [network.name for network in found]),
        number_column(("layers", "[-]"), [len(network.layers) for network in found], decimals=0),
        number_column(("weights", "[M]"), [network.weights / 1e6 for network in found]),
        number_column(("MACs", "[M an image]"), [network.macs_per_image / 1e6 for network in found]),
        _text("network", [network.title for network in found]),
        _text("source", [network.source for network in found]),
    ]
    return render(columns, width=width)


def accelerators_text(width: int | None = None) -> str:
    """A heading line for each shipped accelerator, its description below."""
    found = [load_accelerator(name) for name in shipped_accelerators()]
    return "\n".join(
        f"{accelerator.name}: {accelerator.pes} PEs, core at {accelerator.clock.core_mhz:g} MHz\n"
        + fill(accelerator.description, width or 120, initial_indent="    ", subsequent_indent="    ")
        + "\n"
        for accelerator in found
    )


def _text(heading: str, cells: list[str]) -> Column:
    return Column(heading=(heading,), cells=tuple(cells), is_text=True)
