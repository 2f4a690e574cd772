"""Carries out an act on a case, sent by a form or by a program through the API.

An act on a case that another person has claimed is refused, unless `anyway` gives a reason.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from console.web.auth.who import NotFoundError, Who
from console.web.case import answers
from console.web.case.acting import acted
from console.web.case.answers import Answer, Answered
from console.web.case.stories import Story
from console.web.kit.services import Services
from console.web.live import claims
from console.web.live.assigning import assign
from console.web.payments.releases import ask_release
from domain.ids import short_hash
from domain.payments.releases import NotAsked, Why, numbered
from schemas.base import Model, Reason
from schemas.casework.acts import Act, AssignAct, ClaimAct, HandOverCallAct, NoteAct, ReleaseStopAct
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.cases import Case
from schemas.casework.objections import DecideObjectionAct
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, EndFreezeAct, HandOverStopAct
from schemas.casework.own_account import ApproveHoldAct, DeclineHoldAct, LiftHoldAct
from schemas.casework.provinces import EndHereAct, OfferCaseAct
from schemas.casework.searches import StartSearchAct, StopSearchAct
from schemas.casework.third_parties import AdmitThirdPartyAct, ThirdPartyAct
from schemas.channels.releases import LEAST_REASON, MOST_REASON, ReleaseRequest, ReleaseState
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import (
    CaseClosed,
    HasCase,
    NoStop,
    ReasonLength,
    ReleaseAskedAlready,
    ReleaseTurnedDown,
    ReleaseWaits,
)
from streams.runtime.tasks import TRANSIENT


class ActBody(Model):
    """An act as a form or program sends it. `form`: the form's id or an idempotency key; a second act with the same
    `form` has no effect.

    `seen`: the case version that the person saw; `anyway`: the reason for acting on a case that another person has
    claimed, which the audit stores.
    """

    form: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    seen: Annotated[int, Field(ge=1)]
    act: Act
    anyway: Reason | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A case is claimed by another person. `by`: that person's login."""

    by: str


Decision = (
    ApproveStopAct
    | DeclineStopAct
    | HandOverStopAct
    | EndFreezeAct
    | DecideObjectionAct
    | ApproveHoldAct
    | DeclineHoldAct
    | LiftHoldAct
    | OfferCaseAct
    | EndHereAct
    | StartSearchAct
    | StopSearchAct
    | AdmitThirdPartyAct
    | ThirdPartyAct
    | HandOverCallAct
    | RecordedCallAct
)
"""Acts that have a page of their own, which asks again who acts, or that only the voice gateway reports: nowhere else
are they taken.
"""

LATE_SECONDS = 2.0  # wait this long for the journal to catch up with the store
_WHY: Mapping[NotAsked, AnyCode] = {
    Why.NO_STOP: NoStop(),
    Why.ASKED_ALREADY: ReleaseAskedAlready(),
}


async def found(services: Services, who: Who, case_id: str) -> Case:
    """Return a case in the person's area: the resident's latest or an earlier one.

    Raises NotFoundError if the case does not exist, and its subclass OtherAreaError if it is in another area. Errors of
    Redis pass through.
    """
    case = await services.desk.load(case_id)
    if case is None:
        raise NotFoundError
    who.require(case.profile.division)
    return case


async def act(services: Services, who: Who, case_id: str, body: ActBody) -> Answer:
    """Carry out an act and return its answer: DONE, REFUSED with the reason, or WAITING if the case has not answered in
    time or a second person must decide. An act on a case that another person has claimed is refused, unless
    `body.anyway` has a reason.

    Raises NotFoundError if the person's area does not have the case, TimeoutError if Kafka does not answer in time, and
    SendError if Kafka refuses a record for good. Errors of Kafka and Redis pass through.
    """
    case = await found(services, who, case_id)
    if taken := taken_by_other(case, who, body):
        return Answer(Answered.REFUSED, HasCase(taken.by))
    if isinstance(body.act, ClaimAct):
        return await _claim(services, who, case, body.act)
    if isinstance(body.act, AssignAct):
        return await assign(services, who, case, body.act)
    if isinstance(body.act, ReleaseStopAct):
        return await _ask_release(services, who, case, body.form, body.act)
    return await write(services, who, case, body)


async def before(services: Services, who: Who, case: Case, body: ActBody) -> Answer | None:
    """Return the answer to an earlier sending of the same form. None: the case has not applied it. WAITING: the case
    has applied it, but the journal does not show the answer yet. Errors of Redis pass through.
    """
    return await came_of(services, case, input_id(who, case.id, body), body.seen)


async def came_of(services: Services, case: Case, name: str, seen: int) -> Answer | None:
    """Return the answer to the input `name` of the case; None if the case has not applied the input. WAITING if the
    case has applied it and the journal does not show its event yet.

    `seen`: a case version from before the input. Errors of Redis pass through.
    """
    if not await answers.applied(services, case.resident, name):
        return None
    told = (await news(services, case, seen)).told
    return next((answers.answer_of(each.facts) for each in told if each.input == name), Answer(Answered.WAITING))


async def write(services: Services, who: Who, case: Case, body: ActBody) -> Answer:
    """Write the act as an input of the case and return the case's answer: DONE, REFUSED with the reason, or WAITING if
    none came within ANSWER_SECONDS. Raises TimeoutError if Kafka does not answer, and SendError if it refuses a record
    for good.

    If the act ended the person's claim, the lease of the claim is released too; errors of Redis then pass through.
    """
    message = acted(services, who, case, body.act, input_id(who, case.id, body), body.seen)
    own: str = getattr(body.act, "reason", "")
    answer = await answers.put(services, who, message, body.anyway or own)
    if answer.event and case.claimed_by == who.login != answer.event.case.claimed_by:
        await services.desk.release(case.id, who.login)  # so that the next person can claim it at once
    return answer


def input_id(who: Who, case_id: str, body: ActBody) -> str:
    """Return the id of the input that a form makes. Equal form, case and person give the same id."""
    return short_hash("form", who.login, case_id, body.form)


def taken_by_other(case: Case, who: Who, body: ActBody) -> Taken | None:
    """Return who has claimed the case if this claim blocks the act; None if the act is not blocked.

    Notes, claims, assignments (which name the holder), acts in Decision, and acts with `anyway` are never blocked.
    """
    of_order = isinstance(body.act, Decision | AssignAct)
    free = body.anyway or of_order or isinstance(body.act, NoteAct | ClaimAct)
    return None if free or case.claimed_by in (None, who.login) else Taken(case.claimed_by or "")


async def news(services: Services, case: Case, seen: int) -> Story:
    """Return the case's events with a version after `seen`, the oldest first. `whole` is False if an event up to the
    version of `case` is missing.

    The store has a version before the journal shows its event, so this waits at most LATE_SECONDS (2) for the events.
    Outages of Kafka raise nothing: the events in memory are returned.
    """
    with services.stories.watching(case.id) as screen:
        try:
            story = await services.stories.of(case)
        except TRANSIENT:
            story = services.stories.known(case.id)
        ends = time.monotonic() + LATE_SECONDS
        while not story.has_all_since(seen, case.version):
            try:
                await asyncio.wait_for(screen.get(), ends - time.monotonic())
            except TimeoutError:
                break
            story = services.stories.known(case.id)
    return Story(story.after(seen), whole=story.has_all_since(seen, case.version))


async def _ask_release(services: Services, who: Who, case: Case, form: str, act: ReleaseStopAct) -> Answer:
    """Ask for a stop to be lifted. A second person decides, so the act only makes the request, by `who`."""
    known = (number for number, payment in numbered(case) if payment.transfer == act.transfer)
    number = next(known, len(case.payments))  # of no payment: refused like one without a stop
    try:
        found = await ask_release(services, who, case, number, form, act.reason)
    except ValueError:
        return Answer(Answered.REFUSED, ReasonLength(LEAST_REASON, MOST_REASON))
    return _of_release(found) if isinstance(found, ReleaseRequest) else Answer(Answered.REFUSED, _WHY[found])


def _of_release(request: ReleaseRequest) -> Answer:
    """Return the present state of a request as an answer. A repeated form may arrive after the decision."""
    match request.state:
        case ReleaseState.ASKED:
            return Answer(Answered.WAITING, ReleaseWaits(request.asked_by))
        case ReleaseState.APPROVED:
            return Answer(Answered.DONE)
        case ReleaseState.REFUSED:
            return Answer(Answered.REFUSED, ReleaseTurnedDown(request.words))


async def _claim(services: Services, who: Who, case: Case, act: ClaimAct) -> Answer:
    if act.do == "unclaim":
        await claims.give_back(services, who, case)
        return Answer(Answered.DONE)
    if await claims.claim(services, who, case):
        return Answer(Answered.DONE)
    return Answer(Answered.REFUSED, HasCase(case.claimed_by) if case.claimed_by else CaseClosed())
