"""Erasure of a person: destroys the keys that encrypt their data, and removes the data from Redis.

Every copy of encrypted data, on a topic, in a backup or at another site, is then unreadable; the journal stays complete
and countable. Signals are not encrypted, because it is unknown whose they are until they are screened: they end with
the retention that the policy sets.

Each step may be repeated, and the register's entry, by which the other data is found, is removed last. So an
interrupted erasure is simply run again.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.dispatches.ids import of_case
from domain.identity.held import Subject, subject
from domain.identity.personal import without
from domain.ids import short_hash
from schemas.administration.audit import AuditEntry
from schemas.casework.cases import Case
from schemas.casework.inputs import Erase
from schemas.people.residents import Resident, ResidentId
from streams.casework.after_warning_watch import drop_after_warning
from streams.dead_letters.unsealed import LetterSearch
from streams.installation import Installation
from streams.messaging import case_inputs, topics
from streams.messaging.codec import NUMBERS, OF_RECORD
from streams.messaging.producer import Record
from streams.messaging.reader import Tails, read_all
from streams.messaging.topics import home
from streams.operations.erasure_accounts import accounts_held, accounts_of, deletable
from streams.operations.erasure_checks import NotForgottenError as NotForgottenError
from streams.operations.erasure_checks import (
    cases_begun,
    cases_of,
    nothing_against,
    refuse_changed,
    refuse_open,
    refuse_ordered,
    refuse_waiting,
)
from streams.operations.erasure_entries import FORGET, erased_with, merged_entries
from streams.operations.erasure_guardians import erase_guardians, guardians_left
from streams.operations.erasure_passing import NOT_PASSED, RUN_LATER, until_passed
from streams.operations.subject_access import parts
from streams.screening.steps import QUICK_SECONDS
from streams.screening.store import EvidenceStore
from streams.security import audit
from streams.security.record_encryption import owner_of
from streams.security.vault import Vault
from streams.state.compacted_table import CompactedTable
from streams.state.file_rewrite import rewrite
from streams.state.keys import CALL, VISIT_LAST, key

ANSWER_SECONDS = 60.0  # until a worker has applied the input
LOOK_SECONDS = 0.1
SCREENING_SECONDS = 2 * QUICK_SECONDS  # a worker that takes longer itself looks again whether the person is erased
DESTROYED = "the keys were destroyed before"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of an erasure.

    `cases`: number of the person's cases in Redis, all of which are emptied; `records`: of other records made
    unreadable; `accounts`: of account numbers deleted; `finished`: of entries whose keys an earlier, interrupted
    erasure had destroyed: they are not in the other numbers; `unsearched`: of dead letters that no key opens, so nobody
    knows whether they are about the person.
    """

    cases: int
    records: int
    accounts: int
    finished: int = 0
    unsearched: int = 0


async def forget(
    line: Installation, resident: ResidentId, by: str, reason: str, request: str | None = None
) -> Forgotten:
    """Destroy a person's keys and remove their data from Redis, with an audit entry. Returns the numbers of what was
    erased. It cannot be undone.

    `request`: the id of the granted request that this carries out; None: there is none. What an interrupted erasure
    left is finished first, also of merged entries and guardians that the register no longer has, even if an order is in
    force: its keys are destroyed already.

    Raises NotForgottenError if a case of the person, or of another who paid them, is open, a report of theirs on the
    public page waits, an order to keep the data is in force (also one that begins meanwhile), the request is refused
    meanwhile, no worker answers within 60 s, the id is unknown, or the entry was merged into another; VaultError
    without a vault; RewriteError if Redis or the vault cannot rewrite its file; KeyAwaitedError at a dead letter whose
    key is on its way to this process. Errors of Redis (also of the vault) and Kafka, and SendError, pass through: run
    it again. NotForgottenError also at the end if a case began or changed while the keys were destroyed: close it, and
    run it again; or if workers have not passed within 60 s what came before: run it again later.
    """
    vault = Vault(line.settings)
    try:
        same, act = [*await merged_entries(line, resident), resident], _Act(by, line.clock.now(), reason, request)
        known = await vault.known([*await erased_with(line, same), *same])
        begun = [each for each, keys in known.of.items() if keys is None]
        if begun:
            await _resume(line, vault, begun, act)
        if not (left := [each for each in same if each not in begun]):
            return Forgotten(0, 0, 0, len(begun))
        try:
            return replace(await _begin(line, vault, left, act), finished=len(begun))
        except NotForgottenError as error:
            if not begun:
                raise
            raise NotForgottenError(
                f"{error}. An interrupted erasure of {', '.join(begun)}, who belong to the person, was finished"
            ) from None
    finally:
        await vault.aclose()


async def _resume(line: Installation, vault: Vault, begun: Sequence[ResidentId], act: "_Act") -> None:
    """Finish an interrupted erasure of entries whose keys are destroyed, whatever stands against an erasure: nothing
    can be read any more that an order could keep.
    """
    detail = "keys destroyed before, by an interrupted erasure that is finished now"
    await audit.write(line.producer, [act.entry(each, detail) for each in begun])
    entries = await line.residents.get(begun)
    owners = {token: f"{NUMBERS}/{token}" for token in accounts_held(line, entries)}
    names = await vault.in_use(owners.values())  # the number may be stored again since, for another's payment
    keys = (await vault.known(names.values())).of
    tokens = {token for token, owner in owners.items() if names[owner] != owner and keys[names[owner]] == ()}
    latest = dict[ResidentId, Case | None]()
    for each in begun:
        cases = await cases_of(line, each)
        latest[each] = await _empty_cases(line, each, cases, act.by, DESTROYED, goes_on=True)
        await _empty_redis(line, each, cases, (), tokens)
    await _finish(line, vault, begun, tokens, latest, act)


async def _begin(line: Installation, vault: Vault, same: Sequence[ResidentId], act: "_Act") -> Forgotten:
    """Forget the entries of a person if nothing stands against it. Raises NotForgottenError as `forget` does."""
    entries, cases = await line.residents.get(same), {each: await cases_of(line, each) for each in same}
    if same[-1] not in entries and not cases[same[-1]]:
        raise NotForgottenError(f"there is no resident {same[-1]!r}: the console's search has the ids")
    await refuse_ordered(line, same)
    for each in same:
        refuse_open(cases[each])
    await refuse_waiting(line, same)
    await audit.write(line.producer, [act.entry(each) for each in same])
    return await _forgotten(line, vault, _Person(same, entries, cases), act)


@dataclass(frozen=True, slots=True)
class _Person:
    """A person's entries, as they were when the erasure began. `ids`: the most distant of the merged entries first."""

    ids: Sequence[ResidentId]
    entries: Mapping[ResidentId, Resident]
    cases: Mapping[ResidentId, Sequence[Case]]

    def latest(self) -> dict[ResidentId, Case | None]:
        """Return the latest case of each entry, None without a case."""
        return {each: cases[-1] if cases else None for each, cases in self.cases.items()}


@dataclass(frozen=True, slots=True)
class _Act:
    """Who erases a person, when and why, and the request that is carried out by it (None: none)."""

    by: str
    at: datetime
    reason: str
    request: str | None

    def entry(self, resident: ResidentId, detail: str = "") -> AuditEntry:
        """Return the audit entry about one of the person's entries."""
        return AuditEntry(at=self.at, by=self.by, act=FORGET, on=resident, reason=self.reason, detail=detail)


async def _forgotten(line: Installation, vault: Vault, person: _Person, act: _Act) -> Forgotten:
    """Forget all entries of a person. The keys are destroyed in one block, in which nothing stands against it."""
    letters = LetterSearch(line.settings)
    records, ends = await _records(line, _subjects(line, person.entries), letters=letters)
    accounts = await accounts_of(line, person.ids, person.entries)
    await refuse_ordered(line, person.ids)  # perhaps the topics were read for hours
    await refuse_changed(line, person.latest())
    emptied = {each: await _empty_cases(line, each, person.cases[each], act.by) for each in person.ids}
    entries = await line.residents.get(person.ids)
    # written since the topics were read
    records |= (await _records(line, _subjects(line, entries), ends, letters=letters))[0]
    if letters.shut:
        letters.tell()
        detail = f"{letters.shut} dead letters were not searched: no key opens them"
        await audit.write(line.producer, [act.entry(each, detail) for each in person.ids])
    elsewhere = await _elsewhere(line, records)
    guardians = await guardians_left(line, person.ids, entries)
    if guardians:
        detail = f"the guardian of {person.ids[-1]} alone"
        await audit.write(line.producer, [act.entry(each, detail) for each in guardians])
    async with nothing_against(line, emptied, person.entries, act.request):
        tokens = await deletable(line, person.ids, accounts)
        owners = await vault.in_use(f"{NUMBERS}/{token}" for token in sorted(tokens))
        for each in person.ids:
            await _empty_redis(line, each, person.cases[each], records, tokens)
        await _empty_elsewhere(elsewhere, act.request)
        await erase_guardians(line, vault, guardians, act.at)
        # The person's own keys last: with them, a repetition after an interruption still finds the others.
        await vault.mark_destroyed([*records, *owners.values(), *person.ids], act.at)
    await _finish(line, vault, person.ids, tokens, emptied | dict.fromkeys(guardians), act)
    cases = sum(map(len, person.cases.values()))
    return Forgotten(cases, len(records), len(tokens), unsearched=letters.shut)


def _subjects(line: Installation, entries: Mapping[ResidentId, Resident]) -> list[Subject]:
    return [subject(each, line.settings.id_number_keys()) for each in entries.values()]


async def _finish(
    line: Installation,
    vault: Vault,
    residents: Sequence[ResidentId],
    tokens: Iterable[str],
    latest: Mapping[ResidentId, Case | None],
    act: _Act,
) -> None:
    """Do what follows once the residents' keys are destroyed: the matches of police records are deleted, the vault and
    Redis write their files anew, and the entries are deleted.

    `latest`: everybody whose entry is deleted, with the latest case as it was when the keys were destroyed. Raises
    NotForgottenError, after an audit entry, if a case began or changed since: signals found the entry until the end;
    and if workers have not screened and applied within 60 s what came until then.
    """
    await line.producer.send_all([Record(topics.ACCOUNTS.name, token.encode(), None) for token in sorted(tokens)])
    await _drop_matches(line, residents)
    await vault.rewritten()
    for each in residents:  # one after the other: after an interruption the rest can still be found
        await line.residents.erase([each])
    await asyncio.sleep(SCREENING_SECONDS)
    passed = await until_passed(line, latest, ANSWER_SECONDS)
    for each in latest:  # until its entry was deleted, signals found it
        await EvidenceStore(line.redis, line.settings.partitions).erase(each)
    await rewrite(line.redis)
    await _refuse_begun(line, latest, act)
    if not passed:
        raise NotForgottenError(f"{NOT_PASSED} ({ANSWER_SECONDS:.0f} s). {RUN_LATER}")


async def _refuse_begun(line: Installation, latest: Mapping[ResidentId, Case | None], act: _Act) -> None:
    """Raise NotForgottenError, after an audit entry, if a case is open or is not as in `latest`; else do nothing."""
    if not (begun := await cases_begun(line, latest)):
        return
    detail = "the case began or changed while the data was erased"
    await audit.write(line.producer, [act.entry(case.resident, f"{detail}: {case.id}") for case in begun])
    raise NotForgottenError(
        f"case {', '.join(case.id for case in begun)} began or changed while the data was erased. The keys and the "
        "register's entry are destroyed, so Quanzu cannot reach the person in this case. Look at it in the console, "
        "warn the person by other means and close it; then run this again: it empties the case"
    )


async def _records(
    line: Installation, people: Sequence[Subject], since: Tails | None = None, letters: LetterSearch | None = None
) -> tuple[set[str], Tails]:
    """Return the key owners of records about the person that have their own keys (calls, complaints, dead letters), and
    by topic and partition the offset after the last record read.

    `since`: reads only records at or after these offsets; None: all. `letters`: opens the dead letters, and counts
    those that no key opens; None: nobody asks how many. Raises KeyAwaitedError at a record whose key is on its way.
    """
    found, letters = set(), letters or LetterSearch(line.settings)
    ends: dict[str, dict[int, int]] = {name: dict(given) for name, given in (since or {}).items()}
    for topic in topics.ALL:
        if topic.name in OF_RECORD:
            async for record in read_all(line.settings, topic.name, since):
                ends.setdefault(topic.name, {})[record.partition] = record.offset + 1
                if topic is topics.DEAD_LETTERS:
                    record = record._replace(value=letters.searchable(record.value))
                for part in (each for person in people for each in parts(topic, record, person)):
                    found.add(owner_of(topic.name, record.key, part))
    return {owner for owner in found if owner}, ends


async def _empty_cases(
    line: Installation,
    resident: ResidentId,
    cases: Sequence[Case],
    by: str,
    so_far: str = "nothing was destroyed",
    *,
    goes_on: bool = False,
) -> Case | None:
    """Have casework empty the latest case, by an input in its order; earlier cases, which no longer change, are emptied
    here. Returns the latest case as it is then, None without a case. `so_far`: what was destroyed, for an error's text;
    `goes_on`: True leaves the latest case as it is if it is open.
    """
    if not cases:
        return None
    partition, latest = home(resident, line.settings.partitions), cases[-1]
    if without(latest) != latest and not (goes_on and latest.open):
        name = short_hash("forget", latest.id, latest.version)
        given = Erase(id=name, at=line.clock.now(), resident=resident, by=by)
        await line.producer.send_all([case_inputs.record(given, partition)])
        latest = await _emptied(line, latest, so_far)
    empty = {case.id: without(case).model_dump_json() for case in cases[:-1]}
    if empty:
        await line.redis.hset(key("earlier", partition), mapping=empty)
    return latest


async def _emptied(line: Installation, before: Case, so_far: str) -> Case:
    """Return the case once casework has emptied it. Raises NotForgottenError if it goes on, or no worker answers.
    `so_far`: what was destroyed, for the error's text.
    """
    partition, deadline = home(before.resident, line.settings.partitions), time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        case = await line.store.case(partition, before.id)
        if case is not None and case.version > before.version:
            if without(case) == case:
                return case
            raise NotForgottenError(f"case {case.id} goes on again: {so_far}. Run it once more when it ends")
        await asyncio.sleep(LOOK_SECONDS)
    raise NotForgottenError(
        f"no worker has answered in {ANSWER_SECONDS:.0f} s: {so_far}. Run it again once workers run, all of this "
        "version"
    )


async def _empty_redis(
    line: Installation, resident: ResidentId, cases: Iterable[Case], records: Iterable[str], tokens: Iterable[str]
) -> None:
    """Remove what is outside the cases and the tables: evidence, the dispatch log, calls, account numbers, and the
    places where the resident was looked for.
    """
    evidence = EvidenceStore(line.redis, line.settings.partitions)
    await evidence.erase(resident)
    await evidence.keep_accounts(dict.fromkeys(tokens))
    await line.outgoing.book.forget(resident, [each for case in cases for each in of_case(case)])
    if names := _names(records):
        await line.redis.delete(*(CALL + name for name in names))
    await line.redis.hdel(VISIT_LAST, resident)
    for listed in await line.search_lists.all():
        if listed.resident == resident:
            await line.search_lists.drop(listed.id)


async def _drop_matches(line: Installation, residents: Sequence[ResidentId]) -> None:
    """Delete the matches of the police's records to these entries, and the entries from the candidates of others. The
    stored figures, which name the records that came after a warning, are computed anew without them.
    """
    for each in await line.fraud_matches.all():
        if each.resident not in residents and not set(each.candidates).intersection(residents):
            continue
        async with line.fraud_matches.locked(each.id) as match:
            if match is not None and match.resident in residents:
                await line.fraud_matches.remove(match.id)
            elif match is not None:
                left = [other for other in match.candidates if other not in residents]
                await line.fraud_matches.put(match.model_copy(update={"candidates": left}))
    await drop_after_warning(line.redis)


async def _elsewhere(line: Installation, records: Iterable[str]) -> list[tuple[CompactedTable[Any], str]]:
    """Return the person's complaints, release requests, reports of the public page and requests about the data: the
    table and the id of each.
    """
    names = _names(records)
    tables: list[CompactedTable[Any]] = [line.complaints, line.releases, line.public_reports, line.subject_requests]
    return [(table, thing.id) for table in tables for thing in await table.all() if thing.id in names]


async def _empty_elsewhere(elsewhere: Iterable[tuple[CompactedTable[Any], str]], held: str | None) -> None:
    """Empty the records of tables. `held`: the one whose lock the caller has."""
    for table, name in elsewhere:
        async with nullcontext() if name == held else table.locked(name):
            thing = await table.get(name)
            if thing is not None and (left := without(thing)) != thing:
                await table.put(left)


def _names(records: Iterable[str]) -> set[str]:
    """Return the ids of records from the owners of their keys, such as `calls/c…`."""
    return {owner.partition("/")[2] for owner in records}
