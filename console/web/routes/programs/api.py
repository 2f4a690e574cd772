"""The API for other programs: cases, a stream of their events, and acts with idempotency keys.

A program authenticates with `Authorization: Bearer` and a token of its service account; the token's scopes say what it
may do in the account's area. Errors are JSON: what is wrong, and what to do.
"""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import Body, Header, Query, Request
from pydantic import BaseModel
from sse_starlette import JSONServerSentEvent
from starlette.responses import JSONResponse, Response

from console.web.auth.tokens import is_program
from console.web.auth.who import ForbiddenError, Signed, Who
from console.web.case import acts
from console.web.case.acts import ActBody, found, taken_by_other
from console.web.case.answers import Answered
from console.web.kit import described
from console.web.kit.described import Acted, CasePage, Change, Shown, WordedCase
from console.web.kit.door import DESK, EVERYBODY, Door
from console.web.kit.events import Look, open_stream
from console.web.kit.services import services
from console.web.kit.wording import renderer_of
from domain.access.accounts import permits
from domain.access.webhooks import payload
from domain.identity.own_words import masked_words, without_words
from domain.ids import short_hash
from schemas.base import Reason
from schemas.casework.acts import Act
from schemas.casework.cases import CaseState
from schemas.casework.events import CaseEvent
from schemas.levels import Level
from schemas.people.staff import Scope, StaffRole
from streams.casework.journal import read_entry
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import follow
from streams.messaging.topics import CASE_EVENTS

door = Door("/api/v1")
_NUMBER = re.compile("[0-9]{1,18}")
READERS = DESK | {StaffRole.AUDITOR, StaffRole.RELEASE_DESK}
READS, ACTS = {Scope.READ_CASES}, {Scope.NOTE, Scope.ACT}
MOST = 500
LOOK_SECONDS = 10.0  # between checks that the token is still valid
STATUS = {Answered.DONE: 200, Answered.WAITING: 202, Answered.REFUSED: 409}
ACTED: described.Answers = {
    200: {"model": Acted, "description": "Done"},
    202: {"model": Acted, "description": "Written and not answered yet: the same again tells what came of it"},
    409: {"model": Acted, "description": "Refused: `why` and `words` say why"},
}

STREAM: described.Answers = {200: {"content": {"text/event-stream": {}}}}

Key = Annotated[
    str,
    Header(alias="Idempotency-Key", min_length=8, max_length=128, description="Sent again with the same: counts once"),
]


@door.api("GET", "/openapi.json", EVERYBODY, name="api-description", answers={}, scopes=list(Scope))
async def description(request: Request) -> Response:
    """This OpenAPI description."""
    app = request.app
    if not hasattr(app.state, "description"):  # takes a second or more and does not change
        app.state.description = described.description(app, __doc__ or "")
    return JSONResponse(app.state.description)


@door.api("GET", "/cases", READERS, name="api-cases", answers={200: {"model": CasePage}}, scopes=READS)
async def cases(
    request: Request,
    who: Signed,
    level: Annotated[list[Level] | None, Query()] = None,
    state: Annotated[list[CaseState] | None, Query()] = None,
    after: Annotated[str, Query(max_length=64, description="The last case's id of the page before")] = "",
    most: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """The open cases of the account's area, in order of their ids. `next`: the value of `after` for the next page."""
    fitting = [
        row.case
        for name, row in sorted(services(request).hub.rows.items())
        if name > after
        and who.sees(row.case.profile.division)
        and (not level or row.level in level)
        and (not state or row.case.state in state)
    ]
    shown = fitting[:most]
    following = shown[-1].id if len(fitting) > most else None
    words = renderer_of(request)
    return _json(CasePage(cases=[WordedCase.of(case, words, _shown_to(who)) for case in shown], next=following))


@door.api("GET", "/cases/{case_id}", READERS, name="api-case", answers={200: {"model": WordedCase}}, scopes=READS)
async def one_case(request: Request, who: Signed, case_id: str) -> Response:
    """A case in its present state. It has no name, telephone or account number; the resident is an id.

    404 if the account's area does not have the case.
    """
    case = await found(services(request), who, case_id)
    return _json(WordedCase.of(case, renderer_of(request), _shown_to(who)))


@door.api("POST", "/cases/{case_id}/acts", DESK, name="api-act", answers=ACTED, scopes=ACTS)
async def act(
    request: Request,
    who: Signed,
    case_id: str,
    act: Annotated[Act, Body(embed=True)],
    seen_version: Annotated[int, Body(alias="seen", ge=1, embed=True, description="The case's version that was seen")],
    key: Key,
    anyway: Annotated[Reason | None, Body(embed=True, description="Why, although another has the case")] = None,
) -> Response:
    """Carry out an act of an operator, as on the case page. A claim takes the lease; repeating it renews the lease.

    200: done. 202: written but not answered yet; the same request with its Idempotency-Key returns the answer. 409:
    refused. `changes`: what happened since `seen` (`whole: false`: the journal does not show all of it yet); `version`:
    the value of `seen` for a new try; `ask: anyway`: another person has claimed the case. A release_stop only makes a
    request: 202 until another person has decided at the release desk. Decisions on a stop order or an
    objection are made at the release desk alone: 403. A program does not ask for a release, confirm, lower or close:
    403.
    """
    made = services(request)
    if isinstance(act, acts.Decision) or (is_program(who) and not permits(who.scopes, act.do)):
        raise ForbiddenError
    case = await found(made, who, case_id)
    body = ActBody(form=short_hash("api", key), seen=seen_version, act=act, anyway=anyway)
    answer = await acts.before(made, who, case, body) or await acts.act(made, who, case_id, body)
    latest = answer.event.case if answer.event else await found(made, who, case_id)
    words, shown = renderer_of(request), _shown_to(who)
    why = shown(answer.why) if answer.why else None
    told = Acted(answer=answer.how, why=why, words=words.sentence(why) if why else "", version=latest.version)
    if answer.how is Answered.REFUSED:
        since = await acts.news(made, latest, seen_version)
        others = [each for each in since.told if each.of_others(who.login) or not each.refused]
        changes = [Change.of(each, words if _gets_words(who) else None, shown) for each in others]
        ask = "anyway" if taken_by_other(case, who, body) else None
        told = told.model_copy(update={"changes": changes, "whole": since.whole, "ask": ask})
    return _json(told, STATUS[answer.how])


@door.api("GET", "/stream", READERS, name="api-stream", answers=STREAM, scopes={Scope.FOLLOW_CASES})
async def stream(
    request: Request,
    who: Signed,
    last: Annotated[str, Header(alias="Last-Event-ID", max_length=2000, description="Where to go on")] = "",
) -> Response:
    """The events of cases, as server-sent events. After a break, send Last-Event-ID, and no event is missed.

    An event is sent at least once; a repeated one has the same `id` in its data and the same version of the case. The
    stream's id is the last offset read of each partition of the journal: `0:17,1:4`. The first event, `begin`, has such
    an id. The stream ends when the token is revoked or the account changed, at the first event more than 10 seconds
    later.
    """
    made = services(request)
    ends = await end_offsets(made.line.settings, CASE_EVENTS.name)
    since = ends | {p: offset + 1 for p, offset in _places(last).items() if p in ends and offset < ends[p]}
    return open_stream(request, who, _events(request, who, since), journal=True)


async def _events(request: Request, who: Who, since: dict[int, int]) -> AsyncIterator[JSONServerSentEvent]:
    made, look = services(request), Look(request, who, LOOK_SECONDS)
    shown, sentence = _shown_to(who), renderer_of(request).sentence if _gets_words(who) else None
    reached = {partition: offset - 1 for partition, offset in since.items()}
    yield JSONServerSentEvent({}, id=_place(reached), event="begin")
    async with aclosing(follow(made.line.settings, CASE_EVENTS.name, since)) as records:
        async for record in records:
            entry = read_entry(record.offset, record.value or b"")
            if not isinstance(entry, CaseEvent):
                continue
            if await look.ended():
                return
            reached[record.partition] = record.offset
            if who.sees(entry.case.profile.division):
                yield JSONServerSentEvent(payload(entry, shown, sentence), id=_place(reached), event="case")


def _gets_words(who: Who) -> bool:
    """Return True if the reader gets sentences and people's own words: always for a person, by its token's scope for a
    program.
    """
    return not is_program(who) or Scope.WORDS in who.scopes


def _shown_to(who: Who) -> Shown:
    return masked_words if _gets_words(who) else without_words


def _places(last: str) -> dict[int, int]:
    """Return the last offset read of each partition, from the stream's id. Invalid parts are left out."""
    pairs = (part.partition(":") for part in last.split(","))
    return {int(p): int(o) for p, _, o in pairs if _NUMBER.fullmatch(p) and (o == "-1" or _NUMBER.fullmatch(o))}


def _place(reached: dict[int, int]) -> str:
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(reached.items()))


def _json(value: BaseModel, status: int = 200) -> Response:
    return Response(value.model_dump_json(), status, {"Cache-Control": "no-store"}, "application/json")
