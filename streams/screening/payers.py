"""Who paid which account lately, and how an entry of the watchlist reaches them: slice by slice, each script bounded.

By account or suspect, spread over q: `payers:{q}:<token>`, `watch:{q}`, and `fan-out:{q}:<id>`, how many slices of
a fan-out are done.

The policy's window and a day bound an account's list (EvidenceStore.watch). Older payments leave when the next
one comes, at most 2,000 in one script, and the list goes when nobody has paid for that time. A payment takes some 200
bytes, so 400,000 within four days take 83 MB. After such a burst the next 200 scripts remove all of them.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from redis.asyncio import Redis

from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.fan_out import EarlierPayments, answered, entered, since
from domain.risk.sets import ORDER_DIGITS, precedence
from schemas.base import ANY_VERSION
from schemas.risk.evidence import Payer, WatchEntry
from schemas.risk.fan_outs import FanOut
from schemas.risk.signals import TransferState
from streams.state.keys import APPLIED_KEPT, key, milliseconds
from streams.state.scripts import script

SLICE = 200  # payments whose payers are alerted together
WALKED = 1_000  # payments that are only looked at, in one command
_ORDER = ORDER_DIGITS + 1  # the last tells whether a person is still to be asked
NOT_COUNTED = EarlierPayments(0, 0)
WATCHED, WATCH, ENTER, NEXT = script("watched"), script("watch"), script("enter"), script("slice")


@dataclass(slots=True)
class Fanned:
    """What came of an entry of the watchlist: the one before, the one that stands, and the first who paid the account.

    `last`: after which payment the next slice begins; None when this was all.
    """

    before: WatchEntry | None
    entry: WatchEntry
    payers: list[Payer]
    last: str | None = None
    paid: EarlierPayments = NOT_COUNTED


class Slice(NamedTuple):
    """Payments that follow one; `stands`: what the watchlist says of the account now; `last` as in Fanned."""

    stands: WatchEntry | None
    payers: list[Payer]
    last: str | None


class Payers:
    """The watchlist's entries and the payments to their accounts."""

    def __init__(self, redis: "Redis", partitions: int) -> None:
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._partitions = partitions

    async def enter(self, entries: Sequence[WatchEntry], rules: RiskRules, now: datetime) -> list[Fanned]:
        """Write entries, in order, and read the first who paid: whoever pays from then on finds the entry.

        Where another has changed an entry meanwhile, it is looked at again.
        """
        found: dict[int, Fanned] = {}
        while len(found) < len(entries):
            waiting: dict[str, tuple[int, WatchEntry]] = {}
            for number, entry in enumerate(entries):
                if number not in found:
                    waiting.setdefault(entry.subject, (number, entry))
            found |= await self._entered(dict(waiting.values()), rules, now)
        return [found[number] for number in range(len(entries))]

    async def answer(self, subject: str, request: str, alert: bool, rules: RiskRules) -> Fanned | None:
        """Write a person's answer to a question about a suspect, and read the first who paid; None without an entry."""
        while old := await self._redis.hget(self._keys(subject)[0], subject):
            before = entry_of(old)
            entry = answered(before, request, alert)
            (payments,) = await self._written([(entry, old, _new(entry, before, old))], rules)
            if payments is not None:
                return _fanned(before, entry, payments)
        return None

    async def following(self, fan_out: FanOut) -> Slice:
        """Return the next slice of a fan-out."""
        subject, last = fan_out.entry.subject, fan_out.after
        at = milliseconds(unpacked(last).at)
        value, payments = await self._redis.eval(NEXT, 2, *self._keys(subject), subject, at, last, SLICE)
        texts = [raw.decode() for raw in payments]
        return Slice(entry_of(value) if value else None, [unpacked(text) for text in texts], _last(texts))

    async def done(self, fan_outs: Sequence[FanOut]) -> list[int]:
        """Return for each fan-out how many of its slices are done."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for fan_out in fan_outs:
                pipe.get(self._mark(fan_out))
            return [int(number or 0) for number in await pipe.execute()]

    async def mark(self, fan_outs: Iterable[FanOut]) -> None:
        """Remember slices as done: the same slice written twice, because an answer was lost, goes on once."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for fan_out in fan_outs:
                pipe.set(self._mark(fan_out), fan_out.number, ex=APPLIED_KEPT)
            await pipe.execute()

    async def put_back(self, entries: Iterable[WatchEntry]) -> None:
        """Put entries of the watchlist's topic back; newer ones that are there stay."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.eval(ENTER, 1, self._keys(entry.subject)[0], entry.subject, _ORDER, _ordered(entry))
            await pipe.execute()

    async def walk(self, token: str, first: datetime | None = None) -> AsyncIterator[list[Payer]]:
        """Yield the payments to an account from `first` on, the oldest first, some at a time."""
        name = f"{key('payers', spread(token, self._partitions))}:{token}"
        score, same = (milliseconds(first) if first else "-inf"), 0
        while found := await self._redis.zrange(name, score, "+inf", byscore=True, offset=same, num=WALKED):
            payers = [unpacked(raw.decode()) for raw in found]
            yield payers
            at = milliseconds(payers[-1].at)
            here = sum(milliseconds(payer.at) == at for payer in payers)
            score, same = at, here + (same if at == score else 0)

    async def _entered(self, entries: Mapping[int, WatchEntry], rules: RiskRules, now: datetime) -> dict[int, Fanned]:
        """Those of the entries that nobody has changed between the look at them and the writing."""
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
        """The first payments of each entry's account; None where another than the entry that was seen stands."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry, old, new in entries:
                keys, about = self._keys(entry.subject), (entry.subject, old, new)
                pipe.eval(WATCH, 2, *keys, *about, _since(entry, rules), SLICE)
            answers: list[list[bytes] | None] = await pipe.execute()
        return answers

    def _keys(self, subject: str) -> tuple[str, str]:
        token = token_of(subject)
        q = spread(token, self._partitions)
        return key("watch", q), f"{key('payers', q)}:{token}"

    def _mark(self, fan_out: FanOut) -> str:
        return f"{key('fan-out', spread(token_of(fan_out.entry.subject), self._partitions))}:{fan_out.id}"


def spread(token: str, partitions: int) -> int:
    """Where a suspect's keys lie. Only Redis knows of it, so it need not be Kafka's hash, which is slow here."""
    return crc32(token.encode()) % partitions


def token_of(subject: str) -> str:
    """The token of a field of the watchlist."""
    return subject.partition(":")[2]


def entry_of(raw: bytes) -> WatchEntry:
    """Read an entry of the watchlist as Redis has it."""
    return WatchEntry.model_validate_json(raw[_ORDER:], extra=ANY_VERSION)


def packed(payer: Payer) -> str:
    """Each payment is kept like this, also the many that nobody asks for: no JSON."""
    balance = "" if payer.balance_fen is None else payer.balance_fen
    who = f"{payer.resident}|{payer.at.isoformat()}|{payer.topic}|{payer.partition}|{payer.offset}"
    return f"{who}|{payer.amount_fen}|{balance}|{payer.state.value}|{payer.transfer}"


def unpacked(text: str) -> Payer:
    """Read a payment as it is kept."""
    resident, at, topic, partition, offset, amount, balance, state, transfer = text.split("|", 8)
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
    return milliseconds(since(entry, rules)) if entry.subject.startswith("account:") else ""


def _ordered(entry: WatchEntry) -> str:
    """A value that begins with its order: of one entry the answered one is the greater."""
    waits = entry.asked is not None and not entry.asked.refused
    return f"{precedence(entry)}{not waits:d}{entry.model_dump_json()}"


def _new(entry: WatchEntry, before: WatchEntry | None, old: bytes | None) -> str | bytes:
    return old if old and entry is before else _ordered(entry)


def _fanned(
    before: WatchEntry | None, entry: WatchEntry, raw: Sequence[bytes], paid: EarlierPayments = NOT_COUNTED
) -> Fanned:
    texts = [each.decode() for each in raw]
    return Fanned(before, entry, [unpacked(text) for text in texts], _last(texts), paid)


def _last(payments: Sequence[str]) -> str | None:
    return payments[-1] if len(payments) == SLICE else None
