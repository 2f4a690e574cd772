"""Routes of searches for a resident who cannot be reached: a supervisor starts and stops one; the page shows its
places.
"""

from datetime import datetime, timedelta

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case import acts, answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.case.view import person_of
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.filled import Filled, FormError, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.rosters import areas
from console.web.routes.money.messages import not_done
from console.web.searching.search_view import counts_of, place_rows, plan_of
from console.web.searching.start_form import USUAL_ROWS, asked_for, search_offer
from domain.calendar import JILIN, local_date
from domain.casework.searches.records import may_not_start, search_of
from domain.identity.divisions import counties
from domain.visits.sweep import erased_at, is_open_at
from domain.wording import search_labels
from schemas.casework.cases import Case
from schemas.casework.searches import MOST_HOURS, USUAL_HOURS, Search, SearchGround, StopGround, StopSearchAct
from schemas.people.staff import StaffRole
from streams.state.keys import TASK_LOOK

door = Door("/cases")
_GROUND_WRONG = N_("请选择停止查找的原因。")


@door.page("/{case_id}/search", DESK, name="case-search")
async def show(request: Request, who: Signed, case_id: str) -> Response:
    """Return the page of the case's latest search, and for a supervisor the form that starts one if none goes on. An
    audit entry of the look is written first. Raises NotFoundError if the person's area does not have the case.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    return await _page(request, who, await acts.found(made, who, case_id))


@door.act("/{case_id}/search", SUPERVISORS, name="case-search-start", steps_up=N_("启动查找当事人"))
async def start(request: Request, who: Signed, case_id: str) -> Response:
    """Start a search and redirect to its page. 422 if a field is wrong, 409 if the case refuses it, 202 if the case has
    not answered, 400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have the
    case.

    The list of places is stored first, so that no officer is told of a search without one; if the case refuses the
    search, the list is erased. UnknownPolicyError or PolicyError passes through if the policy in force is lost or
    invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    case = await acts.found(made, who, case_id)
    now = made.line.clock.now()
    try:
        asked = await asked_for(made, case, given, now)
    except FormError as error:
        return await _page(request, who, case, 422, given, translate(request, error.words))
    if (why := may_not_start(case)) and search_of(case, asked.act.search) is None:
        return await _page(request, who, case, 409, given, say(request, why))
    await made.line.search_lists.change(asked.listed.id, lambda known: known or asked.listed)
    told = f"{asked.act.ground.value}, {len(asked.act.places)} places, {asked.act.hours} h"
    message = acted(made, who, case, asked.act, asked.listed.input)
    answer = await answers.put(made, who, message, told)
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/cases/{case.id}/search", 303)
    after = await acts.found(made, who, case_id)
    if search_of(after, asked.act.search) is not None:  # the form was sent twice
        return RedirectResponse(f"/cases/{case.id}/search", 303)
    if answer.how is Answered.REFUSED:
        await made.line.search_lists.drop(asked.listed.id)
    wrong, status = not_done(request, answer)
    return await _page(request, who, after, status, given, wrong)


@door.act("/{case_id}/search/{search_id}/stop", SUPERVISORS, name="case-search-stop")
async def stop(request: Request, who: Signed, case_id: str, search_id: str) -> Response:
    """Stop a search and redirect to its page. 422 without a ground, 409 if it has ended, 202 if the case has not
    answered, 400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have it.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    case = await acts.found(made, who, case_id)
    if search_of(case, search_id) is None:
        raise NotFoundError
    ground = next((each for each in StopGround if each.value == given["ground"]), None)
    if ground is None:
        return await _page(request, who, case, 422, given, translate(request, _GROUND_WRONG))
    act = StopSearchAct(search=search_id, ground=ground)
    answer = await answers.put(made, who, acted(made, who, case, act, given.name("stop-search", case.id)), ground.value)
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/cases/{case.id}/search", 303)
    wrong, status = not_done(request, answer)
    return await _page(request, who, await acts.found(made, who, case_id), status, given, wrong)


async def _page(
    request: Request, who: Who, case: Case, status: int = 200, given: Filled | None = None, wrong: str = ""
) -> Response:
    made = services(request)
    search = case.searches[-1] if case.searches else None
    await _record_look(made, who, case, search)
    now = made.line.clock.now()
    listed = await made.line.search_lists.get(search.id) if search else None
    rules = (await made.line.policies.live()).visits.search
    starts = who.role is StaffRole.SUPERVISOR and case.open and not case.settled
    why_not = may_not_start(case)
    return page(
        request,
        "search.html",
        status,
        case=case,
        person=await person_of(made, who, case, now),
        search=search,
        rows=place_rows(search, listed, now) if search else [],
        counts=counts_of(search) if search else {},
        plan=plan_of(search, listed) if search else None,
        told=listed.told if listed else frozenset(),
        erased=search is not None and listed is None,
        erase_at=erased_at(listed, case, rules.keep, decided=True) if listed else None,
        officers=await _officers(made, search),
        names=await made.staff.names(),
        stops=who.role is StaffRole.SUPERVISOR and search is not None and search.goes_on,
        why_not=say(request, why_not) if why_not and starts and not (search and search.goes_on) else "",
        offer=await search_offer(made, case, now) if starts and why_not is None else None,
        open_now=lambda place: is_open_at(place.hours, now),
        words=search_labels,
        grounds=list(SearchGround),
        stop_grounds=list(StopGround),
        hours=range(1, MOST_HOURS + 1),
        usual_hours=USUAL_HOURS,
        usual_rows=range(USUAL_ROWS),
        counties=counties(local_date(now), f"{case.profile.division[:4]}00"),
        since=_local(now - timedelta(hours=1)),
        given=given,
        wrong=wrong,
        forms=new_form,
        divisions=areas.names([each.division for each in listed.places] if listed else [], local_date(now)),
    )


async def _record_look(made: Services, who: Who, case: Case, search: Search | None) -> None:
    """Write an audit entry of the look: one for each session and search, because the page asks for news by itself."""
    name = f"{TASK_LOOK}{who.session}:{search.id if search else new_form()}"
    if not await made.line.redis.exists(name):
        await trail.record_look(made, who, "missing", case.id)
        await made.line.redis.set(name, 1, ex=round(timedelta(hours=made.settings.session_hours).total_seconds()))


async def _officers(made: Services, search: Search | None) -> dict[str, str]:
    """Return the names of the officers on the rosters, by id; empty without a search."""
    if search is None:
        return {}
    return {each.id: each.name for each in await made.line.outgoing.rosters.officers()}


def _local(at: datetime) -> str:
    return f"{at.astimezone(JILIN):%Y-%m-%dT%H:%M}"
