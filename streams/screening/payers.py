"""Recent payers of each account, recent callees of each number, and the watchlist, whose entries reach them in slices,
so that each script is short.

Keys by account or suspect, spread over q: `payers:{q}:<token>`, `watch:{q}`, and `fan-out:{q}:<id>` (the number of
finished slices of a fan-out).

An account's list covers the policy's window and a day (EvidenceStore.watch). Older payments are removed when the next
payment comes, at most 2,000 per script, and the list expires if it gets no payment for that time. A payment takes about
200 bytes, so 400,000 within four days take 83 MB. After such a burst the next 200 scripts remove them all. The calls
from a number are stored in the same way, under the number's token.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from redis.asyncio import Redis

from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.fan_out import EarlierPayments, answered, entered, has_earlier, since
from domain.risk.sets import ORDER_DIGITS, precedence
from schemas.base import ANY_VERSION
from schemas.risk.evidence import Callee, EarlierContact, Payer, WatchEntry, WatchStatus
from schemas.risk.fan_outs import FanOut
from schemas.risk.signals import TransferState
from streams.state.keys import APPLIED_KEPT, RECENT_SUSPECTS, key, milliseconds
from streams.state.scripts import script

SLICE = 200  # payments whose payers get their evidence together
WALKED = 1_000  # payments read by one command
_ORDER = ORDER_DIGITS + 1  # a last digit tells whether a person must still decide
_ONGOING, _ENDED = "ongoing", "ended"  # of a call, in place of a payment's state
NOT_COUNTED = EarlierPayments(0, 0)
WATCHED, WATCH, ENTER, NEXT = script("watched"), script("watch"), script("enter"), script("slice")


@dataclass(slots=True)
class Fanned:
    """The effect of a new watchlist entry.

    `before`: the previous entry, None without one; `entry`: the entry in force now; `payers`: the first payments to the
    account. `last`: the payment after which the next slice begins; None if no more follow. `paid`: how many payments
    the account received before, and how many people paid; 0 if not counted.
    """

    before: WatchEntry | None
    entry: WatchEntry
    payers: list[EarlierContact]
    last: str | None = None
    paid: EarlierPayments = NOT_COUNTED


class Slice(NamedTuple):
    """A slice of the payments to an account (`payers`), the oldest first.

    `stands`: the account's present watchlist entry, None if it has none; `last`: the payment after which the following
    slice begins, None if no more follow.
    """

    stands: WatchEntry | None
    payers: list[EarlierContact]
    last: str | None


class Payers:
    """The watchlist's entries in Redis, and the payments to the accounts on it and the calls from the numbers on it."""

    def __init__(self, redis: "Redis", partitions: int) -> None:
        self._redis: Any = redis  # redis-py types each result as sync or async
        self._partitions = partitions

    async def enter(self, entries: Sequence[WatchEntry], rules: RiskRules, now: datetime) -> list[Fanned]:
        """Write entries to the watchlist in Redis, and return the effect of each, in order, with at most 200 payments
        to its account (or calls from its number).

        An existing entry that takes precedence is not replaced. Payments written afterwards find the entry. If another
        process changed the entry meanwhile, it is read and written again. Raises RedisError if Redis is unavailable.
        """
        found: dict[int, Fanned] = {}
        while len(found) < len(entries):
            waiting: dict[str, tuple[int, WatchEntry]] = {}
            for number, entry in enumerate(entries):
                if number not in found:
                    waiting.setdefault(entry.subject, (number, entry))
            found |= await self._entered(dict(waiting.values()), rules, now)
        async with self._redis.pipeline(transaction=False) as pipe:
            for fanned in found.values():
                self._list(pipe, fanned.entry)
            await pipe.execute()
        return [found[number] for number in range(len(entries))]

    async def answer(self, subject: str, request: str, alert: bool, rules: RiskRules) -> Fanned | None:
        """Write a person's decision into the watchlist entry of `subject`, and return its effect with at most 200
        payments to the account. Returns None if the subject has no entry.

        `alert`: True if the payers are to be alerted. `request`: the id of the request that was decided on; an entry
        that does not wait for this decision stays unchanged. Raises RedisError if Redis is unavailable.
        """
        while old := await self._redis.hget(self._keys(subject)[0], subject):
            before = entry_of(old)
            entry = answered(before, request, alert)
            (payments,) = await self._written([(entry, old, _new(entry, before, old))], rules)
            if payments is not None:
                return _fanned(before, entry, payments)
        return None

    async def newer(self, entries: Iterable[WatchEntry]) -> list[WatchEntry]:
        """Return the entries in Redis that take precedence over these entries of the same subjects, in order; empty if
        none does. Raises RedisError if Redis is unavailable.
        """
        given = list(entries)
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in given:
                pipe.hget(self._keys(entry.subject)[0], entry.subject)
            stored = [entry_of(raw) if raw else None for raw in await pipe.execute()]
        return [
            found
            for entry, found in zip(given, stored, strict=True)
            if found is not None and _rank(found) > _rank(entry)
        ]

    async def following(self, fan_out: FanOut) -> Slice:
        """Return the next slice of a fan-out: at most 200 payments to the account (or calls from the number) after
        `fan_out.after`, the oldest first. Raises RedisError if Redis is unavailable, and ValueError if `fan_out.after`
        is invalid.
        """
        subject, last = fan_out.entry.subject, fan_out.after
        at = milliseconds(unpacked(last).at)
        value, payments = await self._redis.eval(NEXT, 2, *self._keys(subject), subject, at, last, SLICE)
        texts = [raw.decode() for raw in payments]
        return Slice(entry_of(value) if value else None, [unpacked(text) for text in texts], _last(texts))

    async def done(self, fan_outs: Sequence[FanOut]) -> list[int]:
        """Return for each fan-out, in order, the number of its highest finished slice; 0 if none is stored as finished.
        Raises RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for fan_out in fan_outs:
                pipe.get(self._mark(fan_out))
            return [int(number or 0) for number in await pipe.execute()]

    async def mark(self, fan_outs: Iterable[FanOut]) -> None:
        """Store slices as finished, so that a slice whose record was written twice is processed once.

        Kept for 9 days (APPLIED_KEPT). Raises RedisError if Redis is unavailable.
        """
        async with self._redis.pipeline(transaction=False) as pipe:
            for fan_out in fan_outs:
                pipe.set(self._mark(fan_out), fan_out.number, ex=APPLIED_KEPT)
            await pipe.execute()

    async def put_back(self, entries: Iterable[WatchEntry]) -> None:
        """Write entries read from the watchlist's topic to Redis, except where the entry that Redis has takes
        precedence (`precedence` in domain/risk/sets): a confirmation, lift or rating before a report, then the newer
        one. The entries that Redis has now also update the list of the latest confirmed suspects; a second call with
        the same entries completes one that was interrupted. Raises RedisError if Redis is unavailable.
        """
        told = list(entries)
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in told:
                pipe.eval(ENTER, 1, self._keys(entry.subject)[0], entry.subject, _ORDER, _ordered(entry))
            stored = await pipe.execute()
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry, stands in zip(told, stored, strict=True):
                if stands:
                    self._list(pipe, entry)
            await pipe.execute()

    async def confirmed(self, most: int) -> list[WatchEntry]:
        """Return at most `most` (up to RECENT_SUSPECTS) accounts and telephone numbers that are confirmed as suspects,
        the latest confirmation first. Raises RedisError if Redis is unavailable.
        """
        groups = range(self._partitions)
        async with self._redis.pipeline(transaction=False) as pipe:
            for q in groups:
                pipe.zrange(key("suspects", q), 0, most - 1, desc=True)
            listed = await pipe.execute()
        async with self._redis.pipeline(transaction=False) as pipe:
            for q, subjects in zip(groups, listed, strict=True):
                if subjects:
                    pipe.hmget(key("watch", q), subjects)
            read = await pipe.execute()
        entries = [entry_of(raw) for some in read for raw in some if raw]
        found = [entry for entry in entries if entry.standing is WatchStatus.CONFIRMED]
        return sorted(found, key=lambda entry: (entry.at, entry.subject), reverse=True)[:most]

    async def walk(self, token: str, first: datetime | None = None) -> AsyncIterator[list[EarlierContact]]:
        """Yield the payments to an account (or the calls from a number), oldest first, in lists of at most 1,000.

        `token`: the account's or number's; `first`: the time from which to begin, included; None: the first payment
        that is still stored. Raises RedisError if Redis is unavailable.
        """
        name = f"{key('payers', spread(token, self._partitions))}:{token}"
        score, same = (milliseconds(first) if first else "-inf"), 0
        while found := await self._redis.zrange(name, score, "+inf", byscore=True, offset=same, num=WALKED):
            payers = [unpacked(raw.decode()) for raw in found]
            yield payers
            at = milliseconds(payers[-1].at)
            here = sum(milliseconds(payer.at) == at for payer in payers)
            score, same = at, here + (same if at == score else 0)

    async def walk_back(self, token: str, first: datetime) -> AsyncIterator[list[EarlierContact]]:
        """Yield the payments to an account (or the calls from a number) since `first`, newest first, in lists of at
        most 1,000. `token`: the account's or number's. Raises RedisError if Redis is unavailable.
        """
        name = f"{key('payers', spread(token, self._partitions))}:{token}"
        oldest, score, same = milliseconds(first), "+inf", 0
        while found := await self._redis.zrange(name, score, oldest, desc=True, byscore=True, offset=same, num=WALKED):
            payers = [unpacked(raw.decode()) for raw in found]
            yield payers
            at = str(milliseconds(payers[-1].at))
            here = sum(str(milliseconds(payer.at)) == at for payer in payers)
            score, same = at, here + (same if at == score else 0)

    async def _entered(self, entries: Mapping[int, WatchEntry], rules: RiskRules, now: datetime) -> dict[int, Fanned]:
        """Write the entries that nobody changed between reading and writing, and return their effects by number."""
        counted = rules.payers_without_asking, MOST_WITHOUT_ASKING
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries.values():
                pipe.eval(WATCHED, 2, *self._keys(entry.subject), entry.subject, _since(entry, rules), *counted)
            looked = await pipe.execute()
        befores = [entry_of(old) if old else None for old, _, _ in looked]
        paid = [EarlierPayments(payments, payers) for _, payments, payers in looked]
        stands = [entered(*each, rules, now) for each in zip(entries.values(), befores, paid, strict=True)]
        new = [(e, old or b"", _new(e, b, old)) for e, b, (old, _, _) in zip(stands, befores, looked, strict=True)]
        answers = zip(entries, befores, stands, await self._written(new, rules), paid, strict=True)
        return {n: _fanned(b, entry, found, many) for n, b, entry, found, many in answers if found is not None}

    async def _written(
        self, entries: Iterable[tuple[WatchEntry, bytes, str | bytes]], rules: RiskRules
    ) -> list[list[bytes] | None]:
        """Return the first payments to each entry's account; None if the stored entry is not the one that was read."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry, old, new in entries:
                keys, about = self._keys(entry.subject), (entry.subject, old, new)
                pipe.eval(WATCH, 2, *keys, *about, _since(entry, rules), SLICE)
            answers: list[list[bytes] | None] = await pipe.execute()
        return answers

    def _list(self, pipe: Any, entry: WatchEntry) -> None:  # noqa: ANN401 - see the constructor
        """List an entry among the latest confirmed suspects, or take a lifted one off. Only a page needs the list, and
        it reads each entry itself, so that a stale place does no harm.
        """
        listed = key("suspects", spread(token_of(entry.subject), self._partitions))
        if entry.standing is WatchStatus.LIFTED:
            pipe.zrem(listed, entry.subject)
        elif entry.standing is WatchStatus.CONFIRMED and entry.subject.startswith(("account:", "phone:")):
            pipe.zadd(listed, {entry.subject: milliseconds(entry.at)}, gt=True)
            pipe.zremrangebyrank(listed, 0, -1 - RECENT_SUSPECTS)

    def _keys(self, subject: str) -> tuple[str, str]:
        token = token_of(subject)
        q = spread(token, self._partitions)
        return key("watch", q), f"{key('payers', q)}:{token}"

    def _mark(self, fan_out: FanOut) -> str:
        return f"{key('fan-out', spread(token_of(fan_out.entry.subject), self._partitions))}:{fan_out.id}"


def spread(token: str, partitions: int) -> int:
    """Return the number (0 to `partitions` - 1) of the group of Redis keys for a suspect's token, by its CRC-32.

    Only Redis keys use it, and Kafka's hash would be slower.
    """
    return crc32(token.encode()) % partitions


def token_of(subject: str) -> str:
    """Return the token in a subject of the watchlist (`account:<token>`, `phone:<token>` or `link:<token>`); "" if the
    text has no colon.
    """
    return subject.partition(":")[2]


def entry_of(raw: bytes) -> WatchEntry:
    """Return the watchlist entry in its value in Redis (`raw`). Raises ValidationError if the value is invalid."""
    return WatchEntry.model_validate_json(raw[_ORDER:], extra=ANY_VERSION)


def packed(payer: EarlierContact) -> str:
    """Return a payment or call as text for Redis (see `unpacked`). It is shorter than JSON, because there are many."""
    if isinstance(payer, Callee):
        who = f"{payer.resident}|{payer.at.isoformat()}|{payer.topic}|{payer.partition}|{payer.offset}"
        return f"{who}|{payer.seconds}||{_ONGOING if payer.ongoing else _ENDED}|{payer.call}"
    balance = "" if payer.balance_fen is None else payer.balance_fen
    who = f"{payer.resident}|{payer.at.isoformat()}|{payer.topic}|{payer.partition}|{payer.offset}"
    return f"{who}|{payer.amount_fen}|{balance}|{payer.state.value}|{payer.transfer}"


def unpacked(text: str) -> EarlierContact:
    """Return the payment or call in its text in Redis (see `packed`). Raises ValueError if the text is neither."""
    resident, at, topic, partition, offset, amount, balance, state, transfer = text.split("|", 8)
    if state in (_ONGOING, _ENDED):
        return Callee(
            resident=resident,
            call=transfer,
            at=datetime.fromisoformat(at),
            topic=topic,
            partition=int(partition),
            offset=int(offset),
            seconds=int(amount),
            ongoing=state == _ONGOING,
        )
    return Payer(
        resident=resident,
        transfer=transfer,
        at=datetime.fromisoformat(at),
        topic=topic,
        partition=int(partition),
        offset=int(offset),
        amount_fen=int(amount),
        balance_fen=int(balance) if balance else None,
        state=TransferState(state),
    )


def _since(entry: WatchEntry, rules: RiskRules) -> int | str:
    return milliseconds(since(entry, rules)) if has_earlier(entry, rules) else ""


def _ordered(entry: WatchEntry) -> str:
    """Return the stored value, which begins with its sort order."""
    return f"{_rank(entry)}{entry.model_dump_json()}"


def _rank(entry: WatchEntry) -> str:
    """Return the entry's sort order as text: a decided entry sorts after the same one undecided."""
    waits = entry.asked is not None and not entry.asked.refused
    return f"{precedence(entry)}{not waits:d}"


def _new(entry: WatchEntry, before: WatchEntry | None, old: bytes | None) -> str | bytes:
    return old if old and entry is before else _ordered(entry)


def _fanned(
    before: WatchEntry | None, entry: WatchEntry, raw: Sequence[bytes], paid: EarlierPayments = NOT_COUNTED
) -> Fanned:
    texts = [each.decode() for each in raw]
    return Fanned(before, entry, [unpacked(text) for text in texts], _last(texts), paid)


def _last(payments: Sequence[str]) -> str | None:
    return payments[-1] if len(payments) == SLICE else None
