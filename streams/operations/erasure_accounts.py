"""Which account numbers an erasure deletes: the person's own, and those that only this person's money has reached."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.casework.trail.movements import accounts_reached
from domain.identity.identifiers import account_token
from domain.identity.personal import WITHHELD
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.people.residents import Resident, ResidentId
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.messaging.topics import home
from streams.operations.erasure_checks import EMPTIED, NotForgottenError, cases_of
from streams.repositories.residents.register import Asked
from streams.screening.store import EvidenceStore


@dataclass(frozen=True, slots=True)
class AccountsFound:
    """Accounts by token. `own`: the person's, with their numbers (token to account number); `paid`: the tokens of
    others that only cases of this person have paid, or that only their money has reached.
    """

    own: Mapping[str, str]
    paid: frozenset[str]


async def accounts_of(
    line: Installation, same: Sequence[ResidentId], entries: Mapping[ResidentId, Resident]
) -> AccountsFound:
    """Return the accounts of a person's entries, and those that only the person's cases have paid. `same`: the ids of
    all entries of the person; `entries`: their entries in the register, by id. Reads the topic of case snapshots.

    Raises NotForgottenError if another resident's open case has paid the person: that money could not be stopped
    without the number. Raises ValueError if an account number is invalid, and KafkaError or RedisError if Kafka or
    Redis is unavailable.
    """
    own = accounts_held(line, entries)
    paid: dict[bool, set[str]] = {True: set(), False: set()}
    async for record in read_all(line.settings, topics.CASE_SNAPSHOTS.name):
        if record.value:
            case = Case.model_validate_json(record.value, extra=ANY_VERSION)
            paid[case.resident in same].update(payees := accounts_reached(case))
            if own.keys() & payees and case.resident not in same and await _goes_on(line, case):
                raise NotForgottenError(f"case {case.id} is open and has paid the person: nothing was destroyed. Wait")
    return AccountsFound(own, frozenset(paid[True] - paid[False] - {WITHHELD} - own.keys()))


def accounts_held(line: Installation, entries: Mapping[ResidentId, Resident]) -> dict[str, str]:
    """Return the account numbers that these entries of the register have, present and former ones, by the numbers'
    tokens.

    Raises ValueError if a number is invalid, and SettingsError in a process without QUANZU_SECRET.
    """
    numbers = {each.value for entry in entries.values() for each in entry.accounts}
    return {account_token(line.settings.key(), number): number for number in numbers}


async def deletable(line: Installation, same: Sequence[ResidentId], found: AccountsFound) -> set[str]:
    """Return the tokens of those accounts of `found` that nobody else needs, as is known now: without accounts that
    another entry of the register holds, and without those not the person's own that another resident has paid recently.
    `same`: the ids of all entries of the person.

    Raises NotForgottenError if another resident's open case has paid the person, and RedisError if Redis is
    unavailable.
    """
    payers = await EvidenceStore(line.redis, line.settings.partitions).payers([*found.own, *found.paid])
    others = {token: payers[token] - {*same} for token in payers}
    for token in found.own:
        for payer in others[token]:
            cases = await cases_of(line, payer)
            if cases and cases[-1].open and token in accounts_reached(cases[-1]):
                raise NotForgottenError(f"case {cases[-1].id} is open and has paid the person: {EMPTIED}. Wait")
    alone = {*found.own, *(token for token in found.paid if not others[token])}
    return alone - await _held_by_others(line, same, found, alone)


async def _held_by_others(
    line: Installation, same: Sequence[ResidentId], found: AccountsFound, tokens: Iterable[str]
) -> set[str]:
    """Return those of the tokens whose account an entry other than `same` holds now."""
    numbers = {token: found.own.get(token) or await line.outgoing.account(token) for token in tokens}
    known = {token: number for token, number in numbers.items() if number}
    now = line.clock.now()
    holders = await line.residents.holders([Asked("accounts", number, now) for number in known.values()])
    return {token for token, residents in zip(known, holders, strict=True) if {*residents} - {*same}}


async def _goes_on(line: Installation, told: Case) -> bool:
    """Return whether the case of a snapshot is still open: the topic also holds older snapshots."""
    case = await line.store.case(home(told.resident, line.settings.partitions), told.id)
    return (case or told).open
