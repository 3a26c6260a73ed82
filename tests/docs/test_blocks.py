"""Are the documentation's commands commands, and are those that it leaves out of the tests the few that must be?"""

import shlex
from pathlib import Path

import pytest

from picojoule.app import app
from tests.docs.blocks import PAGES, ROOT, Block, blocks_of, is_printed

COMMANDS = [
    pytest.param(shlex.split(command.line, comments=True), id=f"{page.relative_to(ROOT)}: {command.line}")
    for page in PAGES
    for block in blocks_of(page)
    for command in block.commands
    if command.line.startswith("picojoule ")
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_can_be_parsed(words: list[str]) -> None:
    """With the names and options that it has; whether it works is a question of test_examples.py."""
    without_redirection = words[1 : words.index(">")] if ">" in words else words[1:]
    _, bound, _ = app.parse_args(without_redirection, exit_on_error=False, print_error=False)
    assert bound.arguments is not None


def test_what_is_not_run_needs_torch_or_is_tested_elsewhere() -> None:
    left_out = {
        block.page.relative_to(ROOT).as_posix() for page in PAGES for block in blocks_of(page) if not block.is_run
    }
    assert left_out == {
        "README.md",
        "docs/getting-started.md",
        "docs/how-to/prune.md",
        "docs/sweeps.md",
        "examples/cifar10/README.md",
        "examples/digits/README.md",
    }


def page(folder: Path, text: str) -> Path:
    (folder / "page.md").write_text(text)
    return folder / "page.md"


def test_commands_with_and_without_what_they_print(tmp_path: Path) -> None:
    text = "```console\n$ a 1\nx\n...\n$ b\n```\n\ntext\n\n    c\n    d   # and why\n\n```toml\nx = 1\n```\n"
    first, second = blocks_of(page(tmp_path, text))
    assert [(command.line, command.printed) for command in first.commands] == [("a 1", "x\n...\n"), ("b", "")]
    assert [(command.line, command.printed) for command in second.commands] == [("c", None), ("d   # and why", None)]


def test_python_and_what_is_not_run(tmp_path: Path) -> None:
    text = (
        "<!-- not run: needs torch -->\n```python\nimport torch\n```\n\n<!-- other -->\n```python\nimport json\n```\n"
    )
    assert list(blocks_of(page(tmp_path, text))) == [
        Block(page=tmp_path / "page.md", number=2, python="import torch\n", is_run=False),
        Block(page=tmp_path / "page.md", number=7, python="import json\n"),
    ]


@pytest.mark.parametrize(
    ("printed", "shown", "is_shown"),
    [
        ("a\nb\nc\n", "a\n...\n", True),
        ("a\nb\nc\n", "...\nc\n", True),
        ("a 1.5 b\n", "a ... b\n", True),
        ("a\nb\nc\n", "a\nc\n", False),
        ("a\n", "", False),
        ("", "", True),
        ("axb\n", "a.b\n", False),
    ],
)
def test_three_dots_stand_for_anything(printed: str, shown: str, is_shown: bool) -> None:
    assert is_printed(printed, shown) == is_shown
