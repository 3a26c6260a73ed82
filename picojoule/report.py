"""`picojoule report`: run folders in, one page of figures out."""

from collections.abc import Sequence
from pathlib import Path

from simulator.errors import SpecError
from simulator.report.pictures.page import page_html
from simulator.report.pictures.stored_runs import read_stored
from simulator.report.run_folder import check_file, write_files


def run(folders: Sequence[Path], output: Path) -> None:
    """Write the page, whole or not at all. Raises PicojouleError."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise SpecError(f"{output}: not a page's name; end it in .html")
    check_file(output)
    write_files(output.parent, {output.name: page_html([read_stored(folder) for folder in folders])})
    print(f"{output}: written; a browser opens it, with or without a network")
