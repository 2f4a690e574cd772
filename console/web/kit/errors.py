"""Turns errors into responses: a page or JSON in plain words, never with a traceback, a version or a value."""

import logging
import math
import traceback
from collections.abc import Mapping
from datetime import datetime

from aiokafka.errors import KafkaError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.auth.who import ForbiddenError, NotFoundError, NotSignedInError, OtherAreaError, Who
from console.web.kit.door import opens
from console.web.kit.filled import NoFormIdError
from console.web.kit.i18n import translate
from console.web.kit.pages import ZONE, page
from console.web.kit.services import services
from console.web.step_up.guard import NEEDED, StepUpError, step_up_page
from schemas.administration.security_events import SecurityEventKind
from streams.repositories.policies import UnknownPolicyError

log = logging.getLogger(__name__)

ERRORS = {
    400: "bad request",
    401: "not signed in",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    408: "too slow",
    413: "too large",
    415: "unsupported content",
    422: "wrong content",
    428: "proof needed",
    429: "too many requests",
    500: "failed",
    503: "try again",
}


class TooManyError(Exception):
    """Too many requests, answered with 429. `seconds`: the time to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds


class BrokenOffError(RuntimeError):
    """A request failed after its response had begun, so the connection is closed. The log has the cause."""


def install(app: FastAPI) -> None:
    """Register the handlers of expected errors, which any route may raise besides those that its docstring names.

    NotSignedInError: 401, for a page a redirect to the sign-in. ForbiddenError: 403. NotFoundError: 404. StepUpError:
    428. TooManyError: 429. Invalid parameters: 422. TimeoutError, ConnectionError, KafkaError, RedisError, and
    UnknownPolicyError: 503. All other errors are handled by `Faults`: 500.
    """
    app.add_exception_handler(NotSignedInError, _sign_in)
    app.add_exception_handler(ForbiddenError, _forbidden)
    app.add_exception_handler(NotFoundError, _not_found)
    app.add_exception_handler(StepUpError, _step_up)
    app.add_exception_handler(TooManyError, _too_many)
    app.add_exception_handler(HTTPException, _http)
    for error in (TimeoutError, ConnectionError, KafkaError, RedisError):
        app.add_exception_handler(error, _busy)
    app.add_exception_handler(UnknownPolicyError, _no_policy)
    app.add_exception_handler(RequestValidationError, _wrong)


def wants_page(request: Request) -> bool:
    """Return True if the request accepts HTML: a browser sent it, not a program or script."""
    return "text/html" in request.headers.get("accept", "")


def error_response(
    request: Request, status: int, words: str, error: str, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return the error response: a page with `words` if the request accepts HTML, else JSON with `error` (the error's
    short English name, see ERRORS), `do` (the words) and the fields `more`. `headers`: added to the response.
    """
    if wants_page(request):
        answer: Response = page(request, "told.html", status, words=words)
    else:
        answer = JSONResponse({"error": error, "do": words, **more}, status, headers={"Cache-Control": "no-store"})
    answer.headers.update(headers or {})
    return answer


def refused(request: Request, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response of a status, a page or JSON (see `error_response`), with the status's standard words
    and name; for an unknown status with those of 400.
    """
    return error_response(request, status, _words(request, status), ERRORS.get(status, ERRORS[400]), headers)


def too_many(request: Request, seconds: int) -> Response:
    """Return a 429 response with Retry-After in seconds."""
    words = translate(request, "操作过于频繁，请稍后再试。")
    return error_response(request, 429, words, ERRORS[429], {"Retry-After": str(seconds)}, seconds=seconds)


async def quota_spent(request: Request, who: Who, until: datetime) -> Response:
    """Record a security event, and return a 429 response that states the time (`until`, shown as China's) from which
    the person may see another resident's data, with Retry-After in seconds (at least 1). Failures to record are logged
    and not raised.
    """
    await services(request).security.note(request, SecurityEventKind.MASS_REVEALING, who.login)
    seconds = max(1, math.ceil((until - services(request).line.clock.now()).total_seconds()))
    told = translate(request, "一小时内查看的人数已达上限，%(at)s 起可再查看一人。确有需要，请值班长查看。")
    words = told % {"at": f"{until.astimezone(ZONE):%H:%M:%S}"}
    return error_response(request, 429, words, "quota spent", {"Retry-After": str(seconds)}, seconds=seconds)


class Faults:
    """ASGI middleware for unexpected errors: answers 500, and logs the traceback without message or values, which may
    be personal. Raises BrokenOffError if the response had begun.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            return
        except Exception as error:
            _log(scope, error)
            if begun:
                raise BrokenOffError from None
            await _failed(Request(scope))(scope, receive, send)


def _log(scope: Scope, error: Exception) -> None:
    where = getattr(scope.get("route"), "path", "no route")
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s %s: %s\n%s", scope["method"], where, type(error).__name__, frames)


def _failed(request: Request) -> Response:
    try:
        return refused(request, 500)
    except Exception as error:  # the page itself may be what fails
        _log(request.scope, error)
        return PlainTextResponse("500", 500)


def _words(request: Request, status: int) -> str:
    words = {
        400: translate(request, "请求无法读取。"),
        403: translate(request, "您的角色无权执行此操作。"),
        404: translate(request, "没有找到，或不在您的辖区。"),
        405: translate(request, "此地址不接受这种请求。"),
        408: translate(request, "提交用时过长。请检查网络后再试。"),
        413: translate(request, "提交的内容过大。"),
        415: translate(request, "不支持这种格式的内容。"),
        422: translate(request, "填写的内容有误，请检查后再提交。"),
        500: translate(request, "系统出错，已记录。请稍后再试。"),
        503: translate(request, "服务器繁忙，可能没有保存：请再试一次。"),
    }
    return words.get(status, words[400])


async def _step_up(request: Request, error: Exception) -> Response:
    """Return the page that asks for a proof; for a script, JSON."""
    if isinstance(error, StepUpError) and wants_page(request):
        return await step_up_page(request, error)
    return error_response(request, NEEDED, translate(request, "请在页面上再次证明您的身份。"), ERRORS[NEEDED])


async def _sign_in(request: Request, error: Exception) -> Response:
    if wants_page(request):
        return RedirectResponse("/sign-in", 303)
    return JSONResponse({"error": ERRORS[401], "do": "Sign in, or send a valid token"}, 401)


async def _forbidden(request: Request, error: Exception) -> Response:
    who = getattr(request.state, "who", None)
    route = getattr(request.scope.get("route"), "name", "")
    await services(request).security.note(request, SecurityEventKind.FORBIDDEN, who.login if who else "", route)
    return refused(request, 403)


async def _not_found(request: Request, error: Exception) -> Response:
    """Return 404. That the object is in another area is recorded after the answer, whose time would tell it too."""
    answer = refused(request, 404)
    if isinstance(error, OtherAreaError):
        who, route = request.state.who, getattr(request.scope.get("route"), "name", "")
        note = services(request).security.note
        answer.background = BackgroundTask(note, request, SecurityEventKind.FORBIDDEN, who.login, route)
    return answer


async def _too_many(request: Request, error: Exception) -> Response:
    """Return 429, and record a security event for the first one of a person within a minute: many searches look like
    copying the register.
    """
    who = getattr(request.state, "who", None)
    if who is not None and await request.app.state.limits.first_refusal(who):
        route = getattr(request.scope.get("route"), "name", "")
        await services(request).security.note(request, SecurityEventKind.TOO_OFTEN, who.login, route)
    return too_many(request, getattr(error, "seconds", 1))


async def _note_forged(request: Request) -> None:
    who, security = getattr(request.state, "who", None), services(request).security
    if who is None:
        await security.note_stranger(request, SecurityEventKind.FORBIDDEN)
    elif await request.app.state.limits.first_refusal(who):
        route = getattr(request.scope.get("route"), "name", "")
        await security.note(request, SecurityEventKind.FORBIDDEN, who.login, route)


async def _http(request: Request, error: Exception) -> Response:
    """Return the answer to an error of the framework: unknown address, wrong method, invalid body.

    A GET of an address that accepts only forms (a reloaded page, a change of language) is redirected to the nearest
    page above. A security event is recorded for a form without an id, which no page of the console sent.
    """
    if isinstance(error, NoFormIdError):
        await _note_forged(request)
    status = getattr(error, "status_code", 400)
    if status == 404:
        if wants_page(request):  # no guard has run: find the account, so that the page shows its navigation
            request.state.who = await services(request).sessions.of(request)
        return error_response(request, 404, translate(request, "没有这个页面，请检查网址。"), ERRORS[404])
    if status == 405 and request.method == "GET" and wants_page(request) and (above := _above(request)):
        return RedirectResponse(above, 303)
    return refused(request, status, getattr(error, "headers", None))


def _above(request: Request) -> str:
    """Return the path of the nearest existing page above the request's path, or ""."""
    path = request.url.path
    while (path := path.rpartition("/")[0]) and not opens(request.app, path):
        pass
    return path


async def _busy(request: Request, error: Exception) -> Response:
    """Return 503 if Kafka, Redis or a lock is unavailable or too slow. A form that is sent again counts once."""
    log.warning("%s: %s", getattr(request.scope.get("route"), "path", "no route"), type(error).__name__)
    return refused(request, 503, {"Retry-After": "2"})


async def _no_policy(request: Request, error: Exception) -> Response:
    """Return 503 if the text of a needed policy is not stored. The log names the policy."""
    log.error("%s", error)
    words = translate(request, "所需的策略原文已丢失：请管理员恢复后再试。")
    return error_response(request, 503, words, "policy lost")


async def _wrong(request: Request, error: Exception) -> Response:
    """Return 422 with the invalid fields and the reasons, without the fields' values."""
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    fields = [{"field": _field(fault["loc"]), "why": _why(fault["type"], fault["msg"])} for fault in faults]
    return error_response(request, 422, _words(request, 422), ERRORS[422], fields=fields)


def _field(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc[1:] or loc))


def _why(kind: str, message: str) -> str:
    # This message of pydantic's is the only one that repeats the value.
    return "no such kind" if kind == "union_tag_invalid" else message.removeprefix("Value error, ")
