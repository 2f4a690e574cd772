"""Routes of the release desk: stop-payments, and requests to lift one, which a second person decides."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.case import acts
from console.web.kit.door import RELEASES, Door
from console.web.kit.filled import new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.live.search import LONGEST, sought
from console.web.payments import stops
from console.web.payments.releases import ask_release
from console.web.routes.money.messages import (
    REASON_LENGTH,
    WAITS,
    FormId,
    masked_accounts,
    messages,
    payers_banks,
    typed_reason,
)
from console.web.routes.money.release_approval import (
    approval_under_way,
    approver_on_case,
    decision_note,
    write_approval,
)
from console.web.routes.money.release_live import STOPS_SHOWN, requests_of, waiting
from domain.payments import releases
from domain.payments.bank_book import StopLine
from domain.payments.releases import Why, of_number
from schemas.casework.cases import Case, Payment, StopState
from schemas.channels.releases import ReleaseRequest, ReleaseState

door = Door()
DAYS_SHOWN, DECIDED_SHOWN = 30, 20
_WORDS = {
    Why.NO_STOP: "这笔付款没有可以解除的止付。",
    Why.ASKED_ALREADY: "这笔止付已有待审批的解除申请。",
    Why.SAME_PERSON: "须由另一人审批：申请人不能审批自己的申请。",
    Why.DECIDED: "这份申请已经审批过了。",
    Why.TOLD: "该预警已收到批准，只差登记：不能再改为不批准。",
}


@door.page("/release", RELEASES, name="release")
async def desk(request: Request, who: Signed, state: str = "") -> Response:
    """Return the release desk's page: the stop orders, objections and requests to lift a stop that wait for a decision,
    with their deadlines; the freezes that end soon; the area's stops, at most 200; and the 30 latest days of a bank
    whose requests can be compared with the bank's messages.

    `state`: only stops in this state; "" or an unknown one: those requested and in force. Errors of Kafka and Redis
    pass through.
    """
    wanted = {StopState(state)} if state in list(StopState) else {each for each in StopState if each.open}
    lines = services(request).figures.book.shown(who.sees)
    return await _desk_page(request, who, [line for line in lines if line.stop.state in wanted], state=state)


@door.act("/release/search", RELEASES, name="release-search")
async def search(request: Request, who: Signed, q: Annotated[str, Form()] = "") -> Response:
    """Return the page with the area's stops in any state that match the text `q`: a case number, a resident's name, or
    a telephone or account number (whole or its last four digits).

    The text is not stored. 422 if it is too short. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made, text = services(request), q.strip()[:LONGEST]
    by = sought(text)
    if by is None:
        wrong = translate(request, "请输入预警编号、居民姓名，或电话、收款账户的末四位或完整号码。")
        return await _desk_page(request, who, [], 422, sought=text, wrong=wrong)
    await trail.record_look(made, who, "search", by.value)
    lines = await stops.found(made, made.figures.book.shown(who.sees), text, by)
    return await _desk_page(request, who, lines, sought=text)


@door.page("/release/stops/{case_id}/{number}", RELEASES, name="release-stop")
async def stop(request: Request, case_id: str, number: int, who: Signed) -> Response:
    """Return the page of one stop with all messages to and from the bank, and the form to ask for its release.

    `number`: the payment's number (domain/payments/releases.py). Raises NotFoundError if the person's area does not
    have the stop. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    case = await _case(services(request), who, case_id, number)
    return await _stop_page(request, who, case, number)


@door.act("/release/stops/{case_id}/{number}/ask", RELEASES, name="release-ask")
async def ask(
    request: Request,
    case_id: str,
    number: int,
    who: Signed,
    form: FormId,
    reason: Annotated[str, Form()] = "",
    evidence: Annotated[str, Form()] = "",
) -> Response:
    """Ask for a stop to be lifted and redirect to the request, which another person decides.

    409 if the stop cannot be lifted or is already asked for, 422 for an invalid reason or a form without an id. Raises
    NotFoundError if the person's area does not have the stop. TimeoutError and SendError of Kafka, and errors of Redis,
    pass through.
    """
    made = services(request)
    case = await _case(made, who, case_id, number)
    typed = {"reason": reason, "evidence": evidence}
    try:
        found = await ask_release(made, who, case, number, form, reason, evidence)
    except ValueError:
        return await _stop_page(request, who, case, number, typed, translate(request, REASON_LENGTH), status=422)
    if isinstance(found, ReleaseRequest):
        return _to(found.id)
    return await _stop_page(request, who, case, number, typed, translate(request, _WORDS[found]), status=409)


@door.page("/release/requests/{name}", RELEASES, name="release-request")
async def one(request: Request, name: str, who: Signed) -> Response:
    """Return the page of a request, with the forms to decide it. Raises NotFoundError if the person's area does not
    have it. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _request_page(request, who, await _request(services(request), who, name))


@door.act("/release/requests/{name}/approve", RELEASES, name="release-approve", steps_up=N_("批准解除止付"))
async def approve(
    request: Request,
    name: str,
    who: Signed,
    form: FormId,
    seen: Annotated[int, Form()] = 0,
) -> Response:
    """Approve a request and redirect to it: the stop is lifted on the case, and the bank is asked to lift it.

    409 if the person may not decide on it or the case refuses, 202 if the case has not answered, 422 for a form without
    an id. `seen`: the case's version that the page showed. Raises NotFoundError if the person's area does not have the
    request. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    await _request(made, who, name)
    async with made.line.releases.locked(name) as found:  # of two concurrent decisions the second is refused
        if found is None:
            raise NotFoundError
        if why := _may_not(found, ReleaseState.APPROVED, who):
            return await _request_page(request, who, found, wrong=translate(request, _WORDS[why]), status=409)
        if found.state is ReleaseState.APPROVED:
            return _to(name)
        by, refused = await write_approval(made, who, found, form, seen)
        if by is None and refused is None:  # the case may still refuse it; pressing again records the result
            return await _request_page(request, who, found, wrong=translate(request, WAITS), status=202)
        if by is None and refused:
            return await _request_page(request, who, found, words=say(request, refused), status=409)
        now = made.line.clock.now()
        await made.line.releases.put(releases.decided(found, ReleaseState.APPROVED, by or who.login, "", now))
    return _to(name)


@door.act("/release/requests/{name}/refuse", RELEASES, name="release-refuse")
async def refuse(request: Request, name: str, who: Signed, reason: Annotated[str, Form()] = "") -> Response:
    """Refuse a request with a reason and redirect to it. The stop stays in force.

    409 if the person may not decide on it, it was decided, or an approval is already written; 422 for an invalid
    reason. Raises NotFoundError if the person's area does not have the request. Errors of Kafka (such as TimeoutError
    and SendError) and Redis pass through.
    """
    made = services(request)
    found = await _request(made, who, name)
    if (given := typed_reason(reason)) is None:
        wrong = translate(request, REASON_LENGTH)
        return await _request_page(request, who, found, refusal=reason, wrong=wrong, status=422)
    async with made.line.releases.locked(name) as fresh:
        found = fresh or found
        if why := _may_not(found, ReleaseState.REFUSED, who):
            wrong = translate(request, _WORDS[why])
            return await _request_page(request, who, found, refusal=reason, wrong=wrong, status=409)
        if found.state is ReleaseState.REFUSED:
            return _to(name)
        if await approver_on_case(made, found) or await approval_under_way(made, found):
            wrong = translate(request, _WORDS[Why.TOLD])
            return await _request_page(request, who, found, wrong=wrong, status=409)
        now = made.line.clock.now()
        decided = releases.decided(found, ReleaseState.REFUSED, who.login, given, now)
        await trail.write(made, who, "release-refused", found.case, decided.words, decision_note(found, who.login))
        await made.line.releases.put(decided)
    return _to(name)


def _to(name: str) -> Response:
    return RedirectResponse(f"/release/requests/{name}", 303)


def _may_not(found: ReleaseRequest, wanted: ReleaseState, who: Who) -> Why | None:
    """Return why the person may not make this decision, or None if they may. Repeating one's own
    decision is allowed.
    """
    again = found.state is wanted and found.decided_by == who.login
    return None if again else releases.may_not_decide(found, who.login)


async def _case(made: Services, who: Who, case_id: str, number: int) -> Case:
    """Return the case whose payment `number` has a stop. Raises NotFoundError if the person's area does not have it."""
    case = await acts.found(made, who, case_id)
    if _numbered(case, number).stop is None:
        raise NotFoundError
    return case


def _numbered(case: Case, number: int) -> Payment:
    payment = of_number(case, number)
    if payment is None:
        raise NotFoundError
    return payment


async def _request(made: Services, who: Who, name: str) -> ReleaseRequest:
    """Return a request of the person's area. Raises NotFoundError if the area does not have it."""
    found = await made.line.releases.get(name)
    if found is None:
        raise NotFoundError
    who.require(found.division)
    return found


async def _desk_page(
    request: Request,
    who: Who,
    shown: Sequence[StopLine],
    status: int = 200,
    *,
    state: str = "",
    sought: str = "",
    wrong: str = "",
) -> Response:
    """Return the release desk's page with these stops. `sought`: the search text, or ""."""
    made = services(request)
    book, requests = made.figures.book, await requests_of(made, who)
    waits, lines = await waiting(made, who, requests), shown[:STOPS_SHOWN]
    context = waits | {
        "accounts": waits["accounts"] | await masked_accounts(made, {line.payee for line in lines}),
        "banks": waits["banks"] | payers_banks(made, [(line.case, line.transfer) for line in lines]),
    }
    return page(
        request,
        "release.html",
        status,
        state=state,
        sought=sought,
        wrong=wrong,
        states=list(StopState),
        counts=Counter(line.stop.state for line in book.shown(who.sees)),
        lines=lines,
        more=max(0, len(shown) - STOPS_SHOWN),
        answered={(each.case, each.transfer): each for each in book.came.values()},  # the latest answer counts
        own_holds=len(book.own_accounts(who.sees)),
        decided=[each for each in requests if not releases.is_open(each)][:DECIDED_SHOWN],
        asked={(each.case, each.payment): each.id for each in waits["waiting"]},
        days=book.days(who.sees)[:DAYS_SHOWN],
        reading=not made.figures.ready.is_set(),
        **context,
    )


async def _stop_page(
    request: Request,
    who: Who,
    case: Case,
    number: int,
    typed: dict[str, str] | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    """Return the page of a stop. An audit entry of the look is written first."""
    made = services(request)
    await trail.record_look(made, who, "stop", case.id)
    waiting = releases.of_stop(await made.line.releases.all(), case.id, number)
    return page(
        request,
        "release_stop.html",
        status,
        case=case,
        number=number,
        waiting=waiting,
        may_ask=releases.has_stop(case, number) and not waiting,
        within=releases.WITHIN,
        typed=typed or {"reason": "", "evidence": ""},
        wrong=wrong,
        form_id=new_form(),
        here=f"/release/stops/{case.id}/{number}",
        **await messages(made, who, case, _numbered(case, number)),
    )


async def _request_page(
    request: Request,
    who: Who,
    found: ReleaseRequest,
    *,
    wrong: str = "",
    words: str = "",
    refusal: str = "",
    status: int = 200,
) -> Response:
    """Return the page of a request. An audit entry of the look is written first.

    `words`: why the case refused the approval; `refusal`: the reason for refusing that the person has typed.
    """
    made = services(request)
    await trail.record_look(made, who, "release", found.case)
    case = await made.desk.load(found.case)
    if case is None:
        raise NotFoundError
    return page(
        request,
        "release_request.html",
        status,
        found=found,
        case=case,
        may_not=releases.may_not_decide(found, who.login),
        overdue=releases.overdue(found, made.line.clock.now()),
        stands=releases.has_stop(case, found.payment),
        approver=releases.approver(found, case),
        wrong=wrong,
        words_of_case=words,
        refusal=refusal,
        form_id=new_form(),
        here=f"/release/requests/{found.id}",
        names=await made.staff.names(),
        **await messages(made, who, case, _numbered(case, found.payment)),
    )
