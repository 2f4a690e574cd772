"""Routes for administrators: the API tokens of other programs."""

from collections.abc import Mapping
from datetime import timedelta

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth import tokens, trail
from console.web.auth.signing import wall_now
from console.web.auth.who import NotFoundError, Signed
from console.web.auth.words import N_, ROLES
from console.web.kit.door import Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from schemas.people.staff import StaffRole

door = Door("/integrations")
ADMINISTRATORS = frozenset({StaffRole.ADMINISTRATOR})
DAYS = (30, 90, 180, 365)  # choices of a token's validity
NO_ACCOUNT = N_("没有这个账号，或者它已停用。")
NO_PURPOSE = N_("请写明给哪个程序用。")


@door.page("", ADMINISTRATORS, name="integrations")
async def integrations(request: Request, who: Signed) -> Response:
    """The page with the existing tokens and the form for a new one."""
    return await _page(request)


@door.act("/tokens", ADMINISTRATORS, name="token-new")
async def new(request: Request, who: Signed) -> Response:
    """Make a token; the page shows it once. It has the rights of its account's role in its area.

    422 if there is no such enabled account or the purpose is invalid. Raises ForbiddenError for a program.
    """
    tokens.refuse_programs(who)
    made, form = services(request), await request.form()
    given = {name: str(form.get(name, "")).strip() for name in ("login", "purpose", "days")}
    account, now = await made.staff.get(given["login"]), wall_now(made)
    if account is None or account.disabled:
        return await _page(request, 422, NO_ACCOUNT, given)
    days = int(given["days"]) if given["days"] in map(str, DAYS) else DAYS[0]
    try:
        token, kept = tokens.make(account.login, given["purpose"], now + timedelta(days=days), now, who.login)
    except ValidationError:
        return await _page(request, 422, NO_PURPOSE, given)
    await trail.write(made, who, "token-made", kept.id, detail=f"for {account.login}, until {kept.until:%Y-%m-%d}")
    await made.staff.put_token(kept)
    return await _page(request, token=token)


@door.act("/tokens/{token_id}/revoke", ADMINISTRATORS, name="token-revoke")
async def revoke(request: Request, who: Signed, token_id: str) -> Response:
    """Revoke a token and redirect to the tokens; requests with it are refused from now on.

    Raises NotFoundError if there is none, and ForbiddenError for a program.
    """
    tokens.refuse_programs(who)
    made = services(request)
    if await made.staff.token(token_id) is None:
        raise NotFoundError
    await trail.write(made, who, "token-revoked", token_id)
    await made.staff.revoke(token_id)
    return RedirectResponse("/integrations", 303)


async def _page(
    request: Request, status: int = 200, wrong: str = "", given: Mapping[str, str] | None = None, token: str = ""
) -> Response:
    made = services(request)
    return page(
        request,
        "integrations.html",
        status,
        tokens=await made.staff.tokens(),
        accounts=[each for each in await made.staff.all() if not each.disabled],
        roles=ROLES,
        days=DAYS,
        wall=wall_now(made),
        wrong=translate(request, wrong) if wrong else "",
        given=given or {"login": "", "purpose": "", "days": str(DAYS[1])},
        token=token,
    )
