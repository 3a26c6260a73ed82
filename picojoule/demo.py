"""`picojoule demo`: AlexNet as the Eyeriss chip ran it, beside what was measured on it; and a small network pruned."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import simulator.run
from picojoule.options import PruneOptions, SimulateOptions
from picojoule.shown import choices_of
from picojoule.terminal import Progress, shown_progress, terminal_width
from simulator.report.silicon import Compared, PublishedTable, compare, compare_total, comparison_text, jssc2017_table5
from simulator.report.summary import summary_text
from simulator.report.text_table import wrapped
from simulator.results import NetworkResult
from simulator.spec.load import load_accelerator

_PUBLISHED = "jssc2017"
# The GLB bytes measured for CONV3 do not fit its published mapping: 64 channel passes move 70 MB of words, 43 move 51.
_OTHER_CONV3 = "jssc2017-conv3b"
_EXTRAS = "pip install 'picojoule[onnx,demo]'"
_CONV3_NOTE = (
    "CONV3*: with q = 3, r = 2, t = 2, since the GLB bytes measured for CONV3 do not fit its published mapping "
    "(DEVIATIONS.md)\n"
)


def run() -> None:
    """Print each figure of the five layers beside the published one, then the ordinary table."""
    table = jssc2017_table5()
    with shown_progress() as progress:
        result = _simulated(_PUBLISHED, tuple(table.layers), table, progress)
        other = _simulated(_OTHER_CONV3, ("CONV3",), table, progress)
    choices = choices_of(SimulateOptions(mapping=_PUBLISHED), load_accelerator("eyeriss-v1"))
    below = (compare_total(result, table), *_renamed(compare(other, table)))
    title = f"AlexNet CONV1-5, batch {table.batch}: simulated here, and measured on the Eyeriss chip ({table.name})\n"
    print(wrapped(title, terminal_width()))
    print(comparison_text(compare(result, table), below, table, terminal_width()), end="")
    print(wrapped(_CONV3_NOTE, terminal_width()))
    print(summary_text(result, choices, terminal_width()), end="")
    print()
    _prune_a_small_network()


def _prune_a_small_network() -> None:
    """In a folder that is gone afterwards; where the packages that it needs are not there, says so."""
    missing = [name for name in ("onnxruntime", "sklearn") if find_spec(name) is None]
    if missing:
        print(wrapped(f"pruning a small network needs {' and '.join(missing)}: {_EXTRAS}\n", terminal_width()), end="")
        return
    from picojoule.prune import run as prune  # onnx, which is an extra

    print(
        "A small network that comes with picojoule, pruned where its energy goes, whole channels first\n"
        "(`picojoule prune digits --channel-rounds 1 -o DIR`):\n"
    )
    with TemporaryDirectory(prefix="picojoule-demo-") as folder:
        prune("digits", PruneOptions(channel_rounds=1), resume=False, as_json=False, output=Path(folder))


def _simulated(
    mapping: str, layers: tuple[str, ...], table: PublishedTable, progress: Progress | None
) -> NetworkResult:
    return simulator.run.simulate("alexnet", batch=table.batch, layers=layers, mapping=mapping, progress=progress)


def _renamed(rows: tuple[Compared, ...]) -> tuple[Compared, ...]:
    return tuple(replace(row, name=f"{row.name}*") for row in rows)
