"""The simulated Redis' commands on sorted sets."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.simulation.fake_redis.commands import MANY, Arguments, command, matching, options_of, scanned
from tests.simulation.fake_redis.keyspace import Keyspace
from tests.simulation.fake_redis.values import SYNTAX, Pairs, RefusedError, decimal, integer, written

_ADDING = (b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR")


@command(4, MANY, grows=True)
def zadd(space: Keyspace, arguments: Arguments) -> int | float | None:
    at = 2
    while arguments[at].upper() in _ADDING:
        at += 1
        if at == len(arguments):
            raise RefusedError(SYNTAX)
    flags = {option.upper() for option in arguments[2:at]}
    pairs = arguments[at:]
    _check_adding(flags, pairs)
    scores = [decimal(score) for score in pairs[::2]]
    key = arguments[1]
    ranked = space.ranked(key)
    if not len(ranked) and b"XX" in flags:
        return None if b"INCR" in flags else 0
    return _put(space, key, flags, list(zip(scores, pairs[1::2], strict=True)))


def _check_adding(flags: set[bytes], pairs: Arguments) -> None:
    if not pairs or len(pairs) % 2:
        raise RefusedError(SYNTAX)
    if b"NX" in flags and b"XX" in flags:
        raise RefusedError("ERR XX and NX options at the same time are not compatible")
    if len(flags & {b"GT", b"LT", b"NX"}) > 1:
        raise RefusedError("ERR GT, LT, and/or NX options at the same time are not compatible")
    if b"INCR" in flags and len(pairs) > 2:
        raise RefusedError("ERR INCR option supports a single increment-element pair")


def _put(space: Keyspace, key: bytes, flags: set[bytes], pairs: list[tuple[float, bytes]]) -> int | float | None:
    ranked = space.open_ranked(key)
    added = changed = 0
    result: float | None = None
    for amount, member in pairs:
        old = ranked.scores.get(member)
        score = amount + (old or 0) if b"INCR" in flags else amount
        if not _takes(flags, old, score):
            continue
        result = score
        added += old is None
        if old != score:
            changed += 1
            ranked.put(member, score)
    space.close(key, ranked)
    space.dirty += changed
    if b"INCR" in flags:
        return result
    return changed if b"CH" in flags else added


def _takes(flags: set[bytes], old: float | None, score: float) -> bool:
    if not flags:
        return True
    if old is None:
        return b"XX" not in flags
    return not (b"NX" in flags or (b"GT" in flags and score <= old) or (b"LT" in flags and score >= old))


@command(4, grows=True)
def zincrby(space: Keyspace, arguments: Arguments) -> int | float | None:
    _, key, amount, member = arguments
    return zadd(space, (b"ZADD", key, b"INCR", amount, member))


@command(3, MANY, writes=True)
def zrem(space: Keyspace, arguments: Arguments) -> int:
    key = arguments[1]
    gone = [name for name in dict.fromkeys(arguments[2:]) if name in space.ranked(key).scores]
    return _dropped(space, key, gone)


def _dropped(space: Keyspace, key: bytes, members: list[bytes]) -> int:
    if members:
        ranked = space.open_ranked(key)
        for member in members:
            ranked.drop(member)
        space.close(key, ranked)
        space.dirty += len(members)
    return len(members)


@command(3)
def zscore(space: Keyspace, arguments: Arguments) -> float | None:
    return space.ranked(arguments[1]).scores.get(arguments[2])


@command(3, MANY)
def zmscore(space: Keyspace, arguments: Arguments) -> list[float | None]:
    return [*map(space.ranked(arguments[1]).scores.get, arguments[2:])]


@command(2)
def zcard(space: Keyspace, arguments: Arguments) -> int:
    return len(space.ranked(arguments[1]))


@command(4)
def zcount(space: Keyspace, arguments: Arguments) -> int:
    begin, end = space.ranked(arguments[1]).span(arguments[2], arguments[3])
    return end - begin


@command(3)
def zrank(space: Keyspace, arguments: Arguments) -> int | None:
    ranked = space.ranked(arguments[1])
    score = ranked.scores.get(arguments[2])
    return None if score is None else ranked.order.index((score, arguments[2]))


def _ranks(begin: bytes, end: bytes, length: int) -> tuple[int, int]:
    first, last = integer(begin), integer(end)
    first = max(0, first + length if first < 0 else first)
    last = min(length - 1, last + length if last < 0 else last)
    return first, max(first, last + 1)


def _limited(found: list[tuple[float, bytes]], limit: Arguments | None) -> Iterator[tuple[float, bytes]]:
    if limit is None:
        return iter(found)
    offset, count = integer(limit[0]), integer(limit[1])
    if offset < 0:
        return iter(())
    return islice(found, offset, None if count < 0 else offset + count)


def _listed(found: Iterator[tuple[float, bytes]], with_scores: bool) -> list[Any]:
    if with_scores:
        return Pairs([member, score] for score, member in found)
    return [member for _, member in found]


@command(4, MANY)
def zrange(space: Keyspace, arguments: Arguments) -> list[Any]:
    options = options_of(arguments, 4, {b"BYSCORE": 0, b"REV": 0, b"LIMIT": 2, b"WITHSCORES": 0})
    by_score, backwards, limit = b"BYSCORE" in options, b"REV" in options, options.get(b"LIMIT")
    if limit is not None and not by_score:
        raise RefusedError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    low, high = arguments[2:4]
    order = space.ranked(arguments[1]).order
    if by_score:
        begin, end = space.ranked(arguments[1]).span(*((high, low) if backwards else (low, high)))
    else:
        begin, end = _ranks(low, high, len(order))
        if backwards:
            begin, end = len(order) - end, len(order) - begin
    found = order[begin:end]
    return _listed(_limited(found[::-1] if backwards else found, limit), b"WITHSCORES" in options)


@command(4, MANY)
def zrangebyscore(space: Keyspace, arguments: Arguments) -> list[Any]:
    return zrange(space, (b"ZRANGE", *arguments[1:4], b"BYSCORE", *arguments[4:]))


@command(4, 5)
def zrevrange(space: Keyspace, arguments: Arguments) -> list[Any]:
    return zrange(space, (b"ZRANGE", *arguments[1:4], b"REV", *arguments[4:]))


@command(4, writes=True)
def zremrangebyscore(space: Keyspace, arguments: Arguments) -> int:
    ranked = space.ranked(arguments[1])
    begin, end = ranked.span(arguments[2], arguments[3])
    return _dropped(space, arguments[1], [member for _, member in ranked.order[begin:end]])


@command(4, writes=True)
def zremrangebyrank(space: Keyspace, arguments: Arguments) -> int:
    ranked = space.ranked(arguments[1])
    begin, end = _ranks(arguments[2], arguments[3], len(ranked))
    return _dropped(space, arguments[1], [member for _, member in ranked.order[begin:end]])


@command(2, 3, writes=True)
def zpopmin(space: Keyspace, arguments: Arguments) -> list[Any]:
    count = integer(arguments[2]) if len(arguments) == 3 else 1
    if count < 0:
        raise RefusedError("ERR value is out of range, must be positive")
    found = space.ranked(arguments[1]).order[:count]
    _dropped(space, arguments[1], [member for _, member in found])
    if len(arguments) == 3:
        return Pairs([member, score] for score, member in found)
    return [part for score, member in found for part in (member, score)]


@command(3, MANY)
def zscan(space: Keyspace, arguments: Arguments) -> list[Any]:
    pattern, _ = scanned(arguments, 3)
    ranked = space.ranked(arguments[1])
    names = set(matching([member for _, member in ranked.order], pattern))
    return [b"0", [part for score, name in ranked.order if name in names for part in (name, written(score))]]
