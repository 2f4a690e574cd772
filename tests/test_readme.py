"""The README leads a newcomer to every module, and the pages that it names show what the code says."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from console.reference.configuration import FIRST, table
from docs.hooks import section

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PRODUCT = ("agents", "console", "domain", "schemas", "simulators", "streams", "deploy", "tests")
CODE = re.compile(r"`([^` ]+)`")
LEVELS = 2  # of folders that the map names one by one; of those below, it names the parent
DEEPER = "console/web"  # has a third level


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 200


def test_the_table_of_settings_is_the_ten_that_matter() -> None:
    assert table(FIRST) in README


def test_every_report_key_is_explained() -> None:
    page = (ROOT / "docs/reference/report.md").read_text("utf-8")
    for key in ("accepted", "conservation_holds", "cases_by_level", "warned", "loss_avoided_fen", "contacts_twice"):
        assert f"`{key}`" in page


def test_every_folder_of_code_is_on_the_map() -> None:
    named = {str(folder) for path in _mapped() for folder in (Path(path), *Path(path).parents)}
    assert sorted(_folders() - named) == [], "add a line to README.md, A map of the codebase"


def test_the_map_names_only_what_exists() -> None:
    assert [path for path in _mapped() if not (ROOT / path).exists()] == []


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def _folders() -> set[str]:
    """Return the folders of the product that hold tracked files, as deep as the map goes."""
    listed = subprocess.run(["git", "ls-files", "-z", *PRODUCT], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {Path(file).parent for file in listed.stdout.split("\0") if file}
    return {str(Path(*folder.parts[: _depth(folder)])) for folder in found}


def _depth(folder: Path) -> int:
    if folder.parts[0] == "tests":
        return 1  # mirrors the others
    return LEVELS + 1 if str(folder).startswith(DEEPER) else LEVELS


def _mapped() -> Iterator[str]:
    """Yield each path of the table. A path without a folder of the root is beside or within the one before it."""
    map_ = section(README, "a-map-of-the-codebase") or ""
    for row in (line for line in map_.splitlines() if line.startswith("|")):
        first = ""
        for name in CODE.findall(row):
            path = name.rstrip("/")
            if not name.endswith("/") and "." not in name:
                continue
            found = [path, *(str(folder / path) for folder in (Path(first), Path(first).parent))]
            path = next((each for each in found if (ROOT / each).exists()), path)
            first = first or path
            yield path
