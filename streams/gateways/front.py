"""The HTTP front of a gateway: takes Quanzu's signed orders and questions, as streams/channels/provider.py sends them.

An order may come several times; it is carried out once. It is answered once the disk has it. A gateway says how it
stores an order and carries it out: its `OrderBook`.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from schemas.base import Model
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import FittingSignature, SignatureError, SignedMessage, verify
from streams.runtime.serving import Refused, read_body

log = logging.getLogger(__name__)

BODY_BYTES, BODY_SECONDS = 64 * 1024, 10.0
LONGEST_ID = 120  # characters
DISK_REFUSES, DISK_UNREADABLE = "the disk refuses it: nothing was done", "the disk cannot be read: it is unknown"
REPLAYED = "the nonce was used for another order: sign each attempt with a new one"
_NOT_DONE, _NOT_DONE_NOW = 422, 503  # certainly nothing was done; at 503 a repetition may help
_UNKNOWN = 500

Body = TypeVar("Body", bound=Model)
Taken = TypeVar("Taken", bound=Model, contravariant=True)


class OrderStanding(StrEnum):
    """The state of an order at a gateway. TAKEN: the gateway has stored it, and carries it out or has done so.
    IN_DOUBT: it may or may not have been carried out, for example because the gateway stopped meanwhile; the gateway
    does not try again.
    """

    TAKEN = "taken"
    IN_DOUBT = "in_doubt"


class OrderBook(Protocol[Taken]):
    """A gateway's orders, on disk. Each method raises sqlite3.Error if the disk refuses; then nothing has changed."""

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store that the nonce of a signature is used for a dispatch. Returns True if the nonce is new or was used for
        the same dispatch; False if it was used for another one.

        Raises sqlite3.Error if the disk refuses; then nothing has changed.
        """

    async def standing(self, dispatch: str) -> OrderStanding | None:
        """Return TAKEN or IN_DOUBT for the order of a dispatch, or None if no such order has come. Raises sqlite3.Error
        if the disk cannot be read.
        """

    async def take(self, dispatch: str, order: Taken) -> OrderStanding:
        """Store the order of a dispatch and have it carried out; an order whose dispatch is known changes nothing.
        Returns TAKEN, or IN_DOUBT for a known order of which it is unknown whether it was carried out.

        Raises Refused if the order is not accepted, and sqlite3.Error if the disk refuses; then nothing has changed.
        """


@dataclass(frozen=True, slots=True)
class OrderInterface(Generic[Body]):
    """How a gateway is addressed. `channel`: the name in signatures; `path`: of orders; `body`: the model
    of an order.

    `doubt_status`: the HTTP status of the answer about an order in doubt, by which Quanzu knows that its outcome is
    unknown, with the text `doubt`. `unclaimed`: returns True if an order is taken even if the disk refuses its nonce,
    so that it might come twice.
    """

    channel: str
    path: str
    body: type[Body]
    doubt_status: int
    doubt: str
    unclaimed: Callable[[Body], bool] = lambda _: False


class OrderFront(Generic[Body]):
    """Answers orders and questions. `keys`: of signatures, the current one first."""

    def __init__(self, interface: OrderInterface[Body], keys: Sequence[bytes], book: OrderBook[Body]) -> None:
        self._interface, self._keys, self._book = interface, keys, book

    def app(self, *more: BaseRoute) -> Starlette:
        """Return the HTTP application. POST on the path takes a signed order: 202 once it is stored, or 400, 401, 422
        or 503 if nothing was done. GET on PATH/ID answers whether the order of a dispatch has come: 200, or 404 if not.
        For an order in doubt, both answer with the status `doubt_status`. `more`: further routes.
        """
        path = self._interface.path
        orders = (Route(path, self._order, methods=["POST"]), Route(path + "/{key:path}", self._asked, methods=["GET"]))
        handlers = {Refused: _refused, sqlite3.Error: _unreadable}
        return Starlette(routes=[*orders, *more], exception_handlers=handlers)

    async def _order(self, request: Request) -> Response:
        """Take an order: 202 once it is on disk, also for a known id.

        400 without an id, 401 without a fitting signature or with a nonce that was used for another id, 422 if it is
        invalid or cannot be carried out: all certainly not done. 503: not now, and nothing was done.
        """
        body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
        signed = self._verified(request, self._interface.path, body)
        dispatch = request.headers.get(KEY_HEADER, "")
        if not _is_id(dispatch):
            raise Refused(400, f"{KEY_HEADER} is missing or not 1 to {LONGEST_ID} printable characters", "Send it")
        try:
            known = await self._taken(signed.nonce, dispatch, body)
        except sqlite3.Error as error:
            log.error("the disk refuses an order (%s). Make room on the disk", error)  # noqa: TRY400 - no fault of ours
            before = await self._book.standing(dispatch)  # 503 would say that nothing was done
            if before is None:
                raise Refused(_NOT_DONE_NOW, DISK_REFUSES, "Send it again later") from None
            known = before
        return self._told(known, dispatch, 202)

    async def _taken(self, nonce: str, dispatch: str, body: bytes) -> OrderStanding:
        if not await self._claimed(nonce, dispatch, body):
            raise Refused(401, REPLAYED, "Make a nonce for each request")
        return await self._book.standing(dispatch) or await self._book.take(dispatch, self._read(body))

    async def _claimed(self, nonce: str, dispatch: str, body: bytes) -> bool:
        try:
            return await self._book.claim(nonce, dispatch)
        except sqlite3.Error:
            if not self._interface.unclaimed(self._read(body)):
                raise
            return True

    async def _asked(self, request: Request) -> Response:
        """Answer whether an order came: 200, 404 if it did not."""
        dispatch = request.path_params["key"]
        self._verified(request, f"{self._interface.path}/{dispatch}", b"")
        known = await self._book.standing(dispatch) if _is_id(dispatch) else None
        return JSONResponse({"reason": "unknown"}, 404) if known is None else self._told(known, dispatch, 200)

    def _verified(self, request: Request, path: str, body: bytes) -> FittingSignature:
        message = SignedMessage(self._interface.channel, path, body, request.method)
        try:
            return verify(self._keys, request.headers, message, time.time())
        except SignatureError as error:
            fix = f"Sign with the key of {self._interface.channel} in QUANZU_RECEIPTS_SECRET"
            raise Refused(401, str(error), fix) from None

    def _read(self, body: bytes) -> Body:
        try:
            return self._interface.body.model_validate_json(body)
        except ValidationError as error:
            found = error.errors(include_input=False)
            places = {".".join(map(str, item["loc"])) or "body" for item in found}
            raise Refused(_NOT_DONE, f"invalid: {', '.join(sorted(places))}", "Correct it") from None

    def _told(self, known: OrderStanding, dispatch: str, status: int) -> Response:
        if known is OrderStanding.IN_DOUBT:
            return JSONResponse({"reason": self._interface.doubt}, self._interface.doubt_status)
        return JSONResponse({"reference": dispatch}, status)


def not_carried_out(what: str, do: str) -> Refused:
    """Return (not raise) the refusal, with status 422, of an order that a repetition would not help. `what`: the
    problem; `do`: the correction.
    """
    return Refused(_NOT_DONE, what, do)


def not_now(what: str) -> Refused:
    """Return (not raise) the refusal, with status 503, of an order that may be sent again. Nothing was done. `what`:
    the problem.
    """
    return Refused(_NOT_DONE_NOW, what, "Send it again later")


def _is_id(key: str) -> bool:
    return 0 < len(key) <= LONGEST_ID and key.isprintable()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it alone
    return JSONResponse({"reason": error.what, "fix": error.do}, error.status, error.headers)


async def _unreadable(request: Request, error: Exception) -> Response:
    log.error("an order or question is not answered: the disk cannot be read (%s)", error)
    return JSONResponse({"reason": DISK_UNREADABLE}, _UNKNOWN)
