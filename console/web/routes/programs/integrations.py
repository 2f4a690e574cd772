"""Routes for administrators: the API tokens of service accounts. One administrator requests a token, another confirms
it.
"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import tokens, trail, two_persons
from console.web.auth.account_forms import RefusedError
from console.web.auth.signing import wall_now
from console.web.auth.two_persons import DAYS
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_, SCOPES
from console.web.kit.door import ASKING, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access.accounts import ADMINISTRATORS
from schemas.administration.requests import AdminAct
from schemas.people.staff import Scope, StaffRole

door = Door("/integrations")


@door.page("", ADMINISTRATORS, name="integrations")
async def integrations(request: Request, who: Signed) -> Response:
    """Return the page with the existing tokens and the form for a new one. Errors of Kafka and Redis pass through."""
    return await _page(request, who)


@door.act("/tokens", ASKING, name="token-new", steps_up=N_("申请建立令牌"))
async def new(
    request: Request,
    who: Signed,
    login: Annotated[str, Form()] = "",
    purpose: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
    scope: Annotated[list[Scope], Form()] = [],  # noqa: B006 - FastAPI copies a default
) -> Response:
    """Request a token with these scopes for a service account, and redirect to the requests. 422 if a field is invalid
    or the account is a person's. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    scopes = " ".join(each.value for each in Scope if each in scope)
    given = {"login": login.strip(), "purpose": purpose.strip(), "days": days.strip(), "scopes": scopes}
    try:
        account = await two_persons.service_account(made, given["login"])
        two_persons.token_wanted(made, given, who.login, who.login)
        await two_persons.file_request(made, who, AdminAct.TOKEN_NEW, account.login, given)
    except RefusedError as error:
        return await _page(request, who, error.status, error.words, given)
    return RedirectResponse("/approvals", 303)


@door.act("/tokens/{token_id}/revoke", ADMINISTRATORS, name="token-revoke")
async def revoke(request: Request, who: Signed, token_id: str) -> Response:
    """Revoke a token and redirect to the tokens; requests with the token are refused from now on.

    Raises NotFoundError if the token is unknown. Errors of Kafka (such as TimeoutError and SendError) and Redis pass
    through.
    """
    made = services(request)
    if await made.staff.token(token_id) is None:
        raise NotFoundError
    await trail.write(made, who, "token-revoked", token_id)
    await made.staff.revoke(token_id)
    return RedirectResponse("/integrations", 303)


async def _page(
    request: Request, who: Who, status: int = 200, wrong: str = "", given: Mapping[str, str] | None = None
) -> Response:
    made, wall = services(request), wall_now(services(request))
    accounts = {each.login: each for each in await made.staff.all() if each.role is StaffRole.SERVICE}
    kept = await made.staff.tokens()
    return page(
        request,
        "integrations.html",
        status,
        tokens=kept,
        revoked={each.id for each in kept if not tokens.token_in_force(each, accounts.get(each.login), wall)},
        accounts=[each for each in accounts.values() if not each.disabled],
        scopes=SCOPES,
        days=DAYS,
        wall=wall,
        wrong=translate(request, wrong) if wrong else "",
        given=given or {"login": "", "purpose": "", "days": str(DAYS[1]), "scopes": ""},
        may_ask=who.role in ASKING,
    )
