"""Routes for acts of administration that need two persons: the requests, the decision, and carrying the act out."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import passwords, two_persons
from console.web.auth.account_forms import RefusedError
from console.web.auth.who import Signed, Who
from console.web.auth.words import N_, ROLES, SCOPES
from console.web.kit.door import ASKING, CONFIRMING, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access import requests
from domain.access.accounts import ADMINISTRATORS
from schemas.administration.requests import LEAST_REASON, MOST_REASON, AdminAct, RequestState

door = Door("/approvals")
SHOWN = 200
REASON = N_("理由须为 2 至 300 字。")
ACTS = {
    AdminAct.ACCOUNT_NEW: N_("建立账号"),
    AdminAct.ACCOUNT_CHANGE: N_("更改账号"),
    AdminAct.ACCOUNT_ENABLE: N_("恢复使用"),
    AdminAct.ONE_TIME: N_("新的一次性密码"),
    AdminAct.RESET_FACTOR: N_("重设验证器"),
    AdminAct.TOKEN_NEW: N_("建立令牌"),
    AdminAct.WEBHOOK_NEW: N_("添加推送接口"),
}
STATES = {
    RequestState.ASKED: N_("等待复核"),
    RequestState.CONFIRMED: N_("已同意，等待申请人办理"),
    RequestState.REFUSED: N_("不同意"),
    RequestState.DONE: N_("已办理"),
}
FIELDS = {
    "login": N_("登录名"),
    "name": N_("姓名"),
    "role": N_("角色"),
    "area": N_("辖区代码"),
    "station": N_("单位"),
    "officer": N_("警员编号"),
    "subject": N_("统一身份标识（sub）"),
    "without": N_("不设密码"),
    "purpose": N_("用途"),
    "scopes": N_("权限"),
    "days": N_("有效期（天）"),
    "url": N_("地址"),
    "levels": N_("等级"),
    "words": N_("推送文字（人员所写的备注和理由，号码已隐去）"),
    "language": N_("文字的语言"),
}
UNLIMITED = {"area": N_("全省"), "levels": N_("全部")}
"""What these fields grant when they are empty."""
_ROLE_WORDS = {role.value: words for role, words in ROLES.items()}
_SCOPE_WORDS = {scope.value: words for scope, words in SCOPES.items()}


@door.page("", ADMINISTRATORS, name="approvals")
async def listed(request: Request, who: Signed) -> Response:
    """Return the page of the requests: those to be decided, confirmed ones that the person who asked must carry out,
    and finished ones. Errors of Kafka and Redis pass through.
    """
    return await _page(request, who)


@door.act("/{request_id}/confirm", CONFIRMING, name="approval-confirm", steps_up=N_("同意管理事项"))
async def confirm(request: Request, who: Signed, request_id: str) -> Response:
    """Confirm a request and redirect to the requests. A request that makes no secret is carried out at once.

    Raises NotFoundError if the request is unknown; 409 or 422 with the reason if it cannot be confirmed or carried out.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _decided(request, who, request_id, RequestState.CONFIRMED, "")


@door.act("/{request_id}/refuse", CONFIRMING, name="approval-refuse")
async def refuse(
    request: Request, who: Signed, request_id: str, reason: Annotated[str, Form(max_length=MOST_REASON)] = ""
) -> Response:
    """Refuse a request with a reason and redirect to the requests.

    422 if the reason is not 2 to 300 characters long, 409 if the request is decided or has lapsed or the person may not
    decide. Raises NotFoundError if it is unknown. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    if len(reason.strip()) < LEAST_REASON:
        return await _page(request, who, 422, REASON)
    return await _decided(request, who, request_id, RequestState.REFUSED, reason.strip())


@door.act("/{request_id}/carry-out", ASKING, name="approval-carry-out", steps_up=N_("办理管理事项"))
async def carry_out(request: Request, who: Signed, request_id: str) -> Response:
    """Carry out one's own confirmed request. Returns the page that shows the secret that the act makes; it is never
    shown again.

    Redirects to the requests if the act makes no secret. 409 or 422 with the reason if carrying it out is refused.
    Raises NotFoundError if the request is unknown. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made = services(request)
    try:
        found, shown = await two_persons.carry_out_request(made, who, request_id)
    except RefusedError as error:
        return await _page(request, who, error.status, error.words)
    if shown is None:
        return RedirectResponse(door.router.prefix, 303)
    hours = passwords.ONE_TIME.total_seconds() // 3600
    return page(request, "approval_secret.html", found=found, shown=shown, hours=int(hours), words=ACTS[found.act])


async def _decided(request: Request, who: Who, name: str, state: RequestState, words: str) -> Response:
    try:
        await two_persons.decide_on(services(request), who, name, state, words)
    except RefusedError as error:
        return await _page(request, who, error.status, error.words)
    return RedirectResponse(door.router.prefix, 303)


async def _page(request: Request, who: Who, status: int = 200, wrong: str = "") -> Response:
    made = services(request)
    now = made.line.clock.now()
    found = requests.by_urgency(await made.line.admin_requests.all(), now)
    return page(
        request,
        "approvals.html",
        status,
        requests=found[:SHOWN],
        lapsed={each.id for each in found if requests.has_lapsed(each, now)},
        may_not={each.id: requests.decision_refused(each, who.login, now) for each in found},
        names=await made.staff.names(),
        acts=ACTS,
        states=STATES,
        fields=FIELDS,
        unlimited=UNLIMITED,
        role_words=_ROLE_WORDS,
        scope_words=_SCOPE_WORDS,
        reasons=two_persons.WORDS,
        confirms=who.role in CONFIRMING,
        wrong=translate(request, wrong) if wrong else "",
    )
