"""What screening keeps in Redis: evidence by resident, payers by payee, the watchlist, what was alerted and counted.

By the resident's partition p: `evidence:{p}:<resident>`, `alerted:{p}`, `settled:{p}` (written by casework),
`rescore:{p}`. By payee or suspect, spread over q: `payers:{q}:<token>`, `watch:{q}`, `accounts-by-token:{q}`. By the
signals' partition: `screened:{sp}`, `screened-in:{sp}`, `stood:{sp}`, `owed:{sp}`, `tally:{sp}`, `again:{sp}`; of the
urgent lane `screened-urgent:{sp}` and so on, but one tally for both. What is owed: see streams/screening/owed.py.

A Redis that lost what was written last lost a suffix of the commands. What a batch writes (payers, the watchlist,
evidence, what was alerted) is written before the batch is counted, in `screened:{sp}`: so what stands as screened is
whole, and all that may be missing lies behind it on the topic. Keys that lie in other slots are in the same Redis.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from redis.asyncio import Redis

from domain.policy.risk import RiskRules
from domain.risk import version
from domain.risk.sets import KEEPING_DIGITS, ORDER_DIGITS, VERSION_DIGITS, keeping, precedence
from schemas.base import ANY_VERSION
from schemas.evidence import Alerted, Evidence, Payer, WatchEntry
from schemas.residents import ResidentId
from schemas.signals import TransferState
from streams.keys import key, milliseconds
from streams.run import ASK_RUN, run_of
from streams.scripts import script
from streams.store import WHERE, is_whole
from streams.topics import home

PREFIX = VERSION_DIGITS + KEEPING_DIGITS  # of a member: the rest of it is its JSON
LATE = timedelta(days=1)  # a payment may come so much later than it happened and still be found


PAYMENTS, WATCH, EVIDENCE = script("payments"), script("watch"), script("evidence")
RESCORED = script("rescored")


@dataclass(slots=True)
class Known:
    """What is known of a resident before a batch."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    alerted: Alerted | None = None
    settled: datetime | None = None


@dataclass(slots=True)
class Fanned:
    """What came of an entry of the watchlist: the one before, the one in force, and who paid the account."""

    before: WatchEntry | None
    entry: WatchEntry
    payers: list[Payer]


Paid = tuple[str, Payer]  # to which token


class EvidenceStore:
    """Screening's side of a province's Redis. Each method is one round trip.

    `speed`: of the province's clock; what Redis lets expire, it does by the wall's.
    """

    def __init__(self, redis: "Redis", partitions: int, speed: float = 1.0) -> None:
        self._redis: Any = redis  # redis-py types a command's result as sync or async at once
        self._partitions, self._speed = partitions, speed

    async def cases_stand(self) -> bool:
        """Whether casework has all its partitions up: only then is it known which cases are settled."""
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
        """Keep the payments, read what the watchlist says of `subjects`, then write `entries` and read who paid.

        In this order, in one round trip: whoever writes the other half meanwhile finds this one.
        """
        wanted = self._by_key(subjects)
        paid = self._payers(payments)
        async with self._redis.pipeline(transaction=False) as pipe:
            spread = sorted(wanted.keys() | paid.keys())
            kept = rules.money.window + LATE
            times = _ms(kept), _ms(kept / self._speed), milliseconds(now)
            for q in spread:
                self._keep(pipe, q, paid.get(q, {}), wanted.get(q, []), times)
            for entry in entries:
                self._enter(pipe, entry, rules)
            answers = await pipe.execute() if spread or entries else []
        read = {
            subject: _entry(raw)
            for q, answer in zip(spread, answers, strict=False)
            for subject, raw in zip(wanted.get(q, []), answer, strict=True)
            if raw
        }
        return read, [_fanned(answer) for answer in answers[len(spread) :]]

    async def enter(self, entries: Iterable[WatchEntry], rules: RiskRules) -> None:
        """Put entries of the watchlist's topic back; newer ones that are there stay."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                self._enter(pipe, entry, rules)
            await pipe.execute()

    async def keep_accounts(self, accounts: Mapping[str, str | None]) -> None:
        """Keep the numbers behind tokens, for whoever asks a bank to stop a payment; none: it is forgotten."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for token, account in accounts.items():
                where = key("accounts-by-token", spread(token, self._partitions))
                pipe.hdel(where, token) if account is None else pipe.hset(where, token, account)
            await pipe.execute()

    async def payers(self, tokens: Iterable[str]) -> dict[str, set[ResidentId]]:
        """Who has paid each account lately."""
        asked = list(tokens)
        async with self._redis.pipeline(transaction=False) as pipe:
            for token in asked:
                pipe.zrange(f"{key('payers', spread(token, self._partitions))}:{token}", 0, -1)
            answers = await pipe.execute() if asked else []
        return {
            token: {_unpacked(raw.decode()).resident for raw in found}
            for token, found in zip(asked, answers, strict=True)
        }

    async def forget(self, resident: ResidentId) -> None:
        """Forget what is known of a resident; when the case was settled stays."""
        partition = home(resident, self._partitions)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(f"{key('evidence', partition)}:{resident}")
            pipe.hdel(key("alerted", partition), resident)
            pipe.zrem(key("rescore", partition), resident)
            await pipe.execute()

    async def add(
        self, evidence: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> dict[ResidentId, Known]:
        """Add evidence to residents' sets; returns what was known of each before. No evidence: only read."""
        by_partition = self._at_home(evidence)
        async with self._redis.pipeline(transaction=False) as pipe:
            for p, residents in by_partition.items():
                self._add(pipe, p, {resident: evidence[resident] for resident in residents}, rules, now)
            answers = await pipe.execute() if by_partition else []
        order = [resident for residents in by_partition.values() for resident in residents]
        found = [each for answer in answers for each in answer]
        return {resident: _known(*each) for resident, each in zip(order, found, strict=True)}

    async def add_late(
        self, evidence: Mapping[ResidentId, Sequence[Evidence]], rules: RiskRules, now: datetime
    ) -> None:
        """Add evidence, and put its residents on the list of those to be scored again: both or neither."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for p, residents in self._at_home(evidence).items():
                self._add(pipe, p, {resident: evidence[resident] for resident in residents}, rules, now)
                pipe.zadd(key("rescore", p), dict.fromkeys(residents, milliseconds(now)))
            await pipe.execute()

    async def put_back(
        self,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        alerted: Mapping[ResidentId, Alerted],
        written: Mapping[ResidentId, int],
        rules: RiskRules,
        now: datetime,
    ) -> None:
        """Put back what was lost, records in their topic's order.

        `written`: when each resident's evidence was written last (milliseconds): from then on it is kept.
        """
        kept = _ms(rules.keep / self._speed)
        async with self._redis.pipeline(transaction=False) as pipe:
            for p, residents in self._at_home(evidence).items():
                self._add(pipe, p, {resident: evidence[resident] for resident in residents}, rules, now)
                for resident in residents:
                    pipe.pexpireat(f"{key('evidence', p)}:{resident}", written[resident] + kept)
            for resident, told in alerted.items():
                pipe.hset(key("alerted", home(resident, self._partitions)), resident, told.model_dump_json())
            if evidence or alerted:
                await pipe.execute()

    async def of(self, resident: ResidentId) -> list[Evidence]:
        """A resident's evidence, the oldest first: for who looks at it."""
        found = await self._redis.hvals(f"{key('evidence', home(resident, self._partitions))}:{resident}")
        members = [Evidence.model_validate_json(raw[PREFIX:], extra=ANY_VERSION) for raw in found]
        return sorted(members, key=lambda member: (member.at, member.id))

    async def remember(self, alerted: Mapping[ResidentId, Alerted], rescore: Mapping[ResidentId, datetime]) -> None:
        """What casework was told, once Kafka has it; and whom to score again when."""
        if not alerted and not rescore:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for resident, told in alerted.items():
                pipe.hset(key("alerted", home(resident, self._partitions)), resident, told.model_dump_json())
            for resident, at in rescore.items():
                pipe.zadd(key("rescore", home(resident, self._partitions)), {resident: milliseconds(at)})
            await pipe.execute()

    async def due(self, partition: int, now: datetime, most: int) -> dict[ResidentId, int]:
        """Whose risk may have risen by now without a signal, and the time (milliseconds) it was to be looked at."""
        found = await self._redis.zrange(
            key("rescore", partition), "-inf", milliseconds(now), byscore=True, offset=0, num=most, withscores=True
        )
        return {resident.decode(): int(score) for resident, score in found}

    async def rescored(self, partition: int, done: Mapping[ResidentId, int]) -> None:
        """They were looked at; who was put on the list anew meanwhile stays."""
        await self._redis.eval(
            RESCORED, 1, key("rescore", partition), *(part for each in done.items() for part in each)
        )

    def _at_home(self, residents: Iterable[ResidentId]) -> dict[int, list[ResidentId]]:
        found: defaultdict[int, list[ResidentId]] = defaultdict(list)
        for resident in residents:
            found[home(resident, self._partitions)].append(resident)
        return dict(found)

    def _add(
        self,
        pipe: Any,  # noqa: ANN401 - see the constructor
        p: int,
        evidence: Mapping[ResidentId, Sequence[Evidence]],
        rules: RiskRules,
        now: datetime,
    ) -> None:
        """Add evidence to sets of one partition."""
        keys = [key("alerted", p), key("settled", p), *(f"{key('evidence', p)}:{one}" for one in evidence)]
        kept = _ms(rules.keep / self._speed)
        arguments: list[str | int] = [rules.bound, kept, VERSION_DIGITS, milliseconds(now)]
        for resident, members in evidence.items():
            arguments += [resident, len(members), *_members(members, rules)]
        pipe.eval(EVIDENCE, len(keys), *keys, *arguments)

    def _by_key(self, subjects: Iterable[str]) -> dict[int, list[str]]:
        wanted: defaultdict[int, list[str]] = defaultdict(list)
        for subject in dict.fromkeys(subjects):
            wanted[spread(_token(subject), self._partitions)].append(subject)
        return wanted

    def _payers(self, payments: Sequence[Paid]) -> dict[int, dict[str, list[Payer]]]:
        paid: defaultdict[int, defaultdict[str, list[Payer]]] = defaultdict(lambda: defaultdict(list))
        for token, payer in payments:
            paid[spread(token, self._partitions)][token].append(payer)
        return {q: dict(lists) for q, lists in paid.items()}

    def _keep(
        self,
        pipe: Any,  # noqa: ANN401 - see the constructor
        q: int,
        paid: Mapping[str, Sequence[Payer]],
        wanted: Sequence[str],
        times: Sequence[int],
    ) -> None:
        arguments: list[str | int] = [*times]
        for payers in paid.values():
            arguments.append(len(payers))
            for payer in payers:
                arguments += (milliseconds(payer.at), packed(payer))
        payers_of = key("payers", q)
        keys = [key("watch", q), *[f"{payers_of}:{token}" for token in paid]]
        pipe.execute_command("EVAL", PAYMENTS, len(keys), *keys, *arguments, *wanted)  # eval() takes a µs more

    def _enter(self, pipe: Any, entry: WatchEntry, rules: RiskRules) -> None:  # noqa: ANN401 - as above
        token = _token(entry.subject)
        q = spread(token, self._partitions)
        since = milliseconds(entry.at - rules.money.window) if entry.subject.startswith("account:") else ""
        keys = [key("watch", q), f"{key('payers', q)}:{token}"]
        pipe.eval(WATCH, len(keys), *keys, entry.subject, ORDER_DIGITS, _ordered(entry), since)


def spread(token: str, partitions: int) -> int:
    """Where a suspect's keys lie. Only Redis knows of it, so it need not be Kafka's hash, which is slow here."""
    return crc32(token.encode()) % partitions


def _token(subject: str) -> str:
    return subject.partition(":")[2]


def _ordered(entry: WatchEntry) -> str:
    """A value that begins with its order."""
    return precedence(entry) + entry.model_dump_json()


def _entry(raw: bytes) -> WatchEntry:
    return WatchEntry.model_validate_json(raw[ORDER_DIGITS:], extra=ANY_VERSION)


def _ms(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1000))


def _fanned(answer: Sequence[Any]) -> Fanned:
    before, entry, payers = answer
    return Fanned(_entry(before) if before else None, _entry(entry), [_unpacked(raw.decode()) for raw in payers])


def packed(payer: Payer) -> str:
    """Each payment is kept like this, also the many that nobody asks for: no JSON."""
    balance = "" if payer.balance_fen is None else payer.balance_fen
    who = f"{payer.resident}|{payer.at.isoformat()}|{payer.topic}|{payer.partition}|{payer.offset}"
    return f"{who}|{payer.amount_fen}|{balance}|{payer.state.value}|{payer.transfer}"


def _unpacked(text: str) -> Payer:
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


def _members(evidence: Iterable[Evidence], rules: RiskRules) -> Iterable[str]:
    for member in evidence:
        yield member.id
        value = member.model_dump_json(exclude_defaults=True)
        yield f"{version(member)}{keeping(member, rules)}{value}"


def _known(alerted: bytes | None, settled: bytes | None, flat: Sequence[bytes]) -> Known:
    members = [Evidence.model_validate_json(raw[PREFIX:], extra=ANY_VERSION) for raw in flat[1::2]]
    told = Alerted.model_validate_json(alerted, extra=ANY_VERSION) if alerted else None
    since = datetime.fromisoformat(settled.decode()) if settled else None
    if told is not None and since is not None and told.at <= since:
        told = None  # told of a case that is over
    return Known({member.id: member for member in members}, told, since)
