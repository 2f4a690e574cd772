"""An act on a case, as a form or another program sends it: one way for both.

Acting on a case that somebody else has is asked about first: `anyway` says that it is meant.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from console.web import answers
from console.web.acting import acted
from console.web.answers import Answer, Answered
from console.web.case.stories import Told
from console.web.live import claims
from console.web.services import Services
from console.web.who import NotFoundError, Who
from domain.ids import short_hash
from schemas.base import Model
from schemas.cases import Case
from schemas.events import FactKind
from schemas.inputs import Act, ClaimAct, NoteAct
from streams.retry import TRANSIENT


class ActBody(Model):
    """`form`: the id of what was filled in, or an idempotency key: the same again counts once. `seen`: the version."""

    form: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    seen: Annotated[int, Field(ge=1)]
    act: Act
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A case that another has: to be asked about before acting."""

    by: str


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
        return Answer(Answered.REFUSED, f"{taken.by} has the case")
    if isinstance(body.act, ClaimAct):
        return await _claim(services, who, case, body.act)
    return await write(services, who, case, body)


async def write(services: Services, who: Who, case: Case, body: ActBody) -> Answer:
    """Write the act as the case's input, and wait for its answer."""
    message = acted(services, who, case, body.act, input_id(who, case.id, body), body.seen)
    answer = await answers.put(services, who, message, getattr(body.act, "reason", ""))
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


async def news(services: Services, case: Case, seen: int) -> list[Told]:
    """What happened since a version, but for what was refused."""
    try:
        story = await services.stories.of(case)
    except TRANSIENT:
        story = services.stories.known(case.id)
    return [each for each in story.after(seen) if not all(fact.kind is FactKind.REFUSED for fact in each.facts)]


async def _claim(services: Services, who: Who, case: Case, act: ClaimAct) -> Answer:
    if act.do == "unclaim":
        await claims.give_back(services, who, case)
        return Answer(Answered.DONE)
    if await claims.claim(services, who, case):
        return Answer(Answered.DONE)
    return Answer(Answered.REFUSED, f"{case.claimed_by} has the case" if case.claimed_by else "the case is closed")
