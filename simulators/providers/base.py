"""The base of the simulated providers: idempotency keys, a log of contacts, faults on request, and signed receipts."""

import asyncio
import logging
import secrets
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_attempt, wait_exponential

from streams.channels.provider import KEY_HEADER, Kind
from streams.channels.signing import SignatureError, SignedMessage, sign, verify
from streams.runtime import tracing
from streams.runtime.clock import Clock

log = logging.getLogger(__name__)

ATTEMPTS = 40  # of a receipt, until it is accepted
LONGEST_WAIT_SECONDS = 2.0
# Carried out, but answered with this status.
ACTS_THEN = {f"act_then_{status}": status for status in (500, 503, 408, 429)}
CUT = "act_then_cut"  # carried out, but the connection is cut within the answer
FAULTS = (
    *("error", "hang", "late_act", "late_answer", *ACTS_THEN, CUT, "asked_500"),
    *("receipts_twice", "receipts_late", "receipts_reversed"),
)
_LOST = (400, 401, 403, 409, 413)  # a repetition would not help

Receipt = tuple[timedelta, dict[str, Any]]
"""After how long, and the receipt's JSON."""


@dataclass(frozen=True, slots=True)
class Contact:
    """An act that a provider carried out: an entry of its log. `dispatch`: the order's id; `action`: the act, as the
    dispatch names it; `to`: telephone, account or officer; `at`: ISO 8601; `said`: the text, or the reason.
    """

    dispatch: str
    action: str
    to: str
    at: str
    said: str = ""


@dataclass(slots=True)
class Fault:
    """A fault in the next `times` requests.

    `status`: the HTTP status of the fault `error`; `seconds`: wall-clock duration of `hang`, `late_act` and
    `late_answer`; `minutes`: by the province's clock, the delay of `receipts_late`.
    """

    times: int = 1
    status: int = 500
    seconds: float = 10.0
    minutes: float = 36.0


class RefusedError(ValueError):
    """The provider refuses an order, which it answers with 422. The text says why."""


_trace: ContextVar[str | None] = ContextVar("trace", default=None)  # of the order; its receipts continue it


class CutAnswer(Response):
    """An answer (202) whose connection is closed after the head, before the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})


class SimulatedProvider(ABC):
    """A provider of one family of orders. Subclasses define what an order does and its receipts.

    `book`: the contacts made, the earliest first; `faults`: faults to come, by name; `delayed`: dispatch id ->
    wall-clock seconds by which `late_act` delayed the order; `held_up`: number of orders that are delayed at present;
    `mode`: how a repeated order is treated: IDEMPOTENT: carried out once; ASKABLE: carried out each time, and queries
    are answered; NEITHER: carried out each time, and queries are not answered; `checks`: True if orders must be signed.
    """

    checks = False

    def __init__(
        self, clock: Clock, receipts_url: str, keys: Mapping[str, bytes], mode: Kind = Kind.IDEMPOTENT
    ) -> None:
        self.clock, self.mode = clock, mode
        self.book: list[Contact] = []
        self.faults: dict[str, Fault] = {}
        self.delayed: dict[str, float] = {}  # order -> seconds by which `late_act` delayed it
        self.held_up = 0  # orders delayed at present
        self._url, self._keys = receipts_url, keys
        self._seen: set[str] = set()
        self._signers: dict[str, str] = {}  # dispatch -> who signs its receipts
        self._told: defaultdict[str, int] = defaultdict(int)  # dispatch -> number of receipts, for their ids
        self._running: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    @abstractmethod
    def paths(self) -> dict[str, str]:
        """Return, for each URL path that accepts orders, the name of the webhook to which the receipts of these orders
        are sent.
        """

    @abstractmethod
    def contact(self, key: str, path: str, order: dict[str, Any]) -> Contact:
        """Carry out an order, and return the entry for `book`, which the caller appends.

        `key`: the dispatch's id; `path`: one of `paths`, to which the order was posted. A repeated order is carried out
        again: the caller must recognise it. Raises RefusedError if the provider refuses the order, and KeyError if a
        field of the order is missing.
        """

    @abstractmethod
    async def later(self, key: str, path: str, order: dict[str, Any], now: datetime) -> Sequence[Receipt]:
        """Return the order's receipts, each as (delay after `now`, JSON without its ids). Nothing is sent.

        `key`: the dispatch's id; `path`: one of `paths`, to which the order was posted. Raises KeyError if a field of
        the order is missing.
        """

    @property
    def app(self) -> Starlette:
        """Return a new HTTP application of this provider at each access. It accepts orders, answers queries about
        orders, returns the log (`/book`), and sets faults (`/faults`).
        """
        routes = [Route("/book", self._read_book), Route("/faults", self._set_fault, methods=["POST", "DELETE"])]
        for path in self.paths():
            routes.append(Route(path, self._order, methods=["POST"]))
            routes.append(Route(path + "/{key:path}", self._asked))
        routes.append(Route("/messages/{key:path}", self._asked))
        return Starlette(routes=routes)

    async def close(self) -> None:
        """Stop sending receipts, drop those that were not accepted yet, and close the HTTP client."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def fault(self, name: str) -> Fault | None:
        """Return the fault with this name and subtract 1 from its `times`; None if it is not set. A fault whose `times`
        reaches 0 is removed from `faults`.
        """
        fault = self.faults.get(name)
        if fault is None:
            return None
        fault.times -= 1
        if fault.times <= 0:
            del self.faults[name]
        return fault

    async def _order(self, request: Request) -> Response:
        key = request.headers.get(KEY_HEADER, "")
        if not key:
            return JSONResponse({"reason": f"{KEY_HEADER} is missing"}, 400)
        if fault := self.fault("error"):
            return JSONResponse({"reason": "a fault that was asked for"}, fault.status)
        if fault := self.fault("hang"):
            await asyncio.sleep(fault.seconds)
            return JSONResponse({"reason": "nothing was done"}, 503)
        body = await request.body()
        path = request.scope["path"].removeprefix(request.scope["root_path"])
        order = orjson.loads(body)  # even if the client does not wait for the answer
        if self.checks and (why := self._unsigned(request, path, body, self.signer(path, order))):
            return JSONResponse({"reason": why}, 401)
        if fault := self.fault("late_act"):
            self.delayed[key] = fault.seconds
            self.held_up += 1
            await asyncio.sleep(fault.seconds)
            self.held_up -= 1
        _trace.set(request.headers.get(tracing.HEADER))
        try:
            self._do(key, path, order)
        except RefusedError as error:
            return JSONResponse({"reason": str(error)}, 422)
        if fault := self.fault("late_answer"):
            await asyncio.sleep(fault.seconds)
        return self._answer_to(key)

    def webhook(self, path: str) -> str:
        """Return the name of the webhook for the receipts of a path's orders. Raises KeyError for an unknown path."""
        return self.paths()[path]

    def channel(self, path: str) -> str:
        """Return the name of the channel that the signatures of a path's orders and receipts state: by default, the
        name of the path's webhook. Raises KeyError for an unknown path.
        """
        return self.paths()[path]

    def signer(self, path: str, order: Mapping[str, Any]) -> str:
        """Return the name of the party whose key signs the order and its receipts: by default, the name of the path's
        channel. Raises KeyError for an unknown path.
        """
        return self.channel(path)

    def _unsigned(self, request: Request, path: str, body: bytes, signer: str) -> str:
        """Return why an order's signature is not valid, or ""."""
        message = SignedMessage(self.channel(path), path, body, request.method)
        try:
            verify([self._keys[signer]], request.headers, message, time.time())
        except SignatureError as error:
            return str(error)
        return ""

    def _answer_to(self, key: str) -> Response:
        """Return the answer to an executed order, or the answer of a fault, which hides that it was executed."""
        for name, status in ACTS_THEN.items():
            if self.fault(name):
                return JSONResponse({"reason": "a fault that was asked for"}, status)
        return CutAnswer() if self.fault(CUT) else JSONResponse({"reference": key}, 202)

    def _do(self, key: str, path: str, order: dict[str, Any]) -> None:
        if self.mode is Kind.IDEMPOTENT and key in self._seen:
            return
        contact = self.contact(key, path, order)
        self._seen.add(key)
        self._signers[key] = self.signer(path, order)
        self.book.append(contact)
        self._start(self._tell_later(key, path, order))

    async def _asked(self, request: Request) -> Response:
        if self.mode is Kind.NEITHER:
            return JSONResponse({"reason": "this provider cannot be asked"}, 501)
        if self.fault("asked_500"):
            return JSONResponse({"reason": "a fault that was asked for"}, 500)
        key = request.path_params["key"]
        return JSONResponse({"reference": key} if key in self._seen else {}, 200 if key in self._seen else 404)

    async def _read_book(self, request: Request) -> Response:
        return JSONResponse([asdict(contact) for contact in self.book])

    async def _set_fault(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        wanted = await request.json()
        name = wanted.pop("fault", None)
        if name not in FAULTS:
            return JSONResponse({"reason": f"write one of {', '.join(FAULTS)}"}, 422)
        self.faults[name] = Fault(**wanted)
        return Response(status_code=204)

    async def _tell_later(self, key: str, path: str, order: dict[str, Any]) -> None:
        began = self.clock.now()
        receipts = list(await self.later(key, path, order, began))
        if self.fault("receipts_reversed"):
            told = [receipt for _, receipt in reversed(receipts)]
            receipts = [(delay, receipt) for (delay, _), receipt in zip(receipts, told, strict=True)]
        if fault := self.fault("receipts_late"):
            receipts = [(delay + timedelta(minutes=fault.minutes), receipt) for delay, receipt in receipts]
        times = 2 if self.fault("receipts_twice") else 1
        for delay, receipt in sorted(receipts, key=lambda each: each[0]):
            await self.clock.sleep_until(began + delay)
            self.tell(key, path, receipt, times)

    def tell(self, key: str, path: str, receipt: dict[str, Any], times: int = 1) -> None:
        """Send a receipt in the background, `times` times with the same id. Each is sent again until it is accepted or
        refused, at most 40 times. Failures are logged and not raised.

        `key`: the dispatch's id; `path`: the URL path to which the dispatch's order was posted, which decides to which
        webhook the receipt goes. `receipt`: its fields, without its id and the dispatch's id. Needs a running event
        loop.
        """
        self._told[key] += 1
        body = orjson.dumps({"id": f"{key}#{self._told[key]}", "dispatch": key, **receipt})
        for _ in range(times):
            self._start(self._post(path, body, self._signers.get(key) or self.channel(path)))

    async def _post(self, path: str, body: bytes, signer: str) -> None:
        """Send until it is accepted: otherwise a contact would stay unknown."""
        trying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(0.1, LONGEST_WAIT_SECONDS),
            retry=retry_if_exception_type(httpx.HTTPError),
        )
        try:
            answer: httpx.Response = await trying(self._posted, path, body, signer)
        except RetryError:
            log.error("a receipt was never taken")  # noqa: TRY400 - the line says it all
            return
        if not answer.is_success:
            log.error("a receipt was refused with %d: %s", answer.status_code, answer.text[:200])

    async def _posted(self, path: str, body: bytes, signer: str) -> httpx.Response:
        """Sign and send a receipt once. Raises httpx.HTTPError if a repetition may help."""
        self._client = self._client or httpx.AsyncClient(timeout=10)
        url = f"{self._url}/{self.webhook(path)}"
        message, nonce = SignedMessage(self.channel(path), urlsplit(url).path, body), secrets.token_hex(12)
        headers = {"Content-Type": "application/json", **sign(self._keys[signer], message, time.time(), nonce)}
        if trace := _trace.get():
            headers[tracing.HEADER] = trace
        answer = await self._client.post(url, content=body, headers=headers)
        return answer if answer.status_code in _LOST else answer.raise_for_status()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
