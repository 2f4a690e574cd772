"""Routes for administrators: accounts with role and area, one-time passwords, sessions.

A change that could let somebody in is only requested here; another administrator confirms it (routes/people/approvals).
A change that shuts somebody out takes effect at once. Each change is written to the audit before it takes effect.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import account_forms, two_persons
from console.web.auth.account_forms import STALE, RefusedError
from console.web.auth.signing import wall_now
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_, ROLES, place
from console.web.kit.door import ASKING, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access.accounts import ADMINISTRATORS, signed_out
from domain.calendar import local_date
from schemas.administration.requests import AdminAct
from schemas.people.staff import Account

door = Door("/staff")
APPROVALS = "/approvals"


@door.page("", ADMINISTRATORS, name="staff")
async def staff(request: Request, who: Signed) -> Response:
    """Return the page with all accounts and the form for a new one. Errors of Kafka and Redis pass through."""
    return await _list(request, who)


@door.act("", ASKING, name="staff-new", steps_up=N_("申请建立账号"))
async def new(request: Request, who: Signed) -> Response:
    """Request a new account and redirect to the requests. An account without a password is for the OpenID provider or a
    program.

    422 for an invalid field, 409 if the login or the subject is taken or the same account is already requested. Errors
    of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, form = services(request), await request.form()
    given = account_forms.account_given(form)
    without = {"without": "1"} if form.get("without") else {}
    try:
        account = account_forms.account_of_form(made, who.login, given, {})
        account_forms.refuse_taken(account, await made.staff.all(), new=True)
        await two_persons.file_request(made, who, AdminAct.ACCOUNT_NEW, account.login, given | without)
    except RefusedError as error:
        return await _list(request, who, error.status, error.words, given)
    return RedirectResponse(APPROVALS, 303)


@door.page("/{login}", ADMINISTRATORS, name="staff-one")
async def one(request: Request, who: Signed, login: str) -> Response:
    """Return the page of one account. Raises NotFoundError if no account has the login. Errors of Kafka and Redis pass
    through.
    """
    return await _one(request, who, await _account(request, login))


@door.act("/{login}", ASKING, name="staff-change", steps_up=N_("申请更改账号"))
async def change(request: Request, who: Signed, login: str) -> Response:
    """Request a change of name, role, area or other data of an account, and redirect to the requests.

    409 if another administrator changed the account meanwhile, the role may not be changed or the subject is taken; 422
    for an invalid field. Raises NotFoundError if no account has the login. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    form, account = await request.form(), await _account(request, login)
    given = account_forms.account_given(form)
    if account_forms.account_version(account) != str(form.get("seen", "")):
        return await _one(request, who, account, 409, STALE, given)
    try:
        await _ask(request, who, AdminAct.ACCOUNT_CHANGE, account, given)
    except RefusedError as error:
        return await _one(request, who, await _account(request, login), error.status, error.words, given)
    return RedirectResponse(APPROVALS, 303)


@door.act("/{login}/enable", ASKING, name="staff-enable", steps_up=N_("申请恢复使用账号"))
async def enable(request: Request, who: Signed, login: str) -> Response:
    """Request that a disabled account is enabled, and redirect to the requests. 409 or 422 with the reason if this is
    refused. Raises NotFoundError if no account has the login. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    return await _asked(request, who, login, AdminAct.ACCOUNT_ENABLE)


@door.act("/{login}/reset-factor", ASKING, name="staff-reset-factor", steps_up=N_("申请重设验证器"))
async def reset_factor(request: Request, who: Signed, login: str) -> Response:
    """Request that an account's second factor is removed, and redirect to the requests. The person sets up a new one at
    the next sign-in.

    409 or 422 with the reason if this is refused. Raises NotFoundError if no account has the login. Errors of Kafka
    (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _asked(request, who, login, AdminAct.RESET_FACTOR)


@door.act("/{login}/one-time", ASKING, name="staff-one-time", steps_up=N_("申请新的一次性密码"))
async def one_time(request: Request, who: Signed, login: str) -> Response:
    """Request a one-time password that replaces an account's password, and redirect to the requests. 422 for a service
    account.

    Raises NotFoundError if no account has the login. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    return await _asked(request, who, login, AdminAct.ONE_TIME)


@door.act("/{login}/disable", ADMINISTRATORS, name="staff-disable")
async def disable(request: Request, who: Signed, login: str) -> Response:
    """Disable an account and redirect to it; its sessions and tokens stop working. 409 for the last administrator.

    Raises NotFoundError if no account has the login. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    return await _acted(request, who, login, "account-disabled", lambda _: {"disabled": True})


@door.act("/{login}/end-sessions", ADMINISTRATORS, name="staff-end-sessions")
async def end_sessions(request: Request, who: Signed, login: str) -> Response:
    """End all sessions of an account, revoke its tokens, and redirect to it. Raises NotFoundError if no account has the
    login. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    return await _acted(request, who, login, "sessions-ended", lambda account: {"epoch": signed_out(account).epoch})


async def _asked(request: Request, who: Who, login: str, act: AdminAct) -> Response:
    account = await _account(request, login)
    try:
        await _ask(request, who, act, account, {})
    except RefusedError as error:
        return await _one(request, who, account, error.status, error.words)
    return RedirectResponse(APPROVALS, 303)


async def _ask(request: Request, who: Who, act: AdminAct, account: Account, given: Mapping[str, str]) -> None:
    """Request a change of an account. Raises RefusedError if the change could not be carried out now."""
    made, everybody = services(request), await services(request).staff.all()
    seen = account_forms.account_version(account)
    opened = {"password": "-"} if act is AdminAct.ONE_TIME else {}
    account_forms.account_after(
        made, who.login, account, everybody, lambda _: two_persons.changed_fields(made, act, given, opened)
    )
    await two_persons.file_request(made, who, act, account.login, given, seen)


async def _acted(request: Request, who: Who, login: str, act: str, fields: account_forms.Fields) -> Response:
    try:
        await account_forms.change_account(services(request), who, login, act, fields, who.login)
    except RefusedError as error:
        return await _one(request, who, await _account(request, login), error.status, error.words)
    return RedirectResponse(f"/staff/{login}", 303)


async def _account(request: Request, login: str) -> Account:
    found = await services(request).staff.get(login)
    if found is None:
        raise NotFoundError
    return found


async def _list(
    request: Request, who: Who, status: int = 200, wrong: str = "", given: Mapping[str, str] | None = None
) -> Response:
    made = services(request)
    return page(
        request,
        "staff.html",
        status,
        **_common(request, who, wrong),
        accounts=await made.staff.all(),
        today=local_date(made.line.clock.now()),
        place=place,
        given=given or account_forms.account_given({}),
    )


async def _one(
    request: Request,
    who: Who,
    account: Account,
    status: int = 200,
    wrong: str = "",
    given: Mapping[str, str] | None = None,
) -> Response:
    made = services(request)
    sub = (account.subject or "").partition("|")[2]
    stands = account_forms.account_given(account.model_dump() | {"role": account.role.value, "subject": sub})
    return page(
        request,
        "staff_one.html",
        status,
        **_common(request, who, wrong),
        account=account,
        given=dict(given) if given else stands,
        seen=account_forms.account_version(account),
        sessions=await made.sessions.of_login(account),
        lapsed=account.password_until is not None and account.password_until <= wall_now(made),
    )


def _common(request: Request, who: Who, wrong: str) -> dict[str, Any]:
    oidc = services(request).sign_in.provider is not None
    words = translate(request, wrong) if wrong else ""
    return {"roles": ROLES, "wrong": words, "oidc": oidc, "may_ask": who.role in ASKING}
