"""Routes of stop orders at the release desk: a person reads one, and approves or declines it."""

import secrets
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case import answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.kit.door import RELEASES, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.routes.money.messages import REASON_LENGTH, WAITS, FormId, messages
from domain.casework.orders import records as orders
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.orders import ApproveStopAct, DeclineStopAct, StopOrder
from schemas.channels.releases import LEAST_REASON, MOST_REASON
from schemas.codes.danger import DangerSeen

door = Door("/release/orders")


@door.page("/{case_id}/{step}", RELEASES, name="release-order")
async def show(request: Request, case_id: str, step: str, who: Signed) -> Response:
    """An order with everything that a decision takes. Raises NotFoundError if the person's area has no such order."""
    case, order = await _found(services(request), who, case_id, step)
    return await _page(request, who, case, order)


@door.act("/{case_id}/{step}/approve", RELEASES, name="release-order-approve")
async def approve(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    institution: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Approve an order, or confirm an automatic one. 409 if the case refuses, 202 if it has not answered.

    `institution`: the payee's, where the order does not know it; one that the table does not have does not count.
    """
    known = institution in services(request).line.outgoing.institutions.by_code
    act = ApproveStopAct(order=step, institution=institution if known else None)
    return await _decide(request, who, case_id, act, form)


@door.act("/{case_id}/{step}/decline", RELEASES, name="release-order-decline")
async def decline(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Decide against an order, with a reason. 422 if it is too short or too long."""
    why = reason.strip()
    if not LEAST_REASON <= len(why) <= MOST_REASON:
        case, order = await _found(services(request), who, case_id, step)
        return await _page(request, who, case, order, translate(request, REASON_LENGTH), reason, 422)
    return await _decide(request, who, case_id, DeclineStopAct(order=step, reason=why), form)


async def _decide(
    request: Request, who: Who, case_id: str, act: ApproveStopAct | DeclineStopAct, form: str
) -> Response:
    made = services(request)
    case, _ = await _found(made, who, case_id, act.order)
    name = short_hash("order", who.login, case.id, act.order, act.do, form)
    reason = act.reason if isinstance(act, DeclineStopAct) else act.order
    answer = await answers.put(made, who, acted(made, who, case, act, name), reason)
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/release/orders/{case.id}/{act.order}", 303)
    wrong = say(request, answer.why) if answer.why else translate(request, WAITS)
    case, order = await _found(made, who, case_id, act.order)
    return await _page(request, who, case, order, wrong, status=409 if answer.why else 202)


async def _found(made: Services, who: Who, case_id: str, step: str) -> tuple[Case, StopOrder]:
    case = await made.desk.load(case_id)
    order = orders.order_of(case, step) if case and who.sees(case.profile.division) else None
    if case is None or order is None:
        raise NotFoundError
    return case, order


async def _page(
    request: Request, who: Who, case: Case, order: StopOrder, wrong: str = "", typed: str = "", status: int = 200
) -> Response:
    """Return an order's page; the look is recorded in the audit first."""
    made = services(request)
    await trail.record_look(made, who, "order", case.id)
    payment = next(each for each in case.payments if each.transfer == order.transfer)
    table = made.line.outgoing.institutions.by_code
    may_not = orders.may_not_approve(order, who.login, who.role)
    return page(
        request,
        "release_order.html",
        status,
        case=case,
        order=order,
        ground=say(request, order.ground),
        reasons=say(request, DangerSeen(tuple(case.danger.reasons))),
        institution=table.get(payment.institution or ""),
        institutions=list(table.values()) if orders.unrouted(payment) else [],
        may_not=say(request, may_not) if may_not else "",
        wrong=wrong,
        typed=typed,
        form_id=secrets.token_hex(10),
        here=f"/release/orders/{case.id}/{order.step}",
        names=await made.staff.names(),
        **await messages(made, who, case, payment),
    )
