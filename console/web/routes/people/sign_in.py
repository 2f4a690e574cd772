"""Routes for signing in and out: a password and a second factor, or an OpenID provider."""

import logging
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import csrf, passwords, second_factor, sessions, trail
from console.web.auth.account_forms import change_existing
from console.web.auth.oidc import Journey, OidcError
from console.web.auth.signing import Reached, begun, let_in, onward, proceed, reached, wall_now
from console.web.auth.who import Signed
from console.web.auth.words import N_
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.step_up.challenges import Purpose
from console.web.step_up.security_keys import options_to_show, relying_party
from domain.access.accounts import MOST, Step, Weakness, changed, lapsed, weakness
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import SignedInBy
from schemas.administration.security_events import SecurityEventKind
from schemas.people.staff import Account

log = logging.getLogger(__name__)
door = Door()
LONGEST_LOGIN = 64
LONGEST = 4 * MOST  # characters of a password before Unicode composition; longer ones are not hashed

WEAK = {
    Weakness.SHORT: N_("密码至少要有 10 个字符。"),
    Weakness.LONG: N_("密码最多 200 个字符。"),
    Weakness.LIKE_LOGIN: N_("密码里不能有您的账号或姓名。"),
    Weakness.SIMPLE: N_("密码太简单：至少要有五个不同的字符。"),
    Weakness.COMMON: N_("这样的密码最先被人猜到：不要只用常见的词、连续或重复的字符。"),
}
BREACHED = N_("这个密码在别处泄露过，攻击者会先试它。请另选一个。")
DIFFERENT = N_("两次输入的密码不一样。")
WRONG = N_("账号或密码不对，或者该账号不能登录。")
LAPSED = N_("这个一次性密码已过期。请向管理员要一个新的。")
WRONG_CODE = N_("验证码不对，或者已经用过。请等下一个验证码。")
WRONG_RECOVERY = N_("恢复码不对，或者已经用过。请用另一个；都不行，请管理员重设验证器。")


@door.public("GET", "/sign-in", name="sign-in")
async def sign_in(request: Request) -> Response:
    """Return the page with the sign-in form. A person who is already signed in is redirected to the start page. Errors
    of Redis pass through.
    """
    if await services(request).sessions.of(request) is not None:
        return RedirectResponse("/", 303)
    return _form(request)


@door.public("POST", "/sign-in", name="sign-in-password")
async def password(request: Request) -> Response:
    """Check the password and redirect to the next step.

    Unknown login, wrong password and disabled account get the same answer (401) in the same time. 401 with other words
    for an expired one-time password, 429 after too many tries. Raises ForbiddenError if another site's page sent the
    form, and NotFoundError if the account is deleted meanwhile. Errors of Kafka (such as TimeoutError and SendError)
    and Redis pass through.
    """
    csrf.refuse_others(request)
    made, form = services(request), await request.form()
    login, given = str(form.get("login", "")).strip().lower()[:LONGEST_LOGIN], str(form.get("password", ""))[:LONGEST]
    attempt = made.sign_in.lockout.attempt(request, "password", login)
    if seconds := await made.sign_in.lockout.wait(attempt):
        await made.security.locked_out(request, attempt)
        return _slower(request, "sign_in.html", seconds, login=login, oidc=made.sign_in.provider is not None)
    account = await made.staff.get(login)
    right = await passwords.fits(account.password if account else None, given)
    if account is None or not right or account.disabled:
        await made.sign_in.lockout.wrong(attempt)
        await made.security.note(request, SecurityEventKind.PASSWORD_WRONG, login)
        return _form(request, 401, login, WRONG)
    await made.sign_in.lockout.right(attempt)
    if lapsed(account, wall_now(made)):
        return _form(request, 401, login, LAPSED)
    account = await _rehashed(made, account, given)
    at = begun(account)
    response = onward(at)
    await made.sign_in.steps.begin(response, at.record())
    return response


@door.public("GET", "/sign-in/code", name="sign-in-code")
async def code_form(request: Request) -> Response:
    """Return the page for the second factor: a code, or a security key if the account has one; a new challenge for the
    key is then stored. If that is not the next step, redirects to the next step. Errors of Kafka and Redis pass
    through.
    """
    at = await reached(request)
    return await code_page(request, at) if at and at.step is Step.CODE else onward(at)


@door.public("POST", "/sign-in/code", name="sign-in-code-given")
async def code(request: Request) -> Response:
    """Check a code of the authenticator or a recovery code, and redirect to the next step, or to the start page once
    signed in. If that is not the next step, redirects to the next step; without a sign-in in progress, to its start.

    401 for a wrong or used code, 429 after too many tries. Raises ForbiddenError if another site's page sent the form,
    NotFoundError if the account is deleted meanwhile, and UnreadableSecretError if no key opens the authenticator's
    secret. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    csrf.refuse_others(request)
    made, at = services(request), await reached(request)
    if at is None or at.step is not Step.CODE:
        return onward(at)
    attempt = made.sign_in.lockout.attempt(request, "code", at.account.login)
    if seconds := await made.sign_in.lockout.wait(attempt):
        await made.security.locked_out(request, attempt)
        return await too_often(request, at, seconds)
    given = str((await request.form()).get("code", ""))
    account = await _proved(made, at.account, given)
    if account is None:
        await made.sign_in.lockout.wrong(attempt)
        await made.security.note(request, SecurityEventKind.CODE_WRONG, at.account.login)
        wrong = WRONG_RECOVERY if second_factor.like_recovery(given) else WRONG_CODE
        return await code_page(request, at, 401, wrong)
    await made.sign_in.lockout.right(attempt)
    if account.recovery != at.account.recovery:
        await made.security.note(request, SecurityEventKind.RECOVERY_CODE_SPENT, account.login)
    return await proceed(request, account, proved=True)


@door.public("GET", "/sign-in/password", name="sign-in-new-password")
async def new_password_form(request: Request) -> Response:
    """Return the page for a new password. If that is not the next step, redirects to the next step. Errors of Kafka and
    Redis pass through.
    """
    at = await reached(request)
    return _new_password(request, at) if at and at.step is Step.PASSWORD else onward(at)


@door.public("POST", "/sign-in/password", name="sign-in-new-password-given")
async def new_password(request: Request) -> Response:
    """Store the password that replaces the one-time password, and redirect to the next step, or to the start page once
    signed in. If that is not the next step, redirects to the next step; without a sign-in in progress, to its start.

    422 for a password that is too weak or not repeated. Raises ForbiddenError if another site's page sent the form, and
    NotFoundError if the account is deleted meanwhile. Errors of Kafka (such as TimeoutError and SendError) and Redis
    pass through.
    """
    csrf.refuse_others(request)
    made, at, form = services(request), await reached(request), await request.form()
    if at is None or at.step is not Step.PASSWORD:
        return onward(at)
    given = str(form.get("password", ""))
    if words := await unfit(made, given, str(form.get("again", "")), at.account):
        return _new_password(request, at, 422, words)
    hashed = await passwords.hashed(given)
    login = at.account.login
    account = await change_existing(
        made,
        login,
        lambda account, _: chosen(made, account, hashed),
        lambda *_: trail.write_own(made, login, "password-changed"),
    )
    return await proceed(request, account, at.proved)


@door.public("GET", "/sign-in/set-up", name="sign-in-set-up")
async def set_up_form(request: Request) -> Response:
    """Return the page with the secret of a new second factor. A reload shows the same secret.

    If that is not the next step, redirects to the next step. Raises UnreadableSecretError if no key opens the secret of
    the first load. Errors of Kafka and Redis pass through.
    """
    at = await reached(request)
    if at is None or at.step is not Step.SET_UP:
        return onward(at)
    return _set_up(request, at, await _secret(request, at))


@door.public("POST", "/sign-in/set-up", name="sign-in-set-up-given")
async def set_up(request: Request) -> Response:
    """Set up the second factor if its first code is right, and sign in. The page shows the recovery codes once. If that
    is not the next step, redirects to the next step; without a sign-in in progress, to its start.

    401 with the same page for a wrong code. Raises ForbiddenError if another site's page sent the form, NotFoundError
    if the account is deleted meanwhile, and UnreadableSecretError if no key opens the secret. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    csrf.refuse_others(request)
    made, at = services(request), await reached(request)
    if at is None or at.step is not Step.SET_UP:
        return onward(at)
    secret, keys = await _secret(request, at), made.keys(KeyPurpose.SECOND_FACTOR)
    code = str((await request.form()).get("code", ""))
    seconds = made.line.clock.wall.time()
    if not await second_factor.shown(made.line.redis, at.account.login, secret, code, seconds):
        await made.security.note(request, SecurityEventKind.CODE_WRONG, at.account.login)
        return _set_up(request, at, secret, 401, WRONG_CODE)
    codes = second_factor.new_recovery()
    fields = {
        "totp": second_factor.sealed(keys, secret),
        "recovery": [second_factor.hashed_recovery_code(keys, at.account.login, each) for each in codes],
    }
    login = at.account.login
    account = await change_existing(
        made,
        login,
        lambda account, _: own(made, account, **fields),
        lambda *_: trail.write_own(made, login, "second-factor-set-up"),
    )
    await made.security.note(request, SecurityEventKind.SECOND_FACTOR_SET_UP, account.login)
    response = page(request, "sign_in_recovery.html", codes=codes)
    await let_in(request, response, account)
    return response


@door.public("GET", "/sign-in/oidc", name="sign-in-oidc")
async def to_provider(request: Request) -> Response:
    """Redirect to the OpenID provider, or to the sign-in if none is configured; 502 if the provider does not answer.
    Errors of Redis pass through.
    """
    made = services(request)
    provider = made.sign_in.provider
    if provider is None:
        return RedirectResponse("/sign-in", 303)
    origin = made.settings.origin or f"{request.url.scheme}://{request.url.netloc}"
    try:
        address, journey = await provider.begin(f"{origin.rstrip('/')}/sign-in/oidc/back")
    except OidcError as error:
        log.warning("signing in by the OpenID provider: %s", error)
        return _form(request, 502, wrong=N_("统一身份认证现在连不上。请稍后再试，或用密码登录。"))
    response = RedirectResponse(address, 303)
    await made.sign_in.journeys.begin(response, journey.record())
    return response


@door.public("GET", "/sign-in/oidc/back", name="sign-in-oidc-back")
async def from_provider(request: Request) -> Response:
    """Complete a sign-in at the OpenID provider: sign in the account that is bound to the subject. No account is
    created.

    The answer is a page, not a redirect: after a redirect from another site the browser would not send the strict
    cookie. 401 if the provider does not confirm the sign-in or it took too long, 403 if no enabled account is bound.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    provider, record = made.sign_in.provider, await made.sign_in.journeys.take(request)
    if provider is None or record is None:
        return _form(request, 401, wrong=N_("登录用时太长，或不是从这个浏览器开始的。请重新开始。"))
    try:
        subject = await provider.end(Journey(**record), request.url.query)
    except OidcError as error:
        log.warning("signing in by the OpenID provider: %s", error)
        await made.security.note(request, SecurityEventKind.PROVIDER_REFUSED, "")
        return _form(request, 401, wrong=N_("统一身份认证没有确认您的身份。请重新开始，或用密码登录。"))
    account = next((each for each in await made.staff.all() if each.subject == subject and not each.disabled), None)
    if account is None:
        await made.security.note(request, SecurityEventKind.PROVIDER_REFUSED, subject)
        return page(request, "sign_in_unknown.html", 403, subject=subject.removeprefix(f"{provider.issuer}|"))
    response = page(request, "sign_in_done.html")
    await let_in(request, response, account, SignedInBy.PROVIDER)
    return response


@door.act("/sign-out", EVERYBODY, name="sign-out")
async def sign_out(request: Request, who: Signed) -> Response:
    """End this browser's session and redirect to the sign-in. Also while Kafka does not answer, the cookie and the
    tasks on the telephone are deleted, because nobody could delete them later. SendError of Kafka and errors of Redis
    pass through.
    """
    made = services(request)
    response = RedirectResponse("/sign-in", 303)
    sessions.take_back(response)
    await made.sessions.end_one(who.login, who.session)
    try:
        async with trail.in_time():
            await made.line.outgoing.rosters.push.end_session(who.session)
            await trail.write(made, who, "signed-out", who.login)
    except TimeoutError:
        log.warning("a sign-out: Kafka does not answer, so its audit entry and the end of push messages may be missing")
    return response


async def unfit(made: Services, given: str, again: str, account: Account) -> str | None:
    """Return in Chinese why a new password is refused (too weak, known from a breach, or `again` differs from it), or
    None if it is accepted. `again`: the password as repeated in the form.
    """
    if found := weakness(given, account):
        return WEAK[found]
    if await passwords.is_breached(made.settings.breached_passwords, given):
        return BREACHED
    return None if given == again else DIFFERENT


def chosen(made: Services, account: Account, hashed: str) -> Account:
    """Return a copy of the account with its owner's new password (hashed), which need not be changed and has no end.

    Nothing is stored. The copy has a new epoch, which ends earlier sessions once the copy is stored.
    """
    fields = {"password": hashed, "must_change": False, "password_until": None}
    return changed(account, account.login, made.line.clock.now(), **fields)


def own(made: Services, account: Account, **fields: Any) -> Account:  # noqa: ANN401 - as the account has them
    """Return a copy of the account with its owner's changes, which are not validated. Nothing is stored; sessions stay
    valid.
    """
    return account.model_copy(update={**fields, "changed_at": made.line.clock.now(), "changed_by": account.login})


async def _rehashed(made: Services, account: Account, given: str) -> Account:
    """Return the account; if its password hash has outdated parameters, the password is hashed again
    and stored first.
    """
    if account.password is None or not passwords.outdated(account.password):
        return account
    hashed, before = await passwords.hashed(given), account.password
    return await change_existing(
        made,
        account.login,
        lambda now, _: own(made, now, password=hashed) if now.password == before else now,
    )


async def _proved(made: Services, account: Account, code: str) -> Account | None:
    """Return the account if the second factor is valid, or None. A recovery code is used up."""
    keys = made.keys(KeyPurpose.SECOND_FACTOR)
    secret = second_factor.opened(keys, account.totp) if account.totp else second_factor.new_secret()
    if await second_factor.shown(made.line.redis, account.login, secret, code, made.line.clock.wall.time()):
        return account
    kept = second_factor.stored_recovery_code(keys, account, code)
    if kept is None:
        return None
    try:
        return await change_existing(made, account.login, lambda account, _: second_factor.without(account, kept))
    except ValueError:  # another request has used it meanwhile
        return None


async def _secret(request: Request, at: Reached) -> str:
    """Return the secret of the second factor that is being set up. The first call makes and stores it."""
    made = services(request)
    keys = made.keys(KeyPurpose.SECOND_FACTOR)
    if at.secret is not None:
        return second_factor.opened(keys, at.secret)
    secret = second_factor.new_secret()
    await made.sign_in.steps.keep(request, at.record(secret=second_factor.sealed(keys, secret)))
    return secret


def _form(request: Request, status: int = 200, login: str = "", wrong: str = "") -> Response:
    oidc = services(request).sign_in.provider is not None
    return page(request, "sign_in.html", status, login=login, oidc=oidc, wrong=_said(request, wrong))


async def code_page(request: Request, at: Reached, status: int = 200, wrong: str = "") -> Response:
    """Return the page that asks for a code, or for a security key if the account has one; a new challenge for the key
    is then stored. Errors of Redis pass through.
    """
    made, options = services(request), ""
    party = relying_party(made.settings)
    if party and at.account.security_keys:
        options = await options_to_show(made, party, at.account, key_purpose(request, at))
    context = {"options": options, "codes": bool(at.account.totp), "wrong": _said(request, wrong)}
    return page(request, "sign_in_code.html", status, **context)


async def too_often(request: Request, at: Reached, seconds: int) -> Response:
    """Return the page that asks for a code with status 429 and the time to wait (`seconds`), after too many wrong
    answers. Errors of Redis pass through.
    """
    response = await code_page(request, at, 429, _minutes(request, seconds))
    response.headers["Retry-After"] = str(seconds)
    return response


def key_purpose(request: Request, at: Reached) -> Purpose:
    """Return the purpose of a security key's answer at a sign-in: the sign-in of this browser to this account."""
    return Purpose(services(request).sign_in.steps.id_of(request), at.account.login, "sign-in")


def _new_password(request: Request, at: Reached, status: int = 200, wrong: str = "") -> Response:
    return page(request, "sign_in_password.html", status, account=at.account, wrong=_said(request, wrong))


def _set_up(request: Request, at: Reached, secret: str, status: int = 200, wrong: str = "") -> Response:
    return page(
        request,
        "sign_in_set_up.html",
        status,
        picture=second_factor.picture(secret, at.account.login),
        address=second_factor.address(secret, at.account.login),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        wrong=_said(request, wrong),
    )


def _slower(request: Request, template: str, seconds: int, **context: Any) -> Response:  # noqa: ANN401 - what the template needs
    """Return the page with status 429 and the time to wait. The page is the same for a right and a wrong secret."""
    response = page(request, template, 429, wrong=_minutes(request, seconds), **context)
    response.headers["Retry-After"] = str(seconds)
    return response


def _minutes(request: Request, seconds: int) -> str:
    return translate(request, "尝试次数太多。请在 %(minutes)s 分钟后再试。") % {"minutes": -(-seconds // 60)}


def _said(request: Request, words: str) -> str:
    return translate(request, words) if words else ""
