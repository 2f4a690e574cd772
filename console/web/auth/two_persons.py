"""Acts of administration that need two persons: requests, decisions, and carrying out confirmed requests."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from console.web.auth import account_forms, passwords, tokens, trail, webhook_forms
from console.web.auth.account_forms import RefusedError
from console.web.auth.signing import wall_now
from console.web.auth.who import NotFoundError, Who
from console.web.auth.words import N_
from console.web.kit.services import Services
from domain.access import requests
from domain.access.requests import RequestRefusal
from schemas.administration.requests import AdminAct, AdminRequest, RequestState
from schemas.people.staff import Account, Scope, StaffRole

DAYS = (30, 90, 180, 365)  # choices of a token's validity
NO_ACCOUNT = N_("没有这个服务账号，或者它已停用。令牌只发给服务账号，不发给个人。")
NO_PURPOSE = N_("请写明给哪个程序用。")
NO_SCOPE = N_("请至少选一项权限。")
CHANGED = N_("申请之后这个账号又改过：请重新申请。")
ASKED_ALREADY = N_("同样的申请正在等待复核。")
WORDS = {
    RequestRefusal.SAME_PERSON: N_("须由另一人复核：申请人不能复核自己的申请。"),
    RequestRefusal.OWN_ACCOUNT: N_("不能复核关于自己账号的申请：请另一位安全管理员复核。"),
    RequestRefusal.DECIDED: N_("这份申请已经复核过了。"),
    RequestRefusal.LAPSED: N_("这份申请已过期：请重新申请。"),
    RequestRefusal.NOT_CONFIRMED: N_("这份申请还没有复核，或者已经办过。"),
    RequestRefusal.NOT_ASKER: N_("只有申请人能办理：密钥只给申请人看一次。"),
}

AUDITED = {
    AdminAct.ACCOUNT_NEW: "account-made",
    AdminAct.ACCOUNT_CHANGE: "account-changed",
    AdminAct.ACCOUNT_ENABLE: "account-enabled",
    AdminAct.ONE_TIME: "one-time-password-made",
    AdminAct.RESET_FACTOR: "second-factor-reset",
    AdminAct.TOKEN_NEW: "token-made",
    AdminAct.WEBHOOK_NEW: "webhook-made",
}
"""The acts in the audit, once they are carried out."""


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret that is shown once, to the person who asked for the act. `of`: the login or the id of the token or
    webhook to which the secret belongs.
    """

    secret: str
    of: str


async def file_request(
    made: Services, who: Who, act: AdminAct, on: str, fields: Mapping[str, str], seen: str = ""
) -> AdminRequest:
    """Store a request for another person to decide on, with an audit entry, and return it.

    `on`: the login or other object of the act; `fields`: what the form states about it; `seen`: the account's version
    that the form showed, "" without one. Raises RefusedError (409) if an equal request is open and has not lapsed,
    TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for good. Errors of Redis pass
    through.
    """
    now = made.line.clock.now()
    found = requests.new_request(act, on, fields, name=f"a{secrets.token_hex(8)}", by=who.login, now=now, seen=seen)
    for each in await made.line.admin_requests.all():
        same = (each.act, each.on, each.fields, each.seen) == (found.act, found.on, found.fields, found.seen)
        if same and each.state in requests.OPEN and not requests.has_lapsed(each, now):
            raise RefusedError(ASKED_ALREADY, 409)
    await trail.write(made, who, "admin-asked", found.on, detail=f"{act.value}, request {found.id}")
    await made.line.admin_requests.write(found)
    return found


async def decide_on(made: Services, who: Who, name: str, state: RequestState, words: str = "") -> AdminRequest:
    """Confirm or refuse a request, with an audit entry, and return the request with the decision. `name`: the request's
    id; `state`: CONFIRMED or REFUSED; `words`: the person's reason. A confirmed request that makes no secret is carried
    out at once.

    Raises NotFoundError if the request is unknown (or the account that it changes), RefusedError if the person may not
    decide on it or it can no longer be carried out, TimeoutError if Kafka does not answer in time, and SendError if it
    refuses a record for good. Errors of Kafka and Redis pass through.
    """
    async with made.line.admin_requests.locked(name) as found:
        if found is None:
            raise NotFoundError
        now = made.line.clock.now()
        if why := requests.decision_refused(found, who.login, now):
            raise RefusedError(WORDS[why], 409)
        after = requests.with_decision(found, state, who.login, now, words)
        await trail.write(made, who, f"admin-{state.value}", found.on, words, _names(after))
        await made.line.admin_requests.put(after)
        if state is RequestState.CONFIRMED and not requests.shows_secret(after):
            await _done(made, who, after)
        return after


async def carry_out_request(made: Services, who: Who, name: str) -> tuple[AdminRequest, ShownSecret | None]:
    """Carry out a confirmed request (`name`: its id). Returns (the request as it was before, the secret that the act
    makes; None if it makes none).

    Raises NotFoundError if the request is unknown (or the account that it changes), RefusedError if the person may not
    carry it out or it can no longer be carried out, TimeoutError if Kafka does not answer in time, and SendError if it
    refuses a record for good. Errors of Kafka and Redis pass through.
    """
    async with made.line.admin_requests.locked(name) as found:
        if found is None:
            raise NotFoundError
        if why := requests.carrying_out_refused(found, who.login, made.line.clock.now()):
            raise RefusedError(WORDS[why], 409)
        return found, await _done(made, who, found)


async def _done(made: Services, who: Who, found: AdminRequest) -> ShownSecret | None:
    """Carry out the requested act, then store that the request is done. If this process ends between the two, the
    request can be carried out again.
    """
    match found.act:
        case AdminAct.ACCOUNT_NEW:
            shown = await _account(made, who, found)
        case AdminAct.TOKEN_NEW:
            shown = await _token(made, who, found)
        case AdminAct.WEBHOOK_NEW:
            shown = await _webhook(made, who, found)
        case _:
            shown = await _changed(made, who, found)
    await made.line.admin_requests.put(requests.carried_out(found))
    return shown


async def _account(made: Services, who: Who, found: AdminRequest) -> ShownSecret | None:
    word = passwords.one_time() if requests.shows_secret(found) else None
    opened = await passwords.opened_by(word, wall_now(made)) if word else {}
    account = account_forms.account_of_form(made, found.asked_by, account_forms.account_given(found.fields), opened)
    detail = f"{account_forms.role_and_area(account)}; {_names(found)}"

    async def told() -> None:
        await trail.write(made, who, AUDITED[found.act], account.login, detail=detail)

    await made.staff.add(account, lambda everybody: account_forms.refuse_taken(account, everybody, new=True), told)
    return ShownSecret(word, account.login) if word else None


async def _changed(made: Services, who: Who, found: AdminRequest) -> ShownSecret | None:
    word = passwords.one_time() if found.act is AdminAct.ONE_TIME else None
    opened = await passwords.opened_by(word, wall_now(made)) if word else {}

    def fields(account: Account) -> Mapping[str, object]:
        if found.seen != account_forms.account_version(account):
            raise RefusedError(CHANGED, 409)
        return changed_fields(made, found.act, found.fields, opened)

    await account_forms.change_account(made, who, found.on, AUDITED[found.act], fields, found.asked_by, _names(found))
    return ShownSecret(word, found.on) if word else None


def changed_fields(
    made: Services, act: AdminAct, given: Mapping[str, str], opened: Mapping[str, object]
) -> Mapping[str, object]:
    """Return the fields of an account that an act changes, with their new values, by name: for ACCOUNT_CHANGE those of
    `account_fields`; for ACCOUNT_ENABLE `disabled`; for RESET_FACTOR `totp`, `recovery` and `security_keys`, all
    emptied; for any other act `opened`.

    `given`: the form's fields, used for ACCOUNT_CHANGE only; `opened`: the fields of a one-time password. Raises
    RefusedError if a field of the form is invalid.
    """
    match act:
        case AdminAct.ACCOUNT_CHANGE:
            return account_forms.account_fields(made, account_forms.account_given(given))
        case AdminAct.ACCOUNT_ENABLE:
            return {"disabled": False}
        case AdminAct.RESET_FACTOR:
            return {"totp": None, "recovery": [], "security_keys": []}
        case _:
            return opened


async def service_account(made: Services, login: str) -> Account:
    """Return the service account that is to get a token. Raises RefusedError if no account has the login, or the
    account is disabled or a person's. Errors of Kafka and Redis pass through.
    """
    account = await made.staff.get(login)
    if account is None or account.disabled or account.role is not StaffRole.SERVICE:
        raise RefusedError(NO_ACCOUNT)
    return account


def token_wanted(made: Services, fields: Mapping[str, str], by: str, confirmed_by: str) -> tokens.TokenWish:
    """Return the description of the token that a form asks for, valid from now for the form's number of days: 30, 90,
    180 or 365 (DAYS), and 30 for any other. `by`, `confirmed_by`: the logins of the administrators who asked for it and
    confirmed it.

    Raises RefusedError if the purpose is empty, unprintable or over 128 characters, or if no known scope is chosen.
    """
    if not fields["purpose"] or not fields["purpose"].isprintable() or len(fields["purpose"]) > 128:
        raise RefusedError(NO_PURPOSE)
    scopes = [each for each in Scope if each.value in fields["scopes"].split()]
    if not scopes:
        raise RefusedError(NO_SCOPE)
    days = int(fields["days"]) if fields["days"] in map(str, DAYS) else DAYS[0]
    return tokens.TokenWish(fields["purpose"], scopes, wall_now(made) + timedelta(days=days), by, confirmed_by)


async def _token(made: Services, who: Who, found: AdminRequest) -> ShownSecret:
    account = await service_account(made, found.on)
    wanted = token_wanted(made, found.fields, found.asked_by, found.decided_by or "")
    token, kept = tokens.make(account, wanted, wall_now(made))
    scopes = " ".join(kept.scopes)
    detail = f"for {account.login}, {scopes}, until {kept.until:%Y-%m-%d}; {_names(found)}"
    await trail.write(made, who, AUDITED[found.act], kept.id, detail=detail)
    await made.staff.put_token(kept)
    return ShownSecret(token, kept.id)


async def _webhook(made: Services, who: Who, found: AdminRequest) -> ShownSecret:
    book, secret = made.line.webhooks, secrets.token_urlsafe(32)
    webhook = webhook_forms.webhook_of_form(made, found.asked_by, found.fields, [book.sealed(secret)])
    await trail.write(made, who, AUDITED[found.act], webhook.id, detail=f"to {found.on}; {_names(found)}")
    await book.write(webhook)
    return ShownSecret(secret, webhook.id)


def _names(found: AdminRequest) -> str:
    return f"request {found.id} asked by {found.asked_by}, decided by {found.decided_by}"
