"""Routes for transferring a talk to a colleague: asked first, while the resident is on hold."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.web.auth.who import Signed
from console.web.auth.words import N_
from console.web.case.acts import found
from console.web.kit.door import DESK, Door
from console.web.kit.errors import error_response
from console.web.kit.filled import filled
from console.web.kit.i18n import translate
from console.web.kit.services import services
from console.web.operator_calls.transfers import Transferring, ask_colleague, transfer_call
from schemas.base import Partial

door = Door("/cases")
_REFUSED = Partial(
    {
        Transferring.NOT_NOW: (409, "no_talk", N_("现在没有可以转接的通话。")),
        Transferring.NO_COLLEAGUE: (422, "colleague", N_("请选择在线、有座机的同事。")),
        Transferring.BUSY: (409, "busy", N_("同事的座机正忙，或通话中已有第三方，没有呼叫。")),
    }
)
_WORDS = Partial(
    {
        Transferring.UNKNOWN: N_("话务网关没有回答，可能已经执行：请看通话状态，不要重拨。"),
    }
)


@door.act("/{case_id}/call-consult", DESK, name="case-call-consult")
async def consult(request: Request, who: Signed, case_id: str) -> Response:
    """Put the resident on hold and ring the form's `colleague`. Returns JSON: `words`, "" if the colleague's telephone
    is to ring (202).

    409 without a talk or if the colleague has a call, 422 for somebody who cannot be asked, 400 (HTTPException) if the
    form has no id. Raises NotFoundError if the person's area does not have the case. Errors of Kafka and Redis pass
    through.
    """
    made, given = services(request), await filled(request)
    case = await found(made, who, case_id)
    if made.phones is None:
        return _answer(request, Transferring.NOT_NOW)
    return _answer(request, await ask_colleague(made, made.phones, who, case, given["colleague"]))


@door.act("/{case_id}/call-transfer", DESK, name="case-call-transfer")
async def transfer(request: Request, who: Signed, case_id: str) -> Response:
    """Transfer the person's talk to the colleague with whom they speak, with the case if they have claimed it, as soon
    as the gateway has reported it. Returns JSON: `words`, "" if it is done (202).

    409 if nobody was asked, 400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does
    not have the case. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    await filled(request)
    case = await found(made, who, case_id)
    if made.phones is None:
        return _answer(request, Transferring.NOT_NOW)
    return _answer(request, await transfer_call(made, made.phones, who, case))


def _answer(request: Request, how: Transferring) -> Response:
    if (why := _REFUSED.get(how)) is not None:
        status, error, words = why
        return error_response(request, status, translate(request, words), error)
    told = _WORDS.get(how)
    return JSONResponse({"words": translate(request, told) if told else ""}, 202)
