"""Finds the resident and the case of a caller's telephone number, within the operator's area."""

from dataclasses import dataclass

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.kit.services import Services
from domain.identity.divisions import PREFECTURE_DIGITS
from schemas.casework.cases import Case
from schemas.people.calls import Call
from schemas.people.residents import Resident
from streams.repositories.residents.register import Asked


@dataclass(frozen=True, slots=True)
class Caller:
    """A call and its caller. `resident`, `case`: None if unknown or outside the operator's area.

    `elsewhere`: the four-digit prefecture of a resident in another area, else None; `others`: other residents of the
    area who hold the same telephone.
    """

    call: Call
    resident: Resident | None = None
    case: Case | None = None
    elsewhere: str | None = None
    others: tuple[Resident, ...] = ()


async def begin(services: Services, who: Who, phone: str, name: str, report: str | None = None) -> Call:
    """Store the record of a call under the id `name`, and return it. If a record with this id exists, return it
    unchanged. No telephone call is placed.

    `phone`: the caller's normalised number; `report`: the id of the report of the public page that the call checks, or
    None. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of
    Redis pass through.
    """
    calls = services.line.calls
    if known := await calls.get(name):
        return known
    people = await residents_calling(services, phone)
    call = Call(
        id=name,
        at=services.line.clock.now(),
        by=who.login,
        phone=phone,
        people=people,
        resident=people[0] if people else None,
        report=report,
    )
    async with trail.in_time():
        return await calls.change(name, lambda known: known or call)


async def find(services: Services, who: Who, call_id: str) -> Caller:
    """Return the call and its caller. Raises NotFoundError if the call is unknown or another person's. Errors of Redis
    pass through.
    """
    call = await services.line.calls.get(call_id)
    if call is None or call.by != who.login:
        raise NotFoundError
    if call.resident is None:
        return Caller(call)
    entries = await services.line.residents.standing(call.people)
    resident = entries.get(call.resident)
    others = tuple(
        entries[name]
        for name in call.people
        if name in entries and name != call.resident and who.sees(entries[name].division)
    )
    if resident is None:  # erased meanwhile
        return Caller(call, others=others)
    if not who.sees(resident.division):
        return Caller(call, elsewhere=resident.division[:PREFECTURE_DIGITS], others=others)
    return Caller(call, resident, await services.line.calls.latest_case(resident.id), others=others)


async def record_look(services: Services, who: Who, caller: Caller) -> None:
    """Write an audit entry for each resident about to be shown; without residents, one for the call's id.

    Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good.
    """
    seen = [each.id for each in (caller.resident, *caller.others) if each is not None]
    for name in seen or [caller.call.id]:
        await trail.record_look(services, who, "call-in", name)


async def case_elsewhere(services: Services, caller: Caller) -> Case | None:
    """Return the latest case of a caller who lives in another area; None if the caller lives in the operator's area, is
    unknown, or has no case. Notes may be written on this case, but it must not be shown. Errors of Redis pass through.
    """
    resident = caller.call.resident
    return await services.line.calls.latest_case(resident) if resident and caller.elsewhere else None


async def residents_calling(services: Services, phone: str) -> list[str]:
    """Return the ids of the residents who hold the telephone now, the primary one first; empty if nobody does. Of
    merged entries only the one in force is named. Errors of Redis pass through.
    """
    residents = services.line.residents
    found = (await residents.holders([Asked("phones", phone, services.line.clock.now())]))[0]
    standing = await residents.standing(found)
    return list(dict.fromkeys(standing[name].id for name in found if name in standing))
