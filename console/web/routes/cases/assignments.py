"""Route for assigning a case to an operator. If another operator has the case, a reason is asked for."""

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.case.acts import found
from console.web.case.answers import Answer, Answered
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.errors import error_response
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.live.assigning import assign, operators
from schemas.casework.acts import AssignAct
from schemas.casework.cases import Case
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import HasCase

door = Door("/cases")


@door.act("/{case_id}/assign", SUPERVISORS, name="case-assign")
async def do(request: Request, who: Signed, case_id: str) -> Response:
    """Assign a case to an operator who is signed in, or to oneself. Redirects to the case if it is one's own, else to
    the overview.

    409 with a form for the reason if another person has the case; 422 with it for an invalid reason; 409 if the
    operator has signed out or the case no longer allows it. Raises NotFoundError if the person's area does not have the
    case. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await request.form()
    case = await found(made, who, case_id)
    to, holder, reason = (str(given.get(name, "")).strip() for name in ("to", "holder", "reason"))
    if to != who.login and not await _signed_in(made, who, case, to):
        return error_response(request, 409, translate(request, "该坐席不在线，请返回另选一人。"), "signed-out")
    if case.claimed_by == to:
        return _leads_on(who, case, to)
    if case.claimed_by is not None and (case.claimed_by != holder or not reason):
        return await _asks(request, case, to, case.claimed_by)
    try:
        act = AssignAct(to=to, holder=case.claimed_by, reason=reason or None)
    except ValidationError:
        return await _asks(request, case, to, case.claimed_by or "", 422)
    answer = await assign(made, who, case, act)
    if answer.how is Answered.REFUSED and answer.why:
        return await _refused(request, case, to, answer.why)
    return _leads_on(who, case, to, answer)


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


async def _refused(request: Request, case: Case, to: str, why: AnyCode) -> Response:
    if isinstance(why, HasCase) and why.by != to:
        return await _asks(request, case, to, why.by)
    return error_response(request, 409, say(request, why), "refused")


async def _asks(request: Request, case: Case, to: str, holder: str, status: int = 409) -> Response:
    names = await services(request).staff.names()
    who_has, gets = names.get(holder, holder), names.get(to, to)
    return page(request, "reassign.html", status, case=case, to=to, holder=holder, who_has=who_has, gets=gets)
