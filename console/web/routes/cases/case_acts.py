"""Routes for acts on the case page, sent as a form or by the page's script. The script gets JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import HTTPException, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth.who import Signed, Who
from console.web.case.acts import ActBody, Taken, act, found, input_id, news, taken_by_other
from console.web.case.answers import Answer, Answered
from console.web.case.forms import SURE, body_of, stops_of, within
from console.web.case.kept_back import Waiting
from console.web.kit.door import DESK, Door
from console.web.kit.filled import Filled, FormError, filled, new_form, wants_json
from console.web.kit.i18n import translate
from console.web.kit.services import Services, services
from console.web.kit.wording import say
from console.web.routes.cases.case import changes, render
from domain.payments.stop_progress import asked_already
from schemas.casework.acts import AnswersAct, AskStopAct, ReleaseStopAct
from schemas.casework.cases import Case
from schemas.codes.any_code import AnyCode
from schemas.codes.refusals import CaseChanged

door = Door("/cases")
STATUS = {Answered.DONE: 200, Answered.WAITING: 202, Answered.REFUSED: 409}
_PLACES: dict[type, str] = {
    AnswersAct: "#talk",
    ReleaseStopAct: "#money",
}  # where the page returns after an act


@door.act("/{case_id}/acts", DESK, name="case-act")
async def do(request: Request, who: Signed, case_id: str) -> Response:
    """Carry out a form's act and redirect to the case's page; a script gets JSON (202: not answered yet).

    409 if the act is refused, must be confirmed, or the case is claimed by another person; 422 if it is invalid; both
    keep the typed text. 400 (HTTPException) if the form has no id or no act. Raises NotFoundError if the person's area
    does not have the case. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    given = await filled(request)
    try:
        bodies = stops_of(given) if given["do"] == "ask_stops" else [body_of(given)]
        body = bodies[0]
        within(body, case)
    except FormError as error:
        return await _wrong(request, who, case, given, error)
    if taken := taken_by_other(case, who, body):
        return await _asks(request, who, case, given, taken)
    if given["do"] in SURE and given["sure"] != "yes":
        return await _asks(request, who, case, given, None)
    if isinstance(body.act, AskStopAct):
        return await _kept_back(request, who, case, given, bodies)
    answer = await act(made, who, case.id, body)
    if answer.how is Answered.REFUSED and answer.why:
        return await _refused(request, who, case, given, answer.why)
    return await _done(request, who, case, body, answer)


@door.act("/{case_id}/undo", DESK, name="case-undo")
async def undo(request: Request, who: Signed, case_id: str) -> Response:
    """Undo an act that is held back, and redirect to the case's page; a script gets JSON.

    409 if the act was already sent, is another person's or is unknown. Raises NotFoundError if the person's area does
    not have the case. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    name = str((await request.form()).get("undo", ""))[:64]
    gone = not await made.kept_back.undo(who, case.id, name)
    words = translate(request, "已经发出，无法撤销") if gone else translate(request, "已撤销，没有发给银行")
    if wants_json(request):
        answer = Answered.REFUSED if gone else Answered.DONE
        return JSONResponse({"answer": answer.value, "words": words}, STATUS[answer])
    if gone:
        return await render(request, who, case, status=409, wrong=words)
    return RedirectResponse(f"/cases/{case.id}#money", 303)


async def _kept_back(request: Request, who: Who, case: Case, given: Filled, bodies: Sequence[ActBody]) -> Response:
    """Hold requests for stop-payments back for some seconds, in which they can be undone. Refused (409) if the person
    saw an older version of the case, and (422) if all of them are already asked for.
    """
    made = services(request)
    if bodies[0].seen < case.version:
        return await _refused(request, who, case, given, CaseChanged(case.version, bodies[0].seen))
    new = await _not_asked(made, who, case, bodies)
    if not new:
        return await _wrong(request, who, case, given, FormError("transfer", "止付已经提出，不会重复发出"))
    waiting = [await made.kept_back.keep(who, case, body) for body in new]
    if wants_json(request):
        return JSONResponse(_waiting(request, case, waiting), STATUS[Answered.WAITING])
    return RedirectResponse(f"/cases/{case.id}#money", 303)


async def _not_asked(made: Services, who: Who, case: Case, bodies: Sequence[ActBody]) -> list[ActBody]:
    """Return the acts whose stop is not asked for yet. An act of a repeated form is included: it is stored once."""
    own = {input_id(who, case.id, body) for body in bodies}
    others = [each for each in await made.kept_back.waiting(case.id) if each.id not in own]
    leaving = {each.body.act.transfer for each in others if isinstance(each.body.act, AskStopAct)}
    asked = asked_already(case, who.login, leaving)
    return [body for body in bodies if isinstance(body.act, AskStopAct) and body.act.transfer not in asked]


def _waiting(request: Request, case: Case, waiting: Sequence[Waiting]) -> dict[str, Any]:
    words = translate(request, "止付即将发出，可以撤销")
    told = {"answer": Answered.WAITING.value, "words": words, "undo": waiting[0].id, "left": waiting[0].left}
    return told | {"version": case.version, "form": new_form()}


async def _done(request: Request, who: Who, case: Case, body: ActBody, answer: Answer) -> Response:
    if wants_json(request):
        asked = isinstance(body.act, ReleaseStopAct)  # another person decides, so the form waits for no event
        how = Answered.DONE if asked else answer.how
        waits = translate(request, "已提交，等待系统确认") if how is Answered.WAITING else translate(request, "已登记")
        words = say(request, answer.why) if answer.why else waits
        version = answer.event.case.version if answer.event else case.version
        told = {"answer": how.value, "words": words, "version": version, "form": new_form()}
        return JSONResponse(told | {"input": input_id(who, case.id, body)}, STATUS[how])
    where = _PLACES.get(type(body.act), "")
    return RedirectResponse(f"/cases/{case.id}{where}", 303)


async def _refused(request: Request, who: Who, case: Case, given: Filled, why: AnyCode) -> Response:
    """Answer 409 with the reason, the changes since the person loaded the page, and the typed text."""
    made = services(request)
    latest = await made.desk.load(case.id) or case
    since = (await news(made, latest, given.seen)).told if isinstance(why, CaseChanged) else []
    told = changes(request, [each for each in since if not each.refused])
    words = say(request, why)
    if wants_json(request):
        answer = {"answer": Answered.REFUSED.value, "words": words, "changes": told, "version": latest.version}
        return JSONResponse(answer | {"why": msgspec.to_builtins(why), "form": new_form()}, 409)
    return await render(
        request, who, latest, status=409, filled=given, wrong=words, changes=told, script=given["script"]
    )


async def _asks(request: Request, who: Who, case: Case, given: Filled, taken: Taken | None) -> Response:
    """Ask for confirmation (409): before an act that cannot be undone, or on a case that another person has claimed."""
    if taken:
        name = account.name if (account := await services(request).staff.get(taken.by)) else taken.by
        words = translate(request, "%(name)s 正在处理此预警。仍要执行，须写明理由。") % {"name": name}
    else:
        words = translate(request, "请再核对一遍：此操作无法撤销。")
    asks = {"do": given["do"], "what": "anyway" if taken else "sure", "words": words}
    if wants_json(request):
        return JSONResponse({"answer": Answered.REFUSED.value, "ask": asks["what"], "words": words}, 409)
    return await render(request, who, case, status=409, filled=given, asks=asks, script=given["script"])


async def _wrong(request: Request, who: Who, case: Case, given: Filled, error: FormError) -> Response:
    words = translate(request, error.words)
    if wants_json(request):
        return JSONResponse({"answer": Answered.REFUSED.value, "field": error.field, "words": words}, 422)
    if given["do"] == "":
        raise HTTPException(400, error.words)
    return await render(request, who, case, status=422, filled=given, wrong=words, script=given["script"])
