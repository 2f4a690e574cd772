"""Routes of holds on residents' own accounts at the release desk: approved by two, declined, lifted, printed."""

from typing import Annotated, Any

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case import acts, answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.case.view import person_of
from console.web.kit.door import READ_ORDERS, RELEASES, Door
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.routes.money.messages import REASON_LENGTH, FormId, not_done, typed_reason
from domain.casework.orders.objections import may_not_object
from domain.casework.own_account.decisions import may_not_decide_hold
from domain.casework.own_account.records import may_lift, own_hold_of
from domain.identity import masking
from domain.ids import short_hash
from schemas.casework.cases import Case
from schemas.casework.own_account import ApproveHoldAct, DeclineHoldAct, LiftHoldAct, OwnHold, OwnHoldState
from schemas.codes.danger import DangerSeen

door = Door("/release/own-account")
HOLDS_SHOWN = 200
Decided = ApproveHoldAct | DeclineHoldAct | LiftHoldAct
_PRINTED = 4  # reasons, so that the document has one page


@door.page("", RELEASES, name="own-accounts")
async def show_all(request: Request, who: Signed) -> Response:
    """Return the page with the first HOLDS_SHOWN (200) holds of the person's area: those that wait for a decision
    first, with their deadlines.
    """
    made = services(request)
    lines = made.figures.book.own_accounts(who.sees)
    return page(
        request,
        "own_accounts.html",
        lines=lines[:HOLDS_SHOWN],
        more=max(0, len(lines) - HOLDS_SHOWN),
        reading=not made.figures.ready.is_set(),
    )


@door.page("/{case_id}/{name}", RELEASES, name="own-account")
async def show(request: Request, case_id: str, name: str, who: Signed) -> Response:
    """Return the page of one hold, with the forms for deciding on it. An audit entry of the look is written first.
    Raises NotFoundError if the person's area has no such hold. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    case, hold = await _found(services(request), who, case_id, name)
    return await _page(request, who, case, hold)


@door.act("/{case_id}/{name}/approve", RELEASES, name="own-account-approve", steps_up=N_("批准暂停本人账户转出"))
async def approve(request: Request, case_id: str, name: str, who: Signed, form: FormId) -> Response:
    """Approve a hold and redirect to its page. 409 if the case refuses, 202 if it has not answered, 422 for a form
    without an id. Raises NotFoundError if the person's area does not have the hold. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    case, hold = await _found(services(request), who, case_id, name)
    return await _decide(request, who, case, ApproveHoldAct(hold=hold.id), form)


@door.act("/{case_id}/{name}/decline", RELEASES, name="own-account-decline", steps_up=N_("不批准暂停本人账户转出"))
async def decline(
    request: Request, case_id: str, name: str, who: Signed, form: FormId, reason: Annotated[str, Form()] = ""
) -> Response:
    """Decide against a hold, with a reason, and redirect to its page. 422 if the reason is too short or too long or the
    form has no id, 409 if the case refuses, 202 if it has not answered. Raises NotFoundError if the person's area does
    not have the hold. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, hold = await _found(services(request), who, case_id, name)
    if (why := typed_reason(reason)) is None:
        return await _reason_wrong(request, who, case, hold, reason)
    return await _decide(request, who, case, DeclineHoldAct(hold=hold.id, reason=why), form)


@door.act("/{case_id}/{name}/lift", RELEASES, name="own-account-lift", steps_up=N_("提前恢复本人账户转出"))
async def lift(
    request: Request, case_id: str, name: str, who: Signed, form: FormId, reason: Annotated[str, Form()] = ""
) -> Response:
    """End a hold before its time, with a reason, and redirect to its page. 422 if the reason is too short or too long
    or the form has no id, 409 if the case refuses, 202 if it has not answered. Raises NotFoundError if the person's
    area does not have the hold. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    case, hold = await _found(services(request), who, case_id, name)
    if (why := typed_reason(reason)) is None:
        return await _reason_wrong(request, who, case, hold, reason)
    return await _decide(request, who, case, LiftHoldAct(hold=hold.id, reason=why), form)


@door.page("/{case_id}/{name}/print", READ_ORDERS, name="own-account-print")
async def printed(request: Request, case_id: str, name: str, who: Signed) -> Response:
    """Return a hold's order as a document of one A4 page. An audit entry of the look is written first.

    The account number is unmasked only while the person has revealed the resident's data. Raises NotFoundError if the
    person's area has no such hold. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case, hold = await _found(made, who, case_id, name)
    shown = await _account(made, who, case, hold)
    in_full = " account in full" if shown["person"].whole else ""
    await trail.record_look(made, who, "own-account-print", case.id, detail=f"{hold.number}{in_full}")
    return page(
        request,
        "own_account_print.html",
        case=case,
        hold=hold,
        decides=who.role in RELEASES,
        names=await made.staff.names(),
        reasons=say(request, DangerSeen(tuple(case.danger.reasons[:_PRINTED]))),
        **shown,
    )


async def _reason_wrong(request: Request, who: Who, case: Case, hold: OwnHold, reason: str) -> Response:
    return await _page(request, who, case, hold, translate(request, REASON_LENGTH), reason, 422)


async def _decide(request: Request, who: Who, case: Case, act: Decided, form: str) -> Response:
    made = services(request)
    name = short_hash("own-account", who.login, case.id, act.hold, act.do, form)
    why = act.hold if isinstance(act, ApproveHoldAct) else act.reason
    answer = await answers.put(made, who, acted(made, who, case, act, name), why)
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/release/own-account/{case.id}/{act.hold}", 303)
    wrong, status = not_done(request, answer)
    case, hold = await _found(made, who, case.id, act.hold)
    return await _page(request, who, case, hold, wrong, status=status)


async def _found(made: Services, who: Who, case_id: str, name: str) -> tuple[Case, OwnHold]:
    case = await acts.found(made, who, case_id)
    hold = own_hold_of(case, name)
    if hold is None:
        raise NotFoundError
    return case, hold


async def _account(made: Services, who: Who, case: Case, hold: OwnHold) -> dict[str, Any]:
    """Return the resident and the account's number: masked, unless the person has revealed the resident's data."""
    person = await person_of(made, who, case, made.line.clock.now())
    known = person.resident
    number = made.line.outgoing.own_account(known, hold.own_account, former=True) if known else None
    return {"person": person, "account": number if person.whole else masking.account(number or "")}


async def _page(
    request: Request, who: Who, case: Case, hold: OwnHold, wrong: str = "", reason: str = "", status: int = 200
) -> Response:
    """Return a hold's page; the look is recorded in the audit first."""
    made = services(request)
    await trail.record_look(made, who, "own-account", case.id)
    may_not = may_not_decide_hold(hold, who.login, who.role)
    return page(
        request,
        "own_account.html",
        status,
        case=case,
        hold=hold,
        waits=hold.state is OwnHoldState.PROPOSED,
        may_not=say(request, may_not) if may_not else "",
        may_object=may_not_object(case, hold) is None,
        may_lift=may_lift(hold, case.steps) and who.role in hold.roles,
        reasons=say(request, DangerSeen(tuple(case.danger.reasons))),
        wrong=wrong,
        reason=reason,
        form_id=new_form(),
        here=f"/release/own-account/{case.id}/{hold.id}",
        names=await made.staff.names(),
        **await _account(made, who, case, hold),
    )
