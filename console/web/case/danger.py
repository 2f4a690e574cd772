"""Takes down a caller who is being defrauded now: an entry for whom nobody knows, a report, and a case in hand."""

from dataclasses import dataclass, replace

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case import reports
from console.web.case.acting import acted
from console.web.case.answers import put
from console.web.case.callers import Caller, find, residents_calling
from console.web.case.reports import Reported
from console.web.kit.services import Services
from console.web.live import claims
from domain.desk.unknown_caller import caller_entry
from domain.ids import short_hash
from domain.payments.call_in import in_danger
from schemas.casework.cases import Case
from schemas.casework.inputs import NoteAct
from schemas.people.calls import Statement

WAITS = 4  # times that a case is waited for: screening has other work too


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What a caller whom nobody knows says of themselves. `division`: a county's code; `age`: None if not asked."""

    name: str
    division: str
    age: int | None = None


async def open_case(
    services: Services, who: Who, caller: Caller, newcomer: Newcomer | None, told: Reported
) -> tuple[Statement, Case | None]:
    """Record the report and return it with the case that it led to, claimed and in conversation; None if none came.

    `newcomer`: of a caller without an entry, who gets one. Raises UnreadableError, before anything is written, if a
    number is invalid, and TimeoutError if Kafka does not answer in time.
    """
    reports.check(services, caller, told)
    if newcomer:
        caller = await _entered(services, who, caller, newcomer)
    statement = await reports.take(services, who, caller, told)
    case = await _raised(services, caller.call.resident or "")
    if case and await claims.claim(services, who, case):
        await _in_conversation(services, who, case, told.name)
    return statement, case


async def _entered(services: Services, who: Who, caller: Caller, newcomer: Newcomer) -> Caller:
    """Write the caller's entry, unless somebody else has done so meanwhile, and return the caller as found then."""
    call = caller.call
    people = await residents_calling(services, call.phone)
    if not people:
        made = caller_entry(call.id, call.at, call.phone, newcomer.name, newcomer.division, newcomer.age)
        await trail.write(services, who, "caller-entered", made.id)
        async with trail.in_time():
            await services.line.residents.put([made])
        people = [made.id]
    call = call.model_copy(update={"people": people, "resident": people[0]})
    async with trail.in_time():
        await services.line.calls.put(call)
    return replace(await find(services, who, call.id), call=call)


async def _raised(services: Services, resident: str) -> Case | None:
    """Return the resident's case in progress, waiting for it a while; None if there is none by then."""
    for _ in range(WAITS):
        case = await services.line.calls.latest_case(resident)
        if case is not None and in_danger(case):
            return case
        await reports.raised(services, resident)
    return None


async def _in_conversation(services: Services, who: Who, case: Case, name: str) -> None:
    """Note on the case that the operator and the resident are talking: answers may be put down at once."""
    latest = await services.desk.load(case.id) or case
    said = NoteAct(do="note", what="conversation", note="")
    await put(services, who, acted(services, who, latest, said, short_hash("danger", name, case.id)))
