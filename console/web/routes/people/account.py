"""Routes of one's own account: sessions, password, recovery codes."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import passwords, second_factor, sessions, trail
from console.web.auth.account_forms import change_existing
from console.web.auth.lockout import address_of
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_, ROLES, TOO_OFTEN, place
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.routes.people.sign_in import chosen, own, unfit
from console.web.step_up.security_keys import relying_party
from domain.access.accounts import signed_out
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import SignedInBy
from domain.calendar import local_date
from schemas.administration.security_events import SecurityEventKind
from schemas.people.staff import MOST_KEYS, Account

door = Door("/account")


@door.page("", EVERYBODY, name="account")
async def account(request: Request, who: Signed) -> Response:
    """Return the page with the person's account and its sessions. Raises NotFoundError if the account was deleted.
    Errors of Kafka and Redis pass through.
    """
    return await account_page(request, who)


@door.act("/present", EVERYBODY, name="account-present")
async def present(request: Request, who: Signed) -> Response:
    """Answer 204 and restart the session's idle time. Sent while the person types or points at an open page."""
    return Response(status_code=204)


@door.act("/sessions/{session}/end", EVERYBODY, name="account-end-session")
async def end_session(request: Request, who: Signed, session: str) -> Response:
    """End one of the person's sessions and redirect to the account.

    Raises NotFoundError if the person does not have the session. TimeoutError and SendError of Kafka, and errors of
    Redis, pass through.
    """
    made = services(request)
    if not await made.sessions.end_one(who.login, session):
        raise NotFoundError
    await made.line.outgoing.rosters.push.end_session(session)
    await trail.write(made, who, "session-ended", who.login)
    return RedirectResponse("/account", 303)


@door.act("/sign-out-everywhere", EVERYBODY, name="account-sign-out-everywhere")
async def sign_out_everywhere(request: Request, who: Signed) -> Response:
    """End all sessions of the account, this one too, and redirect to the sign-in. Raises NotFoundError if the account
    was deleted. TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    await change_existing(
        made,
        who.login,
        lambda account, _: signed_out(account),
        lambda *_: trail.write(made, who, "signed-out-everywhere", who.login),
    )
    response = RedirectResponse("/sign-in", 303)
    sessions.take_back(response)
    return response


@door.act("/password", EVERYBODY, name="account-password")
async def password(request: Request, who: Signed) -> Response:
    """Change one's password and redirect to the account. All other sessions end; this browser gets a new session.

    401 for a wrong present password, 422 for a new password that is too weak or not repeated, 429 after too many tries.
    Raises NotFoundError if the account was deleted. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made, form = services(request), await request.form()
    given, before = str(form.get("password", "")), await _own(made, who)
    attempt = made.sign_in.lockout.attempt(request, "password", who.login)
    if seconds := await made.sign_in.lockout.wait(attempt):
        await made.security.locked_out(request, attempt)
        response = await account_page(request, who, 429, wrong=TOO_OFTEN)
        response.headers["Retry-After"] = str(seconds)
        return response
    if not await passwords.fits(before.password, str(form.get("current", ""))):
        await made.sign_in.lockout.wrong(attempt)
        await made.security.note(request, SecurityEventKind.PASSWORD_WRONG, who.login)
        return await account_page(request, who, 401, wrong=N_("当前密码不对。"))
    await made.sign_in.lockout.right(attempt)
    if words := await unfit(made, given, str(form.get("again", "")), before):
        return await account_page(request, who, 422, wrong=words)
    hashed = await passwords.hashed(given)
    after = await change_existing(
        made,
        who.login,
        lambda account, _: chosen(made, account, hashed),
        lambda *_: trail.write(made, who, "password-changed", who.login),
    )
    return await new_session(request, after)


@door.act("/recovery", EVERYBODY, name="account-recovery", steps_up=N_("生成恢复码"))
async def recovery(request: Request, who: Signed) -> Response:
    """Replace the recovery codes. The page shows the new codes once.

    Raises NotFoundError if the account was deleted, or has no authenticator and thus no recovery codes. Errors of Kafka
    (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    if (await _own(made, who)).totp is None:
        raise NotFoundError
    codes, keys = second_factor.new_recovery(), made.keys(KeyPurpose.SECOND_FACTOR)
    kept = [second_factor.hashed_recovery_code(keys, who.login, each) for each in codes]
    await change_existing(
        made,
        who.login,
        lambda account, _: own(made, account, recovery=kept),
        lambda *_: trail.write(made, who, "recovery-codes-made", who.login),
    )
    return page(request, "sign_in_recovery.html", codes=codes)


async def account_page(request: Request, who: Who, status: int = 200, wrong: str = "") -> Response:
    """Return the page of the person's account. Raises NotFoundError if the account was deleted. Errors of Kafka and
    Redis pass through.
    """
    made = services(request)
    found = await _own(made, who)
    return page(
        request,
        "account.html",
        status,
        account=found,
        role=ROLES[found.role],
        place=place(found.area, local_date(made.line.clock.now())),
        sessions=await made.sessions.of_login(found),
        this=who.session,
        devices=await made.line.outgoing.rosters.push.of_login(who.login),
        wrong=translate(request, wrong) if wrong else "",
        hours=made.settings.session_hours,
        idle=made.settings.session_minutes,
        keys_work=relying_party(made.settings) is not None,
        full=len(found.security_keys) >= MOST_KEYS,
    )


async def _own(made: Services, who: Who) -> Account:
    found = await made.staff.get(who.login)
    if found is None:
        raise NotFoundError
    return found


async def new_session(request: Request, account: Account) -> Response:
    """Begin a new session for this browser, all others having ended. Returns a redirect to the account, which sets the
    session's cookie. Errors of Redis pass through.
    """
    made = services(request)
    response = RedirectResponse("/account", 303)
    agent = request.headers.get("user-agent", "")
    sessions.give(response, await made.sessions.begin(account, SignedInBy.PASSWORD, address_of(request), agent))
    return response
