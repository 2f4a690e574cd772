"""Who is calling: from the telephone to the resident and the case, as far as they lie in the operator's area."""

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
    """A call, and who it is. `resident` and `case` only in the person's area; `elsewhere`: the other's prefecture.

    `others`: who hold the telephone too, in the area.
    """

    call: Call
    resident: Resident | None = None
    case: Case | None = None
    elsewhere: str | None = None
    others: tuple[Resident, ...] = ()


async def begin(services: Services, who: Who, phone: str, name: str) -> Call:
    """Begin a call from this telephone (in its one spelling); the same call when it was begun before."""
    calls = services.line.calls
    if known := await calls.get(name):
        return known
    people = await _people(services, phone)
    call = Call(
        id=name,
        at=services.line.clock.now(),
        by=who.login,
        phone=phone,
        people=people,
        resident=people[0] if people else None,
    )
    await calls.put(call)
    return call


async def find(services: Services, who: Who, call_id: str) -> Caller:
    """The call that the person has, and who is calling. Raises NotFoundError when it is no call of his."""
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


async def look(services: Services, who: Who, caller: Caller) -> None:
    """Note that the person sees who is calling; before it is shown."""
    seen = [each.id for each in (caller.resident, *caller.others) if each is not None]
    for name in seen or [caller.call.id]:
        await trail.look(services, who, "call-in", name)


async def case_elsewhere(services: Services, caller: Caller) -> Case | None:
    """The case of a resident of another area, to write on; never to be shown."""
    resident = caller.call.resident
    return await services.line.calls.latest_case(resident) if resident and caller.elsewhere else None


async def _people(services: Services, phone: str) -> list[str]:
    residents = services.line.residents
    found = (await residents.holders([Asked("phones", phone, services.line.clock.now())]))[0]
    standing = await residents.standing(found)
    return list(dict.fromkeys(standing[name].id for name in found if name in standing))
