"""Which cycles of a run does a timeline show? Layers follow one another on one clock, that of the whole run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.errors import SpecError
from simulator.results import LayerResult

FIRST_CYCLES = 100_000
"""Shown of each layer if no window is given: more than what fills the GLB over the chip's link (43,000), and some
passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Cycles first..end-1 of a run."""

    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWindow:
    """Cycles first..end-1 of a layer's own clock, which began at cycle `start` of the run."""

    start: int
    first: int
    end: int


def parse_window(text: str) -> Window:
    """A:B as a window. Raises SpecError."""
    match = re.fullmatch(r"(\d{1,15}):(\d{1,15})", text.strip(), flags=re.ASCII)
    if not match:
        raise SpecError(f"--window {text!r}: is not two whole numbers of cycles; write FIRST:END, such as 0:50000")
    window = Window(first=int(match[1]), end=int(match[2]))
    if window.first >= window.end:
        raise SpecError(f"--window {text}: holds no cycle; the second number must be above the first")
    return window


def layer_windows(layers: Sequence[LayerResult], window: Window | None) -> Iterator[LayerWindow | None]:
    """What to show of each layer, None where nothing. Raises SpecError if the run ends before the window begins."""
    starts = [sum(layer.total_cycles for layer in layers[:index]) for index in range(len(layers) + 1)]
    if window is not None and window.first >= starts[-1]:
        raise SpecError(
            f"--window {window.first}:{window.end}: the run has ended by then, at cycle {starts[-1]}; "
            "give a window that begins before"
        )
    for start, layer in zip(starts, layers, strict=False):
        first, end = (0, FIRST_CYCLES) if window is None else (window.first - start, window.end - start)
        first, end = max(first, 0), min(end, layer.total_cycles)
        yield LayerWindow(start=start, first=first, end=end) if first < end else None
