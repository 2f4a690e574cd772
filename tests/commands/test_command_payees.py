"""The questions of docs/how-to/feeds.md about payees, run unchanged with a sandbox."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.hooks import section
from tests.commands.sandboxes import served

PAGE = (Path(__file__).parents[2] / "docs/how-to/feeds.md").read_text("utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", section(PAGE, "before-a-payment") or "", re.DOTALL)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder in which its folder `mine` lies, and its address."""
    folder = tmp_path_factory.mktemp("payees")
    with served(folder) as address:
        yield folder, address


def asked(sandbox: tuple[Path, str], block: str, **variables: str) -> dict[str, object]:
    folder, address = sandbox
    command = block.replace("http://127.0.0.1:8080", address)
    ran = subprocess.run(
        ["bash", "-c", command], env={**os.environ, **variables}, cwd=folder, capture_output=True, check=True
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_the_page_s_questions_have_the_answers_that_it_tells(sandbox: tuple[Path, str]) -> None:
    check, abandoned = BLOCKS
    answers = asked(sandbox, check)["answers"]
    assert isinstance(answers, list)
    assert [(each["answer"], each["reason"]) for each in answers] == [
        ("confirmed", "listed"),
        ("reported", "report_unverified"),
        ("confirmed", "listed"),
        ("confirmed", "domain_listed"),
        ("not_known", "no_entry"),
    ]
    assert [each["since"] is None for each in answers] == [False, False, False, False, True]
    name = answers[0]["check"]
    assert [asked(sandbox, abandoned, CHECK=name) for _ in range(2)] == [{"counted": True}, {"counted": False}]


def test_the_page_says_that_not_known_is_not_a_statement_of_safety() -> None:
    assert "**`not_known` is not a statement of safety.**" in PAGE
