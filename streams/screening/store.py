"""Screening's data in Redis: evidence by resident, payers by payee, the watchlist, and alerts.

Keys by the resident's partition p: `evidence:{p}:<resident>`, `alerted:{p}`, `settled:{p}` and `lost:{p}` (written by
casework), `rescore:{p}`. By payee or suspect, spread over q: `payers:{q}:<token>`, `watch:{q}`,
`accounts-by-token:{q}`. By signal partition: see streams/screening/positions.py, and owed.py for what is owed.

A Redis that lost recent writes has lost a suffix of the commands. A batch writes its payers, watchlist entries,
evidence and alerts before it is counted in `screened:{sp}`: so counted batches are complete, and anything missing can
be read from the topic after that offset. Keys in other slots are in the same Redis.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redis.asyncio import Redis

from domain.policy.risk import RiskRules
from domain.risk import bounded, merged, supersedes, version
from domain.risk.fan_out import LATE
from domain.risk.sets import KEEPING_DIGITS, VERSION_DIGITS, keeping
from schemas.base import ANY_VERSION
from schemas.people.residents import ResidentId
from schemas.risk.evidence import Alerted, EarlierContact, Evidence, PriorLoss, WatchEntry
from streams.messaging.topics import home
from streams.screening.payers import Fanned, Payers, entry_of, packed, spread, token_of
from streams.state.keys import key, milliseconds
from streams.state.partition_state import WHERE, is_whole
from streams.state.scripts import script
from streams.state.server_identity import ASK_RUN, run_of

PREFIX = VERSION_DIGITS + KEEPING_DIGITS  # the length of a value's prefix; the rest is JSON
PIECE = 500  # payments, or watchlist subjects, per script
RESIDENTS, ADDED = 50, 100  # residents per script; evidence per resident and script
LOOKED_AT = 1_000  # members that a script reads before it leaves the other residents to the next one
TRIMMED = 2_000  # old payments that one script removes at most
T = TypeVar("T")

PAYMENTS, EVIDENCE = script("payments"), script("evidence")
RESCORED = script("rescored")


@dataclass(slots=True)
class Known:
    """The data about a resident from before a batch: `evidence`, by its id; `alerted`, the last alert; `settled`, when
    their last case was settled; `lost`, the loss that shields them.

    `alerted`: None if no alert was sent since `settled`; `settled`: None if no case was settled; `lost`: None without
    a shield.
    """

    evidence: dict[str, Evidence] = field(default_factory=dict)
    alerted: Alerted | None = None
    settled: datetime | None = None
    lost: PriorLoss | None = None


Paid = tuple[str, EarlierContact]  # the payee's token and the payment, or the caller's and the call
Piece = tuple[ResidentId, Sequence[Evidence]]  # part of the evidence to be added for a resident


class EvidenceStore:
    """Evidence, payments, the watchlist and alerts in Redis. Most methods take one round trip.

    `speed`: how many times as fast as wall-clock time the installation's clock runs; Redis expires keys by wall-clock
    time.
    """

    def __init__(self, redis: "Redis", partitions: int, speed: float = 1.0) -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._partitions, self._speed = partitions, speed
        self.payers_of = Payers(redis, partitions)

    async def casework_is_ready(self) -> bool:
        """Return True if casework's stores of all partitions are complete, else False. Only then is it known which
        cases are settled. Raises RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.execute_command(*ASK_RUN)
            for partition in range(self._partitions):
                pipe.hmget(key("state", partition), *WHERE)
            info, *found = await pipe.execute()
        return all(is_whole(run_of(info), *state) for state in found)

    async def watch(
        self,
        payments: Sequence[Paid],
        subjects: Iterable[str],
        entries: Sequence[WatchEntry],
        rules: RiskRules,
        now: datetime,
    ) -> tuple[dict[str, WatchEntry], list[Fanned]]:
        """Store the payments, read the watchlist entries of `subjects`, then write the new `entries` and read the first
        payments to their accounts.

        The order ensures that of two workers that write a payment and its payee's entry, at least one finds the
        other's. One round trip without `entries`. Returns a pair: the existing entries by subject (subjects without an
        entry are left out), and the effect of each new entry, in order. Raises RedisError if Redis is unavailable.
        """
        wanted, paid = self._by_key(subjects), self._payers(payments)
        kept = rules.money.window + LATE
        times = _ms(kept), _ms(kept / self._speed), milliseconds(now)
        work = [piece for q in sorted(wanted.keys() | paid.keys()) for piece in _pieces(q, paid, wanted)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for q, some, asked in work:
                self._keep(pipe, q, some, asked, times)
            answers = await pipe.execute() if work else []
        read = {
            subject: entry_of(raw)
            for (_, _, asked), answer in zip(work, answers, strict=True)
            for subject, raw in zip(asked, answer, strict=True)
            if raw
        }
        return read, await self.payers_of.enter(entries, rules, now) if entries else []

    async def enter(self, entries: Iterable[WatchEntry], rules: RiskRules) -> None:
        """Write entries read from the watchlist's topic to Redis, except where the entry that Redis has takes
        precedence (see `Payers.put_back`). `rules` are not used. Raises RedisError if Redis is unavailable.
        """
        await self.payers_of.put_back(entries)

    async def keep_accounts(self, accounts: Mapping[str, str | None]) -> None:
        """Store account numbers by token, for stop-payments; the value None deletes a token's number. Raises RedisError
        if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for token, account in accounts.items():
                where = key("accounts-by-token", spread(token, self._partitions))
                pipe.hdel(where, token) if account is None else pipe.hset(where, token, account)
            await pipe.execute()

    async def payers(self, tokens: Iterable[str]) -> dict[str, set[ResidentId]]:
        """Return, for each of these account tokens, the ids of the residents who paid the account recently (in the
        policy's window and a day); an empty set if nobody did. Raises RedisError if Redis is unavailable.
        """
        return {
            token: {payer.resident async for some in self.payers_of.walk(token) for payer in some} for token in tokens
        }

    async def erase(self, resident: ResidentId) -> None:
        """Delete a resident's evidence, last alert and scheduled re-evaluation.

        The time at which their case was settled stays stored. Raises RedisError if Redis is unavailable.
        """
        partition = home(resident, self._partitions)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(f"{key('evidence', partition)}:{resident}")
            pipe.hdel(key("alerted", partition), resident)
            pipe.zrem(key("rescore", partition), resident)
            await pipe.execute()

    async def add(
        self, evidence: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> dict[ResidentId, Known]:
        """Add evidence to residents' sets in Redis. Returns, for every resident in `evidence`, their data from before.

        For a resident with an empty sequence, it only reads. Raises RedisError if Redis is unavailable.
        """
        known: dict[ResidentId, Known] = {}
        async for resident, answer in self._all_added(evidence, rules, now):
            if resident not in known:  # later answers include our own additions
                known[resident] = _known(*answer)
        return known

    async def _all_added(
        self, evidence: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> AsyncIterator[tuple[ResidentId, Any]]:
        """Add evidence, and yield the state before each piece.

        Each script stops after a bounded amount of work; the rest is sent again.
        """
        left = [(resident, piece) for resident, members in evidence.items() for piece in _split(members, ADDED) or [[]]]
        while left:
            found, left = await self._added(left, rules, now)
            for each in found:
                yield each

    async def _added(
        self, pieces: Sequence[Piece], rules: RiskRules, now: datetime
    ) -> tuple[list[tuple[ResidentId, Any]], list[Piece]]:
        """Add some pieces. Returns the state before each, and the pieces that were left."""
        by_partition: defaultdict[int, list[Piece]] = defaultdict(list)
        for piece in pieces:
            by_partition[home(piece[0], self._partitions)].append(piece)
        work = [(p, some) for p, those in by_partition.items() for some in _split(those, RESIDENTS)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for p, some in work:
                self._ask(pipe, p, some, rules, now)
                pipe.hmget(key("lost", p), [resident for resident, _ in some])
            told = await pipe.execute()
        answers = told[::2]
        found = [
            (piece[0], (*each, lost))
            for (_, some), answer, losses in zip(work, answers, told[1::2], strict=True)
            for piece, each, lost in zip(some, answer, losses, strict=False)
        ]
        left = [piece for (_, some), answer in zip(work, answers, strict=True) for piece in some[len(answer) :]]
        return found, left

    def _ask(
        self,
        pipe: Any,  # noqa: ANN401 - see the constructor
        p: int,
        some: Sequence[Piece],
        rules: RiskRules,
        now: datetime,
    ) -> None:
        """Add evidence to one partition's sets by one script. The first piece is always added."""
        keys = [key("alerted", p), key("settled", p), *(f"{key('evidence', p)}:{one}" for one, _ in some)]
        kept = _ms(rules.keep / self._speed)
        arguments: list[str | int] = [rules.bound, kept, VERSION_DIGITS, milliseconds(now), LOOKED_AT]
        for resident, members in some:
            arguments += [resident, len(members), *_members(members, rules)]
        pipe.eval(EVIDENCE, len(keys), *keys, *arguments)

    async def add_late(
        self, evidence: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> None:
        """Add evidence, and schedule each resident for re-evaluation at `now`, in one transaction per resident and 100
        items.

        A resident with an empty sequence is only scheduled. Raises RedisError if Redis is unavailable.
        """
        for resident, members in evidence.items():
            p = home(resident, self._partitions)
            for piece in _split(members, ADDED) or [[]]:
                async with self._redis.pipeline(transaction=True) as pipe:
                    self._ask(pipe, p, [(resident, piece)], rules, now)
                    pipe.zadd(key("rescore", p), {resident: milliseconds(now)})
                    await pipe.execute()

    async def put_back(
        self,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        alerted: Mapping[ResidentId, Alerted],
        written: Mapping[ResidentId, int],
        rules: RiskRules,
        now: datetime,
        *,
        used: bool,
    ) -> None:
        """Write evidence and last alerts that were read from their topic to Redis. Evidence that Redis has in a later
        state stays; the last alerts replace those in Redis.

        `written`: when each resident's evidence was last written (ms since 1970); their set expires `rules.keep` after
        that. `used`: True if signals may have been screened while evidence was missing: residents who lacked evidence
        are then scheduled for re-evaluation. Raises RedisError if Redis is unavailable, and KeyError if `written` lacks
        a resident of `evidence`.
        """
        kept = _ms(rules.keep / self._speed)
        if used:
            known = await self.add(dict.fromkeys(evidence, ()), rules, now)
            await self.add_late(late(evidence, known, rules, now), rules, now)
        else:
            await self.add(evidence, rules, now)
        async with self._redis.pipeline(transaction=False) as pipe:
            for resident in evidence:
                name = f"{key('evidence', home(resident, self._partitions))}:{resident}"
                pipe.pexpireat(name, written[resident] + kept)
            for resident, told in alerted.items():
                pipe.hset(key("alerted", home(resident, self._partitions)), resident, told.model_dump_json())
            await pipe.execute()

    async def of(self, resident: ResidentId) -> list[Evidence]:
        """Return all evidence stored about a resident, oldest first, for display; an empty list without evidence.
        Raises RedisError if Redis is unavailable.
        """
        found = await self._redis.hvals(f"{key('evidence', home(resident, self._partitions))}:{resident}")
        members = [Evidence.model_validate_json(raw[PREFIX:], extra=ANY_VERSION) for raw in found]
        return sorted(members, key=lambda member: (member.at, member.id))

    async def remember(self, alerted: Mapping[ResidentId, Alerted], rescore: Mapping[ResidentId, datetime]) -> None:
        """Store the residents' last alerts (`alerted`; call it once Kafka has them), and the times of their next
        re-evaluation (`rescore`).

        An earlier time that is already scheduled stays. Raises RedisError if Redis is unavailable.
        """
        if not alerted and not rescore:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for resident, told in alerted.items():
                pipe.hset(key("alerted", home(resident, self._partitions)), resident, told.model_dump_json())
            for resident, at in rescore.items():
                pipe.zadd(key("rescore", home(resident, self._partitions)), {resident: milliseconds(at)}, lt=True)
            await pipe.execute()

    async def due(self, partition: int, now: datetime, most: int) -> dict[ResidentId, int]:
        """Return at most `most` residents of the partition whose re-evaluation is due at `now`, the longest due first,
        each with its scheduled time (ms since 1970). Raises RedisError if Redis is unavailable.
        """
        found = await self._redis.zrange(
            key("rescore", partition), "-inf", milliseconds(now), byscore=True, offset=0, num=most, withscores=True
        )
        return {resident.decode(): int(score) for resident, score in found}

    async def rescored(
        self, partition: int, done: Mapping[ResidentId, int], after: Mapping[ResidentId, datetime]
    ) -> None:
        """Replace the schedule of residents who were re-evaluated by the time in `after`, or delete it if they are not
        in `after`.

        `done`: the residents, each with the time (ms since 1970) for which they were scheduled. A resident who was
        scheduled for another time meanwhile stays scheduled for that time. Raises RedisError if Redis is unavailable.
        """
        arguments: list[str | int] = []
        for resident, at in done.items():
            arguments += [resident, at, milliseconds(after[resident]) if resident in after else ""]
        await self._redis.eval(RESCORED, 1, key("rescore", partition), *arguments)

    def _by_key(self, subjects: Iterable[str]) -> dict[int, list[str]]:
        wanted: defaultdict[int, list[str]] = defaultdict(list)
        for subject in dict.fromkeys(subjects):
            wanted[spread(token_of(subject), self._partitions)].append(subject)
        return wanted

    def _payers(self, payments: Sequence[Paid]) -> dict[int, dict[str, list[EarlierContact]]]:
        paid: defaultdict[int, defaultdict[str, list[EarlierContact]]] = defaultdict(lambda: defaultdict(list))
        for token, payer in payments:
            paid[spread(token, self._partitions)][token].append(payer)
        return {q: dict(lists) for q, lists in paid.items()}

    def _keep(
        self,
        pipe: Any,  # noqa: ANN401 - see the constructor
        q: int,
        paid: Mapping[str, Sequence[EarlierContact]],
        wanted: Sequence[str],
        times: Sequence[int],
    ) -> None:
        arguments: list[str | int] = [*times, TRIMMED]
        for payers in paid.values():
            arguments.append(len(payers))
            for payer in payers:
                arguments += (milliseconds(payer.at), packed(payer))
        payers_of = key("payers", q)
        keys = [key("watch", q), *[f"{payers_of}:{token}" for token in paid]]
        pipe.execute_command("EVAL", PAYMENTS, len(keys), *keys, *arguments, *wanted)  # eval() takes a µs longer


def late(
    evidence: Mapping[ResidentId, Sequence[Evidence]],
    known: Mapping[ResidentId, Known],
    rules: RiskRules,
    now: datetime,
) -> dict[ResidentId, list[Evidence]]:
    """Return, by resident, the evidence of `evidence` that their set lacks although it would be kept, or has in an
    earlier state.

    `known`: the sets. Residents who lack no evidence are left out. Raises KeyError if `known` lacks a resident.
    """
    return {who: new for who, members in evidence.items() if (new := _missing(members, known[who], rules, now))}


def _missing(members: Iterable[Evidence], known: Known, rules: RiskRules, now: datetime) -> list[Evidence]:
    new = [member for member in members if supersedes(member, known.evidence.get(member.id))]
    kept = bounded(merged(known.evidence, new), rules, now) if new else {}
    return [member for member in new if member.id in kept]


def _pieces(
    q: int, paid: Mapping[int, Mapping[str, list[EarlierContact]]], wanted: Mapping[int, Sequence[str]]
) -> Iterable[tuple[int, dict[str, list[EarlierContact]], Sequence[str]]]:
    """Yield the work of each script for q: payments to store, then subjects to read.

    Usually one script does both. All payments are stored before anything is read.
    """
    each = [(token, payer) for token, payers in paid.get(q, {}).items() for payer in payers]
    if max(len(each), len(wanted.get(q, []))) <= PIECE:
        yield q, dict(paid.get(q, {})), wanted.get(q, [])
        return
    for some in _split(each, PIECE):
        by_token: defaultdict[str, list[EarlierContact]] = defaultdict(list)
        for token, payer in some:
            by_token[token].append(payer)
        yield q, by_token, []
    for asked in _split(wanted.get(q, []), PIECE):
        yield q, {}, asked


def _split(things: Sequence[T], size: int) -> list[Sequence[T]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def _ms(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1000))


def _members(evidence: Iterable[Evidence], rules: RiskRules) -> Iterable[str]:
    for member in evidence:
        yield member.id
        value = member.model_dump_json(exclude_defaults=True)
        yield f"{version(member)}{keeping(member, rules)}{value}"


def _known(alerted: bytes | None, settled: bytes | None, flat: Sequence[bytes], lost: bytes | None) -> Known:
    members = [Evidence.model_validate_json(raw[PREFIX:], extra=ANY_VERSION) for raw in flat[1::2]]
    told = Alerted.model_validate_json(alerted, extra=ANY_VERSION) if alerted else None
    since = datetime.fromisoformat(settled.decode()) if settled else None
    if told is not None and since is not None and told.at <= since:
        told = None  # of a settled case
    shield = PriorLoss.model_validate_json(lost, extra=ANY_VERSION) if lost else None
    return Known({member.id: member for member in members}, told, since, shield)
