"""One simulated Redis: its commands and scripts, its run, its replicas, and what it refuses."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import ResponseError

from tests.simulation.fake_redis import collections, ranked  # noqa: F401 - they enter their commands
from tests.simulation.fake_redis.commands import COMMANDS, Arguments, Command
from tests.simulation.fake_redis.keyspace import Keyspace, Saved, Value
from tests.simulation.fake_redis.lua import Script, lua
from tests.simulation.fake_redis.replicas import Effect, Replication
from tests.simulation.fake_redis.told import information, settings_of
from tests.simulation.fake_redis.values import Hash, Members, Ranked, RefusedError, Status, encoded, integer

READ_ONLY = "READONLY You can't write against a read only replica."
TOO_FEW = "NOREPLICAS Not enough good replicas to write."
FULL = "OOM command not allowed when used memory > 'maxmemory'."

_scripts: dict[bytes, Script] = {}  # by text: compiled once in a process
_named: dict[bytes | str, Command] = {}  # by the name as it was given


class State(NamedTuple):
    """A server as it was: its data, and which Redis it was."""

    saved: Saved
    run_id: str
    replid: str
    offset: int


class SimRedis:
    """One server. `now`: seconds since 1970 by its own clock, which `step` sets.

    `full`: no more memory. `min_replicas`: min-replicas-to-write. `up`: it can be reached; a connection made before the
    latest change of `incarnation` is broken. `dies_after`: so many commands later it is killed, also within a pipeline.
    """

    def __init__(self, now: Callable[[], float], name: str = "redis") -> None:
        self.name, self.clock = name, now
        self.space = Keyspace(now)
        self.full, self.up = False, True
        self.min_replicas = 0
        self.dies_after: int | None = None
        self.primary: SimRedis | None = None
        self.links: list[Replication] = []
        self.offset = self.effects_from = 0
        self.effects: list[tuple[Effect, ...]] = []  # from `effects_from` on, while there are replicas
        self.scripts: dict[bytes, Script] = {}
        self.incarnation = self._number = 0
        self.run_id, self.replid = self._id("run"), self._id("replid")
        self.replid2 = "0" * 40
        self._unit: list[Effect] = []
        self._wrote = False  # the script that runs has written

    # What a test does to it

    def step(self, seconds: float) -> None:
        """Set its clock forward or back."""
        self.space.step(seconds)

    def snapshot(self) -> State:
        return State(self.space.save(), self.run_id, self.replid, self.offset)

    def restore(self, state: State, new_run: bool) -> None:
        """Have the state of then: restarted with older files (`new_run`), or as a machine's image that was put back."""
        self.space.load(state.saved)
        self._forget_replicas()
        self.offset = self.effects_from = state.offset
        if new_run:
            self._number += 1
            self.run_id, self.replid = self._id("run"), self._id("replid")
            self.scripts = {}
        else:
            self.run_id, self.replid = state.run_id, state.replid

    def restart(self) -> None:
        """Start it again with all that it had."""
        self.restore(self.snapshot(), new_run=True)

    def wipe(self) -> None:
        """FLUSHALL by somebody's hand: the run stays, and replicas are told."""
        self.space.clear()
        self._unit.append((b"FLUSHALL",))
        self._tell()

    def replicate_to(self, other: "SimRedis") -> Replication:
        """Make `other` a replica with all that is here; later effects reach it when the link passes them on."""
        other.leave()
        other._forget_replicas()
        other.space.load(self.space.save())
        other.primary, other.replid, other.offset = self, self.replid, self.offset
        other.space.replica = True
        if not self.links:
            self.effects, self.effects_from = [], self.offset
        self.links.append(link := Replication(self, other))
        return link

    def promote(self) -> None:
        """Become a primary with what has arrived, as Sentinels have a replica do. The former primary lives on."""
        self.leave()
        self._number += 1
        self.replid2, self.replid = self.replid, self._id("replid")
        self.incarnation += 1
        self.effects, self.effects_from = [], self.offset

    def leave(self) -> None:
        """Follow no primary any more."""
        if self.primary is not None:
            self.primary.links = [link for link in self.primary.links if link.replica is not self]
        self.primary, self.space.replica = None, False

    def _forget_replicas(self) -> None:
        self.links, self.effects, self.effects_from = [], [], self.offset
        self.incarnation += 1

    # What a client does

    def execute(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever a command takes and replies
        """The reply to one command outside a transaction. Raises redis.exceptions.ResponseError."""
        try:
            return self.perform(encoded(arguments))
        except RefusedError as error:
            raise refusal(error) from None

    def perform(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        """The reply to a command as it came over the wire. Raises RefusedError."""
        if self.dies_after is not None:
            self._count_down()
        try:
            special = _SPECIAL.get(arguments[0])
            if special:
                return special(self, arguments)
            return self._run(_named.get(arguments[0]) or find(arguments), arguments, self.allow)
        finally:
            if self._unit:
                self._tell()

    def transact(self, queue: Sequence[Arguments]) -> list[Any]:
        """The replies to the commands of a transaction, refusals among them. Replicas get it as one."""
        replies: list[Any] = []
        for arguments in queue:
            try:
                special = _SPECIAL.get(arguments[0])
                replies.append(
                    special(self, arguments) if special else self._run(find(arguments), arguments, _anything)
                )
            except RefusedError as error:
                replies.append(refusal(error))
        if self._unit:
            self._tell()
        return replies

    def _carried(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        special = _SPECIAL.get(arguments[0])
        return special(self, arguments) if special else self._run(find(arguments), arguments, _anything)

    def judge(self, arguments: Arguments) -> None:
        """Raises RefusedError when a command cannot be queued in a transaction."""
        if arguments[0] in _SPECIAL:
            return
        command = find(arguments)
        if not command.least <= len(arguments) <= command.most:
            command.refuse()
        if command.writes:
            self.allow(command)

    def allow(self, command: Command) -> None:
        """Raises RefusedError when nobody may write, or write more, just now."""
        if self.full and command.grows:
            raise RefusedError(FULL)
        self._writable()

    def acknowledged(self, offset: int) -> int:
        """How many replicas have everything up to there: WAIT's reply."""
        return sum(link.up and link.applied >= offset for link in self.links)

    def obey(self, unit: Sequence[Effect]) -> None:
        """Apply an effect of the primary's."""
        self.space.obeys = True
        for arguments in unit:
            find(arguments).work(self.space, arguments)
        self.space.obeys, self.space.effect = False, None

    def keyspace(self) -> dict[str, Any]:
        """All that is there, to look at: bytes, a dict, a set, or for a sorted set a dict of scores, by key."""
        return {name.decode(): _plain(self.space.data[name]) for name in self.space.names()}

    def seen(self, key: bytes) -> Any:  # noqa: ANN401 - as above
        """A copy of the key's value, None without one. WATCH compares it: a key that was written anew with the same
        value counts as unchanged here, and as changed on a real server.
        """
        value = self.space.find(key)
        return None if value is None else _plain(value)

    @property
    def good_replicas(self) -> int:
        return sum(link.good for link in self.links)

    def _writable(self) -> None:
        if self.primary is not None:
            raise RefusedError(READ_ONLY)
        if self.min_replicas and self.good_replicas < self.min_replicas:
            raise RefusedError(TOO_FEW)

    def _run(self, command: Command, arguments: Arguments, allow: Callable[[Command], None]) -> Any:  # noqa: ANN401
        if not command.least <= len(arguments) <= command.most:
            command.refuse()
        if command.writes:
            allow(command)
        space = self.space
        before = space.dirty
        reply = command.work(space, arguments)
        if space.expired:
            self._note_expired()
        if space.dirty != before:
            self._unit.append(space.effect or tuple(arguments))
            space.effect = None
        return reply

    def _count_down(self) -> None:
        self.dies_after = None if self.dies_after == 0 or self.dies_after is None else self.dies_after - 1
        if self.dies_after is None:
            self.up = False
            raise GoneError("Connection closed by server.")

    def _note_expired(self) -> None:
        self._unit += [(b"DEL", key) for key in self.space.expired]
        self.space.expired = []

    def _tell(self) -> None:
        """Note what was done as one effect."""
        if self.links:
            self.effects.append(tuple(self._unit))
        self._unit = []
        self.offset += 1

    def _id(self, kind: str) -> str:
        return hashlib.sha1(f"{self.name}/{kind}/{self._number}".encode(), usedforsecurity=False).hexdigest()

    # Scripts

    def eval(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        script = compiled(arguments[1])
        self.scripts[script.sha.encode()] = script
        return self._script(script, arguments)

    def evalsha(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        script = self.scripts.get(arguments[1].lower())
        if script is None:
            raise RefusedError("NOSCRIPT No matching script. Please use EVAL.")
        return self._script(script, arguments)

    def _script(self, script: Script, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        keys, rest = split(arguments)
        self._wrote = False
        return lua().run(script, keys, rest, self._called)

    def _called(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        """What a script calls."""
        command = _named.get(arguments[0]) if arguments else None
        if command is None:
            return self._called_seldom(arguments)
        if not command.least <= len(arguments) <= command.most:
            raise RefusedError("ERR Wrong number of args calling Redis command from script")
        if command.writes:
            return self._run(command, arguments, self._allow_script)
        reply = command.work(self.space, arguments)
        if self.space.expired:
            self._note_expired()
        return reply

    def _called_seldom(self, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
        if not arguments:
            raise RefusedError("ERR Please specify at least one argument for this redis lib call")
        if arguments[0].upper() == b"INFO":
            return information(self, arguments[1:])
        _named[arguments[0]] = _callable(arguments)
        return self._called(arguments)

    def _allow_script(self, command: Command) -> None:
        """A script is stopped before its first writing only."""
        if self._wrote:
            return
        self._writable()
        if self.full and command.grows:
            raise RefusedError(FULL)
        self._wrote = True


def _plain(value: Value) -> Any:  # noqa: ANN401 - as keyspace says
    if isinstance(value, Members):
        return set(value)
    return dict(value.scores) if isinstance(value, Ranked) else dict(value) if isinstance(value, Hash) else value


def compiled(text: bytes) -> Script:
    """The script, compiled once in a process."""
    script = _scripts.get(text)
    if script is None:
        script = _scripts[text] = Script(text)
    return script


def split(arguments: Arguments) -> tuple[Arguments, Arguments]:
    """The keys and the arguments of EVAL. Raises RefusedError."""
    count = integer(arguments[2])
    if count > len(arguments) - 3:
        raise RefusedError("ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise RefusedError("ERR Number of keys can't be negative")
    return arguments[3 : 3 + count], arguments[3 + count :]


def find(arguments: Arguments) -> Command:
    """The command of that name. Raises NotImplementedError when it is not simulated."""
    try:
        return _named[arguments[0]]
    except KeyError:
        name = arguments[0].decode().upper()
        if name not in COMMANDS:
            raise NotImplementedError(f"the simulated Redis does not know {name}: see tests/simulation") from None
        found = _named[arguments[0]] = COMMANDS[name]
        return found


def _callable(arguments: Arguments) -> Command:
    """The command, for a script. What is neither simulated nor forbidden there passes for unknown."""
    name = arguments[0].upper()
    if name in _SPECIAL or name in (b"MULTI", b"EXEC"):
        raise RefusedError("ERR This Redis command is not allowed from script")
    try:
        return find(arguments)
    except NotImplementedError:
        raise RefusedError("ERR Unknown Redis command called from script") from None


def refusal(error: RefusedError) -> ResponseError:
    """The exception that redis-py makes of it."""
    made: ResponseError = BaseParser.parse_error(str(error))  # type: ignore[no-untyped-call]
    return made


def _anything(_command: Command) -> None:
    """A transaction's commands were judged as they were queued."""


def _info(server: SimRedis, arguments: Arguments) -> bytes:
    return information(server, arguments[1:])


def _wait(server: SimRedis, _arguments: Arguments) -> int:
    """In a transaction it waits for nobody; a connection waits itself."""
    return server.acknowledged(server.offset)


def _script(server: SimRedis, arguments: Arguments) -> Any:  # noqa: ANN401 - as above
    word = arguments[1].upper()
    if word == b"LOAD":
        script = compiled(arguments[2])
        server.scripts[script.sha.encode()] = script
        return script.sha.encode()
    if word == b"EXISTS":
        return [int(sha.lower() in server.scripts) for sha in arguments[2:]]
    if word == b"FLUSH":
        server.scripts = {}
        return Status(b"OK")
    raise NotImplementedError(f"SCRIPT {word.decode()}")


def _config(server: SimRedis, arguments: Arguments) -> dict[bytes, bytes]:
    if arguments[1].upper() != b"GET":
        raise NotImplementedError("CONFIG other than GET")
    known = settings_of(server)
    return {name: known[name] for name in arguments[2:] if name in known}


_SPECIAL: dict[bytes, Callable[[SimRedis, Arguments], Any]] = {
    b"INFO": _info,
    b"WAIT": _wait,
    b"EVAL": SimRedis.eval,
    b"EVALSHA": SimRedis.evalsha,
    b"SCRIPT": _script,
    b"CONFIG": _config,
}
