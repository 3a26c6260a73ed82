"""What a terminal is used for: how wide tables may be, and a bar for long runs. Pipes and files get neither."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called with a layer's name, the passes done and the passes in all; or so with other units of work."""

_PRUNING = "pruning"


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None for a file or a pipe, which takes tables of any width."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def shown_steps() -> Iterator[tuple[Callable[[str], None], Progress | None]]:
    """A callback that prints a line a step, and one that says what is done before a step, on stderr if that is a
    terminal; else the first does nothing, and there is no second."""
    if not sys.stderr.isatty():
        yield lambda _: None, None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status(_PRUNING) as status:

        def show(line: str) -> None:
            console.print(line, highlight=False, markup=False)
            status.update(_PRUNING)

        yield (
            show,
            lambda name, done, units: status.update(Text(f"measuring {name} alone: {done} of {units} are measured")),
        )


@contextmanager
def shown_progress(unit: str = "passes") -> Iterator[Progress | None]:
    """A callback that draws the bar; None unless stderr is a terminal. The bar is gone when the block ends."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda layer, done, passes: bar.update(task, description=layer, completed=done, total=passes)
