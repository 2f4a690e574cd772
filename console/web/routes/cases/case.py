"""Routes of the case page: the page, its live parts, its story and its event stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any

import orjson
from fastapi import Request
from sse_starlette import ServerSentEvent
from starlette.responses import Response

from console.web.auth import trail, unmask
from console.web.auth.who import Signed, Who
from console.web.case import facts
from console.web.case.acts import found
from console.web.case.own_accounts import own_accounts
from console.web.case.stories import Story, TimelineEntry, recordings
from console.web.case.view import context, view
from console.web.kit.door import DESK, Door
from console.web.kit.events import Look, open_stream
from console.web.kit.filled import new_form
from console.web.kit.i18n import language_of, translate
from console.web.kit.pages import ZONE, page
from console.web.kit.services import Services, services
from console.web.kit.wording import renderer_of, say
from console.web.operator_calls.recording import HEARERS, may_record
from console.web.operator_calls.shown import phone_view
from console.web.operator_calls.third_parties import third_party_view
from domain.calendar import local_date
from domain.casework.provinces.records import also_there, crossed_offer, suggested_province
from domain.policy import PolicyError
from domain.policy.approval import HandoverRules
from domain.wording import labels
from schemas.casework.cases import Case
from schemas.casework.events import FactKind
from schemas.people.staff import StaffRole
from streams.repositories.policies import UnknownPolicyError
from streams.runtime.tasks import TRANSIENT

door = Door("/cases")
READERS = DESK | {StaffRole.AUDITOR}
LOOK_SECONDS = 10.0  # between checks of the session
LOOKED_SECONDS = 300.0  # an open page counts as one look for this long
MOST_LOOKS = 10_000
LATER = timedelta(minutes=30)  # default time for the next call

_looked: dict[tuple[str, str], float] = {}  # by (session, case): when a look was written (monotonic seconds)


@door.page("/{case_id}", READERS, name="case")
async def case_page(request: Request, who: Signed, case_id: str, script: str = "") -> Response:
    """Return the page of a case. `script`: the scam type whose script is shown; "": the case's own.

    Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    await _look(made, who, case, anew=True)
    return await render(request, who, case, script=script)


@door.page("/{case_id}/parts", READERS, name="case-parts")
async def parts(request: Request, who: Signed, case_id: str, script: str = "") -> Response:
    """Return the case page's parts in their present state, as an HTML fragment for the script of the open page.

    Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    await _look(made, who, case, anew=False)
    return await render(request, who, case, template="case_body.html", script=script)


@door.page("/{case_id}/story", READERS, name="case-story")
async def story(request: Request, who: Signed, case_id: str) -> Response:
    """Return the case's events from the journal, as an HTML fragment of the page; while Kafka is unavailable, only
    those in memory.

    Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    await _look(made, who, case, anew=False)
    known = await _story(made, case)
    left = await unmask.seconds_left(made, who, case.resident)
    names = await _names(made, known)
    events = facts.timeline(known.told, renderer_of(request, left > 0), names)
    shown: dict[str, Any] = {"events": events, "whole_words": left > 0, "left": left}
    return page(request, "case_story.html", case=case, whole=known.whole, recordings=recordings(known), **shown)


@door.page("/{case_id}/events", READERS, name="case-events")
async def events(request: Request, who: Signed, case_id: str) -> Response:
    """Return a stream of events for an open page of the case: `begin` with its version; then `change` (JSON: the new
    version, true if another person made a significant change, and the facts in words). The stream ends with the
    session, and with an event `signed-out` when the case leaves the person's area. An event `day` tells the page that
    the day has changed: it loads its parts again, because they show times of their own day without the day.

    429 (TooManyError) if the account or the process has too many streams. Raises NotFoundError if the person's area
    does not have the case. Errors of Redis pass through.
    """
    case = await found(services(request), who, case_id)
    return open_stream(request, who, _events(request, who, case))


async def _handover_rules(made: Services) -> HandoverRules | None:
    """Return the rules of hand-overs of the policy in force, or None if it has none or is unknown here."""
    try:
        return (await made.line.policies.live()).handover
    except (UnknownPolicyError, PolicyError):
        return None


async def render(
    request: Request,
    who: Who,
    case: Case,
    *,
    template: str = "case.html",
    status: int = 200,
    **more: Any,  # noqa: ANN401 - what the template needs
) -> Response:
    """Return the HTML page of a case, or its parts (`template`). `more`: template variables of a refused form. Errors
    of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, language = services(request), language_of(request)
    shown, phone = await view(made, who, case, more.get("script", "")), await phone_view(made, who, case)
    third = await third_party_view(made, who, case, phone) if shown.acts else None
    handover = await _handover_rules(made)
    usual: dict[str, Any] = {
        "view": shown,
        "case": case,
        "own": await own_accounts(made, case, shown.person.resident),
        "form": new_form,
        "filled": None,
        "wrong": None,
        "changes": [],
        "asks": None,
        "phone": phone,
        "hands_over": handover is not None,
        "lives_in": suggested_province(case, handover),
        "crossed": crossed_offer(case),
        "also_there": also_there(case),
        "third": third,
        "records": bool(phone and phone.mine and phone.goes_on) and await may_record(made),
        "hears": who.role in HEARERS,
        "telephone": phone.has if phone else made.telephone is not None,
        "later": f"{made.line.clock.now().astimezone(ZONE) + LATER:%Y-%m-%dT%H:%M}",
    }
    return page(request, template, status, **usual | context(language) | more)


def changes(request: Request, news: list[TimelineEntry], untold: Collection[FactKind] = ()) -> list[str]:
    """Return the facts of the events, in their order, as texts "kind: sentence" in the request's language. Facts of the
    kinds `untold` are left out.
    """
    return [
        f"{translate(request, labels.FACTS[fact.kind])}: {say(request, fact.what)}"
        for each in news
        for fact in each.facts
        if fact.kind not in untold
    ]


async def _events(request: Request, who: Who, case: Case) -> AsyncIterator[ServerSentEvent]:
    made, look = services(request), Look(request, who, LOOK_SECONDS)
    with made.stories.watching(case.id) as screen:
        yield ServerSentEvent(str(case.version), event="begin")
        day = local_date(made.line.clock.now())
        while True:
            try:
                news = [await asyncio.wait_for(screen.get(), LOOK_SECONDS)]
            except TimeoutError:
                news = []
            while not screen.empty():
                news.append(screen.get_nowait())
            if not await _theirs(made, who, case) or await look.ended():
                yield ServerSentEvent("", event="signed-out")
                return
            if day != (day := local_date(made.line.clock.now())):
                yield ServerSentEvent("", event="day")
            if news:
                yield ServerSentEvent(_change(request, who, news), event="change")


async def _theirs(made: Services, who: Who, case: Case) -> bool:
    """Return True if the case is still in the person's area."""
    now = await made.desk.load(case.id)
    return now is not None and who.sees(now.profile.division)


def _change(request: Request, who: Who, news: list[TimelineEntry]) -> str:
    others = [each for each in news if each.of_others(who.login)]
    grave = any(fact.kind not in facts.ROUTINE for each in others for fact in each.facts)
    words = changes(request, others, facts.UNTOLD)
    told = {"version": news[-1].version, "grave": grave, "words": words, "own": _own(request, who, news)}
    return orjson.dumps(told).decode()


def _own(request: Request, who: Who, news: list[TimelineEntry]) -> dict[str, Any] | None:
    """Return the results of the person's own acts, for forms whose answer came late; None without own acts.

    `refused`: why acts were refused; `form`: the id of the next form; `inputs`: both by input id, because several forms
    may wait.
    """
    own = [each for each in news if not each.of_others(who.login)]
    if not own:
        return None
    by_input = {each.input: {"refused": _refusals(request, each), "form": new_form()} for each in own}
    words = [text for each in own for text in _refusals(request, each)]
    return {"refused": words, "form": new_form(), "inputs": by_input}


def _refusals(request: Request, told: TimelineEntry) -> list[str]:
    return [say(request, fact.what) for fact in told.facts if fact.kind in facts.REFUSALS]


async def _names(made: Services, story: Story) -> dict[str, str]:
    """Return people's names by login, and those of officers by their id on the roster if the story has an actor without
    an account. Errors of Redis pass through.
    """
    names = await made.staff.names()
    if all(fact.by is None or fact.by in names for each in story.told for fact in each.facts):
        return names
    return {each.id: each.name for each in await made.line.outgoing.rosters.officers()} | names


async def _story(made: Services, case: Case) -> Story:
    """Return the case's story. While Kafka is unavailable, return only the part that is in memory."""
    try:
        return await made.stories.of(case)
    except TRANSIENT:
        return made.stories.known(case.id)


async def _look(made: Services, who: Who, case: Case, *, anew: bool) -> None:
    """Write an audit entry that the person looks at the case, before it is shown. `anew` False: only if the last entry
    of the session for this case is older than LOOKED_SECONDS.
    """
    key, now = (who.session, case.id), time.monotonic()
    if anew or now - _looked.get(key, -LOOKED_SECONDS) >= LOOKED_SECONDS:
        await trail.record_look(made, who, "case", case.id)
        _looked.pop(key, None)
        _looked[key] = now
        while len(_looked) > MOST_LOOKS:
            _looked.pop(next(iter(_looked)))
