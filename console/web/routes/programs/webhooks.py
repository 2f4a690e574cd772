"""Routes for administrators: webhooks that receive case events, their status, and replacing their secrets.

One administrator requests a new webhook, and another confirms it (routes/people/approvals).
"""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail, two_persons, webhook_forms
from console.web.auth.account_forms import RefusedError
from console.web.auth.who import NotFoundError, Signed, Who
from console.web.auth.words import N_
from console.web.kit.door import ASKING, Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from domain.access.accounts import ADMINISTRATORS
from schemas.administration.requests import AdminAct
from schemas.channels.webhooks import TextLanguage, Webhook
from schemas.levels import Level
from streams.channels.webhooks import FORBIDDEN, FORBIDDEN_PORT, UNREACHED, UNTRUSTED, Webhooks

door = Door("/integrations/webhooks")


@door.page("", ADMINISTRATORS, name="webhooks")
async def show(request: Request, who: Signed) -> Response:
    """Return the page with all webhooks and the form for a new one. Errors of Redis pass through."""
    return await _shown(request, who)


@door.act("", ASKING, name="webhook-make", steps_up=N_("申请添加推送接口"))
async def make(
    request: Request,
    who: Signed,
    url: Annotated[str, Form()] = "",
    area: Annotated[str, Form()] = "",
    level: Annotated[list[Level], Form()] = [],  # noqa: B006 - FastAPI copies a default
    words: Annotated[Literal["", "yes"], Form()] = "",
    language: Annotated[TextLanguage, Form()] = "zh",
) -> Response:
    """Request a webhook; its secret is shown once, when the request is carried out. 422 if a field is invalid.

    `area`: the prefix of division codes of its cases, "" for all; `level`: their levels, [] for all; `words`: "yes" if
    it also gets sentences and people's own words. TimeoutError and SendError of Kafka, and errors of Redis, pass
    through.
    """
    made, levels = services(request), " ".join(each.value for each in Level if each in level)
    given = {"url": url.strip(), "area": area.strip(), "levels": levels, "words": words, "language": language}
    try:
        webhook_forms.webhook_of_form(made, who.login, given, ["-"])
        await two_persons.file_request(made, who, AdminAct.WEBHOOK_NEW, webhook_forms.destination(given["url"]), given)
    except RefusedError as error:
        return await _shown(request, who, error.status, error.words, url, area)
    return RedirectResponse("/approvals", 303)


@door.act("/{webhook_id}/rotate", ASKING, name="webhook-rotate", steps_up=N_("更换推送密钥"))
async def rotate(request: Request, who: Signed, webhook_id: str) -> Response:
    """Add a new secret beside the old one, and show it once. Both secrets sign until the old one is dropped.

    If this is repeated before then, the newest secret is replaced and the old one stays, because the receiver knows it.
    Raises NotFoundError if the webhook is unknown. TimeoutError and SendError of Kafka, and errors of Redis, pass
    through.
    """
    book, secret = _book(request), secrets.token_urlsafe(32)
    await _change(
        request,
        who,
        webhook_id,
        "webhook-secret-new",
        lambda known: {"secrets": [book.sealed(secret), known.secrets[-1]]},
    )
    return await _shown(request, who, secret=secret, of=webhook_id)


@door.act("/{webhook_id}/settle", ASKING, name="webhook-settle")
async def settle(request: Request, who: Signed, webhook_id: str) -> Response:
    """Drop the old secret, because the receiver now knows the new one, and redirect to the webhooks.

    Raises NotFoundError if the webhook is unknown. TimeoutError and SendError of Kafka, and errors of Redis, pass
    through.
    """
    await _change(request, who, webhook_id, "webhook-secret-old-dropped", lambda known: {"secrets": known.secrets[:1]})
    return RedirectResponse(door.router.prefix, 303)


@door.act("/{webhook_id}/pause", ASKING, name="webhook-pause")
async def pause(request: Request, who: Signed, webhook_id: str, paused: Annotated[bool, Form()] = True) -> Response:
    """Pause or resume a webhook, and redirect to the webhooks. Events of a pause are sent after it.

    `paused`: True to pause, False to resume. The form states it, because an answer 410 may have paused the webhook
    after the page was shown. Raises NotFoundError if the webhook is unknown. TimeoutError and SendError of Kafka, and
    errors of Redis, pass through.
    """
    act = "webhook-paused" if paused else "webhook-goes-on"
    await _change(request, who, webhook_id, act, lambda _: {"paused": paused})
    return RedirectResponse(door.router.prefix, 303)


@door.act("/{webhook_id}/drop", ADMINISTRATORS, name="webhook-drop")
async def drop(request: Request, who: Signed, webhook_id: str) -> Response:
    """Delete a webhook and redirect to the webhooks. Raises NotFoundError if the webhook is unknown. TimeoutError and
    SendError of Kafka, and errors of Redis, pass through.
    """
    async with _locked(request, webhook_id):
        await trail.write(services(request), who, "webhook-dropped", webhook_id)
        await _book(request).remove(webhook_id)
    return RedirectResponse(door.router.prefix, 303)


def _book(request: Request) -> Webhooks:
    return services(request).line.webhooks


@asynccontextmanager
async def _locked(request: Request, webhook_id: str) -> AsyncIterator[Webhook]:
    """Lock a webhook while the context lasts, and yield it. Raises NotFoundError if the webhook is unknown."""
    async with _book(request).locked(webhook_id) as known:
        if known is None:
            raise NotFoundError
        yield known


async def _change(
    request: Request, who: Who, webhook_id: str, act: str, fields: Callable[[Webhook], dict[str, object]]
) -> None:
    """Change these fields of a webhook, after writing the audit entry `act`. Raises NotFoundError if the webhook is
    unknown.
    """
    async with _locked(request, webhook_id) as known:
        await trail.write(services(request), who, act, webhook_id)
        await _book(request).put(known.model_copy(update=fields(known)))


async def _shown(
    request: Request,
    who: Who,
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
        forbidden=FORBIDDEN,
        forbidden_port=FORBIDDEN_PORT,
        unreached=UNREACHED,
        levels=list(Level),
        wrong=translate(request, "未添加。") + translate(request, wrong) if wrong else "",
        url=url,
        area=area,
        secret=secret,
        of=of,
        may_ask=who.role in ASKING,
    )
