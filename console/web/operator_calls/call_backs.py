"""Calls back whom nobody could serve: by the operator's own telephone, first come first served, one operator each."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.operator_calls.incoming import page_of, residents_of
from console.web.operator_calls.placing import CallStart, Dialled, start_call
from domain.desk.call_backs import is_taken
from schemas.casework.cases import Case
from schemas.channels.call_backs import CallBack
from streams.channels.operator_calls.phones import OperatorPhones, Placed


class BackStart(StrEnum):
    """The result of an operator's wish to call somebody back. RINGS: the operator's telephone is to ring; TAKEN:
    another person calls back, or it is done; LATER: an earlier caller comes first; NO_PHONE: the gateway has no
    telephone of this operator; ON_CASE: somebody else works on the caller's case, or calls the caller; REFUSED: the
    gateway places no call, or the number cannot be decrypted; UNKNOWN: the gateway may ring the operator yet.
    """

    RINGS = "rings"
    TAKEN = "taken"
    LATER = "later"
    NO_PHONE = "no_phone"
    ON_CASE = "on_case"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BackStarted:
    """The result of a wish to call back (`start`), and the path of the page to work on meanwhile ("" if no call was
    placed).
    """

    start: BackStart
    page: str = ""


_OF_CASE: Mapping[CallStart, BackStart] = {
    CallStart.RINGS: BackStart.RINGS,
    CallStart.UNKNOWN: BackStart.UNKNOWN,
    CallStart.GOES_ON: BackStart.ON_CASE,
    CallStart.CLAIMED: BackStart.ON_CASE,
    CallStart.NO_PHONE: BackStart.NO_PHONE,
    CallStart.NO_NUMBER: BackStart.REFUSED,
    CallStart.CLOSED: BackStart.REFUSED,
    CallStart.REFUSED: BackStart.REFUSED,
}
_OF_STRANGER: Mapping[Placed, BackStart] = {
    Placed.TAKEN: BackStart.RINGS,
    Placed.UNKNOWN: BackStart.UNKNOWN,
    Placed.CERTAINLY_NOT: BackStart.REFUSED,
    Placed.OTHERS: BackStart.REFUSED,
}
_PLACED = (BackStart.RINGS, BackStart.UNKNOWN)


async def start_call_back(services: Services, phones: OperatorPhones, who: Who, request_id: str) -> BackStarted:
    """Ring the telephone of the operator `who`, and then the number of a request, which the browser never gets. The
    result's `start` is RINGS, or why there is no call (see BackStart); a refusal raises nothing. UNKNOWN: the gateway
    may ring.

    If a resident of the person's area with an open case has called, the call is noted in that case. Raises TimeoutError
    if Kafka does not answer in time, and SendError if it refuses a record for good; the request is then open again,
    unless the telephone is to ring already. Errors of Redis pass through.
    """
    if not phones.has(who.login):
        return BackStarted(BackStart.NO_PHONE)
    board, now = services.incoming, services.line.clock.now()
    free = [each for each in await board.call_backs(now) if not is_taken(each, now)]
    if request_id not in [each.id for each in free]:
        return BackStarted(BackStart.TAKEN)
    if free[0].id != request_id:
        return BackStarted(BackStart.LATER)
    call = f"{secrets.token_hex(8)}.{request_id}"
    request = await board.claim(request_id, who.login, call, now)
    if request is None:
        return BackStarted(BackStart.TAKEN)
    placed, dialled, record = False, Dialled(board.number(request.sealed), call), f"c{secrets.token_hex(10)}"
    try:
        start = await _place(services, phones, who, request, dialled, record)
        placed = start in _PLACED
    finally:
        if not placed:
            await board.give_back(request_id, call)
    # Only now: if the page fails, the telephone rings all the same, and nobody else may call back meanwhile.
    return BackStarted(start, await page_of(services, who, dialled.number, record) if placed else "")


async def _place(
    services: Services, phones: OperatorPhones, who: Who, request: CallBack, dialled: Dialled, record: str
) -> BackStart:
    """Order the call, with an audit entry about `record`."""
    if not dialled.number:
        return BackStart.REFUSED
    await trail.write(services, who, "call-back", record)
    case = await _case_of(services, who, dialled.number)
    if case is not None:
        return _OF_CASE[await start_call(services, phones, who, case, dialled)]
    return _OF_STRANGER[await phones.place(dialled.call, who.login, dialled.number, request.id)]


async def _case_of(services: Services, who: Who, number: str) -> Case | None:
    """Return the open case of the resident who has most likely called, None without one."""
    people = await residents_of(services, who, number)
    case = await services.line.calls.latest_case(people[0].id) if people else None
    return case if case is not None and case.open and not case.settled else None
