"""Routes for placing a call from the case page, where a telephone is connected, and for what is done during it."""

from functools import partial

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth.who import NotFoundError, Signed, Who
from console.web.case.acts import ActBody, act, found
from console.web.kit.door import DESK, Door
from console.web.kit.errors import error_response
from console.web.kit.filled import form_value, new_form
from console.web.kit.i18n import translate
from console.web.kit.services import services
from console.web.live import claims
from console.web.operator_calls.placing import CallActing, CallStart, act_in_call, record_call, start_call
from console.web.operator_calls.recording import RecordingStart, start_recording
from console.web.operator_calls.shown import changed_view
from domain.casework.grounds import ENDED
from domain.desk.desk_calls import call_goes_on, with_ended_call
from domain.wording.codes import yuan
from schemas.base import Partial
from schemas.casework.acts import NoteAct
from schemas.casework.cases import Case
from streams.channels.telephone import Telephone

door = Door("/cases")
CALL_ACTS = (
    "hold",
    "resume",
    "hang_up",
    "drop_third",
    "end_consultation",
    "pause_recording",
    "resume_recording",
    "stop_recording",
)
_CLOSED = "该预警已办结，没有拨出。"
_NOT_STARTED = Partial(
    {
        CallStart.CLOSED: (409, "closed", _CLOSED),
        CallStart.GOES_ON: (409, "calling", "已在呼叫或通话，不重复拨打。"),
        CallStart.CLAIMED: (409, "claimed", "该预警已有他人接手，或已办结。"),
        CallStart.NO_PHONE: (409, "no_phone", "未给您配置座机。请用其他电话拨打，并登记结果。"),
        CallStart.NO_NUMBER: (409, "no_number", "没有可拨打的居民电话。"),
        CallStart.REFUSED: (503, "unavailable", "话务网关未接受，没有拨出。请稍后重试，或用其他电话拨打。"),
    }
)

_AFTER_ACT = Partial(
    {
        CallActing.UNKNOWN: "话务网关没有回答，可能已经执行：请看通话状态。",
        CallActing.ENDED: "话务网关没有此通话，已登记为结束。请挂上座机。",
        CallActing.GIVEN_UP: "话务网关没有回答，已登记为结束。请挂上座机。",
    }
)


@door.act("/{case_id}/call", DESK, name="case-call")
async def call(request: Request, who: Signed, case_id: str) -> Response:
    """Call the resident, and return the result as JSON. The case records that the talk began and ended, or failed.

    With a telephone connected to the console, the answer comes when the call is over: `result` (a CallResult), `words`
    (what the resident said, in Chinese), `kept` (the transfers that they will not make, a list of {transfer, amount})
    and `lost` (the money already lost); amounts are texts in yuan. With operators' own telephones, it comes as soon as
    the operator's telephone is to ring: 202 with `words`, a text to show if the gateway has not confirmed it, else "".

    An unclaimed case is claimed first, so that it is not offered to others, unless it is settled: then the call is a
    follow-up, and the audit says that the case was settled. 409, and no call, if the case is closed, if the claim fails
    because another person has the case or it has just ended, if the resident is already being called, or if the
    operator has no telephone or the resident no number; 503 if the gateway refuses.

    Raises NotFoundError if the console has no telephone at all, or the person's area does not have the case. Errors of
    Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    if made.phones is not None:
        callable_again = with_ended_call(case, made.line.clock.now())
        return _started(request, await start_call(made, made.phones, who, callable_again))
    if made.telephone is None:
        raise NotFoundError
    if not case.open:
        return error_response(request, 409, translate(request, _CLOSED), "closed")
    async with made.desk.reserve_call(case.id) as free:
        if not free or call_goes_on(case, made.line.clock.now()):
            return error_response(request, 409, translate(request, "已在呼叫或通话，不重复拨打。"), "calling")
        return await _call(request, made.telephone, who, case)


@door.page("/{case_id}/call", DESK, name="case-call-state")
async def call_state(request: Request, who: Signed, case_id: str, state: str = "") -> Response:
    """Return the state of the call from an operator's own telephone as JSON: `state`, a text that changes whenever the
    call's state changes ("" without a call), and `goes_on`, true if a call goes on.

    While a call goes on, and `state` is the one that the page knows, the answer waits for a change, at most 8 seconds.
    Raises NotFoundError if the person's area does not have the case. Errors of Redis pass through.
    """
    made = services(request)
    shown = await changed_view(made, who, await found(made, who, case_id), state)
    return JSONResponse({"state": shown.token if shown else "", "goes_on": bool(shown and shown.goes_on)})


@door.act("/{case_id}/call-acts", DESK, name="case-call-act")
async def call_act(request: Request, who: Signed, case_id: str) -> Response:
    """Hold, resume, record or hang up the person's own call, pause its recording, or end a third party's or colleague's
    part in it, by the form's `act`, and return JSON: `words`, "" if it was done, else what to do, such as to look at
    the call's state because the gateway has not answered.

    409 if the person has no call to this resident, nobody talks yet or nothing may be recorded, 422 for another act.
    Raises NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    wanted = form_value(await request.form(), "act")
    if wanted == "record":
        return await _record(request, who, case)
    if wanted not in CALL_ACTS:
        return error_response(request, 422, translate(request, "不能这样操作。"), "act")
    if made.phones is None:
        return error_response(request, 409, translate(request, "现在没有您的通话。"), "no_call")
    how = await act_in_call(made, made.phones, who, case, wanted)
    if how is CallActing.NOT_NOW:
        return error_response(request, 409, translate(request, "现在没有您的通话。"), "no_call")
    words = _AFTER_ACT.get(how)
    return JSONResponse({"words": translate(request, words) if words else ""})


async def _record(request: Request, who: Who, case: Case) -> Response:
    made = services(request)
    how = RecordingStart.OFF if made.phones is None else await start_recording(made, made.phones, who, case)
    match how:
        case RecordingStart.DONE:
            return JSONResponse({"words": ""})
        case RecordingStart.UNKNOWN:
            return JSONResponse({"words": translate(request, "话务网关没有回答：请看是否出现录音状态。")})
        case RecordingStart.OFF:
            return error_response(request, 409, translate(request, "没有启用通话录音。"), "off")
        case RecordingStart.NOT_NOW:
            words = translate(request, "现在没有您的通话，或本次通话已有录音。")
            return error_response(request, 409, words, "no_call")


def _started(request: Request, start: CallStart) -> Response:
    if (why := _NOT_STARTED.get(start)) is not None:
        status, error, words = why
        return error_response(request, status, translate(request, words), error)
    words = translate(request, "话务网关没有回答。座机一分钟内不响，可再拨。") if start is CallStart.UNKNOWN else ""
    return JSONResponse({"words": words}, 202)


async def _call(request: Request, telephone: Telephone, who: Who, case: Case) -> Response:
    made = services(request)
    if case.claimed_by is None and not case.settled and not await claims.claim(made, who, case):
        return error_response(request, 409, translate(request, "该预警已有他人接手，或已办结。"), "claimed")
    await record_call(made, who, case)

    async def note(what: str) -> None:
        said = NoteAct.model_validate({"what": what})
        await act(made, who, case.id, ActBody(form=new_form(), seen=case.version, act=said))

    heard = await telephone.call(case.id, partial(note, "conversation"))
    await note(ENDED if heard.reached else heard.result.value)
    kept = [{"transfer": claim.transfer, "amount": yuan(claim.amount_fen)} for claim in heard.kept]
    told = {"result": heard.result.value, "words": heard.words, "kept": kept, "lost": yuan(heard.lost_fen)}
    return JSONResponse(told)
