"""`quanzu console`: the first administrators, the way back in, and the console served."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import quanzu
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.messaging.topics import AUDIT
from streams.runtime.embedded import Embedded
from streams.runtime.server_discovery import announce
from streams.runtime.settings import Settings

REPOSITORY = Path(quanzu.__file__).parent
START_SECONDS = 60.0
PASSWORD = re.compile(r"^password +((?:\w{5}-){3}\w{5})$", re.MULTILINE)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with Embedded(tmp_path_factory.mktemp("house")) as embedded:
        settings = embedded.settings(Settings())
        topics.create(settings)
        announce(settings)
        yield settings


class House:
    """The command line, in the folder of servers that run, where `chief` is the first system administrator."""

    def __init__(self, settings: Settings, capture: pytest.CaptureFixture[str]) -> None:
        self.settings, self._capture = settings, capture

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """How a command ends, what it writes, and what it says is wrong."""
        sys.argv = ["quanzu", "console", *arguments]
        ended: object = 0
        try:
            quanzu.main()
        except SystemExit as exit_:
            ended = exit_.code
        return int(str(ended or 0)), *self._capture.readouterr()

    def word(self, *arguments: str) -> str:
        """The one-time password that a command writes."""
        code, out, err = self.run(*arguments)
        found = PASSWORD.search(out)
        assert code == 0, err
        assert found, out
        return found[1]

    def audit(self) -> list[bytes]:
        """All that is in the audit."""

        async def read() -> list[bytes]:
            return [record.value or b"" async for record in read_all(self.settings, AUDIT.name)]

        return asyncio.run(read())


@pytest.fixture
def house(servers: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> House:
    for name in [name for name in os.environ if name.startswith("QUANZU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUANZU_DATA", str(servers.data))
    monkeypatch.setenv("COLUMNS", "200")
    made = House(servers, capsys)
    made.run("first-admin", "chief", "--name", "主任", "--role", "system")
    return made


def test_the_first_administrator_of_a_role_is_made_once(house: House) -> None:
    code, _, err = house.run("first-admin", "another", "--name", "某某", "--role", "system")
    assert code == 1
    assert "there is a system_administrator already: chief" in err
    made = [entry for entry in house.audit() if b"the first system_administrator" in entry]
    assert len(made) == 1
    assert b'"on":"chief"' in made[0]


def test_each_of_the_three_roles_has_its_first_person_and_none_has_two(house: House) -> None:
    code, _, err = house.run("first-admin", "chief", "--name", "主任", "--role", "security")
    assert code == 1
    assert "each administrator is another person" in err
    for login, role in (("guard", "security"), ("reader", "audit")):
        house.word("first-admin", login, "--name", "某某", "--role", role)
        assert house.run("first-admin", f"{login}-2", "--name", "某某", "--role", role)[0] == 1


def test_a_login_that_cannot_be_is_named(house: House) -> None:
    code, _, err = house.run("first-admin", "Chief One", "--name", "某某", "--role", "security")
    assert code == 1
    assert err.startswith("login: ")


def test_who_has_lost_everything_is_let_in_again_with_the_reason_kept(house: House) -> None:
    house.word("open-again", "chief", "--reason", "the telephone was lost")
    assert any(b"the telephone was lost" in entry for entry in house.audit())
    code, _, err = house.run("open-again", "nobody", "--reason", "a trial")
    assert (code, err.strip()) == (1, "there is no account 'nobody'")


def test_the_console_is_served_and_the_one_time_password_opens_it(house: House, tmp_path: Path) -> None:
    word = house.word("open-again", "chief", "--reason", "a trial")
    environment = {**os.environ, "QUANZU_CONSOLE_PORT": "0", "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "log").open("wb") as log:
        serving = subprocess.Popen(
            [sys.executable, "-m", "quanzu", "console", "serve"],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert serving.stdout is not None
            address = serving.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), (tmp_path / "log").read_text()
            form = {"login": "chief", "password": word}
            answer = httpx.post(f"{address}/sign-in", data=form, timeout=START_SECONDS)
            assert answer.headers["location"] == "/sign-in/password"
        finally:
            serving.terminate()
            assert serving.wait(START_SECONDS) == 0
