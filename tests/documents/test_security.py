"""The pages on security name tests as their evidence: each exists, and no requirement of the ASVS is left out."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY, ASVS = ((ROOT / "docs" / name).read_text("utf-8") for name in ("security.md", "asvs.md"))
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?(?:::\w+)?)`", SECURITY + ASVS)))
EVIDENCE = re.compile(r"`tests/[^`]+`|`–`|\| test \|$")
NUMBER = r"\d+\.\d+\.\d+"
ROW = re.compile(rf"^\| ({NUMBER}(?:(?:, | to ){NUMBER})*) ", re.MULTILINE)
STATES = ("met", "in part", "not met", "does not apply")
# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has: they are its first ones.
REQUIREMENTS = {
    **{"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    **{"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4},
    **{"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1},
    **{"9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3},
    **{"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4},
    **{"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7},
    **{"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2},
}


# By file: weak ones that a protocol or a list of others prescribes.
WEAK = {"streams/gateways/sms/cmpp_units.py": {"md5"}, "console/web/auth/passwords.py": {"sha1"}}
STRONG = {"sha256", "sha512", "blake2b"}


def _rows() -> dict[str, str]:
    """The table's row of each requirement. Raises AssertionError if two rows are about one."""
    found: list[tuple[str, str]] = []
    for line in ASVS.splitlines():
        if row := ROW.match(line):
            for first, last in re.findall(rf"({NUMBER})(?: to ({NUMBER}))?", row[1]):
                section, begin = first.rsplit(".", 1)
                end = last.rsplit(".", 1)[1] if last else begin
                found += [(f"{section}.{number}", line) for number in range(int(begin), int(end) + 1)]
    twice = [name for name, often in Counter(name for name, _ in found).items() if often > 1]
    assert twice == []
    return dict(found)


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_the_pages_name_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert (ROOT / path).exists()
    if function:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        found = {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in found


def test_each_row_of_threats_and_of_the_asvs_names_a_test_or_says_why_not() -> None:
    threats = SECURITY.split("## Threat model")[1].split("## ASVS")[0]
    rows = [row for row in threats.splitlines() if row.startswith("| ")]
    rows += [row for row in ASVS.splitlines() if ROW.match(row)]
    assert len(rows) > 60
    assert [row for row in rows if not EVIDENCE.search(row)] == []


def test_each_requirement_of_the_asvs_has_its_row_and_no_other_number_has() -> None:
    wanted = {f"{section}.{number + 1}" for section, most in REQUIREMENTS.items() for number in range(most)}
    assert _rows().keys() == wanted


def test_the_summary_counts_what_the_table_says() -> None:
    counts: dict[str, Counter[str]] = {}
    for name, row in _rows().items():
        counts.setdefault(name.split(".")[0], Counter())[_state(row.split(" | ")[1])] += 1
    chapters = dict(re.findall(r"^\| (\d+) [A-Z][^|]* \| (\d+ \| \d+ \| \d+ \| \d+) \|", ASVS, re.MULTILINE))
    assert chapters == {chapter: " | ".join(str(found[state]) for state in STATES) for chapter, found in counts.items()}


def _state(how: str) -> str:
    if how.startswith("does not apply: "):
        return "does not apply"
    lower = how.lower()
    if (
        "not met to the letter" in lower
        or "not met in part" in lower
        or "not met at " in lower
        or "not met as far" in lower
    ):
        return "in part"
    return "not met" if lower.startswith("not met: ") else "met"


def test_weak_hash_functions_are_only_where_another_prescribes_them() -> None:
    used = dict[str, set[str]]()
    for folder in ("agents", "console", "deploy", "domain", "schemas", "simulators", "streams"):
        for file in (ROOT / folder).rglob("*.py"):
            found = set(re.findall(r"\bhashlib\.(\w+)\(", file.read_text("utf-8"))) - {"new", "file_digest"}
            if found - STRONG:
                used[str(file.relative_to(ROOT))] = found - STRONG
    assert used == WEAK
