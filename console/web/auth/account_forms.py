"""The fields that administrators enter about an account: validated when a change is requested and when it is carried
out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.auth.words import N_
from console.web.kit.services import Services
from console.web.rosters import areas
from domain.access.accounts import Refusal, changed, refusal
from domain.ids import short_hash
from schemas.people.staff import Account, StaffRole
from streams.repositories.staff import Change, Told

NAMES = ("login", "name", "role", "area", "station", "officer", "subject")
_SEEN = ("name", "role", "area", "station", "officer", "subject", "disabled")

WRONG = {
    "login": N_("账号：2 到 64 个小写字母、数字、点、下划线或短横线，以字母或数字开头。"),
    "name": N_("请填写姓名。"),
    "role": N_("请选择角色。"),
    "area": N_("辖区：行政区划代码开头的 2、4、6 或 9 位数字；留空为全省。"),
    "nowhere": N_("辖区：没有这个行政区划代码，这样的账号什么预警也看不到。请核对。"),
    "officer": N_("民警账号要填写排班表里的警员编号，任务才能送到。"),
    "service": N_("服务账号没有密码、验证器、警员编号和统一身份：它只供程序凭令牌使用。"),
}
REFUSED = {
    Refusal.OWN_ROLE: N_("不能更改自己的角色：请另一位管理员来改。"),
    Refusal.LAST_ADMINISTRATOR: N_("这是该角色的最后一位管理员：请先添加另一位。"),
    Refusal.OTHER_KIND: N_("服务账号不能改成个人账号，个人账号也不能改成服务账号：请另建一个。"),
}
STALE = N_("另一位管理员刚刚改过这个账号。您填写的内容还在，请核对后再保存。")
TAKEN = N_("已经有这个账号。")
SUBJECT_TAKEN = N_("这个统一身份已经绑定到另一个账号。")

Fields = Callable[[Account], Mapping[str, object]]
"""Returns the fields to change of an account; may raise RefusedError."""


class RefusedError(Exception):
    """A change is refused. `words`: the reason in Chinese; `status`: the HTTP status of the answer."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


def account_given(form: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's fields about an account, by name: login, name, role, area, station, officer and subject
    (NAMES), each without surrounding blanks, "" for a missing one. Other fields are left out; nothing is validated.
    """
    return {name: str(form.get(name) or "").strip() for name in NAMES}


def account_fields(made: Services, given: Mapping[str, str]) -> dict[str, object]:
    """Return the fields of an account that a form states, by name: name, role, area, station and officer (None if
    empty) and, if an OpenID provider is configured, subject (likewise). The login is left out. `given`: as
    `account_given` returns it. Raises RefusedError if an officer has no officer's id or the area does not exist.
    """
    if given["role"] == StaffRole.OFFICER and not given["officer"]:
        raise RefusedError(WRONG["officer"])
    if given["area"].isdecimal() and not areas.exists(given["area"]):
        raise RefusedError(WRONG["nowhere"])
    fields: dict[str, object] = {name: given[name] for name in ("name", "role", "area")}
    fields |= {name: given[name] or None for name in ("station", "officer")}
    if made.sign_in.provider is not None:
        fields["subject"] = made.sign_in.provider.subject(given["subject"]) if given["subject"] else None
    return fields


def account_of_form(made: Services, by: str, given: Mapping[str, str], opened: Mapping[str, object]) -> Account:
    """Return the new account that a form describes, not stored yet. `by`: the login of the person who asks for it;
    `opened`: the fields of its one-time password, or empty for an account without a password.

    Raises RefusedError if a field is invalid.
    """
    fields = account_fields(made, given) | {
        "login": given["login"],
        "changed_at": made.line.clock.now(),
        "changed_by": by,
    }
    try:
        return Account.model_validate(fields | dict(opened))
    except ValidationError as error:
        raise RefusedError(_words(error)) from None


def account_after(made: Services, by: str, before: Account, everybody: list[Account], fields: Fields) -> Account:
    """Return a copy of the account with the fields changed, not stored yet. `by`: the login of the person who decided.

    Raises RefusedError with the reason: status 422 if a field is invalid, 409 if the person may not make the change or
    another account in `everybody` has the subject.
    """
    try:
        result = changed(before, by, made.line.clock.now(), **fields(before))
    except ValidationError as error:
        raise RefusedError(_words(error)) from None
    if why := refusal(before, result, by, everybody):
        raise RefusedError(REFUSED[why], 409)
    refuse_taken(result, everybody)
    return result


async def change_account(
    made: Services, who: Who, login: str, act: str, fields: Fields, by: str, because: str = ""
) -> Account:
    """Change an account after writing the audit entry `act`, and return the changed account as stored.

    `fields`: returns the new values of fields; `by`: the login of the person who decided the change, whose rights are
    checked; `who`: the person who carries it out, whom the audit names; `because`: further words for the audit. Raises
    RefusedError with the reason if the change is invalid (status 422) or not allowed (409), NotFoundError if no account
    has the login, TimeoutError if Kafka or Redis does not answer in time, and SendError if Kafka refuses a record for
    good. Errors of Redis pass through.
    """

    async def told(before: Account, after: Account) -> None:
        detail = "; ".join(each for each in (_difference(before, after), because) if each)
        await trail.write(made, who, act, login, detail=detail)

    return await change_existing(
        made, login, lambda before, everybody: account_after(made, by, before, everybody, fields), told
    )


async def change_existing(made: Services, login: str, change: Change, told: Told | None = None) -> Account:
    """Change an account that may be deleted meanwhile, by `change`, and return it as stored. `told` (an audit entry,
    say) is awaited after `change` and before the write. All accounts are locked meanwhile.

    Raises NotFoundError if no account has the login. The exceptions of `change` and `told`, after which nothing is
    written, TimeoutError and SendError of Kafka, and errors of Redis pass through.
    """
    try:
        return await made.staff.change(login, change, told)
    except KeyError:
        raise NotFoundError from None


def refuse_taken(account: Account, everybody: list[Account], new: bool = False) -> None:
    """Raise RefusedError (409) if another account has the same subject or, if `new`, an account has the same login."""
    if new and any(each.login == account.login for each in everybody):
        raise RefusedError(TAKEN, 409)
    others = [each for each in everybody if each.login != account.login]
    if account.subject and any(each.subject == account.subject for each in others):
        raise RefusedError(SUBJECT_TAKEN, 409)


def account_version(account: Account) -> str:
    """Return a hash of the fields that administrators change, to detect changes made meanwhile."""
    return short_hash("account", account.login, *(str(getattr(account, name)) for name in _SEEN))


def role_and_area(account: Account) -> str:
    """Return the account's role and area as English text for the audit: "operator in 2201", "operator in all"."""
    return f"{account.role.value} in {account.area or 'all'}"


def _words(error: ValidationError) -> str:
    where = error.errors()[0]["loc"]
    return WRONG.get(str(where[0]) if where else "service", N_("填写的内容不能保存。"))


def _difference(before: Account, after: Account) -> str:
    """Return as text the names of the changed fields, and role and area before and after. It contains no secrets."""
    names = [name for name in type(after).model_fields if getattr(before, name) != getattr(after, name)]
    told = [name for name in names if name not in ("epoch", "changed_at", "changed_by")]
    change = f": {role_and_area(before)} -> {role_and_area(after)}" if {"role", "area"} & set(told) else ""
    return ", ".join(told) + change
