"""The questions of docs/how-to/feeds.md about payees, run unchanged with a sandbox."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import quanzu
from docs.hooks import section
from streams.runtime.embedded import free_port
from tests.tools.servers.process import wait_for

PAGE = (Path(__file__).parents[2] / "docs/how-to/feeds.md").read_text("utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", section(PAGE, "before-a-payment") or "", re.DOTALL)


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder in which its folder `mine` lies, and its address."""
    folder, port = tmp_path_factory.mktemp("payees"), free_port()
    words = ["admin", "sandbox", "serve", "mine", "--source", "bank-x", "--port", str(port)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("QUANZU_")}
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, str(Path(quanzu.__file__)), *words]
    with subprocess.Popen(command, env=plain, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: ready(address), "the sandbox")
            yield folder, address
        finally:
            process.terminate()


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
