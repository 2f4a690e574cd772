"""The console's application: its doors, what guards it, and what runs beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web import headers
from console.web.auth.sessions import Sessions
from console.web.auth.staff import Staff
from console.web.door import table
from console.web.guests import Guest
from console.web.i18n import translate
from console.web.live.hub import Hub
from console.web.pages import page
from console.web.routes import DOORS
from console.web.services import Services
from console.web.settings import ConsoleSettings
from console.web.who import ForbiddenError, NotFoundError, NotSignedInError
from streams.desk import Desk
from streams.line import Line
from streams.telephone import Telephone
from streams.webhooks import Telling

STATIC = Path(__file__).parent / "static"


def create_app(
    line: Line, settings: ConsoleSettings, *, telephone: Telephone | None = None, guests: Sequence[Guest] = ()
) -> FastAPI:
    """The application on an open line. Raises ValueError when a route is behind no door."""
    staff = Staff(line.redis, line.producer)
    made = Services(
        line=line,
        desk=Desk(line.settings, line.store, line.producer, line.clock),
        hub=Hub(line),
        staff=staff,
        sessions=Sessions(line.redis, staff, settings),
        settings=settings,
        telephone=telephone,
        guests=guests,
    )
    app = FastAPI(title="Quanzu", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.services = made
    for door in DOORS:
        app.include_router(door.router)
    table(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(headers.SecurityHeaders)
    app.add_exception_handler(NotSignedInError, _sign_in)
    app.add_exception_handler(ForbiddenError, _forbidden)
    app.add_exception_handler(NotFoundError, _not_found)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What runs beside the requests."""
    made: Services = app.state.services
    telling = Telling(made.line.settings, made.line.webhooks)
    beside = [asyncio.create_task(work) for work in (made.hub.run(), telling.run())]
    try:
        yield
    finally:
        for task in beside:
            task.cancel()
        for task in beside:
            with suppress(asyncio.CancelledError):
                await task


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _sign_in(request: Request, error: Exception) -> Response:
    if _wants_page(request):
        return RedirectResponse("/sign-in", 303)
    return JSONResponse({"error": "not signed in", "do": "Sign in, or send a valid token"}, 401)


async def _forbidden(request: Request, error: Exception) -> Response:
    return _told(request, 403, translate(request, "您的角色无权执行此操作。"), "forbidden")


async def _not_found(request: Request, error: Exception) -> Response:
    return _told(request, 404, translate(request, "没有找到，或不在您的辖区。"), "not found")


def _told(request: Request, status: int, words: str, error: str) -> Response:
    if _wants_page(request):
        return page(request, "told.html", status, words=words)
    return JSONResponse({"error": error, "do": words}, status)
