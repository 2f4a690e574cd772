"""The page on security names tests as its evidence: each of them exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?(?:::\w+)?)`", PAGE)))
LINE = re.compile(r"^\| (\d+\.\d+\.\d+)", re.MULTILINE)


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_the_page_names_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert (ROOT / path).exists()
    if function:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        found = {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in found


def test_each_row_of_threats_and_of_the_asvs_names_a_test_or_says_why_not() -> None:
    threats = PAGE.split("## Threat model")[1].split("## ASVS")[0]
    lines = PAGE.split("## ASVS 5.0, level 2")[1].split("## Evidence")[0]
    rows = [row for row in (threats + lines).splitlines() if row.startswith("| ")]
    wanting = [row for row in rows if not re.search(r"`tests/[^`]+`|`–`|\| test \|$", row)]
    assert len(LINE.findall(lines)) > 30
    assert wanting == []
