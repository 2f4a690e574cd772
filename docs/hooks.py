"""MkDocs' hook: sections of the README stand in the site too, where a page asks for one, and are written once.

A page asks with a line of its own, `{{ README.md # the-flow }}`: the section under that heading, without the heading,
with its links as they are seen from the page. The build fails when there is no such section. A Mermaid diagram in it,
which the site cannot draw by itself, is shown as docs/flow.svg: the build fails when that shows another text.
"""

import hashlib
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ASKED = re.compile(r"^\{\{ (?P<file>[\w./-]+) # (?P<anchor>[\w-]+) \}\}$", re.MULTILINE)
FENCE = re.compile(r"^```mermaid\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE, DRAW = "docs/flow.svg", "python -m tests.documents.draw"
HEADING = re.compile(r"^(#+) (.+)$")
PAGES = {"README.md": "index.md", "RUNBOOK.md": "runbook.md"}  # of the root: where they stand in docs/
LINK = re.compile(r"(\]\(|src=\")(?!https?:|#)([^)\"#\s]*)(#[\w-]+)?")


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put in what the page asks for."""
    root = Path(config.docs_dir).parent

    def put(found: re.Match[str]) -> str:
        text = section((root / found["file"]).read_text("utf-8"), found["anchor"])
        if text is None:
            raise PluginError(f"{page.file.src_uri}: {found['file']} has no section #{found['anchor']}")
        return relinked(_drawn(text, root), page.file.src_uri)

    return ASKED.sub(put, markdown)


def section(text: str, anchor: str) -> str | None:
    """What stands under the heading of this anchor, up to the next one of its height."""
    height, kept, fenced = 0, list[str](), False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else HEADING.match(line)
        if heading and height and len(heading[1]) <= height:
            break
        if heading and not height and _anchor(heading[2]) == anchor:
            height = len(heading[1])
        elif height:
            kept.append(line)
    return "\n".join(kept) if height else None


def mark(text: str) -> str:
    """What a picture of a diagram begins with: it tells of which text."""
    return f"<!-- {hashlib.sha256(text.encode()).hexdigest()} -->"


def _drawn(text: str, root: Path) -> str:
    found = FENCE.search(text)
    if found is None:
        return text
    if not (root / PICTURE).read_text("utf-8").startswith(mark(found["text"])):
        raise PluginError(f"{PICTURE} shows another diagram than the README: draw it anew with `{DRAW}`")
    return FENCE.sub(f"[![The flow]({PICTURE})]({PICTURE})", text)


def relinked(text: str, page: str) -> str:
    """The text with links as seen from `page` (in docs/), that were written as seen from the root."""
    here = posixpath.dirname(page) or "."

    def seen(found: re.Match[str]) -> str:
        target = PAGES.get(found[2], found[2].removeprefix("docs/"))
        return f"{found[1]}{posixpath.relpath(target, here) if target else ''}{found[3] or ''}"

    return LINK.sub(seen, text)


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
