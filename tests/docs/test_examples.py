"""Do the documentation's examples run, page by page, and print what the page shows?"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.docs.blocks import PAGES, ROOT, Block, blocks_of, is_printed
from workloads.data_sets import open_labelled

pytestmark = pytest.mark.docs

RUN = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]


@pytest.fixture(scope="module")
def readers_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages call a reader's own: a model, images for it, labelled images, and a sweep."""
    folder = tmp_path_factory.mktemp("files")
    data = open_labelled("digits", split="test", scale=1 / 16)
    shutil.copy(ROOT / "workloads" / "trained" / "digits.onnx", folder / "model.onnx")
    np.save(folder / "images.npy", data.images[:16])
    (folder / "sweep.toml").write_text('network = "alexnet"\nlayers = ["CONV3"]\n[grid]\npe_array.rows = [8, 12]\n')
    np.savez(folder / "labelled.npz", images=data.images, labels=data.labels)
    return folder


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `picojoule`, of this checkout, for the shell."""
    folder = tmp_path_factory.mktemp("programs")
    script = folder / "picojoule"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m picojoule "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, readers_files: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one folder, with one namespace, in the page's order: a later example may rest on an earlier one."""
    shutil.copytree(readers_files, tmp_path, dirs_exist_ok=True)
    if page.name == "workloads.md":  # shows a trace, and how one is made only in a sentence
        record = f"{programs}/picojoule record model.onnx --images images.npy -o trace.npz"
        subprocess.run(record.split(), cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.is_run:
            run(block, names)


def run(block: Block, names: dict[str, Any]) -> None:
    where = f"{block.page.relative_to(ROOT)}:{block.number}"
    if block.python:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block.python, where, "exec"), names)
    for command in block.commands:
        done = subprocess.run(command.line, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{where}: {command.line}\n{done.stdout}\n{done.stderr}"
        if command.printed is not None:
            shown = f"{where}: {command.line}\nthe page shows:\n{command.printed}\nit prints:\n{done.stdout}"
            assert is_printed(done.stdout, command.printed), shown
