"""What forbids the erasure of a person: an open case, a report that waits, an order to keep the data.

All is checked twice: before the topics are read, which may take hours, and while the keys are destroyed.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from domain.identity.held import subject
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.errors import UserError
from schemas.people.residents import Resident, ResidentId
from schemas.people.subject_requests import SubjectRequestState
from streams.installation import Installation
from streams.messaging.topics import LEGAL_HOLDS, home
from streams.operations.legal_orders import published_order
from streams.state.keys import key
from streams.state.locks import WRITE_SECONDS

EMPTIED = "only the person's cases were emptied, and the journal has them whole"


class NotForgottenError(UserError, RuntimeError):
    """The person cannot be erased (yet). Nothing was destroyed unless the text says otherwise."""


async def cases_of(line: Installation, resident: ResidentId) -> list[Case]:
    """Return the resident's cases that Redis has, the latest last; an empty list if there are none. Earlier cases that
    Redis has deleted are left out. Raises RedisError if Redis is unavailable.
    """
    partition = home(resident, line.settings.partitions)
    raw = await line.redis.hget(key("cases", partition), resident)
    if raw is None:
        return []
    latest = Case.model_validate_json(raw, extra=ANY_VERSION)
    earlier = [await line.store.case(partition, f"{resident}-{number}") for number in range(1, latest.number)]
    return [*filter(None, earlier), latest]


def refuse_open(cases: Sequence[Case]) -> None:
    """Raise NotForgottenError if the last of `cases` (one resident's, the latest last) is open; else do nothing."""
    if cases and cases[-1].open:
        raise NotForgottenError(f"case {cases[-1].id} is open: nobody is forgotten while in danger. Close it first")


async def refuse_changed(
    line: Installation, before: Mapping[ResidentId, Case | None], so_far: str = "nothing was destroyed"
) -> None:
    """Raise NotForgottenError if a resident's latest case is open, or is not the one in `before` in that version (None:
    the resident had no case); else do nothing.

    `so_far`: what was destroyed, for the error's text. Raises RedisError if Redis is unavailable.
    """
    for resident, known in before.items():
        cases = await cases_of(line, resident)
        refuse_open(cases)
        latest = cases[-1] if cases else None
        if _version(latest) != _version(known):
            case = latest or known
            raise NotForgottenError(
                f"case {case.id if case else resident} began or changed meanwhile: {so_far}. Run it again"
            )


async def cases_begun(line: Installation, before: Mapping[ResidentId, Case | None]) -> list[Case]:
    """Return the residents' latest cases that are open, or are not those in `before` in that version (None: the
    resident had no case); empty if there is none. Raises RedisError if Redis is unavailable.
    """
    latest = [case for each in before for case in (await cases_of(line, each))[-1:]]
    return [case for case in latest if case.open or _version(case) != _version(before[case.resident])]


def _version(case: Case | None) -> tuple[str, int] | None:
    return (case.id, case.version) if case else None


async def refuse_waiting(
    line: Installation, residents: Iterable[ResidentId], so_far: str = "nothing was destroyed"
) -> None:
    """Raise NotForgottenError if a report that one of the residents made on the public page is still to be checked: it
    may tell of a danger in which no case is open yet. Else do nothing. `so_far`: what was destroyed, for the error's
    text. Errors of Redis pass through.
    """
    entries = await line.residents.get(residents)
    people = [subject(entry, line.settings.id_number_keys()) for entry in entries.values()]
    for report in await line.public_reports.all():
        if report.waits and any(person.reports(report.model_dump(mode="json")) for person in people):
            raise NotForgottenError(
                f"the report {report.id} of the public page names the person as its reporter and is not checked yet: "
                f"{so_far}. Check or reject it in the console first"
            )


async def refuse_ordered(
    line: Installation, residents: Sequence[ResidentId], so_far: str = "nothing was destroyed"
) -> None:
    """Raise NotForgottenError if an order to keep data protects one of the residents, or an entry merged with one, or
    if a record of the orders' topic cannot be read; else do nothing. `so_far`: what was destroyed, for the error's
    text.

    The topic is read too, because Redis may have lost an order: an order that only one of the two has counts. Raises
    RedisError or KafkaError if Redis or Kafka is unavailable.
    """
    try:
        hold = await published_order(line, residents)
    except ValueError:
        raise NotForgottenError(
            f"a record of {LEGAL_HOLDS.name} cannot be read, so it is unknown whose data must be kept: {so_far}. Use "
            "the newest version that is installed, or correct the record"
        ) from None
    if hold is not None:
        raise NotForgottenError(
            f"an order to keep the data of {hold.resident} is in force until {hold.until:%Y-%m-%d} ({hold.id}): "
            f"{so_far}. Two persons can lift it in the console"
        )


async def _refuse_merged(line: Installation, ids: Sequence[ResidentId], before: Mapping[ResidentId, Resident]) -> None:
    """Raise NotForgottenError if an entry was merged meanwhile, or has other telephones or accounts than in `before` (a
    merge into it adds those of the other entry); else do nothing.
    """
    now = await line.residents.get(ids)
    for each in ids:
        entry, known = now.get(each), before.get(each)
        if _identity(entry) != _identity(known):
            into = f"merged meanwhile into {entry.merged_into}" if entry and entry.merged_into else "changed meanwhile"
            raise NotForgottenError(
                f"the register's entry {each} was {into}: {EMPTIED}. Run it again, for the entry that stands"
            )


def _identity(entry: Resident | None) -> tuple[object, ...] | None:
    return (entry.merged_into, entry.phones, entry.accounts) if entry else None


@asynccontextmanager
async def _still_granted(line: Installation, request: str | None) -> AsyncIterator[None]:
    """Context manager: hold the lock of the request that the erasure carries out, if there is one.

    Raises NotForgottenError if it is no longer granted.
    """
    if request is None:
        yield
        return
    async with line.subject_requests.locked(request) as known:
        if known is None or known.state is not SubjectRequestState.GRANTED:
            state = known.state.value if known else "gone"
            raise NotForgottenError(f"request {request} is {state} meanwhile, not granted: {EMPTIED}")
        yield


@asynccontextmanager
async def nothing_against(
    line: Installation,
    emptied: Mapping[ResidentId, Case | None],
    entries: Mapping[ResidentId, Resident],
    request: str | None,
) -> AsyncIterator[None]:
    """Context manager: check that nothing forbids an erasure, and hold two locks during the block, in which the keys of
    a person may then be destroyed: no order to keep data begins meanwhile, and nobody refuses the `request` (its id;
    None: there is none).

    `emptied`: the latest case of each of the person's entries after it was emptied; `entries`: as they were when the
    erasure began. Raises NotForgottenError if an entry was merged or changed, an order is in force, the request is no
    longer granted, a case is open or has changed, a report waits, or the wait for the locks and the block take over 8
    s: then some of the data may be destroyed. Errors of Redis and Kafka pass through.
    """
    try:
        async with line.legal_holds.none_begins("`quanzu admin erase`"), _still_granted(line, request):
            await refuse_ordered(line, list(emptied), EMPTIED)
            await _refuse_merged(line, list(emptied), entries)
            await refuse_changed(line, emptied, EMPTIED)
            await refuse_waiting(line, emptied, EMPTIED)
            yield
    except TimeoutError:
        raise NotForgottenError(
            f"an order or the request was being decided on, or Redis or the vault was slow (over {WRITE_SECONDS:.0f} "
            "s): some of the data may be destroyed. Run it again: it does the rest"
        ) from None
