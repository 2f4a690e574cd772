"""Routes of major incidents: one campaign with many residents, shown on one board; a person declares and ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from urllib.parse import quote

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acting import acted
from console.web.case.answers import put
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.events import Look, open_stream
from console.web.kit.filled import Filled, done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.live.row import Row
from console.web.overview.campaigns import campaign_names
from console.web.rosters import areas
from domain.calendar import local_date
from domain.desk import incidents as rules
from schemas.casework.acts import Act, ConfirmAct, NoteAct, SendOfficerAct
from schemas.casework.cases import Case
from schemas.people.incidents import Incident
from streams.runtime.tasks import wanted

door = Door()
LOOK_SECONDS = 3.0  # between checks of a stream's session
MOST = 500  # most cases of one bulk act and most rows of a board
ENDED_SHOWN = timedelta(days=1)  # an ended incident stays on the page for this long
ACTS = ("note", "confirm", "send_officer")
Change = Callable[[Incident | None], Incident]


@door.page("/incidents", DESK, name="incidents")
async def show_all(request: Request, who: Signed, least: int = rules.LEAST) -> Response:
    """Return the page with the area's campaigns of at least `least` open cases, the declared incidents, and those that
    ended within the last day (ENDED_SHOWN). Errors of Redis pass through.
    """
    made = services(request)
    mine = [row.case for row in made.hub.rows.values() if who.sees(row.case.profile.division)]
    found = rules.campaigns(mine, max(1, least))
    declared = await made.line.incidents.in_force(who.area)
    ended = await made.line.incidents.ended(who.area, made.line.clock.now() - ENDED_SHOWN)
    return page(
        request,
        "incidents.html",
        least=max(1, least),
        campaigns=found,
        declared={each.campaign: each for each in declared},
        ended=ended,
        titles=campaign_names(made, who, [name for name, _ in found], [*ended, *declared]),
    )


@door.page("/incidents/{campaign}", DESK, name="incident")
async def show(request: Request, who: Signed, campaign: str, part: int = 0) -> Response:
    """Return a campaign's board as a page; `part` (1): only the part that changes, as an HTML fragment.

    Raises NotFoundError if the area has no open case of the campaign and no incident. Errors of Redis pass through.
    """
    made = services(request)
    rows, found = _rows(made, who, campaign), await _declared(made, who, campaign)
    if not rows and not found:
        raise NotFoundError
    return _board(request, who, campaign, rows, found, template="incident_board.html" if part else "incident.html")


@door.page("/incidents/{campaign}/live", DESK, name="incident-live")
async def live(request: Request, who: Signed, campaign: str) -> Response:
    """Return a stream with an event `changed` after each change of the board, which the page then loads again. The
    stream ends with the session, and if its account or area changes.

    429 (TooManyError) if the account or the process has too many streams. Raises NotFoundError if the area has no open
    case of the campaign and no incident. Errors of Redis pass through.
    """
    made = services(request)
    if not _rows(made, who, campaign) and not await _declared(made, who, campaign):
        raise NotFoundError
    return open_stream(request, who, _changes(request, who, campaign))


@door.act("/incidents/{campaign}/declare", SUPERVISORS, name="incident-declare")
async def declare(request: Request, who: Signed, campaign: str) -> Response:
    """Declare a major incident in the supervisor's area and redirect to its board.

    409 if the area already has an incident of the campaign, 422 for an invalid reason or note, 400 (HTTPException) if
    the form has no id. Raises NotFoundError if the area has no open case of the campaign. TimeoutError and SendError of
    Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    rows, found = _rows(made, who, campaign), await _declared(made, who, campaign)
    if not rows:
        raise NotFoundError
    name = f"m{given.name('incident')}"
    if any(each.area == who.area and each.id != name for each in found):
        wrong = translate(request, "该串并线索在本辖区已宣布为重大警情。")
        return _board(request, who, campaign, rows, found, status=409, typed=given, wrong=wrong)
    try:
        begun = Incident(
            id=name,
            campaign=campaign,
            area=who.area,
            at=made.line.clock.now(),
            by=who.login,
            reason=given["reason"],
            script=given["script"],
        )
    except ValidationError:
        wrong = translate(request, "请写明理由，2 至 500 字；话术不超过 2000 字。")
        return _board(request, who, campaign, rows, found, status=422, typed=given, wrong=wrong)
    async with made.line.incidents.locked(name) as known:
        if known is None:  # a form sent twice is one incident, and one line of the audit
            await trail.write(made, who, "incident-declared", name, begun.reason, campaign)
            await made.line.incidents.put(begun)
    return done(request, _of(campaign), incident=name)


@door.act("/incidents/{campaign}/script", SUPERVISORS, name="incident-script")
async def script(request: Request, who: Signed, campaign: str) -> Response:
    """Replace the incident's note for operators and redirect to its board. 409 if the incident has ended.

    Raises NotFoundError if the supervisor's area does not have the incident; 400 (HTTPException) if the form has no id.
    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    incident = await _own(made, who, campaign, given["incident"])
    changed = partial(rules.reworded, script=given["script"][:2000])
    return await _change(request, who, incident, lambda known: changed(known or incident), "incident-script")


@door.act("/incidents/{campaign}/end", SUPERVISORS, name="incident-end")
async def end(request: Request, who: Signed, campaign: str) -> Response:
    """End the incident with a reason and redirect to the incidents. 422 for a reason of under two characters, 409 if it
    has already ended.

    Raises NotFoundError if the supervisor's area does not have the incident; 400 (HTTPException) if the form has no id.
    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    incident = await _own(made, who, campaign, given["incident"])
    reason = given["reason"][:500]
    if len(reason) < 2:
        rows, found = _rows(made, who, campaign), await _declared(made, who, campaign)
        wrong = translate(request, "请写明理由，2 至 500 字。")
        return _board(request, who, campaign, rows, found, status=422, typed=given, wrong=wrong)
    now = made.line.clock.now()
    ended = partial(rules.ended, by=who.login, reason=reason, now=now)
    return await _change(request, who, incident, lambda known: ended(known or incident), "incident-ended", reason)


@door.act("/incidents/{campaign}/look", DESK, name="incident-look")
async def look(request: Request, who: Signed, campaign: str) -> Response:
    """Return the page that shows the chosen cases and the act for confirmation, before a bulk act. 422 if a choice or
    text is missing.

    Raises NotFoundError if the area has no case and no incident of the campaign; 400 (HTTPException) if the form has no
    id. Errors of Redis pass through.
    """
    made, given = services(request), await filled(request)
    chosen = set(given.many.get("case", ()))
    rows = [row for row in _rows(made, who, campaign) if row.id in chosen][:MOST]
    if not rows or given["do"] not in ACTS or not _worded(given):
        all_rows, found = _rows(made, who, campaign), await _declared(made, who, campaign)
        if not all_rows and not found:
            raise NotFoundError
        wrong = translate(request, "请选择预警和动作，并写明内容，2 至 500 字。")
        return _board(request, who, campaign, all_rows, found, status=422, typed=given, wrong=wrong)
    return page(request, "incident_look.html", here=_of(campaign), rows=rows, given=given, do=given["do"])


@door.act("/incidents/{campaign}/cases/{case_id}", DESK, name="incident-act")
async def act(request: Request, who: Signed, campaign: str, case_id: str) -> Response:
    """Carry out a bulk act on one case, for the page's script. The input's id is made from the form and the case.

    JSON: `how` (done, refused or waiting) and `words` (why it was refused). 422 if the act or its text is invalid, 400
    (HTTPException) if the form has no id. Raises NotFoundError if the area has no such open case of the campaign.
    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    row = made.hub.rows.get(case_id)
    if row is None or row.case.danger.campaign != campaign:
        raise NotFoundError
    who.require(row.case.profile.division)
    if given["do"] not in ACTS or not _worded(given):
        return JSONResponse({"error": "do or text cannot be read", "do": "Load the board again"}, 422)
    message = acted(made, who, row.case, _act(given), given.name("bulk", case_id), given.seen)
    answer = await put(made, who, message)
    return JSONResponse({"how": answer.how.value, "words": say(request, answer.why) if answer.why else ""})


def _act(given: Filled) -> Act:
    text = given["text"]
    match given["do"]:
        case "confirm":
            return ConfirmAct(do="confirm", reason=text)
        case "send_officer":
            return SendOfficerAct(do="send_officer", reason=text)
        case _:
            return NoteAct(do="note", what="note", note=text)


def _worded(given: Filled) -> bool:
    return 2 <= len(given["text"]) <= 500


def _of(campaign: str) -> str:
    return f"/incidents/{quote(campaign, safe='')}"


def _belongs(row: Row, who: Who, campaign: str) -> bool:
    return row.case.danger.campaign == campaign and who.sees(row.case.profile.division)


def _rows(made: Services, who: Who, campaign: str) -> list[Row]:
    """Return the campaign's open cases in the person's area, the most urgent first."""
    now = made.line.clock.now()
    mine = [row for row in made.hub.rows.values() if _belongs(row, who, campaign)]
    return sorted(mine, key=lambda row: (*row.weight.place(now), row.id))


async def _declared(made: Services, who: Who, campaign: str) -> list[Incident]:
    return [each for each in await made.line.incidents.in_force(who.area) if each.campaign == campaign]


async def _own(made: Services, who: Who, campaign: str, name: str) -> Incident:
    """Return an incident that the person may change. Raises NotFoundError if their area does not have it."""
    found = await made.line.incidents.get(name)
    if found is None or found.campaign != campaign:
        raise NotFoundError
    who.require(found.area)
    return found


async def _change(request: Request, who: Who, incident: Incident, how: Change, word: str, reason: str = "") -> Response:
    """Write the audit entry `word`, then change an incident by `how`, and redirect. 409 if the incident has ended. The
    entry comes first, so that no change is without one; if nothing changes, none is written.
    """
    made = services(request)
    try:
        async with made.line.incidents.locked(incident.id) as known:
            after = how(known)
            if after != known:
                await trail.write(made, who, word, incident.id, reason)
                await made.line.incidents.put(after)
    except rules.EndedError:
        words = translate(request, "这起重大警情已经结束。")
        return page(request, "told.html", 409, words=words)
    return done(request, "/incidents" if word == "incident-ended" else _of(incident.campaign))


def _board(
    request: Request,
    who: Who,
    campaign: str,
    rows: list[Row],
    found: list[Incident],
    *,
    template: str = "incident.html",
    status: int = 200,
    typed: Filled | None = None,
    wrong: str = "",
) -> Response:
    made = services(request)
    cases: list[Case] = [row.case for row in rows]
    board = rules.board(cases)
    on = local_date(made.line.clock.now())
    return page(
        request,
        template,
        status,
        named=campaign_names(made, who, [campaign], found)[campaign],
        here=_of(campaign),
        board=board,
        counties=areas.names(board.counties, on),
        rows=rows[:MOST],
        more=max(0, len(rows) - MOST),
        declared=found,
        own={each.id for each in found if who.sees(each.area)},
        may_declare=who.role in SUPERVISORS and not any(each.area == who.area for each in found),
        may_change=who.role in SUPERVISORS,
        forms=new_form,
        typed=typed.fields if typed else {},
        wrong=wrong,
    )


async def _changes(request: Request, who: Who, campaign: str) -> AsyncIterator[dict[str, str]]:
    made, look = services(request), Look(request, who, LOOK_SECONDS)
    with made.hub.watching() as screen:
        yield {"event": "ready", "data": ""}
        while wanted():
            news = await _news(screen)
            if await look.ended():
                return
            if any(row is None or _belongs(row, who, campaign) for row in news):
                yield {"event": "changed", "data": ""}


async def _news(screen: "asyncio.Queue[Row | None]") -> list[Row | None]:
    """Return the next changed row in a list, or an empty list after LOOK_SECONDS without a change."""
    try:
        return [await asyncio.wait_for(screen.get(), LOOK_SECONDS)]
    except TimeoutError:
        return []
