"""How a picture that matplotlib draws is written: whole, the same bytes for the same figures, in the one style.

No pyplot, whose figures are global state. SVG text stays text, so that it can be searched and read out.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from simulator.errors import OutputError, SpecError
from simulator.report.pictures.style import MATPLOTLIB
from simulator.report.run_folder import check_file

_NOTHING_OF_THE_DAY = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Figures are made and written inside; matplotlib's own settings, a person's too, are as before when it ends."""
    with matplotlib.style.context(["default", MATPLOTLIB]):
        yield


def check_picture(path: Path) -> None:
    """Raise unless a picture could be written there now: SpecError for its kind, OutputError for its place."""
    if path.suffix.lower() not in _NOTHING_OF_THE_DAY:
        raise SpecError(f"{path}: no such kind of picture; end the name in {', '.join(_NOTHING_OF_THE_DAY)}")
    check_file(path)


def write_picture(figure: Figure, path: Path) -> None:
    """Write a figure, made in `styled()` and there still, whole or not at all. Raises OutputError."""
    content, suffix = io.BytesIO(), path.suffix.lower()
    figure.savefig(content, format=suffix[1:], metadata=_NOTHING_OF_THE_DAY[suffix])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content.getvalue())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None
    finally:
        temporary.unlink(missing_ok=True)
