"""An act on a case, as a form or another program sends it: one way for both.

Acting on a case that somebody else has is asked about first: `anyway` says that it is meant, and why.
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
from console.web.payments.releases import ask_release
from domain.ids import short_hash
from domain.payments.releases import NotAsked, Why
from schemas.base import Model, Reason
from schemas.casework.cases import Case
from schemas.casework.inputs import Act, ClaimAct, NoteAct, ReleaseStopAct
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
    """`form`: the id of what was filled in, or an idempotency key: the same again counts once. `seen`: the version.

    `anyway`: why it is done although another has the case; the audit keeps it.
    """

    form: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    seen: Annotated[int, Field(ge=1)]
    act: Act
    anyway: Reason | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A case that another has: to be asked about before acting."""

    by: str


LATE_SECONDS = 2.0  # how long the journal is waited for that does not tell yet what the store has
_WHY: Mapping[NotAsked, AnyCode] = {
    Why.NO_STOP: NoStop(),
    Why.ASKED_ALREADY: ReleaseAskedAlready(),
}


async def found(services: Services, who: Who, case_id: str) -> Case:
    """A case of the person's area, the latest of its resident or an earlier one. Raises NotFoundError."""
    case = await services.desk.load(case_id)
    if case is None or not who.sees(case.profile.division):
        raise NotFoundError
    return case


async def act(services: Services, who: Who, case_id: str, body: ActBody) -> Answer:
    """Do what was asked for, and say what became of it. Raises NotFoundError for a case of another's area."""
    case = await found(services, who, case_id)
    if taken := taken_by_other(case, who, body):
        return Answer(Answered.REFUSED, HasCase(taken.by))
    if isinstance(body.act, ClaimAct):
        return await _claim(services, who, case, body.act)
    if isinstance(body.act, ReleaseStopAct):
        return await _ask_release(services, who, case, body.form, body.act)
    return await write(services, who, case, body)


async def before(services: Services, who: Who, case: Case, body: ActBody) -> Answer | None:
    """What came of the same form when it was sent before; none: the case knows nothing of it."""
    return await came_of(services, case, input_id(who, case.id, body), body.seen)


async def came_of(services: Services, case: Case, name: str, seen: int) -> Answer | None:
    """What came of an input of the case; none: the case knows nothing of it. `seen`: a version from before it."""
    if not await answers.applied(services, case.resident, name):
        return None
    told = (await news(services, case, seen)).told
    return next((answers.answer_of(each.facts) for each in told if each.input == name), Answer(Answered.WAITING))


async def write(services: Services, who: Who, case: Case, body: ActBody) -> Answer:
    """Write the act as the case's input, and wait for its answer."""
    message = acted(services, who, case, body.act, input_id(who, case.id, body), body.seen)
    own: str = getattr(body.act, "reason", "")
    answer = await answers.put(services, who, message, body.anyway or own)
    if answer.event and case.claimed_by == who.login != answer.event.case.claimed_by:
        await services.desk.release(case.id, who.login)  # done with it: whoever takes it next need not wait
    return answer


def input_id(who: Who, case_id: str, body: ActBody) -> str:
    """The input's id: the same form on the same case by the same person is the same input."""
    return short_hash("form", who.login, case_id, body.form)


def taken_by_other(case: Case, who: Who, body: ActBody) -> Taken | None:
    """Who has the case, if that is another and the act is one that gets in his way. What was said is never in it."""
    free = body.anyway or isinstance(body.act, NoteAct | ClaimAct)
    return None if free or case.claimed_by in (None, who.login) else Taken(case.claimed_by or "")


async def news(services: Services, case: Case, seen: int) -> Story:
    """What happened since a version, up to the case's; `whole`: nothing of it is missing.

    The store has a version before the journal tells of it: what is on its way is waited for, `LATE_SECONDS` at most.
    """
    with services.stories.watching(case.id) as screen:
        try:
            story = await services.stories.of(case)
        except TRANSIENT:
            story = services.stories.known(case.id)
        ends = time.monotonic() + LATE_SECONDS
        while not story.tells(seen, case.version):
            try:
                await asyncio.wait_for(screen.get(), ends - time.monotonic())
            except TimeoutError:
                break
            story = services.stories.known(case.id)
    return Story(story.after(seen), whole=story.tells(seen, case.version))


async def _ask_release(services: Services, who: Who, case: Case, form: str, act: ReleaseStopAct) -> Answer:
    """Lifting a stop takes a second person, so what is done here is asking for it, whoever `act` says has asked."""
    transfers = [payment.transfer for payment in case.payments]
    number = transfers.index(act.transfer) if act.transfer in transfers else len(transfers)
    try:
        found = await ask_release(services, who, case, number, form, act.reason)
    except ValueError:
        return Answer(Answered.REFUSED, ReasonLength(LEAST_REASON, MOST_REASON))
    return _of_release(found) if isinstance(found, ReleaseRequest) else Answer(Answered.REFUSED, _WHY[found])


def _of_release(request: ReleaseRequest) -> Answer:
    """What has become of a request: the same form may be sent again when another has decided."""
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
