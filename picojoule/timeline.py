"""`picojoule simulate --timeline FILE`: checked before anything runs, written after the figures are safe."""

import sys

from picojoule.options import SimulateOptions, TimelineOptions
from simulator.choices import open_network
from simulator.errors import SpecError
from simulator.report.run_folder import check_file
from simulator.results import NetworkResult
from simulator.spec.accelerator import Accelerator
from simulator.timeline.window import parse_window
from simulator.timeline.write import write_timeline


def check_timeline(asked: TimelineOptions) -> None:
    """Raise SpecError for a window that is none, OutputError unless the file could be written now."""
    if asked.window is not None:
        parse_window(asked.window)
        if asked.timeline is None:
            raise SpecError(f"--window {asked.window}: there is no timeline to show it in; add --timeline FILE")
    if asked.timeline is not None:
        check_file(asked.timeline)


def draw_timeline(
    asked: TimelineOptions, result: NetworkResult, network: str, options: SimulateOptions, accelerator: Accelerator
) -> None:
    """Write the timeline, if one is asked for. On stderr, where it ends if the file was full before."""
    if asked.timeline is None:
        return
    workload = open_network(
        network, batch=options.batch, layers=options.layer_names, images=options.images, seed=options.seed
    )
    window = None if asked.window is None else parse_window(asked.window)
    written = write_timeline(asked.timeline, result, workload, accelerator, window)
    if written.full_at is not None:
        print(
            f"picojoule: {asked.timeline}: full at {written.slices:,} slices, shows nothing from cycle "
            f"{written.full_at} on; give a --window that begins there for more",
            file=sys.stderr,
        )
