"""Routes of security keys: signing in with a key, and adding and removing one's own keys."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import csrf, trail
from console.web.auth.account_forms import change_existing
from console.web.auth.signing import onward, proceed, reached
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.routes.people.account import account_page, new_session
from console.web.routes.people.sign_in import code_page, key_purpose, own, too_often
from console.web.step_up import security_keys
from console.web.step_up.challenges import KeyRefusedError, Purpose
from console.web.step_up.guard import note_refused
from domain.access.accounts import Step, changed
from domain.access.step_up import SignedInBy
from schemas.administration.security_events import SecurityEventKind
from schemas.people.staff import MOST_KEYS, Account, SecurityKey

door = Door()
LONGEST_NAME = 40
NAMELESS = N_("请给密钥起一个名字（1 至 40 个字），例如“办公室的蓝色密钥”。")
NAME_TAKEN = N_("已经有一个密钥叫这个名字。")
FULL = N_("每个账号最多 10 个密钥。请先移除一个。")
NO_ADDRESS = N_("这个控制台的地址不支持安全密钥。")
KEY_TAKEN = N_("这个密钥已经登记过。")
Answer = Annotated[str, Form()]


@door.public("POST", "/sign-in/key", name="sign-in-key")
async def show_key(request: Request, answer: Answer = "") -> Response:
    """Check a security key's answer in place of a code, and redirect to the next step, or to the start page once signed
    in.

    401 for a wrong answer, 429 after too many tries. Raises ForbiddenError if another site's page sent the form, and
    NotFoundError if the account was deleted meanwhile. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    csrf.refuse_others(request)
    made, at = services(request), await reached(request)
    party = security_keys.relying_party(made.settings)
    if at is None or at.step is not Step.CODE or party is None:
        return onward(at)
    attempt = made.sign_in.lockout.attempt(request, "code", at.account.login)
    if seconds := await made.sign_in.lockout.wait(attempt):
        await made.security.locked_out(request, attempt)
        return await too_often(request, at, seconds)
    try:
        await security_keys.check_key(made, party, at.account, key_purpose(request, at), answer)
    except KeyRefusedError as error:
        await made.sign_in.lockout.wrong(attempt)
        return await code_page(request, at, 401, await note_refused(request, at.account.login, error))
    await made.sign_in.lockout.right(attempt)
    return await proceed(request, at.account, True, SignedInBy.KEY)


@door.act("/account/keys/new", EVERYBODY, name="account-key-new", steps_up=N_("添加安全密钥"))
async def begin_key(request: Request, who: Signed, name: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Return the page on which the browser makes a new key with this name. 422 for an invalid name, 409 if the name is
    used, the account has too many keys or the console's address does not allow keys. Raises NotFoundError if the
    account was deleted. Errors of Kafka and Redis pass through.
    """
    made, name = services(request), name.strip()
    party, account = security_keys.relying_party(made.settings), await _own_account(made, who)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        return await account_page(request, who, 422, NAMELESS)
    if wrong := _unfit(account, name) or ("" if party else NO_ADDRESS):
        return await account_page(request, who, 409, wrong)
    assert party is not None  # noqa: S101 - as checked above
    options = await security_keys.options_to_add(made, party, account, _adding(who, name))
    return page(request, "key_new.html", name=name, options=options)


@door.act("/account/keys", EVERYBODY, name="account-key-add")
async def add_key(
    request: Request, who: Signed, answer: Answer = "", name: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Store the key that the browser made, and redirect to the account. The challenge is proof of the step-up, because
    only `begin_key` makes it.

    401 for a wrong answer, 409 if the key or its name is already used, the account has too many keys or the console's
    address does not allow keys. Raises NotFoundError if the account was deleted. Errors of Kafka (such as TimeoutError
    and SendError) and Redis pass through.
    """
    made = services(request)
    party = security_keys.relying_party(made.settings)
    if party is None:
        return await account_page(request, who, 409, NO_ADDRESS)
    try:
        key = await security_keys.new_key(made, party, _adding(who, name), answer, name)
    except KeyRefusedError as error:
        return await account_page(request, who, 401, await note_refused(request, who.login, error))
    try:
        await change_existing(
            made,
            who.login,
            lambda account, everybody: _with_key(made, account, everybody, key),
            lambda *_: trail.write(made, who, "key-added", who.login, detail=key.name),
        )
    except ValueError as error:
        return await account_page(request, who, 409, str(error))
    await made.security.note(request, SecurityEventKind.KEY_ADDED, who.login)
    return RedirectResponse("/account", 303)


@door.act("/account/keys/remove", EVERYBODY, name="account-key-remove", steps_up=N_("移除安全密钥"))
async def remove_key(request: Request, who: Signed, key: Annotated[str, Form(max_length=2000)] = "") -> Response:
    """Remove one of the person's keys and redirect to the account.

    All other sessions end; this browser gets a new session.

    Raises NotFoundError if the account was deleted or does not have the key. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    found = next((each for each in (await _own_account(made, who)).security_keys if each.id == key), None)
    if found is None:
        raise NotFoundError
    after = await change_existing(
        made,
        who.login,
        lambda account, _: _without_key(made, account, found.id),
        lambda *_: trail.write(made, who, "key-removed", who.login, detail=found.name),
    )
    await made.security.note(request, SecurityEventKind.KEY_REMOVED, who.login)
    return await new_session(request, after)


def _adding(who: Who, name: str) -> Purpose:
    return Purpose(who.session, who.login, f"add-key {name}")


def _unfit(account: Account, name: str) -> str:
    """Return in Chinese why the account may not get another key with this name; "" if it may."""
    if len(account.security_keys) >= MOST_KEYS:
        return FULL
    return NAME_TAKEN if any(each.name == name for each in account.security_keys) else ""


def _with_key(made: Services, account: Account, everybody: list[Account], key: SecurityKey) -> Account:
    """Return the account with the key added. Raises ValueError with the reason, in Chinese, if it may
    not have the key.
    """
    if wrong := _unfit(account, key.name):
        raise ValueError(wrong)
    if any(each.id == key.id for other in everybody for each in other.security_keys):
        raise ValueError(KEY_TAKEN)
    return own(made, account, security_keys=[*account.security_keys, key])


def _without_key(made: Services, account: Account, key_id: str) -> Account:
    left = [each.model_dump() for each in account.security_keys if each.id != key_id]
    return changed(account, account.login, made.line.clock.now(), security_keys=left)


async def _own_account(made: Services, who: Who) -> Account:
    account = await made.staff.get(who.login)
    if account is None:
        raise NotFoundError
    return account
