"""A real Redis and the simulated one, asked the same: the two must answer the same, and hold the same."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.connection import Connection
from redis.exceptions import ResponseError

from streams.state.server_identity import ASK_RUN, run_of
from tests.simulation.fake_redis.server import SimRedis
from tests.tools.servers.redis import RedisServer

RUN = "<run>"  # in an argument or a reply: the run of whichever server is asked
TOLERANCE = 5.0  # seconds that the two may be apart in time: one is asked after the other
UNORDERED = {b"SMEMBERS", b"SUNION", b"KEYS", b"SCAN", b"SSCAN"}  # Redis gives them by hashes that it draws anew
CLOCK = {b"TTL", b"PTTL"}
OWN = {b"INFO", b"TIME", b"CONFIG", b"DBSIZE"}  # of the server itself, or looked at by tests of their own
READS = {b"EXISTS", b"TYPE", b"GET", b"HGETALL", b"SMEMBERS", b"ZRANGE"}  # may be asked again: they change nothing
ALWAYS_LISTS = ("hash-max-listpack-value", "hash-max-listpack-entries", "zset-max-listpack-value")

# Which line of a script a refusal came from: after `return redis.call(...)` nobody knows it who is not written in C.
_LINE = re.compile(r", on @user_script:\d+|^user_script:\d+: ")

Command = Sequence[Any]


class Both:
    """Two servers, empty at first. `real` stays open: a fixture has made it."""

    def __init__(self, real: RedisServer) -> None:
        self._real = Connection(host="127.0.0.1", port=real.port, protocol=3)  # type: ignore[no-untyped-call]
        self._sim = SimRedis(time.time)
        for setting in ALWAYS_LISTS:  # so that a hash of any size is in the order of its fields' coming
            self._ask_real(("CONFIG", "SET", setting, 1_000_000_000))
        self.begin()

    def begin(self) -> None:
        """Empty both."""
        self._sim = SimRedis(time.time)
        self._ask_real(("FLUSHALL",))
        self._run = run_of(self._ask_real(ASK_RUN)).encode()
        self._sim_run = run_of(self._sim.execute(*ASK_RUN)).encode()

    @contextmanager
    def full(self) -> Iterator[None]:
        """No memory is left."""
        self._sim.full = True
        self._ask_real(("CONFIG", "SET", "maxmemory", 1))
        try:
            yield
        finally:
            self._ask_real(("CONFIG", "SET", "maxmemory", 0))

    @contextmanager
    def without_replicas(self) -> Iterator[None]:
        """Fewer replicas than there must be to write."""
        self._sim.min_replicas = 1
        self._ask_real(("CONFIG", "SET", "min-replicas-to-write", 1))
        try:
            yield
        finally:
            self._ask_real(("CONFIG", "SET", "min-replicas-to-write", 0))

    @contextmanager
    def demoted(self) -> Iterator[None]:
        """Replicas of a primary that is away."""
        self._sim.primary = SimRedis(time.time, "away")
        self._ask_real(("REPLICAOF", "127.0.0.1", 1))
        try:
            yield
        finally:
            self._ask_real(("REPLICAOF", "NO", "ONE"))

    def close(self) -> None:
        self._real.disconnect()  # type: ignore[no-untyped-call]

    def ask(self, *command: Any) -> Any:  # noqa: ANN401 - any reply
        """The reply, the same from both. Raises AssertionError where they differ."""
        name = _bytes(command[0]).upper()
        real, sim = self._replies(command)
        if name in READS and real != sim and (_is_nothing(real) or _is_nothing(sim)):
            time.sleep(TOLERANCE)  # a key that runs out now may have done so in one of them: by then it has in both
            real, sim = self._replies(command)
        if name in OWN:
            return sim
        if name in CLOCK:
            assert abs(real - sim) <= TOLERANCE * (1000 if name == b"PTTL" else 1), (command, real, sim)
            return sim
        assert _told(name, sim) == _told(name, real), (command, sim, real, str(sim), str(real))
        return sim

    def _replies(self, command: Command) -> tuple[Any, Any]:
        real, sim = self._ask_real(_with(self._run, command)), self._ask_sim(_with(self._sim_run, command))
        return _without(self._run, real), _without(self._sim_run, sim)

    def compare(self) -> int:
        """Compare all keys with their values and when they expire. Returns how many there are."""
        names, simulated = self._names()
        if names != simulated:  # one that runs out now may have done so in one of them: soon it has in both
            time.sleep(TOLERANCE)
            names, simulated = self._names()
        assert names == simulated
        for name in names:
            self.ask("PTTL", name)
            if (kind := self.ask("TYPE", name)) != b"none":  # run out since it was listed
                self.ask(*_READING[kind](name))
        return len(names)

    def _names(self) -> tuple[list[bytes], list[bytes]]:
        return sorted(self._ask_real(("KEYS", "*"))), sorted(self._sim.execute("KEYS", "*"))

    def _ask_real(self, command: Command) -> Any:  # noqa: ANN401 - any reply
        self._real.send_command(*command)  # type: ignore[no-untyped-call]
        try:
            return self._real.read_response()
        except ResponseError as error:
            return error

    def _ask_sim(self, command: Command) -> Any:  # noqa: ANN401 - as above
        try:
            return self._sim.execute(*command)
        except ResponseError as error:
            return error


_READING: dict[bytes, Any] = {
    b"string": lambda name: ("GET", name),
    b"hash": lambda name: ("HGETALL", name),
    b"set": lambda name: ("SMEMBERS", name),
    b"zset": lambda name: ("ZRANGE", name, 0, -1, "WITHSCORES"),
}


def _is_nothing(reply: Any) -> bool:  # noqa: ANN401 - any reply
    """Whether a read found no key."""
    return not reply or reply == b"none"


def _bytes(part: Any) -> bytes:  # noqa: ANN401 - an argument
    return part if isinstance(part, bytes) else str(part).encode()


def _with(run: bytes, command: Command) -> Command:
    return [part.replace(RUN, run.decode()) if isinstance(part, str) else part for part in command]


def _without(run: bytes, reply: Any) -> Any:  # noqa: ANN401 - any reply
    if isinstance(reply, bytes):
        return reply.replace(run, RUN.encode())
    if isinstance(reply, dict):
        return {name: _without(run, value) for name, value in reply.items()}
    return [_without(run, part) for part in reply] if isinstance(reply, list) else reply


def _told(name: bytes, reply: Any) -> Any:  # noqa: ANN401 - as above
    """A reply in a form in which two can be compared: types count, and the order of a map."""
    if isinstance(reply, ResponseError):
        return type(reply), _LINE.sub("", str(reply))
    if name in UNORDERED and isinstance(reply, list):
        return sorted(sorted(part) if isinstance(part, list) else [part] for part in reply)
    if isinstance(reply, dict):
        return list(reply.items())
    if isinstance(reply, list):
        return [_told(b"", part) for part in reply]
    return (type(reply) if not isinstance(reply, bytes) else bytes), reply
