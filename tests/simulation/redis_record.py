"""Record what the product's own tests ask of Redis, as a corpus of which test_redis_as_real.py asks both servers.

    .venv/bin/python -m tests.simulation.redis_record

runs the tests below (some minutes) and writes redis_corpus.json. Record anew when a script of streams/lua has changed:
a test says so. Replies are not kept, since each run asks a real Redis anew. Left out: what a server says of itself,
repeated polls, and the ends of what is longer than the corpus may be.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from streams.redis_lean import Packing
from tests.simulation.redis_both import RUN

CORPUS = Path(__file__).with_name("redis_corpus.json")
MOST_BYTES = 450_000
A_TEST = 12_000  # bytes
POLLS = 2  # of one command that reads, in a test
TESTS = (
    "tests/streams/test_channel.py",
    "tests/streams/test_screening.py",
    "tests/streams/test_residents.py",
    "tests/streams/test_desk.py",
    "tests/streams/test_deadlines.py",
    "tests/streams/test_shared.py",
    "tests/streams/test_older_redis.py",
    "tests/streams/test_auditor.py",
    "tests/streams/test_burst.py",
    "tests/streams/test_policy_breaker.py",
    "tests/streams/test_staff.py",
    "tests/streams/test_feeds.py",
    "tests/line/test_red.py",
    "tests/line/test_held.py",
    "tests/line/test_mule_fan_out.py",
    "tests/line/test_reopened.py",
)

_RUN = re.compile(r"[0-9a-f]{40}/[0-9a-f]{40}")
_LEFT_OUT = {"INFO", "TIME", "WAIT", "MULTI", "EXEC", "HELLO", "CLIENT", "CONFIG", "SELECT", "AUTH", "SCRIPT", "ACL"}
_LEFT_OUT |= {"DUMP", "RESTORE", "PUBLISH", "SUBSCRIBE", "MEMORY", "ROLE", "RENAME", "DBSIZE", "WATCH", "UNWATCH"}
_READS = ("GET", "MGET", "H", "S", "Z", "EXISTS", "TTL", "PTTL", "TYPE", "KEYS")
_WRITES = re.compile(r"^(SET|HSET|HDEL|HINCRBY|HSETNX|SADD|SREM|SUNIONSTORE|ZADD|ZREM|ZINCR|ZPOP)")

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
        """What is kept: the scripts that are called, and for each test its commands."""
        tests, size = {}, 0
        for name, commands in self.tests.items():
            kept = _shortened(commands)
            size += len(json.dumps(kept, ensure_ascii=False).encode())
            if kept and size < MOST_BYTES - 60_000:
                tests[name] = kept
        called = {told[1] for commands in tests.values() for told in commands if told[0] == "EVALSHA"}
        scripts = {sha: text for sha, text in sorted(self.scripts.items()) if sha in called}
        return {"scripts": scripts, "tests": tests}

    def _script(self, text: str) -> str:
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.scripts[sha] = text
        return sha


def _shortened(commands: list[Told]) -> list[Told]:
    kept, size, asked = [], 0, dict[str, int]()
    for told in commands:
        line = json.dumps(told, ensure_ascii=False)
        asked[line] = asked.get(line, 0) + 1
        reads = told[0].startswith(_READS) and not _WRITES.match(told[0])
        if asked[line] > (POLLS if reads else 2 * POLLS):
            continue
        size += len(line.encode())
        if size > A_TEST:
            break
        kept.append(told)
    return kept


def _text(part: Any) -> str:  # noqa: ANN401 - an argument of a command
    return part.decode("utf-8", "surrogateescape") if isinstance(part, bytes) else str(part)


_recorder = Recorder()


def pytest_configure(config: pytest.Config) -> None:
    """As pytest's plugin: note what is packed."""
    packed = Packing.pack_command

    def pack_command(self: Packing, *arguments: Any) -> list[bytes]:  # noqa: ANN401 - as redis-py's
        _recorder.take(arguments)
        return packed(self, *arguments)

    Packing.pack_command = pack_command  # type: ignore[method-assign]


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
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "tests.simulation.redis_record", *TESTS]).returncode
    )
