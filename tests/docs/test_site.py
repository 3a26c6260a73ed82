"""Does the site build without a warning, and show itself without anything from elsewhere?"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.docs


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ("-W", "-n", "-q", "--keep-going", "-c", "docs", "-d", str(folder / "doctrees"))
    command = [sys.executable, "-m", "sphinx", *options, ".", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


class _Addresses(HTMLParser):
    """loaded: what a browser fetches to show a page; linked: where a click leads; anchors: what can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.add(values.get("id", ""))
        if tag == "a":
            self.linked.append(values.get("href", ""))
        else:
            self.loaded += [values[name] for name in ("src", "srcset", "data", "href", "poster") if name in values]


def pages(site: Path) -> dict[Path, _Addresses]:
    return {path: _Addresses(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page, addresses in pages(site).items():
        for address in addresses.loaded:
            assert not urlsplit(address).netloc, f"{page.name} loads {address}"
            assert (page.parent / unquote(urlsplit(address).path)).exists(), f"{page.name}: no {address}"
    for style in site.rglob("*.css"):
        loaded = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", style.read_text(encoding="utf-8"))
        strangers = [one or other for one, other in loaded if urlsplit(one or other).netloc]
        assert not strangers, f"{style.name} loads {strangers}"


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    found = pages(site)
    inner = [(page, urlsplit(link)) for page, addresses in found.items() for link in addresses.linked]
    for page, link in inner:
        if link.scheme or not (link.path or link.fragment):
            continue
        target = (page.parent / unquote(link.path)).resolve() if link.path else page
        assert target.exists(), f"{page.name}: no {link.path}"
        if link.fragment and target in found:
            assert unquote(link.fragment) in found[target].anchors, f"{page.name}: no {link.path}#{link.fragment}"


def test_the_pages_are_there(site: Path) -> None:
    names = {path.relative_to(site).with_suffix("").as_posix() for path in pages(site)}
    sources = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")]
    assert {path.relative_to(ROOT).with_suffix("").as_posix() for path in sources} <= names
    assert "index" in names


def test_the_reference_of_python_has_what_is_to_be_imported(site: Path) -> None:
    import pruning
    import simulator
    import workloads

    anchors = pages(site)[site / "docs" / "python.html"].anchors
    public = [f"{module.__name__}.{name}" for module in (simulator, workloads, pruning) for name in module.__all__]
    assert [name for name in public if name not in anchors] == []
