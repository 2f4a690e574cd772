"""The documentation as a site: built without a warning, it loads nothing from outside, and its links lead somewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.hooks import relinked, section

ROOT = Path(__file__).parents[2]
SKIPPED = {"404.html"}  # its links are those of a server's root
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


@dataclass
class _Page(HTMLParser):
    """What a page has and where it leads: ids, links, and what it loads."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif value and (tag, name) == ("a", "href"):
                self.links.append(value)
            elif value and (tag, name) in LOADS:
                self.loads.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    found = {path.resolve(): _Page() for path in site.rglob("*.html") if path.name not in SKIPPED}
    for path, page in found.items():
        page.feed(path.read_text("utf-8"))
    assert len(found) > 20
    return found


def test_every_link_leads_to_a_file_and_to_a_place_in_it(pages: dict[Path, _Page]) -> None:
    assert [broken for path, page in pages.items() for broken in _broken(path, page, pages)] == []


def test_no_page_loads_anything_from_outside(pages: dict[Path, _Page]) -> None:
    outside = {load for page in pages.values() for load in page.loads if urlsplit(load).netloc}
    assert outside == set()


def test_the_runbook_and_sections_of_the_readme_are_in_the_site(site: Path) -> None:
    assert "Two of three brokers are down" in (site / "runbook.html").read_text("utf-8")
    assert "Windows is not supported" in (site / "reliability.html").read_text("utf-8")


def test_the_diagram_is_drawn(site: Path) -> None:
    assert 'src="../flow.svg"' in (site / "explanation/design.html").read_text("utf-8")


def test_a_section_ends_where_the_next_of_its_height_begins() -> None:
    text = "# A\nnot\n## One two\nkept\n```\n## no heading\n```\n### deeper\n## Other\nnot"
    assert section(text, "one-two") == "kept\n```\n## no heading\n```\n### deeper"
    assert section(text, "nowhere") is None


def test_links_are_seen_from_the_page() -> None:
    text = "[a](docs/x.md#y) [b](RUNBOOK.md) ![c](docs/p/q.svg) [d](#here) [e](https://example.org/docs/z)"
    seen = "[a](../x.md#y) [b](../runbook.md) ![c](../p/q.svg) [d](#here) [e](https://example.org/docs/z)"
    assert relinked(text, "how-to/page.md") == seen


def _broken(path: Path, page: _Page, pages: dict[Path, _Page]) -> Iterator[str]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists():
            yield f"{path.name}: {link}: there is no such file"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"{path.name}: {link}: there is no such place"
