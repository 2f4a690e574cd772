"""Commands and calls of the product's scripts as hypothesis draws them, few names and values so that they meet."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from domain.risk.sets import ORDER_DIGITS, VERSION_DIGITS
from streams.security.vault import GET
from streams.state import locks
from streams.state.case_store import COMMIT
from streams.state.scripts import script
from streams.state.server_identity import CURRENT_RUN
from streams.state.shared_state import KEEP, MARKED
from tests.simulation.fake_redis.both import RUN

Drawn = st.SearchStrategy[tuple[Any, ...]]
MINUTE = 60_000  # milliseconds; what expires does so long after the test

WORDS = st.sampled_from(["", "a", "b", "c", "10", "-1", "1.5", "é", "x y"])
NUMBERS = st.one_of(st.integers(-5, 5), st.sampled_from([1_700_000_000_123, 2**53, 2**63 - 1, -(2**63)]))
SCORES = st.one_of(NUMBERS, st.sampled_from([0.5, -0.25, 1e300, "+inf", "-inf", "1e2"]))
BOUNDS = st.one_of(SCORES, st.sampled_from(["(1", "(-5", "(+inf", "x"]))
EXPIRING = st.integers(MINUTE, 100 * MINUTE)


def names(kind: str) -> st.SearchStrategy[str]:
    """Mostly a key of this kind; now and then one that may hold another."""
    return st.sampled_from([f"{kind}1"] * 4 + [f"{kind}2"] * 3 + ["any"])


def said(name: str, *parts: st.SearchStrategy[Any]) -> Drawn:
    return st.tuples(st.just(name), *parts)


def many(name: str, key: st.SearchStrategy[Any], part: st.SearchStrategy[Any]) -> Drawn:
    """A command that takes as many parts as one likes; a part may be a pair."""
    lists = st.lists(part, min_size=1, max_size=4)
    return st.tuples(key, lists).map(lambda drawn: (name, drawn[0], *_flat(drawn[1])))


def _flat(parts: list[Any]) -> list[Any]:
    return [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]


TEXT, HASH, SET, RANK = names("text"), names("hash"), names("set"), names("rank")
ANY = st.one_of(TEXT, HASH, SET, RANK)
PAIR, SCORED = st.tuples(WORDS, WORDS), st.tuples(SCORES, WORDS)

COMMANDS: Drawn = st.one_of(
    said("SET", TEXT, WORDS),
    said("SET", TEXT, WORDS, st.sampled_from(["NX", "XX", "GET", "KEEPTTL"])),
    said("SET", TEXT, NUMBERS, st.just("PX"), EXPIRING, st.sampled_from(["NX", "XX"])),
    said("GET", TEXT),
    said("GETDEL", TEXT),
    said("INCR", TEXT),
    said("INCRBY", TEXT, NUMBERS),
    many("MGET", ANY, ANY),
    many("MSET", st.just("text1"), WORDS).map(lambda drawn: drawn[:3]),
    many("HSET", HASH, PAIR),
    many("HDEL", HASH, WORDS),
    many("HMGET", HASH, WORDS),
    said("HGET", HASH, WORDS),
    said("HSETNX", HASH, WORDS, WORDS),
    said("HINCRBY", HASH, WORDS, NUMBERS),
    said("HGETALL", HASH),
    said("HKEYS", HASH),
    said("HVALS", HASH),
    said("HLEN", HASH),
    said("HEXISTS", HASH, WORDS),
    said("HSCAN", HASH, st.just(0)),
    many("SADD", SET, WORDS),
    many("SREM", SET, WORDS),
    many("SMISMEMBER", SET, WORDS),
    said("SISMEMBER", SET, WORDS),
    said("SMEMBERS", SET),
    said("SCARD", SET),
    many("SUNIONSTORE", SET, SET),
    many("SUNION", SET, SET),
    many("ZADD", RANK, SCORED),
    st.tuples(RANK, st.sampled_from(["NX", "XX", "GT", "LT", "CH", "INCR"]), SCORED).map(
        lambda drawn: ("ZADD", drawn[0], drawn[1], *drawn[2])
    ),
    many("ZREM", RANK, WORDS),
    many("ZMSCORE", RANK, WORDS),
    said("ZSCORE", RANK, WORDS),
    said("ZCARD", RANK),
    said("ZCOUNT", RANK, BOUNDS, BOUNDS),
    said("ZRANGE", RANK, NUMBERS, NUMBERS),
    said("ZRANGE", RANK, st.integers(-5, 5), st.integers(-5, 5), st.sampled_from(["REV", "WITHSCORES"])),
    said("ZRANGE", RANK, BOUNDS, BOUNDS, st.just("BYSCORE"), st.just("WITHSCORES")),
    said("ZRANGE", RANK, BOUNDS, BOUNDS, *map(st.just, ("BYSCORE", "LIMIT")), st.integers(-1, 3), st.integers(-1, 3)),
    said("ZRANGEBYSCORE", RANK, BOUNDS, BOUNDS),
    said("ZREMRANGEBYSCORE", RANK, BOUNDS, BOUNDS),
    said("ZREMRANGEBYRANK", RANK, st.integers(-5, 5), st.integers(-5, 5)),
    said("ZPOPMIN", RANK),
    said("ZSCAN", RANK, st.just(0)),
    said("EXISTS", ANY, ANY),
    said("DEL", ANY, ANY),
    said("PEXPIRE", ANY, EXPIRING),
    said("EXPIRE", ANY, st.sampled_from([-1, 0, 100]), st.sampled_from(["NX", "XX", "GT", "LT"])),
    said("PTTL", ANY),
    said("PERSIST", ANY),
    said("TYPE", ANY),
)


def called(text: str, keys: list[str], arguments: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a list of whatever it takes
    return ("EVAL", text, len(keys), *keys, *arguments)


TOKENS = st.sampled_from(["token-1", "token-2"])
STATE, LEASE, ENTRY = "state:{0}", "lease:{0}:d1", "dispatch:{0}:d1"
STANDING: Drawn = st.tuples(
    st.integers(3, 6), st.sampled_from([RUN, "other/run"]), st.sampled_from([[], ["end", 6]])
).map(lambda drawn: ("HSET", STATE, "offset", drawn[0], "run", drawn[1], *drawn[2]))
BEFORE: Drawn = st.one_of(
    STANDING,
    said("SET", st.just(ENTRY), st.sampled_from(['{"state":"sending","inputs":[]}', '{"state":"done"}', "{}"])),
    said("SET", st.just(LEASE), TOKENS, st.just("PX"), EXPIRING),
    said("ZADD", st.just("applied:{0}"), st.just(1), st.sampled_from(["d1:sent", "other"])),
    said("SADD", st.just("unsure:{0}"), st.sampled_from(["d1", "d2"])),
    said("SET", st.just("settling:{0}"), st.just(1)),
    said("HSET", st.just("cases:{0}"), st.just("r1"), st.just('{"id":"r1-2"}')),
    said("HSET", st.just("earlier:{0}"), st.just("r1-1"), st.just('{"id":"r1-1"}')),
    said("DEL", st.sampled_from([STATE, LEASE, ENTRY, "settling:{0}"])),
)


def _claim(text: str) -> Drawn:
    names = ("state", "cases", "applied", "earlier", "unsure", "settling")
    keys = [ENTRY, LEASE, *(f"{name}:{{0}}" for name in names)]
    ends = ["r1", "r1-1", "d1", "d1:sent", "d1:failed"]
    return st.tuples(TOKENS, EXPIRING).map(lambda drawn: called(text, keys, [*drawn, *ends]))


def _commit(text: str) -> Drawn:
    keys = [STATE, "cases:{0}", "applied:{0}", "unsure:{0}", "settling:{0}"]
    command = st.one_of(
        st.tuples(st.just("HSET"), st.just(2), PAIR),
        st.tuples(st.just("HINCRBY"), st.just(2), st.tuples(st.just("count"), st.integers(-3, 3))),
        st.tuples(st.just("ZADD"), st.just(3), SCORED),
        st.tuples(st.just("SADD"), st.just(4), st.tuples(WORDS)),
        st.tuples(st.just("SET"), st.just(5), st.just((1, "PX", MINUTE))),
        st.tuples(st.just("DEL"), st.integers(2, 5), st.just(())),
        st.tuples(st.just("HSET"), st.just(1), st.sampled_from([("rebuilding", "mark"), ("policy", "p")])),
    )
    stood = st.sampled_from(["", 3, 4, 5, "mark"])
    return st.tuples(stood, st.sampled_from(["", 5, 6]), st.lists(command, max_size=5)).map(
        lambda drawn: called(
            text, keys, [*drawn[:2], *(part for name, key, rest in drawn[2] for part in (len(rest), name, key, *rest))]
        )
    )


def _evidence(text: str) -> Drawn:
    kinds = st.sampled_from(["1~call", "2~call", "3~call", "4~pay", "5"])
    member = st.tuples(
        kinds, st.integers(0, 3), st.integers(1_000_000, 1_000_009), st.integers(0, 1), st.sampled_from("01")
    )
    given = st.dictionaries(st.sampled_from(["r1", "r2"]), st.lists(member, max_size=4), min_size=1)

    def arguments(drawn: dict[str, list[Any]]) -> list[Any]:
        parts: list[Any] = []
        for resident, members in drawn.items():
            parts += [resident, len(members)]
            for name, order, fresh, hours, withdrawn in members:
                version = f"{order:014d}{withdrawn}".ljust(VERSION_DIGITS, "0")
                parts += [name, f"{version}{fresh:013d}{hours:04d}{{}}"]
        return parts

    return given.map(
        lambda drawn: called(
            text,
            ["alerted:{0}", "settled:{0}", *(f"evidence:{{0}}:{resident}" for resident in drawn)],
            [2, 10 * MINUTE, VERSION_DIGITS, 4_600_005, *arguments(drawn)],
        )
    )


def _owners(text: str) -> Drawn:
    mine = st.sampled_from(["", "r1", "r2", '[["r1","2026-01-01"]]', '[["r2",null,"2026-01-01"]]', '[["r1"],["r3"]]'])
    change = st.tuples(st.sampled_from(["v1", "v2"]), st.sampled_from(["r1", "r2", "r3"]), mine)
    return st.lists(change, max_size=4).map(lambda drawn: called(text, ["phones:{0}"], [json.dumps(drawn)]))


def _residents(text: str) -> Drawn:
    values = st.sampled_from(["", '{"id":"é"}', '{"id":"2"}'])
    change = st.tuples(st.sampled_from(["r1", "r2"]), values, values)
    return st.lists(change, max_size=4).map(lambda drawn: called(text, ["residents:{0}"], [json.dumps(drawn)]))


def _payments(text: str) -> Drawn:
    paid = st.tuples(st.integers(1_700_000_000_000, 1_700_000_000_100), WORDS)
    lists = st.dictionaries(st.sampled_from(["t1", "t2"]), st.lists(paid, max_size=3), max_size=2)
    asked = st.lists(st.sampled_from(["account:t1", "account:t2"]), max_size=2)
    return st.tuples(lists, asked).map(
        lambda drawn: called(
            text,
            ["watch:{0}", *(f"payers:{{0}}:{token}" for token in drawn[0])],
            [50, MINUTE, 1_700_000_000_080, *_counted(drawn[0]), *drawn[1]],
        )
    )


def _counted(lists: dict[str, list[tuple[int, str]]]) -> list[Any]:
    return [part for each in lists.values() for part in (len(each), *_flat(list(each)))]


def _watch(text: str) -> Drawn:
    order = st.integers(0, 3).map(lambda number: f"{number:0{ORDER_DIGITS}d}{{}}")
    since = st.sampled_from(["", 1_700_000_000_050])
    return st.tuples(st.sampled_from(["t1", "t2"]), order, since).map(
        lambda drawn: called(
            text, ["watch:{0}", f"payers:{{0}}:{drawn[0]}"], [f"account:{drawn[0]}", ORDER_DIGITS, *drawn[1:]]
        )
    )


HERE = "local function current_run() return 'here' end"  # two servers have two ids


def _screened(text: str) -> Drawn:
    letters = st.lists(st.tuples(st.sampled_from(["l1", "l2", "l3"]), st.integers(0, 9)), max_size=3)
    counts = st.lists(st.tuples(st.sampled_from(["police|raised", "bank|duplicate"]), st.integers(1, 3)), max_size=2)
    stands = st.sampled_from(["", 1, 2])
    run = st.sampled_from(["here", "elsewhere"])
    return st.tuples(run, stands, st.integers(1, 2), letters, counts).map(
        lambda drawn: called(
            f"{HERE}\n{text}",
            ["stood:{0}", "tally:{0}", "again:{0}", "screened:{0}"],
            ["", *drawn[:3], 2, len(drawn[3]), *_flat(drawn[3]), *_flat(drawn[4])],
        )
    )


def _one(text: str, keys: list[str], *arguments: st.SearchStrategy[Any]) -> Drawn:
    return st.tuples(*arguments).map(lambda drawn: called(text, keys, drawn))


DUE: Drawn = said("ZADD", st.just("rescore:{0}"), st.integers(1, 3), st.sampled_from(["r1", "r2"]))
MARKS = ["restoring:{whole}", "whole", "run:{whole}", "hashed:{whole}", "partitions:{whole}"]

# By script: what comes before it, and how it is called.
SCRIPTS: dict[str, tuple[Drawn, Callable[[], Drawn]]] = {
    "claim": (BEFORE, lambda: _claim(CURRENT_RUN + script("lasts") + script("claim"))),
    "commit": (BEFORE, lambda: _commit(COMMIT)),
    "evidence": (
        said("HSET", st.sampled_from(["alerted:{0}", "settled:{0}"]), st.just("r1"), WORDS),
        lambda: _evidence(script("evidence")),
    ),
    "keep": (BEFORE, lambda: _one(locks.KEEP, [LEASE], TOKENS, EXPIRING)),
    "mark": (
        BEFORE,
        lambda: st.one_of(
            _one(script("mark"), [LEASE, ENTRY], TOKENS),
            _one(script("mark"), [LEASE, ENTRY], TOKENS, st.just('{"state":"sending"}'), st.just(100), EXPIRING),
        ),
    ),
    "owners": (said("HDEL", st.just("phones:{0}"), st.sampled_from(["v1"])), lambda: _owners(script("owners"))),
    "payments": (
        said("HSET", st.just("watch:{0}"), st.just("account:t1"), WORDS),
        lambda: _payments(script("payments")),
    ),
    "release": (BEFORE, lambda: _one(script("release"), [LEASE], TOKENS)),
    "rescored": (
        DUE,
        lambda: _one(script("rescored"), ["rescore:{0}"], st.sampled_from(["r1", "r2"]), st.integers(1, 3)),
    ),
    "residents": (
        said("HSET", st.just("residents:{0}"), st.just("r1"), st.just('{"id":"2"}')),
        lambda: _residents(script("residents")),
    ),
    "screened": (
        said("SET", st.just("screened:{0}"), st.integers(1, 2)),
        lambda: _screened(script("counted") + script("screened")),
    ),
    "watch": (
        said("ZADD", st.just("payers:{0}:t1"), st.integers(1_700_000_000_040, 1_700_000_000_060), WORDS),
        lambda: _watch(script("watch")),
    ),
    "restore.KEEP": (BEFORE, lambda: _one(KEEP, [LEASE], TOKENS, TOKENS, EXPIRING)),
    "restore.MARKED": (
        said("SET", st.just(MARKS[0]), TOKENS),
        lambda: _one(MARKED, MARKS, TOKENS, TOKENS, WORDS, st.just(RUN), WORDS, WORDS),
    ),
    "vault.GET": (
        said("HSET", st.just("vault:{0}"), st.sampled_from(["p1", "p2"]), WORDS),
        lambda: st.just(called(GET, ["vault:{0}", "vault:{0}"], ["p1", "p2"])),
    ),
}
