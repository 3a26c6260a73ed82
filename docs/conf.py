"""How Sphinx makes the site (`make docs`). The source folder is the checkout, so that links to files beside docs/ hold
both here and where the Markdown is read as it is.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

_ROOT = Path(__file__).parents[1]
_INIT = (_ROOT / "picojoule" / "__init__.py").read_text(encoding="utf-8")

project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
release = re.findall(r'__version__ = "(.+)"', _INIT)[0]
root_doc = "docs/index"
include_patterns = ["docs/**", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "DEVIATIONS.md", "examples/*/README.md"]
exclude_patterns = [".*", "build", "dist", "tests"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3
smartquotes = False

html_theme = "furo"
html_title = f"picojoule {release}"
html_show_sphinx = False
html_show_copyright = False
html_extra_path = ["site"]
"""What is copied to the top of the site: its first page, which leads to docs/index.html."""

autodoc_mock_imports = ["torch"]
"""Large, and the pages are the same without it."""
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "undoc-members": True, "exclude-members": "__init__,__new__,model_config"}
autodoc_member_order = "bysource"
# Python's and numpy's types have no page here, and theirs would have to be fetched; type variables have none anywhere.
nitpick_ignore_regex = [("py:.*", r"(?!(simulator|workloads|pruning)\.).*"), ("py:.*", r"pruning\.loop\.Network")]

_NAMED = re.compile(r"^(\w+(?:(?:, | … )\w+)*)  +(\S.*)$")
"""A line of a docstring's list: a parameter or field (or several), two spaces or more, and what it is."""
_NEXT_COLUMN = re.compile(r"\s{3,}(?=\w+(?:, \w+)*  \S)")


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)  # Pygments has none
    app.connect("autodoc-process-docstring", _to_restructured_text)


def _to_restructured_text(_app: Sphinx, _what: str, _name: str, _of: object, _options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with `code` in it: what would be markup is escaped, and lists become definitions."""
    lines[:] = [converted for line in lines for converted in _converted(line)]


def _converted(line: str) -> list[str]:
    named = _NAMED.match(line)
    if named is None:  # a line that goes on under a name stands far to the right: any depth will do
        return [f"    {_escaped(line.strip())}" if line.startswith("    ") else _escaped(line)]
    first, *others = _NEXT_COLUMN.split(named[2])
    # A blank line ahead of a term ends what came before it; between terms it does no harm.
    return ["", f"``{named[1]}``", f"    {_escaped(first)}", *(new for other in others for new in _converted(other))]


def _escaped(text: str) -> str:
    parts = re.split(r"`([^`]+)`", text)
    plain = [re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    code = [f"``{part}``" for part in parts[1::2]]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))
