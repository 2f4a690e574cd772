"""Routes for administrators: staff accounts with role and area, one-time passwords, sessions.

Each change is written to the audit before it takes effect.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth import passwords, tokens, trail
from console.web.auth.signing import wall_now
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_, ROLES, place
from console.web.kit.door import Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.rosters import areas
from domain.access.accounts import Refusal, changed, refusal, signed_out
from domain.calendar import local_date
from domain.ids import short_hash
from schemas.people.staff import Account, StaffRole

door = Door("/staff")
ADMINISTRATORS = frozenset({StaffRole.ADMINISTRATOR})

WRONG = {
    "login": N_("账号：2 到 64 个小写字母、数字、点、下划线或短横线，以字母或数字开头。"),
    "name": N_("请填写姓名。"),
    "role": N_("请选择角色。"),
    "area": N_("辖区：行政区划代码开头的 2、4、6 或 9 位数字；留空为全省。"),
    "nowhere": N_("辖区：没有这个行政区划代码，这样的账号什么预警也看不到。请核对。"),
    "officer": N_("民警账号要填写排班表里的警员编号，任务才能送到。"),
}
REFUSED = {
    Refusal.OWN_ROLE: N_("不能更改自己的角色：请另一位管理员来改。"),
    Refusal.LAST_ADMINISTRATOR: N_("这是最后一位管理员：请先添加另一位。"),
}
STALE = N_("另一位管理员刚刚改过这个账号。您填写的内容还在，请核对后再保存。")
TAKEN = N_("已经有这个账号。")
SUBJECT_TAKEN = N_("这个统一身份已经绑定到另一个账号。")


class RefusedError(Exception):
    """A change is refused. `words`: the reason in Chinese; `status`: the HTTP status."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


@door.page("", ADMINISTRATORS, name="staff")
async def staff(request: Request, who: Signed) -> Response:
    """The page with all accounts and the form for a new one."""
    return await _list(request)


@door.act("", ADMINISTRATORS, name="staff-new")
async def new(request: Request, who: Signed) -> Response:
    """Make an account; the page shows its one-time password once. An account without one, for the OpenID provider or
    programs, redirects to its page.

    422 for an invalid field, 409 if the login or the subject is taken. Raises ForbiddenError for a program.
    """
    tokens.refuse_programs(who)
    made, form = services(request), await request.form()
    given = _given(form)
    word = None if form.get("without") else passwords.one_time()
    try:
        account = await _new(made, who, given, word)
        told = partial(trail.write, made, who, "account-made", account.login, detail=_standing(account))
        await made.staff.add(account, partial(_refuse_taken, account, new=True), told)
    except RefusedError as error:
        return await _list(request, error.status, error.words, given)
    return RedirectResponse(f"/staff/{account.login}", 303) if word is None else _one_time(request, account, word)


@door.page("/{login}", ADMINISTRATORS, name="staff-one")
async def one(request: Request, who: Signed, login: str) -> Response:
    """The page of one account. Raises NotFoundError if there is none."""
    return await _one(request, await _account(request, login))


@door.act("/{login}", ADMINISTRATORS, name="staff-change")
async def change(request: Request, who: Signed, login: str) -> Response:
    """Change an account's name, role, area or other data, and redirect to it.

    409 if another administrator changed it meanwhile, the role may not be changed or the subject is taken; 422 for an
    invalid field. Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    made, form = services(request), await request.form()
    given, seen = _given(form), str(form.get("seen", ""))

    def wanted(account: Account) -> dict[str, object]:
        if version(account) != seen:
            raise RefusedError(STALE, 409)
        return _fields(made, given)

    try:
        await _change(request, who, login, "account-changed", wanted)
    except RefusedError as error:
        return await _one(request, await _account(request, login), error.status, error.words, given)
    return RedirectResponse(f"/staff/{login}", 303)


@door.act("/{login}/disable", ADMINISTRATORS, name="staff-disable")
async def disable(request: Request, who: Signed, login: str) -> Response:
    """Disable an account and redirect to it: its sessions and tokens stop working. 409 for the last administrator.

    Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    return await _acted(request, who, login, "account-disabled", lambda _: {"disabled": True})


@door.act("/{login}/enable", ADMINISTRATORS, name="staff-enable")
async def enable(request: Request, who: Signed, login: str) -> Response:
    """Enable a disabled account and redirect to it.

    Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    return await _acted(request, who, login, "account-enabled", lambda _: {"disabled": False})


@door.act("/{login}/reset-factor", ADMINISTRATORS, name="staff-reset-factor")
async def reset_factor(request: Request, who: Signed, login: str) -> Response:
    """Remove the second factor and redirect to the account; it is set up again at the next sign-in.

    Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    return await _acted(request, who, login, "second-factor-reset", lambda _: {"totp": None, "recovery": []})


@door.act("/{login}/end-sessions", ADMINISTRATORS, name="staff-end-sessions")
async def end_sessions(request: Request, who: Signed, login: str) -> Response:
    """End all sessions of an account and redirect to it.

    Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    return await _acted(request, who, login, "sessions-ended", lambda account: {"epoch": signed_out(account).epoch})


@door.act("/{login}/one-time", ADMINISTRATORS, name="staff-one-time")
async def one_time(request: Request, who: Signed, login: str) -> Response:
    """Replace the password with a one-time password, which the page shows once.

    Raises NotFoundError if there is no such account, and ForbiddenError for a program.
    """
    word = passwords.one_time()
    fields = await _opened_by(services(request), word)
    try:
        account = await _change(request, who, login, "one-time-password-made", lambda _: fields)
    except RefusedError as error:
        return await _one(request, await _account(request, login), error.status, error.words)
    return _one_time(request, account, word)


def version(account: Account) -> str:
    """Return a hash of the account, to detect changes made meanwhile."""
    return short_hash("account", account.model_dump_json())


async def _new(made: Services, who: Who, given: Mapping[str, str], word: str | None) -> Account:
    fields = _fields(made, given) | {"login": given["login"], "changed_at": made.line.clock.now()}
    fields |= {"changed_by": who.login} | (await _opened_by(made, word) if word else {})
    try:
        return Account.model_validate(fields)
    except ValidationError as error:
        raise RefusedError(_words(error)) from None


async def _opened_by(made: Services, word: str) -> dict[str, object]:
    """Return the fields of an account whose next sign-in uses the one-time password."""
    until = wall_now(made) + passwords.ONE_TIME
    return {"password": await passwords.hashed(word), "must_change": True, "password_until": until}


async def _acted(
    request: Request, who: Who, login: str, act: str, fields: Callable[[Account], dict[str, object]]
) -> Response:
    try:
        await _change(request, who, login, act, fields)
    except RefusedError as error:
        return await _one(request, await _account(request, login), error.status, error.words)
    return RedirectResponse(f"/staff/{login}", 303)


async def _change(
    request: Request, who: Who, login: str, act: str, fields: Callable[[Account], dict[str, object]]
) -> Account:
    """Change an account. Raises RefusedError with the reason, NotFoundError if there is none."""
    tokens.refuse_programs(who)
    made = services(request)

    def wanted(before: Account, everybody: list[Account]) -> Account:
        try:
            after = changed(before, who.login, made.line.clock.now(), **fields(before))
        except ValidationError as error:
            raise RefusedError(_words(error)) from None
        if why := refusal(before, after, who.login, everybody):
            raise RefusedError(REFUSED[why], 409)
        _refuse_taken(after, everybody)
        return after

    async def told(before: Account, after: Account) -> None:
        await trail.write(made, who, act, login, detail=_difference(before, after))

    try:
        return await made.staff.change(login, wanted, told)
    except KeyError:
        raise NotFoundError from None


def _given(form: Mapping[str, Any]) -> dict[str, str]:
    names = ("login", "name", "role", "area", "station", "officer", "subject")
    return {name: str(form.get(name, "")).strip() for name in names}


def _fields(made: Services, given: Mapping[str, str]) -> dict[str, object]:
    """Return a form's account fields. Raises RefusedError if an officer has no number or the area does not exist."""
    if given["role"] == StaffRole.OFFICER and not given["officer"]:
        raise RefusedError(WRONG["officer"])
    if given["area"].isdecimal() and not areas.exists(given["area"]):
        raise RefusedError(WRONG["nowhere"])
    fields: dict[str, object] = {name: given[name] for name in ("name", "role", "area")}
    fields |= {name: given[name] or None for name in ("station", "officer")}
    if made.sign_in.provider is not None:
        fields["subject"] = made.sign_in.provider.subject(given["subject"]) if given["subject"] else None
    return fields


def _refuse_taken(account: Account, everybody: list[Account], new: bool = False) -> None:
    """Raise RefusedError if another account has the login or the subject."""
    if new and any(each.login == account.login for each in everybody):
        raise RefusedError(TAKEN, 409)
    others = [each for each in everybody if each.login != account.login]
    if account.subject and any(each.subject == account.subject for each in others):
        raise RefusedError(SUBJECT_TAKEN, 409)


def _words(error: ValidationError) -> str:
    field = str(error.errors()[0]["loc"][0])
    return WRONG.get(field, N_("填写的内容不能保存。"))


def _difference(before: Account, after: Account) -> str:
    """Return the names of the changed fields, and role and area before and after; no secrets."""
    names = [name for name in type(after).model_fields if getattr(before, name) != getattr(after, name)]
    told = [name for name in names if name not in ("epoch", "changed_at", "changed_by")]
    standing = f": {_standing(before)} -> {_standing(after)}" if {"role", "area"} & set(told) else ""
    return ", ".join(told) + standing


def _standing(account: Account) -> str:
    return f"{account.role.value} in {account.area or 'all'}"


async def _account(request: Request, login: str) -> Account:
    found = await services(request).staff.get(login)
    if found is None:
        raise NotFoundError
    return found


async def _list(
    request: Request, status: int = 200, wrong: str = "", given: Mapping[str, str] | None = None
) -> Response:
    made = services(request)
    return page(
        request,
        "staff.html",
        status,
        **_common(request, wrong),
        accounts=await made.staff.all(),
        today=local_date(made.line.clock.now()),
        place=place,
        given=given or _given({}),
    )


async def _one(
    request: Request, account: Account, status: int = 200, wrong: str = "", given: Mapping[str, str] | None = None
) -> Response:
    made = services(request)
    sub = (account.subject or "").partition("|")[2]
    stands = _given(account.model_dump() | {name: getattr(account, name) or "" for name in ("station", "officer")})
    return page(
        request,
        "staff_one.html",
        status,
        **_common(request, wrong),
        account=account,
        given=dict(given) if given else stands | {"role": account.role.value, "subject": sub},
        seen=version(account),
        sessions=await made.sessions.of_login(account),
        lapsed=account.password_until is not None and account.password_until <= wall_now(made),
    )


def _common(request: Request, wrong: str) -> dict[str, Any]:
    oidc = services(request).sign_in.provider is not None
    return {"roles": ROLES, "wrong": translate(request, wrong) if wrong else "", "oidc": oidc}


def _one_time(request: Request, account: Account, word: str) -> Response:
    hours = passwords.ONE_TIME // timedelta(hours=1)
    return page(request, "staff_one_time.html", account=account, word=word, hours=hours)
