"""The commands of the simulated Redis: those that the product uses, as Redis 7 answers them.

A command gets the server's keyspace and its arguments, its own name first. It returns the reply of RESP3, and raises
RefusedError with Redis' own words. It adds to `dirty` what it has changed, and writes to `effect` what a replica is
told when that is not the command itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from re import DOTALL, Pattern
from re import compile as pattern_of
from typing import Any, NoReturn, TypeVar

from tests.simulation.fake_redis.keyspace import Keyspace
from tests.simulation.fake_redis.values import SYNTAX, Hash, Members, Ranked, RefusedError, Status, integer

Arguments = Sequence[bytes]
Work = Callable[[Keyspace, Arguments], Any]
Made = TypeVar("Made", bound=Work)

OK = Status(b"OK")


@dataclass(frozen=True, slots=True)
class Command:
    """`least`, `most`: how many arguments, its name included. `grows`: refused when memory is full."""

    name: str
    work: Work
    least: int
    most: float
    writes: bool
    grows: bool

    def refuse(self) -> NoReturn:
        raise RefusedError(f"ERR wrong number of arguments for '{self.name.lower()}' command")


COMMANDS: dict[str, Command] = {}


def command(
    least: int, most: float | None = None, *, writes: bool = False, grows: bool = False
) -> Callable[[Made], Made]:
    """Enter a function under its own name; `most` is `least` unless given."""

    def enter(work: Made) -> Made:
        name = work.__name__.strip("_").upper()
        COMMANDS[name] = Command(name, work, least, least if most is None else most, writes or grows, grows)
        return work

    return enter


MANY = float("inf")


# Keys


@command(2, MANY, writes=True)
def _del(space: Keyspace, arguments: Arguments) -> int:
    gone = sum(space.remove(key) for key in arguments[1:] if space.find(key) is not None)
    space.dirty += gone
    return gone


COMMANDS["UNLINK"] = Command("UNLINK", _del, 2, MANY, True, False)


@command(2, MANY)
def exists(space: Keyspace, arguments: Arguments) -> int:
    return sum(space.find(key) is not None for key in arguments[1:])


@command(2)
def _type(space: Keyspace, arguments: Arguments) -> Status:
    kinds = {bytes: b"string", Hash: b"hash", Members: b"set", Ranked: b"zset"}
    value = space.find(arguments[1])
    return Status(b"none" if value is None else kinds[type(value)])


def _expire(space: Keyspace, arguments: Arguments, at: int) -> int:
    key = arguments[1]
    if space.find(key) is None:
        return 0
    if len(arguments) == 4 and not _may_expire(arguments[3].upper(), space.expires.get(key), at):
        return 0
    space.dirty += 1
    if at <= space.milliseconds() and not space.obeys:
        space.remove(key)
        space.effect = (b"DEL", key)
    else:
        space.expires[key] = at
        space.effect = (b"PEXPIREAT", key, b"%d" % at)
    return 1


def _may_expire(option: bytes, old: int | None, at: int) -> bool:
    if option not in (b"NX", b"XX", b"GT", b"LT"):
        raise RefusedError(f"ERR Unsupported option {option.decode()}")
    return {
        b"NX": old is None,
        b"XX": old is not None,
        b"GT": old is not None and at > old,
        b"LT": old is None or at < old,
    }[option]


def _moment(space: Keyspace, amount: bytes, name: str, unit: int, relative: bool) -> int:
    """When it expires, in milliseconds since 1970."""
    at = integer(amount) * unit + (space.milliseconds() if relative else 0)
    if not -(2**63) <= at < 2**63:
        raise RefusedError(f"ERR invalid expire time in '{name}' command")
    return at


@command(3, 4, writes=True)
def expire(space: Keyspace, arguments: Arguments) -> int:
    return _expire(space, arguments, _moment(space, arguments[2], "expire", 1000, True))


@command(3, 4, writes=True)
def pexpire(space: Keyspace, arguments: Arguments) -> int:
    return _expire(space, arguments, _moment(space, arguments[2], "pexpire", 1, True))


@command(3, 4, writes=True)
def expireat(space: Keyspace, arguments: Arguments) -> int:
    return _expire(space, arguments, _moment(space, arguments[2], "expireat", 1000, False))


@command(3, 4, writes=True)
def pexpireat(space: Keyspace, arguments: Arguments) -> int:
    return _expire(space, arguments, _moment(space, arguments[2], "pexpireat", 1, False))


@command(2, writes=True)
def persist(space: Keyspace, arguments: Arguments) -> int:
    if space.find(arguments[1]) is None or space.expires.pop(arguments[1], None) is None:
        return 0
    space.dirty += 1
    return 1


@command(2)
def pttl(space: Keyspace, arguments: Arguments) -> int:
    if space.find(arguments[1]) is None:
        return -2
    at = space.expires.get(arguments[1])
    return -1 if at is None else max(0, at - space.milliseconds())


@command(2)
def ttl(space: Keyspace, arguments: Arguments) -> int:
    left = pttl(space, arguments)
    return left if left < 0 else (left + 500) // 1000


def _globbed(pattern: bytes) -> Pattern[str]:
    return pattern_of(translate(pattern.decode("latin-1")), DOTALL)


def matching(names: Sequence[bytes], pattern: bytes) -> list[bytes]:
    if pattern == b"*":
        return list(names)
    matches = _globbed(pattern).match
    return [name for name in names if matches(name.decode("latin-1"))]


@command(2)
def keys(space: Keyspace, arguments: Arguments) -> list[bytes]:
    return matching(space.names(), arguments[1])


@command(1)
def dbsize(space: Keyspace, _arguments: Arguments) -> int:
    return len(space.names())


def options_of(arguments: Arguments, begin: int, known: dict[bytes, int]) -> dict[bytes, Arguments]:
    """Options and how many arguments each takes. Raises RefusedError at one that is not known."""
    found: dict[bytes, Arguments] = {}
    at = begin
    while at < len(arguments):
        name = arguments[at].upper()
        if name not in known or at + known[name] >= len(arguments):
            raise RefusedError(SYNTAX)
        found[name] = arguments[at + 1 : at + 1 + known[name]]
        at += 1 + known[name]
    return found


_SCANNING = {b"MATCH": 1, b"COUNT": 1}


def scanned(
    arguments: Arguments, begin: int, more: dict[bytes, int] | None = None
) -> tuple[bytes, dict[bytes, Arguments]]:
    """The pattern and all options. Everything is given at once, as Redis does with what is small."""
    integer(arguments[begin - 1], "ERR invalid cursor")
    found = options_of(arguments, begin, _SCANNING | (more or {}))
    if b"COUNT" in found and integer(found[b"COUNT"][0]) < 1:
        raise RefusedError(SYNTAX)
    return found.get(b"MATCH", (b"*",))[0], found


@command(2, MANY)
def scan(space: Keyspace, arguments: Arguments) -> list[Any]:
    pattern, found = scanned(arguments, 2, {b"TYPE": 1})
    names = matching(space.names(), pattern)
    if b"TYPE" in found:
        wanted = found[b"TYPE"][0].lower()
        names = [name for name in names if _type(space, (b"TYPE", name)) == wanted]
    return [b"0", names]


@command(1, 2, writes=True)
def flushdb(space: Keyspace, _arguments: Arguments) -> Status:
    space.clear()
    space.dirty += 1
    return OK


COMMANDS["FLUSHALL"] = Command("FLUSHALL", flushdb, 1, 2, True, False)


@command(1, 2)
def ping(_space: Keyspace, arguments: Arguments) -> bytes:
    return arguments[1] if len(arguments) == 2 else Status(b"PONG")


@command(2)
def echo(_space: Keyspace, arguments: Arguments) -> bytes:
    return arguments[1]


@command(1)
def time(space: Keyspace, _arguments: Arguments) -> list[bytes]:
    micros = space.microseconds()
    return [b"%d" % (micros // 1_000_000), b"%d" % (micros % 1_000_000)]


# Strings


@command(2)
def get(space: Keyspace, arguments: Arguments) -> bytes | None:
    return space.string(arguments[1])


_UNTIL = {b"EX": (1000, True), b"PX": (1, True), b"EXAT": (1000, False), b"PXAT": (1, False)}


def _until(space: Keyspace, options: dict[bytes, Arguments], name: str) -> int | None:
    """When it expires, in milliseconds since 1970; None when no option tells."""
    given = [option for option in _UNTIL if option in options]
    if len(given) > 1 or (given and b"KEEPTTL" in options):
        raise RefusedError(SYNTAX)
    if not given:
        return None
    unit, relative = _UNTIL[given[0]]
    amount = options[given[0]][0]
    if integer(amount) <= 0:
        raise RefusedError(f"ERR invalid expire time in '{name}' command")
    return _moment(space, amount, name, unit, relative)


_SETTING = {b"NX": 0, b"XX": 0, b"GET": 0, b"KEEPTTL": 0, **dict.fromkeys(_UNTIL, 1)}


@command(3, MANY, grows=True)
def _set(space: Keyspace, arguments: Arguments) -> bytes | None:
    _, key, value, *rest = arguments
    if not rest:
        space.write(key, value)
        return OK
    options = options_of(arguments, 3, _SETTING)
    if b"NX" in options and b"XX" in options:
        raise RefusedError(SYNTAX)
    until = _until(space, options, "set")
    before = space.string(key) if b"GET" in options else None
    reply = before if b"GET" in options else OK
    there = space.find(key) is not None
    if (b"NX" in options and there) or (b"XX" in options and not there):
        return before
    kept = space.expires.get(key) if b"KEEPTTL" in options else None
    space.write(key, value, until if until is not None else kept)
    if until is not None:
        space.effect = (b"SET", key, value, b"PXAT", b"%d" % until)
    return reply


@command(4, grows=True)
def setex(space: Keyspace, arguments: Arguments) -> bytes | None:
    _, key, seconds, value = arguments
    _until(space, {b"EX": (seconds,)}, "setex")
    return _set(space, (b"SET", key, value, b"EX", seconds))


@command(3, grows=True)
def setnx(space: Keyspace, arguments: Arguments) -> int:
    return int(_set(space, (b"SET", *arguments[1:], b"NX")) is not None)


@command(2, MANY)
def mget(space: Keyspace, arguments: Arguments) -> list[bytes | None]:
    found = map(space.find, arguments[1:])
    return [value if type(value) is bytes else None for value in found]


@command(3, MANY, grows=True)
def mset(space: Keyspace, arguments: Arguments) -> Status:
    if len(arguments) % 2 == 0:
        raise RefusedError("ERR wrong number of arguments for 'mset' command")
    for key, value in zip(arguments[1::2], arguments[2::2], strict=True):
        space.write(key, value)
    return OK


def _added(space: Keyspace, key: bytes, amount: int) -> int:
    stored = space.string(key)
    number = integer(b"0" if stored is None else stored) + amount  # an empty string is no number
    if not -(2**63) <= number < 2**63:
        raise RefusedError("ERR increment or decrement would overflow")
    space.write(key, b"%d" % number, space.expires.get(key))
    return number


@command(2, grows=True)
def incr(space: Keyspace, arguments: Arguments) -> int:
    return _added(space, arguments[1], 1)


@command(2, grows=True)
def decr(space: Keyspace, arguments: Arguments) -> int:
    return _added(space, arguments[1], -1)


@command(3, grows=True)
def incrby(space: Keyspace, arguments: Arguments) -> int:
    return _added(space, arguments[1], integer(arguments[2]))


@command(2)
def strlen(space: Keyspace, arguments: Arguments) -> int:
    return len(space.string(arguments[1]) or b"")


@command(2, writes=True)
def getdel(space: Keyspace, arguments: Arguments) -> bytes | None:
    found = space.string(arguments[1])
    if found is not None:
        space.remove(arguments[1])
        space.dirty += 1
        space.effect = (b"DEL", arguments[1])
    return found


@command(2, MANY, writes=True)
def getex(space: Keyspace, arguments: Arguments) -> bytes | None:
    options = options_of(arguments, 2, {b"PERSIST": 0, **dict.fromkeys(_UNTIL, 1)})
    key, until = arguments[1], _until(space, options, "getex")
    found = space.string(key)
    if found is not None and until is not None:
        _expire(space, (b"", key), until)
    elif found is not None and b"PERSIST" in options and persist(space, (b"", key)):
        space.effect = (b"PERSIST", key)
    return found
