"""Routes for third parties in an operator's talk: called by the operator, admitted in an emergency by a supervisor."""

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth.who import Signed
from console.web.auth.words import N_
from console.web.case.acts import ActBody, found, write
from console.web.case.answers import Answered
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.errors import error_response
from console.web.kit.filled import filled
from console.web.kit.i18n import translate
from console.web.kit.services import services
from console.web.kit.wording import say
from console.web.operator_calls.third_parties import Joining, emergency_act, join_third
from console.web.routes.cases.case import render
from schemas.base import Partial

door = Door("/cases")
_NOT_CALLED = Partial(
    {
        Joining.NOT_NOW: (409, "no_talk", N_("现在没有您的通话，或已有第三方。")),
        Joining.NO_CONSENT: (409, "no_consent", N_("没有当事人的同意，也没有值班长的紧急准许：不能邀请第三方。")),
        Joining.NO_NUMBER: (422, "party", N_("请选择可以邀请的第三方。")),
        Joining.NOT_RECORDED: (503, "not_recorded", N_("同意还没有入档，没有拨出。请重试。")),
        Joining.REFUSED: (503, "unavailable", N_("话务网关未接受，没有拨出。请稍后重试，或用其他电话拨打。")),
    }
)


@door.act("/{case_id}/third-parties", DESK, name="case-third-party")
async def join(request: Request, who: Signed, case_id: str) -> Response:
    """Call a third party (the form's `party`) into the person's own talk, and return JSON: `words`, "" if the third
    party's telephone is to ring (202). `consent` "yes": the resident has consented; the case records it first.

    409 without a talk, without a ground, or if the case refuses the consent; 422 for an unknown party; 503 if the
    consent is not recorded yet or the gateway refuses; 400 (HTTPException) if the form has no id. Raises NotFoundError
    if the person's area does not have the case. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made, given = services(request), await filled(request)
    case = await found(made, who, case_id)
    if made.phones is None:
        return error_response(request, 409, translate(request, "现在没有您的通话。"), "no_call")
    consent_form = given["form"] if given["consent"] == "yes" else None
    joined = await join_third(made, made.phones, who, case, given["party"], consent_form)
    if joined.why is not None:
        return error_response(request, 409, say(request, joined.why), "refused")
    if (why := _NOT_CALLED.get(joined.how)) is not None:
        status, error, words = why
        return error_response(request, status, translate(request, words), error)
    words = translate(request, "话务网关没有回答：请看通话状态，再决定是否重拨。")
    return JSONResponse({"words": words if joined.how is Joining.UNKNOWN else ""}, 202)


@door.act(
    "/{case_id}/third-parties/emergency",
    SUPERVISORS,
    name="case-third-party-emergency",
    steps_up=N_("紧急准许第三方加入通话"),
)
async def admit(request: Request, who: Signed, case_id: str) -> Response:
    """Admit a third party (the form's `party`) to the talk that goes on without the resident's consent, on a `ground`,
    and redirect to the case's page. The operator in the talk then calls the third party.

    422 for an unknown party or ground, 409 if the case refuses, 400 (HTTPException) if the form has no id. Raises
    NotFoundError if the person's area does not have the case. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    made, given = services(request), await filled(request)
    case = await found(made, who, case_id)
    act = await emergency_act(made, case, given["party"], given["ground"])
    if act is None:
        return await render(request, who, case, status=422, wrong=translate(request, "请选择第三方和紧急情形。"))
    body = ActBody(form=given["form"], seen=case.version, act=act)
    answer = await write(made, who, case, body)
    if answer.how is Answered.REFUSED and answer.why:
        return await render(request, who, case, status=409, wrong=say(request, answer.why))
    return RedirectResponse(f"/cases/{case.id}#talk", 303)
