"""Transfers of a talk to a colleague: who can be asked, asking them, and handing over the call with the case."""

from collections.abc import Sequence
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.live.assigning import Operator, operators
from schemas.casework.cases import Case
from schemas.channels.operator_calls import OperatorCallState
from streams.channels.operator_calls.live import LiveCall
from streams.channels.operator_calls.phones import OperatorPhones, Placed


class Transferring(StrEnum):
    """The result of a wish to ask a colleague or to transfer a talk. NOT_NOW: the person has no talk with this
    resident, or nobody has been asked; NO_COLLEAGUE: nobody with this login can be asked; BUSY: the gateway does not
    ring the colleague, who has another call; UNKNOWN: the gateway does not answer, and may have done it.
    """

    DONE = "done"
    NOT_NOW = "not_now"
    NO_COLLEAGUE = "no_colleague"
    BUSY = "busy"
    UNKNOWN = "unknown"


async def colleagues_of(services: Services, phones: OperatorPhones, who: Who, case: Case) -> Sequence[Operator]:
    """Return the signed-in operators who have a telephone and the case's area, without the person; those with the
    fewest cases first. Errors of Kafka and Redis pass through.
    """
    found = await operators(services, who)
    return [
        each
        for each in found
        if each.login != who.login and phones.has(each.login) and each.sees(case.profile.division)
    ]


async def ask_colleague(services: Services, phones: OperatorPhones, who: Who, case: Case, login: str) -> Transferring:
    """Put the resident on hold and ring the colleague with the login `login`. Return the result (see Transferring):
    DONE as soon as the colleague's telephone is to ring, UNKNOWN if it may ring, or else why it does not; a refusal
    raises nothing. Errors of Kafka and Redis pass through.
    """
    live = await own_talk(services, who, case)
    if live is None or live.report.colleague is not None:
        return Transferring.NOT_NOW
    if login not in {each.login for each in await colleagues_of(services, phones, who, case)}:
        return Transferring.NO_COLLEAGUE
    return _ASKED[await phones.consult(live.report.call, who.login, login)]


async def transfer_call(services: Services, phones: OperatorPhones, who: Who, case: Case) -> Transferring:
    """Transfer the talk of the operator `who` to the colleague with whom they speak, and return the result (see
    Transferring): DONE, NOT_NOW if it was not transferred, or UNKNOWN if it may have been; a refusal raises nothing.

    If the person has claimed the case, its lease in Redis passes to the colleague at once; the claim follows by the
    gateway's report. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for
    good. Errors of Redis pass through.
    """
    live = await own_talk(services, who, case)
    asked = live.report.colleague if live else None
    if live is None or asked is None or not asked.talks:
        return Transferring.NOT_NOW
    await trail.write(services, who, "hand-over-call", case.id, detail=asked.login)
    placed = await phones.act(live.report.call, who.login, "transfer")
    if placed is not Placed.TAKEN:
        return Transferring.UNKNOWN if placed is Placed.UNKNOWN else Transferring.NOT_NOW
    if case.claimed_by == who.login:  # the lease goes ahead of the claim: nobody else can take the case meanwhile
        await services.desk.release(case.id, who.login)
        await services.desk.keep(case.id, asked.login)
    return Transferring.DONE


async def own_talk(services: Services, who: Who, case: Case) -> LiveCall | None:
    """Return the call in which the person now talks with the resident of a case, or None. Errors of Redis pass
    through.
    """
    live = await services.live_calls.of(case.id)
    talks = live is not None and live.report.state is OperatorCallState.CONNECTED
    return live if live is not None and talks and live.report.operator == who.login else None


_ASKED = {
    Placed.TAKEN: Transferring.DONE,
    Placed.UNKNOWN: Transferring.UNKNOWN,
    Placed.CERTAINLY_NOT: Transferring.BUSY,
    Placed.OTHERS: Transferring.NOT_NOW,
}
