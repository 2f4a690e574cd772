"""Starts a call from the operator's own telephone, and carries out what the operator does during it."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.acts import ActBody, act
from console.web.kit.filled import new_form
from console.web.kit.services import Services
from console.web.live import claims
from domain.casework.grounds import ENDED
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from schemas.channels.operator_calls import OperatorCallReport, OperatorCallState
from streams.channels.operator_calls.phones import OperatorPhones, Placed
from streams.repositories.residents.guardians import dialled_number


class CallStart(StrEnum):
    """The result of an operator's wish to call a resident. RINGS: the operator's telephone is to ring; CLOSED: the case
    is closed; GOES_ON: another call to the resident goes on; CLAIMED: the case could not be claimed for the operator;
    NO_PHONE: the gateway has no telephone of this operator; NO_NUMBER: no number of the resident is known; REFUSED: the
    gateway places no call; UNKNOWN: the gateway may ring the operator yet.
    """

    RINGS = "rings"
    CLOSED = "closed"
    GOES_ON = "goes_on"
    CLAIMED = "claimed"
    NO_PHONE = "no_phone"
    NO_NUMBER = "no_number"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class CallActing(StrEnum):
    """The result of an act during a call. DONE: the gateway has done it; NOT_NOW: the call is not the operator's, has
    ended, or the gateway did not do it; UNKNOWN: the gateway does not answer, and may have done it; ENDED: the gateway
    does not know the call any more, so that the case now has the end of the talk as the operator stated it; GIVEN_UP:
    the same, because the gateway does not answer.
    """

    DONE = "done"
    NOT_NOW = "not_now"
    UNKNOWN = "unknown"
    ENDED = "ended"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number (E.164) to dial, by the operator's call with the id `call`."""

    number: str = field(repr=False)
    call: str


async def start_call(
    services: Services, phones: OperatorPhones, who: Who, case: Case, dialled: Dialled | None = None
) -> CallStart:
    """Ring the telephone of the operator `who`, and then the resident of a case, whose number the browser never gets.

    Return RINGS if the operator's telephone is to ring, UNKNOWN if it may; else why nobody is called: CLOSED (the
    case), GOES_ON (another call to the resident), CLAIMED (by another person), NO_PHONE (of the operator), NO_NUMBER
    (of the resident), REFUSED (by the gateway). A refusal raises nothing.

    `dialled`: the number that the resident has called from, None: the registered one. An unclaimed case is claimed
    first, unless it is settled. Nobody is called for a closed case; for one that is settled and open, a call is a
    follow-up, and the audit says that it was settled. Raises TimeoutError if Kafka does not answer in time, and
    SendError if it refuses a record for good. Errors of Redis pass through.
    """
    if not case.open:
        return CallStart.CLOSED
    if not phones.has(who.login):
        return CallStart.NO_PHONE
    async with services.desk.reserve_call(case.id) as free:
        live = await services.live_calls.of(case.id)
        if not free or (live and live.goes_on) or (case.desk_call and case.desk_call.goes_on):
            return CallStart.GOES_ON
        if case.claimed_by is None and not case.settled and not await claims.claim(services, who, case):
            return CallStart.CLAIMED
        if dialled is None:
            number = await dialled_number(services.line.residents, case.resident, services.line.clock.now())
            dialled = Dialled(number, f"{case.id}.{secrets.token_hex(8)}")
        if not dialled.number.startswith("+"):  # none, or a service number
            return CallStart.NO_NUMBER
        await record_call(services, who, case)
        return await _place(services, phones, who, case, dialled)


async def record_call(services: Services, who: Who, case: Case) -> None:
    """Write an audit entry that a resident is about to be called, with the case's state if the case is settled. Raises
    TimeoutError if Kafka does not answer in time, and SendError if it refuses the entry for good.
    """
    await trail.record_look(services, who, "call", case.id, detail=case.state.value if case.settled else "")


async def _place(services: Services, phones: OperatorPhones, who: Who, case: Case, dialled: Dialled) -> CallStart:
    call = dialled.call
    ordered = OperatorCallReport(
        call=call, case=case.id, operator=who.login, sequence=1, state=OperatorCallState.OPERATOR_RINGING
    )
    await services.live_calls.begin(ordered, services.line.clock.now())
    match await phones.place(call, who.login, dialled.number, case.id):
        case Placed.TAKEN:
            return CallStart.RINGS
        case Placed.UNKNOWN:  # it stays for a minute: the gateway's report says more
            return CallStart.UNKNOWN
        case Placed.CERTAINLY_NOT | Placed.OTHERS:
            await services.live_calls.drop(case.id, call)
            return CallStart.REFUSED


async def act_in_call(services: Services, phones: OperatorPhones, who: Who, case: Case, wanted: str) -> CallActing:
    """Have the gateway do `wanted` (its word, such as "hold" or "hang_up", one of CALL_ACTS in routes/cases/telephone)
    in the call of the operator `who` to the resident of a case. Return DONE, NOT_NOW if the call is not the operator's,
    has ended or the gateway did not do it, or UNKNOWN if the gateway does not answer; a refusal raises nothing.

    If the gateway does not have the call, or does not answer, the wish to hang up ends the talk in the case, and the
    result is ENDED or GIVEN_UP. Raises NotFoundError if the person's area does not have the case, TimeoutError if Kafka
    does not answer in time, and SendError if it refuses a record for good. Errors of Kafka and Redis pass through.
    """
    live = await services.live_calls.of(case.id)
    if live is None or not live.goes_on or live.report.operator != who.login:
        return CallActing.NOT_NOW
    placed = await phones.act(live.report.call, who.login, wanted)
    if placed is Placed.TAKEN:
        return CallActing.DONE
    unknown = placed is Placed.UNKNOWN
    if placed is Placed.OTHERS or wanted != "hang_up":
        return CallActing.UNKNOWN if unknown else CallActing.NOT_NOW
    await services.live_calls.drop(case.id, live.report.call)
    if live.report.answered or (case.desk_call and case.desk_call.goes_on):
        note = NoteAct.model_validate({"what": ENDED})
        await act(services, who, case.id, ActBody(form=new_form(), seen=case.version, act=note))
    return CallActing.GIVEN_UP if unknown else CallActing.ENDED
