"""Routes for suspect accounts with very many payers: a supervisor decides whether the earlier payers are warned."""

from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from fastapi import Request
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.answers import until
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.payments import payers, stops
from console.web.rosters import areas
from console.web.routes.money.messages import typed_reason
from domain.calendar import local_date
from domain.identity import masking
from domain.risk.fan_out import LATE
from schemas.risk.fan_outs import PayersAnswered, PayersRequest, RequestState
from streams.repositories.payers_requests import closed, waiting
from streams.screening.fan_outs import record
from streams.screening.payers import token_of

door = Door()
CLOSED_SHOWN = 20
MOST_REASON = 500


@door.page("/payers", SUPERVISORS, name="payers")
async def show(request: Request, who: Signed) -> Response:
    """Return the page with the open requests and the CLOSED_SHOWN (20) latest closed ones. Errors of Kafka and Redis
    pass through.
    """
    made = services(request)
    found = await made.line.payers_requests.all()
    shown = [*waiting(found), *closed(found, CLOSED_SHOWN)]
    accounts = await _accounts(made, shown)
    names = await made.staff.names()
    rows = [(each, accounts[each.id], _due(each)) for each in shown]
    return page(request, "payers.html", rows=rows, names=names, asked=RequestState.ASKED)


@door.page("/payers/{payers_id}", SUPERVISORS, name="payers-request")
async def look(request: Request, who: Signed, payers_id: str) -> Response:
    """Return the page of one request: the number of payers, the sum, and some examples.

    Raises NotFoundError if the request is unknown. UnknownPolicyError or PolicyError passes through if the policy in
    force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _looked(request, who, await _request(services(request), payers_id))


@door.act("/payers/{payers_id}", SUPERVISORS, name="payers-answer")
async def answer(request: Request, who: Signed, payers_id: str) -> Response:
    """Decide to warn all payers or none, and redirect to the request. Screening carries the decision out; the first
    decision counts.

    422 without a choice or a reason of 2 to 500 characters, 409 if it was decided before, 400 (HTTPException) if the
    form has no id. Raises NotFoundError if the request is unknown. UnknownPolicyError or PolicyError passes through if
    the policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    found = await _request(made, payers_id)
    reason = typed_reason(given["reason"], MOST_REASON)
    if given["answer"] not in ("alert", "refuse") or reason is None:
        return await _looked(request, who, found, 422, translate(request, "请选择提醒或不提醒，并写明理由。"))
    if found.state is not RequestState.ASKED:
        return await _looked(request, who, found, 409, translate(request, "已有人作出决定，或名单已变更。"))
    alert = given["answer"] == "alert"
    await trail.write(made, who, "payers-alerted" if alert else "payers-refused", found.id, reason)
    told = PayersAnswered(
        request=found.id,
        subject=found.entry.subject,
        alert=alert,
        by=who.login,
        at=made.line.clock.now(),
        reason=reason,
    )
    where = TopicPartition(found.entry.topic, found.entry.partition)
    async with trail.in_time():
        await made.line.producer.send_all([record(where, told)])
    await _carried_out(made, found.id)
    return done(request, f"/payers/{found.id}")


async def _request(made: Services, name: str) -> PayersRequest:
    """Return a request of any area, because the payers may live anywhere. Raises NotFoundError if the request is
    unknown.
    """
    found = await made.line.payers_requests.get(name)
    if found is None:
        raise NotFoundError
    return found


async def _looked(request: Request, who: Who, found: PayersRequest, status: int = 200, wrong: str = "") -> Response:
    """Return the page of a request. An audit entry of the look is written first."""
    made = services(request)
    await trail.record_look(made, who, "payers", found.id)
    await made.queue.refresh()
    waits = found.state is RequestState.ASKED
    return page(
        request,
        "payers_request.html",
        status,
        found=found,
        waits=waits,
        account=(await _accounts(made, [found]))[found.id],
        due=_due(found),
        form=new_form(),
        names=await made.staff.names(),
        wrong=wrong,
        scams=made.queue.scams,
        **(await _earlier(made, who, found) if waits else {"earlier": None}),
    )


async def _earlier(made: Services, who: Who, found: PayersRequest) -> dict[str, Any]:
    earlier = await payers.earlier(made, found)
    some = await payers.examples(made, who, earlier)
    places = areas.names({each.division for each in some if each.division}, local_date(made.line.clock.now()))
    return {"earlier": earlier, "examples": some, "places": places}


async def _accounts(made: Services, requests: list[PayersRequest]) -> dict[str, str]:
    """Return the masked account numbers by request id."""
    tokens = {each.id: token_of(each.entry.subject) for each in requests}
    numbers = await stops.accounts(made, tokens.values())
    return {name: masking.account(numbers.get(token, "")) for name, token in tokens.items()}


def _due(found: PayersRequest) -> datetime:
    """Return until when all payers are stored. After that time the earliest payments of the window are gradually
    deleted.
    """
    return found.at + LATE


async def _carried_out(made: Services, name: str) -> None:
    """Wait until screening has recorded the answer; see `answers.until`."""

    async def seen() -> bool:
        found = await made.line.payers_requests.get(name)
        return found is None or found.state is not RequestState.ASKED

    await until(seen)
