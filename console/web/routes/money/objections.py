"""Routes of objections to stop orders: recorded at the release desk, listed by deadline, and reviewed by one person who
had no part in the stop.
"""

from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case import acts, answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.case.view import person_of
from console.web.kit.door import RELEASES, Door
from console.web.kit.filled import Filled, FormError, fen, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.routes.money.messages import REASON_LENGTH, messages, not_done, payers_banks, typed_reason
from domain.casework.orders import objections
from domain.ids import short_hash
from domain.payments.accounts import find
from domain.policy import PolicyError
from domain.policy.objections import REVIEWERS
from domain.wording import money_labels
from schemas.casework.cases import Case
from schemas.casework.inputs import ObjectStop
from schemas.casework.objections import (
    DecideObjectionAct,
    ObjectionGround,
    Objector,
    StopObjection,
    WrongfulCause,
)
from schemas.casework.orders import StopOrder
from schemas.casework.own_account import OwnHold
from schemas.people.staff import StaffRole
from streams.repositories.policies import UnknownPolicyError

door = Door("/release/objections")
SHOWN = 200  # most objections in a list
MOST_TEXT = 1900  # characters of what the person says
_NO_GROUND = "请选择异议人和异议理由，并写下情况，2 至 1900 字。"
_NO_CAUSE = "异议成立须选择止付有误的原因。"
_NO_AMOUNT = "补偿金额无法识别，请写成 200 或 1,200.50。"


@door.page("", RELEASES, name="release-objections")
async def show_all(request: Request, who: Signed) -> Response:
    """Return the page with the area's objections: the open ones with their deadlines, the oldest first; the decided
    ones; and the sources of false reports. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    book = made.figures.book
    waiting, decided = book.unreviewed(who.sees), book.reviewed(who.sees)
    return page(
        request,
        "release_objections.html",
        objections=waiting[:SHOWN],
        banks=payers_banks(made, ((line.case, line.objection.transfer) for line in waiting[:SHOWN])),
        more_objections=max(0, len(waiting) - SHOWN),
        decided=decided[:SHOWN],
        sources=book.false_reports(who.sees),
        reading=not made.figures.ready.is_set(),
        names=await made.staff.names(),
    )


@door.page("/{case_id}/{step}/new", RELEASES, name="release-objection-new")
async def new(request: Request, case_id: str, step: str, who: Signed) -> Response:
    """Return the page with the form for an objection to an order. Raises NotFoundError if the person's area does not
    have the order. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    return await _form(request, who, await _with_order(services(request), who, case_id, step), step)


@door.act("/{case_id}/{step}/take", RELEASES, name="release-objection-take")
async def take(request: Request, case_id: str, step: str, who: Signed) -> Response:
    """Record an objection, which sets its deadline, and redirect to it. 409 if the case refuses it, 422 for an invalid
    field, 202 if the case has not answered, 400 (HTTPException) if the form has no id.

    Raises NotFoundError if the person's area does not have the order. TimeoutError and SendError of Kafka, and errors
    of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    case = await _with_order(made, who, case_id, step)
    try:
        objected = _objected(made, who, case, step, given)
    except FormError as error:
        return await _form(request, who, case, step, translate(request, error.words), given, 422)
    name = objections.objection_id(objected.id)
    if objections.objection_of(case, name) is None:
        answer = await answers.put(made, who, objected, step)
        case = await _with_order(made, who, case_id, step)
        if answer.how is not Answered.DONE and objections.objection_of(case, name) is None:
            words, status = not_done(request, answer)
            return await _form(request, who, case, step, words, given, status)
    return RedirectResponse(f"/release/objections/{case.id}/{name}", 303)


@door.page("/{case_id}/{objection}", RELEASES, name="release-objection")
async def show(request: Request, case_id: str, objection: str, who: Signed) -> Response:
    """Return the page of an objection with all data for its review. Raises NotFoundError if the person's area does not
    have it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, found = await _found(services(request), who, case_id, objection)
    return await _page(request, who, case, found)


@door.act("/{case_id}/{objection}/decide", RELEASES, name="release-objection-decide", steps_up=N_("复核止付异议"))
async def decide(request: Request, case_id: str, objection: str, who: Signed) -> Response:
    """Decide on an objection and redirect to it. If it is upheld, the bank is asked to lift the stop.

    409 if the case refuses, 422 for an invalid field, 202 if the case has not answered, 400 (HTTPException) if the form
    has no id. Raises NotFoundError if the person's area does not have the objection. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    case, found = await _found(made, who, case_id, objection)
    try:
        act = _decision(found, given)
    except FormError as error:
        return await _page(request, who, case, found, translate(request, error.words), given, 422)
    name = short_hash("objection", who.login, case.id, found.id, given.form)
    answer = await answers.put(made, who, acted(made, who, case, act, name), act.reason)
    case, found = await _found(made, who, case_id, objection)
    again = answer.how is Answered.WAITING and found.decided_by == who.login  # the form was sent twice
    if answer.how is Answered.DONE or again:
        return RedirectResponse(f"/release/objections/{case.id}/{found.id}", 303)
    words, status = not_done(request, answer)
    return await _page(request, who, case, found, words, given, status)


def _objected(made: Services, who: Who, case: Case, step: str, given: Filled) -> ObjectStop:
    """Return the form's objection. Raises FormError for an invalid field."""
    try:
        objector, ground = Objector(given["who"]), ObjectionGround(given["ground"])
    except ValueError:
        raise FormError("who", _NO_GROUND) from None
    if (said := typed_reason(given["text"], MOST_TEXT)) is None:
        raise FormError("text", _NO_GROUND)
    return ObjectStop(
        id=short_hash("objection", who.login, case.id, step, given.form),
        at=made.line.clock.now(),
        resident=case.resident,
        case=case.id,
        order=step,
        who=objector,
        by=who.login,
        ground=ground,
        text=said,
    )


def _decision(found: StopObjection, given: Filled) -> DecideObjectionAct:
    """Return the form's decision. Raises FormError for an invalid field. A rejected objection has no cause or sum."""
    if (reason := typed_reason(given["reason"])) is None:
        raise FormError("reason", REASON_LENGTH)
    if given["upheld"] != "yes":
        return DecideObjectionAct(objection=found.id, upheld=False, reason=reason)
    cause = next((each for each in WrongfulCause if each.value == given["cause"]), None)
    if cause is None:
        raise FormError("cause", _NO_CAUSE)
    try:
        compensation = fen(given["compensation"]) or 0
    except ValueError:
        raise FormError("compensation", _NO_AMOUNT) from None
    return DecideObjectionAct(
        objection=found.id, upheld=True, reason=reason, cause=cause, compensation_fen=compensation
    )


def _typed(given: Filled | None, *fields: str) -> dict[str, str]:
    """Return the values that a refused form had in these fields; "" without a form."""
    return {name: given[name] if given else "" for name in fields}


async def _with_order(made: Services, who: Who, case_id: str, step: str) -> Case:
    case = await acts.found(made, who, case_id)
    if objections.ordered(case, step) is None:
        raise NotFoundError
    return case


async def _found(made: Services, who: Who, case_id: str, name: str) -> tuple[Case, StopObjection]:
    case = await acts.found(made, who, case_id)
    found = objections.objection_of(case, name)
    if found is None:
        raise NotFoundError
    return case, found


async def _reviewers(made: Services, case: Case) -> tuple[StaffRole, ...]:
    """Return the roles that review objections, for the page only: the case decides by the policy in force when the act
    arrives.
    """
    try:
        return (await made.line.policies.get(case.policy)).plan.stop.objections.roles
    except (UnknownPolicyError, PolicyError):
        return REVIEWERS


async def _exchanged(made: Services, who: Who, case: Case, order: StopOrder | OwnHold | None) -> dict[str, Any]:
    """Return what the page shows of the order's payment, and the address and state of the order. A hold on the
    resident's own account has no payment. Raises NotFoundError if the case does not have the order's payment.
    """
    if isinstance(order, OwnHold):
        person = await person_of(made, who, case, made.line.clock.now())
        shown = {
            "page": f"/release/own-account/{case.id}/{order.id}",
            "state": money_labels.OWN_HOLD_STATES[order.state],
        }
        return {"payment": None, "bank": order.bank or "", "person": person, "ordered": shown}
    payment = find(case, order.transfer) if order else None
    if order is None or payment is None:
        raise NotFoundError
    shown = {"page": f"/release/orders/{case.id}/{order.step}", "state": money_labels.ORDER_STATES[order.state]}
    return {**await messages(made, who, case, payment), "ordered": shown}


async def _form(
    request: Request,
    who: Who,
    case: Case,
    step: str,
    wrong: str = "",
    typed: Filled | None = None,
    status: int = 200,
) -> Response:
    """Return the page with the form for an objection; the look is recorded in the audit first."""
    made, order = services(request), objections.ordered(case, step)
    if order is None:
        raise NotFoundError
    await trail.record_look(made, who, "order", case.id)
    may_not = objections.may_not_object(case, order)
    return page(
        request,
        "release_objection_new.html",
        status,
        case=case,
        order=order,
        waits=objections.waiting_for(case, objections.subject_of(order)),
        may_not=say(request, may_not) if may_not else "",
        objectors=list(Objector),
        grounds=list(ObjectionGround),
        longest=MOST_TEXT,
        typed=_typed(typed, "who", "ground", "text"),
        wrong=wrong,
        form_id=typed.form if typed and status == 202 else new_form(),  # sent again, it is the same objection
        here=f"/release/objections/{case.id}/{step}",
        **await _exchanged(made, who, case, order),
    )


async def _page(
    request: Request,
    who: Who,
    case: Case,
    found: StopObjection,
    wrong: str = "",
    typed: Filled | None = None,
    status: int = 200,
) -> Response:
    """Return the page of an objection. An audit entry of the look is written first."""
    made = services(request)
    await trail.record_look(made, who, "objection", case.id)
    order = objections.ordered(case, found.order)
    may_not = objections.may_not_review(case, found, who.login, who.role, await _reviewers(made, case))
    return page(
        request,
        "release_objection.html",
        status,
        case=case,
        found=found,
        order=order,
        may_not=say(request, may_not) if may_not else "",
        causes=list(WrongfulCause),
        typed=_typed(typed, "cause", "compensation", "reason"),
        wrong=wrong,
        form_id=typed.form if typed and status == 202 else new_form(),
        here=f"/release/objections/{case.id}/{found.id}",
        names=await made.staff.names(),
        **await _exchanged(made, who, case, order),
    )
