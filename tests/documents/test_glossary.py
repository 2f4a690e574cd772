"""The glossary names modules that exist, terms that they define, and the labels that the screen shows."""

import re
from pathlib import Path

from tests.documents.glossary import PAGE, page

ROOT = Path(__file__).parents[2]
WRITTEN = PAGE.read_text("utf-8")
DEFINED = re.compile(r"`(\w[\w./-]*/[\w.-]*)`(?: \(`(\w+)`\))?")
"""A path, and perhaps a name that the file has."""


def test_each_module_path_of_the_glossary_exists() -> None:
    paths = {path for path, _ in DEFINED.findall(WRITTEN)}
    assert len(paths) > 50
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_each_module_defines_the_name_that_the_glossary_gives() -> None:
    named = [(path, name) for path, name in DEFINED.findall(WRITTEN) if name]
    assert len(named) > 30
    missing = [f"{path}: {name}" for path, name in named if not re.search(rf"\b{name}\b", (ROOT / path).read_text())]
    assert missing == []


def test_each_term_has_three_languages_and_a_module() -> None:
    rows = [line.strip("|").split("|") for line in WRITTEN.partition("## Labels")[0].splitlines() if "`" in line]
    terms = [[cell.strip() for cell in row] for row in rows if len(row) == 5]
    assert len(terms) > 60
    assert [row[0] for row in terms if not all(row) or not DEFINED.search(row[4])] == []


def test_the_labels_are_those_of_the_screen() -> None:
    assert page() == WRITTEN, "run python -m tests.documents.glossary"
