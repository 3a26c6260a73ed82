"""The examples of a Markdown page, as they stand in it: commands with what they print, and Python."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
_NOT_RUN = re.compile(r"<!-- not run: \S.* -->\s*")
"""What a page says, where readers do not see it, of an example that the tests leave out."""
_SHELL = ("", "console", "sh")
_PROMPT = "$ "


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line for the shell, and what it prints: `...` stands for anything; None where the page does not show it."""

    line: str
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One example: commands, or a piece of Python. is_run: no comment ahead of it says that the tests leave it out."""

    page: Path
    number: int
    commands: tuple[Command, ...] = ()
    python: str = ""
    is_run: bool = True


def blocks_of(page: Path) -> Iterator[Block]:
    """In the page's order; blocks of other languages are data, which other tests hold to the code."""
    tokens = [Token("start", "", 0), *MarkdownIt().parse(page.read_text(encoding="utf-8"))]
    for before, token in pairwise(tokens):
        language = token.info.strip()
        is_run = _NOT_RUN.fullmatch(before.content) is None
        number = (token.map or [0])[0] + 1
        if token.type not in ("fence", "code_block"):
            continue
        if language == "python":
            yield Block(page=page, number=number, python=token.content, is_run=is_run)
        elif language in _SHELL:
            yield Block(page=page, number=number, commands=tuple(_commands(token.content)), is_run=is_run)


def _commands(text: str) -> Iterator[Command]:
    if not text.startswith(_PROMPT):
        yield from (Command(line=line, printed=None) for line in text.splitlines())
        return
    for part in re.split(rf"^{re.escape(_PROMPT)}", text, flags=re.MULTILINE)[1:]:
        line, _, printed = part.partition("\n")
        yield Command(line=line, printed=printed)


def is_printed(printed: str, shown: str) -> bool:
    """Whether what a command prints is what a page shows; a line that is only `...` stands for any number of lines."""
    pattern = re.escape(shown).replace(r"\.\.\.", r"(?s:.*)")
    return re.fullmatch(pattern, printed) is not None
