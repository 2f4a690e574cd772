"""Routes for calls to the centre: the line at the desk, the call of one's own telephone, and calling back."""

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed
from console.web.kit.door import DESK, Door
from console.web.kit.errors import error_response
from console.web.kit.filled import done, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.operator_calls.call_backs import BackStart, start_call_back
from console.web.operator_calls.incoming import changed_line, my_live, open_record
from schemas.base import Partial
from streams.channels.operator_calls.phones import Placed

door = Door()
IN_TALK = ("hold", "resume", "hang_up")
_NOT_CALLED = Partial(
    {
        BackStart.TAKEN: (409, "taken", "已有人回电，或已经完成。"),
        BackStart.LATER: (409, "later", "请先回更早来电的人。"),
        BackStart.NO_PHONE: (409, "no_phone", "未给您配置座机。请用其他电话拨打，并登记结果。"),
        BackStart.ON_CASE: (409, "on_case", "来电人的预警已有他人处置或正在通话。"),
        BackStart.REFUSED: (503, "unavailable", "话务网关未接受，没有拨出。请稍后重试，或用其他电话拨打。"),
    }
)


@door.page("/incoming", DESK, name="incoming")
async def show_line(request: Request, who: Signed, state: str = "") -> Response:
    """Return the line of calls to the centre as JSON: `state`, a text that changes whenever the line changes, and
    `html`. Both are empty if no gateway takes calls and nobody is to be called back.

    If `state` is the one that the page knows, the answer waits for a change, at most 8 seconds. Errors of Redis pass
    through.
    """
    shown = await changed_line(services(request), who, state)
    if shown is None:
        return JSONResponse({"state": "", "html": ""})
    text = bytes(page(request, "incoming_line.html", line=shown, forms=new_form).body).decode()
    return JSONResponse({"state": shown.token, "html": text})


@door.act("/incoming/ready", DESK, name="incoming-ready")
async def switch_ready(request: Request, who: Signed) -> Response:
    """Let calls to the centre ring the person's own telephone, or not, by the form's `ready` (yes or no), with an audit
    entry. Redirects to the queue; 409 if the person has no telephone, 503 if the gateway does not take the order, 400
    (HTTPException) if the form has no id. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    if made.phones is None or not made.phones.has(who.login):
        return error_response(request, 409, translate(request, "未给您配置座机"), "no_phone")
    wanted = given["ready"] == "yes"
    if await made.phones.set_ready(who.login, ready=wanted) is not Placed.TAKEN:
        return error_response(request, 503, translate(request, "话务网关没有回答，请重试。"), "unavailable")
    await trail.write(made, who, "call-ready" if wanted else "call-not-ready", who.login)
    return RedirectResponse("/queue", 303)


@door.act("/incoming/{call_id}/open", DESK, name="incoming-open")
async def open_call(request: Request, who: Signed, call_id: str) -> Response:
    """Begin the record of the call that rings the person's telephone, and redirect to the caller's open case, else to
    the record's page with the number. 400 (HTTPException) if the form has no id. Raises NotFoundError if the call is
    not the person's, or is over. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    await filled(request)
    return RedirectResponse(await open_record(services(request), who, call_id), 303)


@door.act("/incoming/{call_id}/acts", DESK, name="incoming-act")
async def act_in_talk(request: Request, who: Signed, call_id: str) -> Response:
    """Hold, resume or hang up the person's own talk with a caller, by the form's `act`.

    Returns JSON: `words`, empty; without the page's script a redirect to the queue. 409 if nobody talks, 422 for
    another act, 400 (HTTPException) if the form has no id. Raises NotFoundError if the call is not the person's. Errors
    of Redis pass through.
    """
    made, given = services(request), await filled(request)
    live = await my_live(made, who)
    if live is None or live.call != call_id:
        raise NotFoundError
    if given["act"] not in IN_TALK:
        return error_response(request, 422, translate(request, "不能这样操作。"), "act")
    if made.phones is None or await made.phones.act(call_id, who.login, given["act"]) is not Placed.TAKEN:
        return error_response(request, 409, translate(request, "现在没有您的通话。"), "no_call")
    return done(request, "/queue", words="")


@door.act("/call-backs/{request_id}", DESK, name="call-back")
async def call_back(request: Request, who: Signed, request_id: str) -> Response:
    """Ring the person's own telephone, then the number of a request, and redirect to the page to work on.

    409 if another person calls, an earlier request comes first, or the person has no telephone; 503 if the gateway
    refuses; 400 (HTTPException) if the form has no id. Raises NotFoundError if no gateway is configured. TimeoutError
    and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    await filled(request)
    if made.phones is None:
        raise NotFoundError
    started = await start_call_back(made, made.phones, who, request_id)
    if (why := _NOT_CALLED.get(started.start)) is not None:
        status, error, words = why
        return error_response(request, status, translate(request, words), error)
    return RedirectResponse(started.page, 303)
