"""Record what the product's own tests ask of Redis, as a corpus of which test_redis_as_real.py asks both servers.

    .venv/bin/python -m tests.simulation.fake_redis.record

runs the tests below (some minutes) and writes redis_corpus.json. Record anew when a script of streams/state/lua has
changed: a test says so. Replies are not kept, since each run asks a real Redis anew. Left out: what a server says of
itself, the same again and again, and what is long. Whatever is left out, both servers are asked the same.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection

from streams.state.redis_lean import Packing
from tests.simulation.fake_redis.both import RUN

CORPUS = Path(__file__).with_name("redis_corpus.json")
A_KIND = 24_000  # bytes of each command or script, which makes some 400,000 in all
LONGEST = 3_000  # bytes of one command
SAME = 2  # of one command in a test
TESTS = (
    "tests/streams/channels/test_channel.py",
    "tests/streams/screening/test_screening.py",
    "tests/streams/screening/test_fan_outs.py",
    "tests/streams/repositories/test_residents.py",
    "tests/streams/casework/test_desk.py",
    "tests/streams/casework/test_deadlines.py",
    "tests/streams/runtime/test_rebuilding.py",
    "tests/streams/runtime/test_shared.py",
)
SLOW = "not killed and not stopped and not province"  # tests that wait for processes of their own

LASTING = 60_000  # milliseconds, or seconds
_EXPIRES = re.compile(r"(?:'[PE]X', |PEXPIRE', (?:KEYS\[\w\]|key), )ARGV\[(\d)\]")
_RUN = re.compile(r"[0-9a-f]{40}/[0-9a-f]{40}")
_LEFT_OUT = {"INFO", "TIME", "WAIT", "MULTI", "EXEC", "HELLO", "CLIENT", "CONFIG", "SELECT", "AUTH", "SCRIPT", "ACL"}
_LEFT_OUT |= {
    "DUMP",
    "RESTORE",
    "PUBLISH",
    "SUBSCRIBE",
    "MEMORY",
    "ROLE",
    "RENAME",
    "DBSIZE",
    "WATCH",
    "UNWATCH",
    "SCAN",
}
Told = list[str]


class Recorder:
    """Everything that was packed for Redis, by test."""

    def __init__(self) -> None:
        self.scripts: dict[str, str] = {}  # by SHA1
        self.tests: dict[str, list[Told]] = {}
        self.now: list[Told] = []

    def begin(self, test: str) -> None:
        self.now = self.tests.setdefault(test, [])

    def take(self, arguments: Iterable[Any]) -> None:
        """Note a command. A script's text is kept once."""
        told = [_text(part) for part in arguments]
        told[:1] = told[0].upper().split()
        if told[:2] == ["SCRIPT", "LOAD"]:
            self._script(told[2])
        if told[0] == "EVAL":
            told[:2] = ["EVALSHA", self._script(told[1])]
        if told[0] not in _LEFT_OUT:
            self.now.append([_RUN.sub(RUN, part) for part in told])

    def corpus(self) -> dict[str, Any]:
        """What is kept: the scripts that are called, and for each test its commands, so many of each kind."""
        quotas = Quotas()
        tests = {
            name: kept
            for name, commands in self.tests.items()
            if (kept := [told for told in map(self.lasting, commands) if quotas.take(name, told)])
        }
        called = {told[1] for commands in tests.values() for told in commands if told[0] == "EVALSHA"}
        scripts = {sha: text for sha, text in sorted(self.scripts.items()) if sha in called}
        return {"scripts": scripts, "tests": tests}

    def lasting(self, told: Told) -> Told:
        """The command, with what would expire while it is compared lasting for longer."""
        places = [at + 1 for at, part in enumerate(told) if part in ("PX", "EX")]
        if told[0] in ("PEXPIRE", "EXPIRE"):
            places.append(2)
        if told[0] == "EVALSHA" and told[2].isdigit():
            before = 2 + int(told[2])  # ARGV[1] is the next
            places += [before + int(number) for number in _EXPIRES.findall(self.scripts.get(told[1], ""))]
        long = [at for at in places if at < len(told) and told[at].isdigit() and int(told[at]) < LASTING]
        return [str(LASTING) if at in long else part for at, part in enumerate(told)]

    def _script(self, text: str) -> str:
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.scripts[sha] = text
        return sha


class Quotas:
    """How much of each command, and of each script, is kept: what comes first, and not the same again and again."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._same: Counter[str] = Counter()

    def take(self, test: str, told: Told) -> bool:
        """Whether there is room for this one."""
        kind, line = told[1] if told[0] == "EVALSHA" else told[0], _line(told)
        self._same[test + line] += 1
        if self._same[test + line] > SAME or len(line) > LONGEST or self._bytes[kind] + len(line) > A_KIND:
            return False
        self._bytes[kind] += len(line)
        return True


def _text(part: Any) -> str:  # noqa: ANN401 - an argument of a command
    return part.decode("utf-8", "surrogateescape") if isinstance(part, bytes) else str(part)


_recorder = Recorder()


def pytest_configure(config: pytest.Config) -> None:
    """As pytest's plugin: note what is packed."""
    for each in (Packing, AbstractConnection):  # the product's connections; those of tests that have their own client
        _note(each)


def _note(kind: Any) -> None:  # noqa: ANN401 - a class with pack_command
    packed = kind.pack_command

    def pack_command(self: Any, *arguments: Any) -> Any:  # noqa: ANN401 - as redis-py's
        _recorder.take(arguments)
        return packed(self, *arguments)

    kind.pack_command = pack_command


def pytest_runtest_setup(item: pytest.Item) -> None:
    _recorder.begin(item.nodeid)


def pytest_sessionfinish() -> None:
    """Write the corpus, a line for each test."""
    corpus = _recorder.corpus()
    lines = [f"{json.dumps(name)}: {_line(told)}" for name, told in corpus["tests"].items()]
    scripts = _line(corpus["scripts"])
    CORPUS.write_text(f'{{"scripts": {scripts},\n"tests": {{\n' + ",\n".join(lines) + "\n}}\n", "utf-8")


def _line(told: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"))


if __name__ == "__main__":
    raise SystemExit(
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.simulation.fake_redis.record", "-k", SLOW, *TESTS]
        ).returncode
    )
