"""Routes for administrators: webhooks that receive case events, their status, and replacing their secrets."""

import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.kit.door import Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.rosters import areas
from domain.ids import short_hash
from schemas.channels.webhooks import TextLanguage, Webhook
from schemas.levels import Level
from schemas.people.staff import StaffRole
from streams.channels.webhooks import UNTRUSTED, Webhooks, new_id

door = Door("/integrations/webhooks")
ADMINISTRATORS = frozenset({StaffRole.ADMINISTRATOR})
WRONG = {
    "url": N_("地址要以 https:// 开头；只有本机的程序可以用 http://。"),
    "area": N_("辖区：行政区划代码开头的 2、4、6 或 9 位数字；留空为全省。"),
    "nowhere": N_("没有这个行政区划代码。请核对。"),
}


@door.page("", ADMINISTRATORS, name="webhooks")
async def show(request: Request, who: Signed) -> Response:
    """The page with all webhooks and the form for a new one."""
    return await _shown(request)


@door.act("", ADMINISTRATORS, name="webhook-make")
async def make(
    request: Request,
    who: Signed,
    url: Annotated[str, Form()] = "",
    area: Annotated[str, Form()] = "",
    level: Annotated[list[Level], Form()] = [],  # noqa: B006 - FastAPI copies a default
    language: Annotated[TextLanguage, Form()] = "zh",
) -> Response:
    """Add a webhook; the page shows its secret once. 422 if a field is invalid.

    `area`: the prefix of division codes of its cases, "" for all; `level`: their levels, [] for all.
    """
    book, secret = _book(request), secrets.token_urlsafe(32)
    try:
        made = Webhook(
            id=new_id(),
            url=url.strip(),
            area=area.strip(),
            levels=frozenset(level),
            language=language,
            secrets=[book.sealed(secret)],
            made_at=services(request).line.clock.now(),
            made_by=who.login,
        )
    except ValidationError as error:
        return await _shown(request, status=422, wrong=WRONG[str(error.errors()[0]["loc"][0])], url=url, area=area)
    if not areas.exists(made.area):
        return await _shown(request, status=422, wrong=WRONG["nowhere"], url=url, area=area)
    await trail.write(services(request), who, "webhook-made", made.id, detail=short_hash(made.url))
    await book.put(made)
    return await _shown(request, secret=secret, of=made.id)


@door.act("/{webhook_id}/rotate", ADMINISTRATORS, name="webhook-rotate")
async def rotate(request: Request, who: Signed, webhook_id: str) -> Response:
    """Add a new secret beside the old one; both sign until the old one is dropped. The page shows it once.

    If it is repeated before that, the newest secret is replaced and the old one stays, because the receiver knows it.
    Raises NotFoundError if there is no such webhook.
    """
    book, secret = _book(request), secrets.token_urlsafe(32)
    await _change(
        request,
        who,
        webhook_id,
        "webhook-secret-new",
        lambda known: {"secrets": [book.sealed(secret), known.secrets[-1]]},
    )
    return await _shown(request, secret=secret, of=webhook_id)


@door.act("/{webhook_id}/settle", ADMINISTRATORS, name="webhook-settle")
async def settle(request: Request, who: Signed, webhook_id: str) -> Response:
    """Drop the old secret, because the receiver knows the new one, and redirect to the webhooks.

    Raises NotFoundError if there is no such webhook.
    """
    await _change(request, who, webhook_id, "webhook-secret-old-dropped", lambda known: {"secrets": known.secrets[:1]})
    return RedirectResponse(door.router.prefix, 303)


@door.act("/{webhook_id}/pause", ADMINISTRATORS, name="webhook-pause")
async def pause(request: Request, who: Signed, webhook_id: str) -> Response:
    """Pause a webhook, or resume a paused one, and redirect to the webhooks; events in between are sent afterwards.

    Raises NotFoundError if there is no such webhook.
    """
    paused = not (await _known(_book(request), webhook_id)).paused
    act = "webhook-paused" if paused else "webhook-goes-on"
    await _change(request, who, webhook_id, act, lambda _: {"paused": paused})
    return RedirectResponse(door.router.prefix, 303)


@door.act("/{webhook_id}/drop", ADMINISTRATORS, name="webhook-drop")
async def drop(request: Request, who: Signed, webhook_id: str) -> Response:
    """Delete a webhook and redirect to the webhooks. Raises NotFoundError if there is none."""
    book = _book(request)
    await _known(book, webhook_id)
    await trail.write(services(request), who, "webhook-dropped", webhook_id)
    await book.drop(webhook_id)
    return RedirectResponse(door.router.prefix, 303)


def _book(request: Request) -> Webhooks:
    return services(request).line.webhooks


async def _known(book: Webhooks, webhook_id: str) -> Webhook:
    found = await book.get(webhook_id)
    if found is None:
        raise NotFoundError
    return found


async def _change(
    request: Request, who: Who, webhook_id: str, act: str, fields: Callable[[Webhook], dict[str, object]]
) -> None:
    """Change a webhook; the audit entry is written first. Raises NotFoundError if there is none."""
    book = _book(request)
    async with book.locked(webhook_id) as known:
        if known is None:
            raise NotFoundError
        await trail.write(services(request), who, act, webhook_id)
        await book.put(known.model_copy(update=fields(known)))


async def _shown(
    request: Request,
    status: int = 200,
    wrong: str = "",
    url: str = "",
    area: str = "",
    secret: str = "",
    of: str = "",
) -> Response:
    book = _book(request)
    return page(
        request,
        "webhook_list.html",
        status,
        webhooks=list((await book.by_id()).values()),
        health=await book.health(),
        untrusted=UNTRUSTED,
        levels=list(Level),
        wrong=translate(request, "未添加。") + translate(request, wrong) if wrong else "",
        url=url,
        area=area,
        secret=secret,
        of=of,
    )
