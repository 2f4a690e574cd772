"""The HTTP server of intake: POST /signals, the payee checks, /healthz and /readyz."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.risk.lanes import urgent
from streams.intake.acceptor import Examined, Intake, examine
from streams.intake.admission import Admission
from streams.intake.drain_gate import Gate
from streams.intake.formats.iso20022 import items_of_document
from streams.intake.gathering import MOST_SIGNALS, Gathering
from streams.intake.parsing import LINES, XML, BodyError, TooManyError, items_of_body, items_of_lines, media_type
from streams.intake.payee_checks import PayeeChecks
from streams.intake.rate import Rate
from streams.intake.refusals import RefusedSenders
from streams.intake.settings import Feed, IntakeSettings, tls
from streams.intake.writing import KAFKA_SECONDS, writing
from streams.runtime import tracing
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, http_server, read_body, serving, stop_signal
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import make_producer
from streams.security.rights import Component
from streams.state.case_store import connect

log = logging.getLogger(__name__)

AWAY_SECONDS = 5  # Retry-After in such an answer
PROBE_SECONDS = 1.0
CONNECTIONS = 1_000  # at the same time; uvicorn answers 503 to more
STOP_SECONDS = 5


class Signals:
    """The handlers of /signals, /healthz and /readyz, and their shared state."""

    def __init__(
        self, settings: Settings, intake: IntakeSettings, clock: Clock, admission: Admission, redis: "Redis"
    ) -> None:
        self._settings, self._rights = settings, settings.rights()
        self._clock = clock
        self._admission = admission
        self._rate = Rate(settings, intake)
        self._producer = make_producer(settings, clock.wall, component=Component.INTAKE)
        self._intake = Intake(self._producer, settings)
        self._gathering = Gathering(self._intake.accept, KAFKA_SECONDS)
        self._redis: Any = redis
        self._gate = Gate(redis)
        self._connected = False

    async def post(self, request: Request) -> Response:
        """Accept one signal, an array, NDJSON, or an ISO 20022 document.

        Answers 202 if Kafka has all signals; 422 with the errors if items are invalid, and the valid items are
        accepted. Raises Refused: 400, 401, 403 (also if a signal is of another source than the key: then none is
        accepted), 408, 413, 415, 429, or 503 while Kafka is unavailable, intake is closed, or the signals cannot be
        encrypted.
        """
        feed = self._admission.feed(request)
        self._open()
        kind = media_type(request)
        body = await read_body(request)
        try:
            items = await _items(kind, body)
        except TooManyError as error:
            raise Refused(413, str(error), "Send the signals in several requests") from None
        except BodyError as error:
            do = "Send JSON: one signal, an array of them, or NDJSON; or a document of ISO 20022"
            raise Refused(400, str(error), do) from None
        await self._rate.require(feed.source or "*", len(items))
        found = examine(items, self._clock.now(), self._rights)
        _require_own(feed, found)
        await self._write(found)
        return _answer(found)

    async def healthz(self, request: Request) -> Response:
        """Answer 200: the process runs."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """Answer 200 if signals would be accepted now; 503 while Kafka is unreachable or intake is closed."""
        if self._gate.drain is not None:
            return JSONResponse({"status": "draining"}, 503, {"Retry-After": str(AWAY_SECONDS)})
        if self._connected and await _reachable(self._settings.brokers):
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "Kafka is away"}, 503, {"Retry-After": str(AWAY_SECONDS)})

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Context manager: while the application runs, connect to Kafka in the background and watch the gate; then
        close the connections.

        Requests are refused with 503 until Kafka is connected.
        """
        beside = [asyncio.create_task(work()) for work in (self._connect, self._gate.watch)]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._redis.aclose()
            # Records still in flight were answered with 503, so a missing Kafka must not delay the stop.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), STOP_SECONDS)

    async def _connect(self) -> None:
        while not self._connected:
            if await _reachable(self._settings.brokers):
                with contextlib.suppress(KafkaError):
                    await self._producer.start()
                    self._connected = True
                    return
            log.warning("Kafka does not answer; signals are refused with 503 until it does")
            await asyncio.sleep(PROBE_SECONDS)

    def _open(self) -> None:
        if drain := self._gate.drain:
            what = f"intake was closed by {drain.by}: {drain.reason}"
            do = f"Keep the signals and send them again in {AWAY_SECONDS} s"
            raise Refused(503, what, do, {"Retry-After": str(AWAY_SECONDS)})

    async def _write(self, found: Examined) -> None:
        if not found.good:
            return
        if not self._connected:
            raise _away(len(found.good))
        async with writing("signals", partial(_away, len(found.good))):
            with tracing.span("intake"):
                traced = tracing.exemplar(tracing.current()) is not None  # a record has one trace
                if traced or len(found.good) > MOST_SIGNALS or any(map(urgent, found.signals)):
                    await self._intake.accept(found.signals)
                else:
                    await self._gathering.write(found.signals)


def create_app(
    settings: Settings, intake: IntakeSettings, clock: Clock, extra_routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """Return the web application of intake; `extra_routes` are added to its own routes. Raises SettingsError if the API
    keys or the rate are invalid, or this process has no QUANZU_SECRET.
    """
    admission, redis = Admission(settings, intake), connect(settings)
    signals = Signals(settings, intake, clock, admission, redis)
    payees = PayeeChecks(settings, intake, clock, admission, redis)
    routes = [
        Route("/signals", signals.post, methods=["POST"]),
        Route("/v1/payees/check", payees.check, methods=["POST"]),
        Route("/v1/payees/check/abandoned", payees.abandoned, methods=["POST"]),
        Route("/healthz", signals.healthz),
        Route("/readyz", signals.readyz),
        *extra_routes,
    ]
    watched = [Middleware(RefusedSenders)]
    return Starlette(
        routes=routes, lifespan=signals.lifespan, exception_handlers={Refused: _refusal}, middleware=watched
    )


@contextlib.asynccontextmanager
async def running(
    settings: Settings, intake: IntakeSettings, clock: Clock, extra_routes: Sequence[BaseRoute] = ()
) -> AsyncIterator[str]:
    """Context manager: serve intake, with `extra_routes`, in this event loop during the block. Yields intake's address,
    http(s)://host:port. Raises SettingsError if a setting is invalid or the port is taken.
    """
    app = create_app(settings, intake, clock, extra_routes)
    config = http_server(app, limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=STOP_SECONDS)
    async with serving(config, intake.intake_host, settings.http_port, "QUANZU_HTTP_PORT", tls(intake)) as address:
        yield address


async def serve(
    settings: Settings,
    intake: IntakeSettings,
    clock: Clock,
    extra_routes: Sequence[BaseRoute] = (),
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve intake, with `extra_routes`, until SIGTERM or SIGINT, then finish the requests in progress. `started` is
    called with the address. Raises SettingsError if a setting is invalid or the port is taken.
    """
    async with running(settings, intake, clock, extra_routes) as address:
        started(address)
        await stop_signal()


def _require_own(feed: Feed, found: Examined) -> None:
    foreign = [index for index, signal in found.good if not feed.may_send(signal.source)]
    if foreign:
        what = f"items {foreign[:10]}: this key is for the source {feed.source}"
        raise Refused(403, what, "Use the key of the signals' source; nothing of this request was taken")


def _away(signals: int) -> Refused:
    log.warning("Kafka is away: %d signals answered with 503", signals)
    do = f"Keep the signals and send them again in {AWAY_SECONDS} s; their ids keep them from counting twice"
    return Refused(503, "Kafka is away", do, {"Retry-After": str(AWAY_SECONDS)})


async def _items(kind: str, body: bytes) -> list[object]:
    """Return the items of a body by its media type. An ISO 20022 document is parsed in a thread, because thousands of
    transactions take half a second.
    """
    if kind == XML:
        return await asyncio.to_thread(items_of_document, body)
    return items_of_lines(body) if kind == LINES else items_of_body(body)


def _answer(found: Examined) -> Response:
    taken: dict[str, Any] = {"accepted": len(found.good), "ids": [signal.id for signal in found.signals]}
    if not found.faults:
        return JSONResponse(taken, 202)
    return JSONResponse({**taken, "errors": [asdict(fault) for fault in found.faults]}, 422)


async def _refusal(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - Starlette types every handler's exception as Exception
    return JSONResponse({"error": refused.what, "do": refused.do}, refused.status, refused.headers)


async def _reachable(brokers: Sequence[str]) -> bool:
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return True
    return False
