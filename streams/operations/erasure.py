"""Erasure of a person: destroys the keys that encrypt their data, and removes the data from Redis.

Encrypted data on a topic, in a backup or at another site is unreadable from then on, wherever a copy is; the journal
stays complete and countable. Signals are not encrypted, because it is unknown whose they are until they are screened:
they end with the retention that the policy sets.

Each step may be repeated, and the register's entry, from which the rest is found, is removed last. So an interrupted
erasure is simply run again.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from domain.casework.trail.movements import accounts_reached
from domain.dispatches.ids import of_case
from domain.identity.held import Subject, subject
from domain.identity.identifiers import account_token
from domain.identity.personal import WITHHELD, without
from domain.ids import short_hash
from schemas.administration.audit import AuditEntry
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import Erase
from schemas.errors import UserError
from schemas.people.residents import Resident, ResidentId
from streams.installation import Installation
from streams.messaging import case_inputs, topics
from streams.messaging.codec import NUMBERS, OF_RECORD
from streams.messaging.producer import Record
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.operations.subject_access import parts
from streams.screening.store import EvidenceStore
from streams.security import audit
from streams.security.record_encryption import owner_of
from streams.security.vault import Vault
from streams.state.file_rewrite import rewrite
from streams.state.keys import CALL, VISIT_LAST, key

ANSWER_SECONDS = 60.0  # until a worker has applied the input
LOOK_SECONDS = 0.1


class NotForgottenError(UserError, RuntimeError):
    """The person cannot be erased (yet); nothing was destroyed unless the text says otherwise."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of an erasure: `cases`: number of emptied cases; `records`: number of other records made unreadable;
    `accounts`: number of account numbers deleted.
    """

    cases: int
    records: int
    accounts: int


async def forget(line: Installation, resident: ResidentId, by: str, reason: str) -> Forgotten:
    """Destroy a person's keys and remove their data from Redis. It cannot be undone.

    Entries merged into this one belong to the same person, and are erased first.

    Raises NotForgottenError if a case of the person, or of another who paid them, is open, no worker answers within
    60 s, the id is unknown, or the entry was merged into another; VaultError without a vault; RewriteError if Redis or
    the vault cannot rewrite its file.
    """
    vault = Vault(line.settings)
    try:
        merged = await _merged(line, resident)
        for each in merged:
            _refuse_open(await _cases(line, each))
        _refuse_open(await _cases(line, resident))
        found = [await _forgotten(line, vault, each, by, reason) for each in (*merged, resident)]
        return Forgotten(
            sum(each.cases for each in found), sum(each.records for each in found), sum(each.accounts for each in found)
        )
    finally:
        await vault.aclose()


async def _merged(line: Installation, resident: ResidentId) -> list[ResidentId]:
    """Return the entries merged into this one, directly or through others, the most distant first.

    Scans the whole register.
    """
    into: dict[ResidentId, list[ResidentId]] = {}
    async for batch in line.residents.all():
        for entry in batch:
            if entry.merged_into:
                into.setdefault(entry.merged_into, []).append(entry.id)
                if entry.id == resident:
                    raise NotForgottenError(
                        f"{resident} was merged into {entry.merged_into}: nothing was destroyed. Forget that one, and "
                        "what was merged into it is forgotten with it"
                    )
    found = [resident]
    for each in found:  # the list grows in the loop
        found += [other for other in into.get(each, ()) if other not in found]
    return found[:0:-1]  # the most distant first: after an interruption the rest can still be found


def _refuse_open(cases: list[Case]) -> None:
    if cases and cases[-1].open:
        raise NotForgottenError(f"case {cases[-1].id} is open: nobody is forgotten while in danger. Close it first")


async def _forgotten(line: Installation, vault: Vault, resident: ResidentId, by: str, reason: str) -> Forgotten:
    entry, cases = (await line.residents.get([resident])).get(resident), await _cases(line, resident)
    if entry is None and not cases:
        raise NotForgottenError(f"there is no resident {resident!r}: the console's search has the ids")
    _refuse_open(cases)
    now = line.clock.now()
    await audit.write(line.producer, [AuditEntry(at=now, by=by, act="forget", on=resident, reason=reason)])
    records = await _records(line, subject(entry, line.settings.key())) if entry else set()
    tokens = await _accounts(line, resident, entry)
    await _empty_cases(line, resident, cases, by)
    await _empty_redis(line, resident, cases, records, tokens)
    await line.producer.send_all([Record(topics.ACCOUNTS.name, token.encode(), None) for token in sorted(tokens)])
    await vault.destroy([resident, *records, *(f"{NUMBERS}/{token}" for token in tokens)], now)
    await line.residents.erase([resident])
    await rewrite(line.redis)
    return Forgotten(len(cases), len(records), len(tokens))


async def _cases(line: Installation, resident: ResidentId) -> list[Case]:
    """Return the resident's cases that Redis has, the latest last."""
    partition = home(resident, line.settings.partitions)
    raw = await line.redis.hget(key("cases", partition), resident)
    if raw is None:
        return []
    latest = Case.model_validate_json(raw, extra=ANY_VERSION)
    earlier = [await line.store.case(partition, f"{resident}-{number}") for number in range(1, latest.number)]
    return [*filter(None, earlier), latest]


async def _records(line: Installation, person: Subject) -> set[str]:
    """Return the key owners of records about the person that have their own keys: calls, complaints, dead letters."""
    found = set()
    for topic in topics.ALL:
        if topic.name in OF_RECORD:
            async for record in read_all(line.settings, topic.name):
                for part in parts(topic, record, person):
                    found.add(owner_of(topic.name, record.key, part))
    return {owner for owner in found if owner}


async def _accounts(line: Installation, resident: ResidentId, entry: Resident | None) -> set[str]:
    """Return the tokens of the person's accounts, and of accounts that only this person's money has reached, as far as
    known.

    Raises NotForgottenError if another resident's open case has paid the person: that money could not be stopped
    without the number.
    """
    own = {account_token(line.settings.key(), each.value) for each in (entry.accounts if entry else ())}
    paid: dict[bool, set[str]] = {True: set(), False: set()}
    async for record in read_all(line.settings, topics.CASE_SNAPSHOTS.name):
        if record.value:
            case = Case.model_validate_json(record.value, extra=ANY_VERSION)
            paid[case.resident == resident].update(payees := accounts_reached(case))
            if own & payees and case.resident != resident and await _goes_on(line, case):
                raise NotForgottenError(f"case {case.id} is open and has paid the person: nothing was destroyed. Wait")
    alone = paid[True] - paid[False] - {WITHHELD}
    payers = await EvidenceStore(line.redis, line.settings.partitions).payers(alone)
    return own | {token for token in alone if payers[token] <= {resident}}  # others' payments may matter later


async def _goes_on(line: Installation, told: Case) -> bool:
    """Return whether the case of a snapshot is still open: the topic also holds older snapshots."""
    case = await line.store.case(home(told.resident, line.settings.partitions), told.id)
    return (case or told).open


async def _empty_cases(line: Installation, resident: ResidentId, cases: list[Case], by: str) -> None:
    """Have casework empty the latest case, by an input in its order; earlier cases, which no longer change, are emptied
    here.
    """
    if not cases:
        return
    partition, latest = home(resident, line.settings.partitions), cases[-1]
    if without(latest) != latest:
        name = short_hash("forget", latest.id, latest.version)
        given = Erase(id=name, at=line.clock.now(), resident=resident, by=by)
        await line.producer.send_all([case_inputs.record(given, partition)])
        await _emptied(line, latest)
    empty = {case.id: without(case).model_dump_json() for case in cases[:-1]}
    if empty:
        await line.redis.hset(key("earlier", partition), mapping=empty)


async def _emptied(line: Installation, before: Case) -> None:
    partition, deadline = home(before.resident, line.settings.partitions), time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        case = await line.store.case(partition, before.id)
        if case is not None and case.version > before.version:
            if without(case) == case:
                return
            raise NotForgottenError(
                f"case {case.id} goes on again: nothing was destroyed. Run it once more when it ends"
            )
        await asyncio.sleep(LOOK_SECONDS)
    raise NotForgottenError(
        f"no worker has answered in {ANSWER_SECONDS:.0f} s: nothing was destroyed. Run it again once workers run, all "
        "of this version"
    )


async def _empty_redis(
    line: Installation, resident: ResidentId, cases: Iterable[Case], records: Iterable[str], tokens: Iterable[str]
) -> None:
    """Remove what is outside the cases: evidence, the dispatch log, calls, complaints, release requests, reports of
    the public page, account numbers.
    """
    evidence = EvidenceStore(line.redis, line.settings.partitions)
    await evidence.erase(resident)
    await evidence.keep_accounts(dict.fromkeys(tokens))
    names = {owner.rpartition("/")[2] for owner in records}
    await line.outgoing.book.forget(resident, [each for case in cases for each in of_case(case)])
    if names:
        await line.redis.delete(*(CALL + name for name in names))
    await line.redis.hdel(VISIT_LAST, resident)
    kept: list[Any] = [line.complaints, line.releases, line.public_reports]
    for things in kept:
        for thing in await things.all():
            if thing.id in names and (left := without(thing)) != thing:
                await things.put(left)
