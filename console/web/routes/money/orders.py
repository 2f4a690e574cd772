"""Routes of stop orders at the release desk: a person reads an order, approves or declines it, prints it, or records
that the account is frozen or that its freeze has ended.
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case import acts, answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.case.money_tree import drawn_tree
from console.web.case.view import person_of
from console.web.kit.door import READ_ORDERS, RELEASES, Door
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.payments import stops
from console.web.payments.case_money import payers_bank
from console.web.payments.later import later_left, later_offer, typed_limits
from console.web.routes.money.messages import REASON_LENGTH, FormId, messages, not_done, typed_reason
from domain.calendar import JILIN
from domain.casework.orders import freeze_ends, handover
from domain.casework.orders import records as orders
from domain.identity import masking
from domain.ids import short_hash
from domain.payments.accounts import with_traced
from domain.payments.capitals import capitals
from domain.payments.freezes import ends_soon, freeze_in_force
from schemas.casework.cases import Case, Payment
from schemas.casework.orders import (
    LEAST_AUTHORITY,
    LEAST_DECISION,
    MOST_AUTHORITY,
    MOST_DECISION,
    ApproveStopAct,
    DeclineStopAct,
    EndFreezeAct,
    HandOverStopAct,
    StopOrder,
)
from schemas.codes.danger import DangerSeen

door = Door("/release/orders")
Decided = ApproveStopAct | DeclineStopAct | HandOverStopAct | EndFreezeAct
FREEZING = {"decision": (LEAST_DECISION, MOST_DECISION), "authority": (LEAST_AUTHORITY, MOST_AUTHORITY)}
"""The least and most characters of what a hand-over states."""
PRINTED_REASONS = 4  # the most serious ones: the document has one page
_NO_LIMITS = "下游止付的层数、账户数、金额和小时数须为限度之内的整数。"
_NO_END = "请填写解除冻结决定的文号（4 至 64 字）。"
_NO_DECISION = "请填写冻结决定书文号（4 至 64 字）和作出决定的机关（2 至 128 字），期限届满日须为日期。"


@door.page("/{case_id}/{step}", RELEASES, name="release-order")
async def show(request: Request, case_id: str, step: str, who: Signed) -> Response:
    """Return the page of an order with all data for a decision.

    An audit entry of the look is written first. Raises NotFoundError if the person's area does not have the order.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, order = await _found(services(request), who, case_id, step)
    return await _page(request, who, case, order)


@door.act("/{case_id}/{step}/approve", RELEASES, name="release-order-approve")
async def approve(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    seen: Annotated[int, Form(ge=0)] = 0,
    institution: Annotated[str, Form(max_length=32)] = "",
    later: Annotated[str, Form(max_length=3)] = "",
    hops: Annotated[str, Form(max_length=4)] = "",
    accounts: Annotated[str, Form(max_length=4)] = "",
    yuan: Annotated[str, Form(max_length=12)] = "",
    hours: Annotated[str, Form(max_length=4)] = "",
) -> Response:
    """Approve a proposed order, or confirm an automatic one, and redirect to its page. 409 if the case refuses, 202 if
    it has not answered, 422 for a form without an id. Raises NotFoundError if the person's area does not have the
    order.

    `seen`: the case's version that the page showed: the case refuses an approval of an amount that it did not show.
    `institution`: the code of the payee's institution, for an order that has none; an unknown code is ignored. `later`:
    "yes" also approves later stops, within the four limits; 422 if a limit is no whole number or out of bounds. Errors
    of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, order = await _found(services(request), who, case_id, step)
    known = institution in services(request).line.outgoing.institutions.by_code
    try:
        limits = typed_limits(later, hops, accounts, yuan, hours)
    except ValueError:
        return await _page(request, who, case, order, translate(request, _NO_LIMITS), status=422)
    act = ApproveStopAct(order=order.step, institution=institution if known else None, later=limits)
    return await _decide(request, who, case, act, form, seen)


@door.act("/{case_id}/{step}/decline", RELEASES, name="release-order-decline", steps_up=N_("不批准止付令"))
async def decline(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Decide against an order, with a reason, and redirect to its page. 422 if the reason is too short or too long or
    the form has no id, 409 if the case refuses, 202 if it has not answered. Raises NotFoundError if the person's area
    does not have the order. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, order = await _found(services(request), who, case_id, step)
    if (why := typed_reason(reason)) is None:
        return await _page(request, who, case, order, translate(request, REASON_LENGTH), {"reason": reason}, 422)
    act = DeclineStopAct(order=order.step, reason=why)
    return await _decide(request, who, case, act, form, typed={"reason": reason})


@door.act("/{case_id}/{step}/hand-over", RELEASES, name="release-order-hand-over", steps_up=N_("登记移送冻结"))
async def hand_over(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    decision: Annotated[str, Form()] = "",
    authority: Annotated[str, Form()] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Record that an authority has frozen the account, or has renewed its freeze, and redirect to the order's page.
    `until`: the last day of the freeze in Jilin (YYYY-MM-DD); "": the usual six months. 422 without the authority's
    name, the number of its decision (`decision`) or the form's id, or if `until` is no date, 409 if the case refuses,
    202 if it has not answered. Raises NotFoundError if the person's area does not have the order. Errors of Kafka (such
    as TimeoutError and SendError) and Redis pass through.
    """
    typed = {"decision": decision.strip(), "authority": authority.strip()}
    case, order = await _found(services(request), who, case_id, step)
    if renewed := freeze_in_force(order):  # by the authority that froze it
        typed["authority"] = renewed.authority
    try:
        act = HandOverStopAct(order=order.step, until=_end_of(until), **typed)
    except ValueError:
        return await _page(request, who, case, order, translate(request, _NO_DECISION), typed | {"until": until}, 422)
    return await _decide(request, who, case, act, form, typed=typed | {"until": until})


@door.act("/{case_id}/{step}/end-freeze", RELEASES, name="release-order-end-freeze", steps_up=N_("登记解除冻结"))
async def end_freeze(
    request: Request,
    case_id: str,
    step: str,
    who: Signed,
    form: FormId,
    decision: Annotated[str, Form()] = "",
) -> Response:
    """Record that the authority has ended its freeze of the account, and redirect to the order's page. 422 without the
    number of its decision (`decision`) or the form's id, 409 if the case refuses, 202 if it has not answered. Raises
    NotFoundError if the person's area does not have the order. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    typed = {"ended": decision.strip()}
    case, order = await _found(services(request), who, case_id, step)
    try:
        act = EndFreezeAct(order=order.step, decision=typed["ended"])
    except ValueError:
        return await _page(request, who, case, order, translate(request, _NO_END), typed, 422)
    return await _decide(request, who, case, act, form, typed=typed)


def _end_of(day: str) -> datetime | None:
    """Return the end of a day in Jilin (YYYY-MM-DD); None for "". Raises ValueError if it is no date, or the last one
    that can be written.
    """
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), JILIN) if day.strip() else None
    except OverflowError:
        raise ValueError(day) from None


@door.page("/{case_id}/{step}/print", READ_ORDERS, name="release-order-print")
async def printed(request: Request, case_id: str, step: str, who: Signed) -> Response:
    """Return an order as a document of one A4 page. An audit entry is written first.

    The account, and a person's words on its freezing, are shown in full only while the person has revealed the
    resident's data. Raises NotFoundError if the person's area does not have the order. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case, order = await _found(made, who, case_id, step)
    payment, person = _payment(case, order), await person_of(made, who, case, made.line.clock.now())
    in_full = " account in full" if person.whole else ""
    await trail.record_look(made, who, "order-print", case.id, detail=f"{order.number}{in_full}")
    number = (await stops.accounts(made, [order.payee])).get(order.payee, "")
    return page(
        request,
        "release_print.html",
        case=case,
        order=order,
        payment=payment,
        whole=person.whole,
        left=person.left,
        account=number if person.whole else masking.account(number),
        bank=payers_bank(payment),
        institution=made.line.outgoing.institutions.by_code.get(payment.institution or ""),
        capitals=capitals(order.amount_fen),
        decides=who.role in RELEASES,
        approvals_left=later_left(case, made.line.clock.now()),
        names=await made.staff.names(),
        **_words(request, case, order, PRINTED_REASONS),
    )


async def _decide(
    request: Request,
    who: Who,
    case: Case,
    act: Decided,
    form: str,
    seen: int | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    made = services(request)
    name = short_hash("order", who.login, case.id, act.order, act.do, form)
    answer = await answers.put(made, who, acted(made, who, case, act, name, seen), _reason(act))
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/release/orders/{case.id}/{act.order}", 303)
    wrong, status = not_done(request, answer)
    case, order = await _found(made, who, case.id, act.order)
    return await _page(request, who, case, order, wrong, typed, status)


def _reason(act: Decided) -> str:
    """Return the text that the audit stores as the reason of an act."""
    match act:
        case ApproveStopAct() | HandOverStopAct() | EndFreezeAct():
            return act.order
        case DeclineStopAct():
            return act.reason


async def _found(made: Services, who: Who, case_id: str, step: str) -> tuple[Case, StopOrder]:
    case = await acts.found(made, who, case_id)
    order = orders.order_of(case, step)
    if order is None:
        raise NotFoundError
    return case, order


async def _page(
    request: Request,
    who: Who,
    case: Case,
    order: StopOrder,
    wrong: str = "",
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Return the page of an order. An audit entry of the look is written first."""
    made = services(request)
    await trail.record_look(made, who, "order", case.id)
    payment, table = _payment(case, order), made.line.outgoing.institutions.by_code
    may_not = orders.may_not_approve(order, who.login, who.role)
    exchanged = await messages(made, who, case, payment)
    return page(
        request,
        "release_order.html",
        status,
        case=case,
        order=order,
        institution=table.get(payment.institution or ""),
        institutions=list(table.values()) if orders.unrouted(payment) else [],
        may_not=say(request, may_not) if may_not else "",
        refused=who.role not in order.roles,
        offer=await later_offer(made, case, order, who.login),
        approvals_left=later_left(case, made.line.clock.now()),
        wrong=wrong,
        may_hand_over=handover.may_not_hand_over(case, order, who.role) is None,
        in_force=freeze_in_force(order) if who.role in order.roles else None,
        may_end_freeze=freeze_ends.may_not_end_freeze(order, who.login, who.role) is None,
        freezing=FREEZING,
        short=order.freezing is not None and freeze_ends.ends_by_itself_at(order.freezing) > order.freezing.until,
        ends_soon=order.freezing is not None and ends_soon(order.freezing, made.line.clock.now()),
        typed={"reason": "", "decision": "", "authority": "", "until": "", "ended": ""} | (typed or {}),
        form_id=new_form(),
        here=f"/release/orders/{case.id}/{order.step}",
        names=await made.staff.names(),
        **_words(request, case, order),
        tree=await drawn_tree(made, case, exchanged["person"].resident),
        **exchanged,
    )


def _payment(case: Case, order: StopOrder) -> Payment:
    """Return the payment or traced account that an order is for."""
    return next(payment for payment in with_traced(case) if payment.transfer == order.transfer)


def _words(request: Request, case: Case, order: StopOrder, most: int | None = None) -> dict[str, Any]:
    """Return an order's ground and the danger's reasons in the reader's language. `most`: how many
    reasons; None: all.
    """
    reasons = DangerSeen(tuple(case.danger.reasons[:most]))
    return {"ground": say(request, order.ground), "reasons": say(request, reasons)}
