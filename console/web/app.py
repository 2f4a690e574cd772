"""The console's FastAPI application: its routers, middleware and background tasks. Called by kit/serve.py and tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from console.web.auth import trail
from console.web.auth.guests import Guest
from console.web.auth.security_log import SecurityLog
from console.web.auth.sessions import Sessions
from console.web.auth.signing import sign_in
from console.web.case.kept_back import DelayedActs
from console.web.case.public_check import expiring
from console.web.case.scripts import trees
from console.web.case.stories import Stories
from console.web.check.appeals import removing
from console.web.check.questions import telling_checks
from console.web.kit import errors, headers
from console.web.kit.door import table
from console.web.kit.events import Places
from console.web.kit.limits import Addresses, Bodies, Limits
from console.web.kit.services import Services
from console.web.kit.settings import ConsoleSettings
from console.web.kit.static_files import STATIC, Versioned
from console.web.live.figures import Figures
from console.web.live.hub import Hub
from console.web.live.queue import Queue
from console.web.live.returns import Returns
from console.web.operator_calls.readiness import following_sessions
from console.web.routes import DOORS
from console.web.routes.cases import check_page, public_page
from domain.access.key_rings import KeyPurpose
from domain.access.webhooks import addresses, permitted_ports
from streams.casework.claims import CaseClaims
from streams.channels.operator_calls.incoming import IncomingBoard
from streams.channels.operator_calls.live import LiveCalls
from streams.channels.operator_calls.phones import operator_phones
from streams.channels.telephone import Telephone
from streams.channels.webhooks import WebhookSender
from streams.installation import Installation
from streams.repositories.check_list import CheckList
from streams.security.audit_chains import Heads
from streams.security.head_files import HeadFiles
from streams.security.installation_keys import ring


def create_app(
    line: Installation, settings: ConsoleSettings, *, telephone: Telephone | None = None, guests: Sequence[Guest] = ()
) -> FastAPI:
    """Return the console's application for an open installation. `telephone`: None if pages cannot place calls.

    Raises ValueError if a route belongs to no door (see kit/door.py), ScriptError if a call script is invalid, and
    SettingsError if a rate, the OpenID settings, those of operators' telephones or the folder of the audit's heads are
    invalid.
    """
    hub, signing, secret = Hub(line), sign_in(line, settings), settings.phones_secret
    made = Services(
        line=line,
        desk=CaseClaims(line.settings, line.store, line.producer, line.policies, line.clock),
        hub=hub,
        queue=Queue(hub, line),
        figures=Figures(line),
        staff=line.staff,
        sessions=Sessions(line.redis, line.staff, settings, line.clock.wall),
        sign_in=signing,
        security=SecurityLog(line, settings, signing.lockout),
        settings=settings,
        streams=Places(settings.streams_account, settings.streams),
        journal_streams=Places(settings.journal_account, settings.journal_streams),
        live_calls=LiveCalls(line.redis, line.settings.partitions),
        incoming=IncomingBoard(line.settings, line.redis, line.producer),
        telephone=telephone,
        phones=operator_phones(settings.phones_url, secret.get_secret_value() if secret else None),
        guests=guests,
        check_list=_check_list(line) if settings.public_check else None,
        head_files=_head_files(line, settings.audit_heads) if settings.audit_heads else None,
    )
    made.stories, made.kept_back = Stories(line), DelayedActs(made)
    hub.listeners.append(made.stories.receive)
    trees()  # invalid scripts fail at the start, not in the middle of a call
    app = FastAPI(title="Quanzu", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.services, app.state.stopping, app.state.failure = made, asyncio.Event(), Failure()
    for door in DOORS:
        app.include_router(door.router)
    if settings.public_page:
        app.include_router(public_page.door.router)
    if settings.public_check:
        app.include_router(check_page.door.router)
    table(app)
    app.mount("/static", Versioned(directory=STATIC), name="static")
    app.state.limits = Limits(line.redis, settings)
    # The last one added is outermost: every response has the security headers, also an error page.
    app.add_middleware(Bodies)
    app.add_middleware(Addresses, counts=app.state.limits)
    app.add_middleware(errors.Faults)
    app.add_middleware(headers.SecurityHeaders)
    errors.install(app)
    return app


def _head_files(line: Installation, folder: Path) -> HeadFiles:
    return HeadFiles(line.settings, Heads(line.redis), line.clock.now, folder)


def _check_list(line: Installation) -> CheckList:
    return CheckList(line.settings, partial(ring, line.settings, KeyPurpose.CHECK), line.clock.now)


class Failure:
    """The first error of a background task. The server stops because of it, because its pages would
    show outdated data.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._happened = asyncio.Event()

    def done(self) -> bool:
        """Return True if an error has been recorded."""
        return self._happened.is_set()

    def tell(self, error: BaseException) -> None:
        """Record an error and wake the caller of `wait`. Only the first error is kept."""
        self.error = self.error or error
        self._happened.set()

    async def wait(self) -> BaseException | None:
        """Wait until an error is recorded, and return the first one."""
        await self._happened.wait()
        return self.error


def _ended(failure: Failure, task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        failure.tell(error)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the background tasks while the application runs."""
    made: Services = app.state.services
    private, ports = addresses(made.settings.webhook_addresses), permitted_ports(made.settings.webhook_ports)
    telling = WebhookSender(made.line.settings, made.line.webhooks, private=private, ports=ports)
    works = (
        made.hub.run(),
        Returns(made).run(),
        made.figures.run(),
        made.figures.follow(),
        made.figures.follow_frauds(),
        made.kept_back.run(),
        expiring(made),
        removing(made),
        telling.run(),
        trail.binding(made.line),
        *([made.head_files.run()] if made.head_files else []),
        *([made.security.syslog.run()] if made.security.syslog else []),
        *([made.check_list.run(), telling_checks()] if made.check_list else []),
        *([made.phones.run(), following_sessions(made, made.phones)] if made.phones else []),
    )
    beside = [asyncio.create_task(work) for work in works]
    for task in beside:
        task.add_done_callback(partial(_ended, app.state.failure))
    try:
        yield
    finally:
        for task in beside:
            task.cancel()
        for task in beside:
            with suppress(asyncio.CancelledError, Exception):  # its error is already recorded in `failure`
                await task
