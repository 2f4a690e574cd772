"""Routes for assigning one case or several to an operator, with a reason if another has the case, and a visit to a
nearer officer.
"""

from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.case.acts import found
from console.web.case.answers import Answer, Answered
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.errors import error_response
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.live.assigning import able, assign, operators
from console.web.tasks.late_visits import send_instead
from schemas.casework.acts import AssignAct
from schemas.casework.cases import Case
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import HasCase

door = Door("/cases")


@door.act("/assign", SUPERVISORS, name="cases-assign")
async def do_several(request: Request, who: Signed) -> Response:
    """Assign the cases `case` to the operator `to`, who is signed in, or to oneself. Redirects to the overview, which
    says which were assigned and which were not, because somebody else has them by now.

    One case alone is answered as by `do`. 409 if the operator has signed out or does not see one of the cases: then
    none is assigned. Raises NotFoundError if the person's area does not have one of them. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await request.form()
    ids, to = list(dict.fromkeys(str(each) for each in given.getlist("case"))), str(given.get("to", "")).strip()
    if len(ids) == 1:
        answered: Response = await do(request, who, ids[0])
        return answered
    cases = [await found(made, who, case_id) for case_id in ids]
    if to != who.login and not all([await _signed_in(made, who, case, to) for case in cases]):
        return _signed_out(request)
    results: list[tuple[str, str]] = []
    for case in cases:
        taken = case.claimed_by is not None
        answer = None if taken else await assign(made, who, case, AssignAct(to=to))
        missed = case.claimed_by != to if answer is None else answer.how is Answered.REFUSED
        results.append(("missed" if missed else "told", case.id))
    return RedirectResponse(f"/desk?{urlencode(results)}", 303)


@door.act("/{case_id}/assign", SUPERVISORS, name="case-assign")
async def do(request: Request, who: Signed, case_id: str) -> Response:
    """Assign a case to an operator who is signed in, or to oneself. Redirects to the case if it is one's own, else to
    the overview.

    409 with a form for the reason, and for the operator if none is named, if another person has the case; 422 with it
    for an invalid reason; 409 if the operator has signed out or the case no longer allows it. Raises NotFoundError if
    the person's area does not have the case. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made, given = services(request), await request.form()
    case = await found(made, who, case_id)
    to, holder, reason = (str(given.get(name, "")).strip() for name in ("to", "holder", "reason"))
    if not to and case.claimed_by is not None:
        return await _asks(request, who, case, "", case.claimed_by)
    if to != who.login and not await _signed_in(made, who, case, to):
        return _signed_out(request)
    if case.claimed_by == to:
        return _leads_on(who, case, to)
    if case.claimed_by is not None and (case.claimed_by != holder or not reason):
        return await _asks(request, who, case, to, case.claimed_by)
    try:
        act = AssignAct(to=to, holder=case.claimed_by, reason=reason or None)
    except ValidationError:
        return await _asks(request, who, case, to, case.claimed_by or "", 422)
    answer = await assign(made, who, case, act)
    if answer.how is Answered.REFUSED and answer.why:
        return await _refused(request, who, case, to, answer.why)
    return _leads_on(who, case, to, answer)


@door.act("/{case_id}/send-instead", DESK, name="case-send-instead")
async def do_send_instead(request: Request, who: Signed, case_id: str) -> Response:
    """Send the nearer officer `to` in place of the one who cannot make the visit `dispatch` in time. Redirects to the
    case.

    409 if that is no longer so: the officer has arrived or can make it, the visit has ended, or another would now be
    there first. Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError
    and SendError) and Redis pass through.
    """
    made, given = services(request), await request.form()
    case = await found(made, who, case_id)
    answer = await send_instead(made, who, case, str(given.get("dispatch", "")), str(given.get("to", "")))
    if answer is None:
        return error_response(request, 409, translate(request, "情况已变，没有改派：请返回预警查看。"), "changed")
    if answer.how is Answered.REFUSED and answer.why:
        return error_response(request, 409, say(request, answer.why), "refused")
    return RedirectResponse(f"/cases/{case.id}", 303)


async def _signed_in(made: Services, who: Who, case: Case, login: str) -> bool:
    here = (each for each in await operators(made, who) if each.sees(case.profile.division))
    return any(each.login == login for each in here)


def _leads_on(who: Who, case: Case, to: str, answer: Answer | None = None) -> Response:
    """Return a redirect to the case if it was assigned to oneself, else to the overview, which shows what was done once
    the case has answered.
    """
    if to == who.login:
        return RedirectResponse(f"/cases/{case.id}", 303)
    waits = answer is not None and answer.how is Answered.WAITING
    return RedirectResponse("/desk" if waits else f"/desk?told={case.id}", 303)


async def _refused(request: Request, who: Who, case: Case, to: str, why: AnyCode) -> Response:
    if isinstance(why, HasCase) and why.by != to:
        return await _asks(request, who, case, to, why.by)
    return error_response(request, 409, say(request, why), "refused")


async def _asks(request: Request, who: Who, case: Case, to: str, holder: str, status: int = 409) -> Response:
    """Return the page that asks for the reason, and if `to` is empty, for the operator."""
    made = services(request)
    names = await made.staff.names()
    shown = {
        "to": to,
        "able": [] if to else able(await operators(made, who), case),
        "me": "" if to or holder == who.login else who.login,
        "who_has": names.get(holder, holder),
        "gets": names.get(to, to),
    }
    return page(request, "reassign.html", status, case=case, holder=holder, **shown)


def _signed_out(request: Request) -> Response:
    return error_response(request, 409, translate(request, "该坐席不在线，请返回另选一人。"), "signed-out")
