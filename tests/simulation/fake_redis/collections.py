"""The simulated Redis' commands on hashes and sets."""

from typing import Any

from tests.simulation.fake_redis.commands import MANY, OK, Arguments, command, matching, scanned
from tests.simulation.fake_redis.keyspace import Keyspace
from tests.simulation.fake_redis.values import Members, RefusedError, Status, integer

# Hashes


@command(3)
def hget(space: Keyspace, arguments: Arguments) -> bytes | None:
    return space.hash(arguments[1]).get(arguments[2])


@command(4, MANY, grows=True)
def hset(space: Keyspace, arguments: Arguments) -> int:
    if len(arguments) % 2:
        raise RefusedError("ERR wrong number of arguments for 'hset' command")
    fields = space.open_hash(arguments[1])
    before = len(fields)
    for at in range(2, len(arguments), 2):
        fields[arguments[at]] = arguments[at + 1]
    space.dirty += 1
    return len(fields) - before


@command(4, MANY, grows=True)
def hmset(space: Keyspace, arguments: Arguments) -> Status:
    if len(arguments) % 2:
        raise RefusedError("ERR wrong number of arguments for 'hmset' command")
    hset(space, arguments)
    return OK


@command(4, grows=True)
def hsetnx(space: Keyspace, arguments: Arguments) -> int:
    if arguments[2] in space.hash(arguments[1]):
        return 0
    return hset(space, arguments)


@command(3, MANY)
def hmget(space: Keyspace, arguments: Arguments) -> list[bytes | None]:
    return [*map(space.hash(arguments[1]).get, arguments[2:])]


@command(2)
def hgetall(space: Keyspace, arguments: Arguments) -> dict[bytes, bytes]:
    return dict(space.hash(arguments[1]))


@command(2)
def hvals(space: Keyspace, arguments: Arguments) -> list[bytes]:
    return list(space.hash(arguments[1]).values())


@command(2)
def hkeys(space: Keyspace, arguments: Arguments) -> list[bytes]:
    return list(space.hash(arguments[1]))


@command(2)
def hlen(space: Keyspace, arguments: Arguments) -> int:
    return len(space.hash(arguments[1]))


@command(3)
def hexists(space: Keyspace, arguments: Arguments) -> int:
    return int(arguments[2] in space.hash(arguments[1]))


@command(3, MANY, writes=True)
def hdel(space: Keyspace, arguments: Arguments) -> int:
    key = arguments[1]
    gone = [name for name in dict.fromkeys(arguments[2:]) if name in space.hash(key)]
    if gone:
        fields = space.open_hash(key)
        for name in gone:
            del fields[name]
        space.close(key, fields)
        space.dirty += len(gone)
    return len(gone)


@command(4, grows=True)
def hincrby(space: Keyspace, arguments: Arguments) -> int:
    _, key, name, amount = arguments
    by = integer(amount)
    number = integer(space.hash(key).get(name, b"0"), "ERR hash value is not an integer") + by
    if not -(2**63) <= number < 2**63:
        raise RefusedError("ERR increment or decrement would overflow")
    space.open_hash(key)[name] = b"%d" % number
    space.dirty += 1
    return number


@command(3, MANY)
def hscan(space: Keyspace, arguments: Arguments) -> list[Any]:
    pattern, _ = scanned(arguments, 3)
    fields = space.hash(arguments[1])
    return [b"0", [part for name in matching(list(fields), pattern) for part in (name, fields[name])]]


# Sets


@command(3, MANY, grows=True)
def sadd(space: Keyspace, arguments: Arguments) -> int:
    members = space.open_members(arguments[1])
    before = len(members)
    members.update(dict.fromkeys(arguments[2:]))
    space.dirty += len(members) - before
    return len(members) - before


@command(3, MANY, writes=True)
def srem(space: Keyspace, arguments: Arguments) -> int:
    key = arguments[1]
    gone = [name for name in dict.fromkeys(arguments[2:]) if name in space.members(key)]
    if gone:
        members = space.open_members(key)
        for name in gone:
            del members[name]
        space.close(key, members)
        space.dirty += len(gone)
    return len(gone)


@command(2)
def smembers(space: Keyspace, arguments: Arguments) -> list[bytes]:
    return list(space.members(arguments[1]))


@command(3)
def sismember(space: Keyspace, arguments: Arguments) -> int:
    return int(arguments[2] in space.members(arguments[1]))


@command(3, MANY)
def smismember(space: Keyspace, arguments: Arguments) -> list[int]:
    members = space.members(arguments[1])
    return [int(name in members) for name in arguments[2:]]


@command(2)
def scard(space: Keyspace, arguments: Arguments) -> int:
    return len(space.members(arguments[1]))


@command(2, MANY)
def sunion(space: Keyspace, arguments: Arguments) -> list[bytes]:
    return list(dict.fromkeys(name for key in arguments[1:] for name in space.members(key)))


@command(3, MANY, grows=True)
def sunionstore(space: Keyspace, arguments: Arguments) -> int:
    joined = Members((name, None) for key in arguments[2:] for name in space.members(key))
    if joined:
        space.write(arguments[1], joined)
    elif space.find(arguments[1]) is not None:
        space.remove(arguments[1])
        space.dirty += 1
    return len(joined)


@command(3, MANY)
def sscan(space: Keyspace, arguments: Arguments) -> list[Any]:
    pattern, _ = scanned(arguments, 3)
    return [b"0", matching(list(space.members(arguments[1])), pattern)]
