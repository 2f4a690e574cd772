"""The HTTP interface of orders: the contract of a provider, as streams/channels/provider.py calls it."""

import logging
import sqlite3
import time
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.base import Model
from schemas.people.residents import Language
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import FittingSignature, SignatureError, SignedMessage, verify
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import CallOrder, LedgerState
from streams.gateways.voice.receipts import CHANNEL
from streams.runtime.serving import Refused, read_body

log = logging.getLogger(__name__)

PATH = "/calls"
BODY = 64 * 1024  # bytes
BODY_WAIT = 5.0  # seconds
LONGEST_KEY = 120
IN_DOUBT = "in doubt: it is unknown how this call ended, and it is not dialled again"


class VoiceOrder(Model):
    """The body of an order. `to`: E.164; `script`: what is said, in `language`; `action`: what for, for the log."""

    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$")]
    script: Annotated[str, Field(min_length=1, max_length=2000)]
    language: Language
    action: Literal["robot_call", "follow_up", "contact_call"]


class VoiceOrders:
    """Takes orders and answers questions about them. `keys`: of signatures, the current one first."""

    def __init__(self, gateway: VoiceGateway, keys: tuple[bytes, ...]) -> None:
        self._gateway, self._keys = gateway, keys

    async def order(self, request: Request) -> Response:
        """Take an order: 202 once it is on disk, also for a known id; 500 if its call is in doubt.

        400 without an id, 401 without a valid signature or with one that was used for another id, 422 if it is invalid
        or its number may not be called: all certainly not dialled. 503 if there is no room, or the disk refuses it:
        ask, and send it again.
        """
        body = await read_body(request, BODY, BODY_WAIT, packed=False)
        signed = self._verify(request, PATH, body)
        dispatch = request.headers.get(KEY_HEADER, "")
        if not 0 < len(dispatch) <= LONGEST_KEY or not dispatch.isprintable():
            return _told(400, f"{KEY_HEADER} is missing or too long")
        try:
            return await self._order(dispatch, signed.nonce, body)
        except sqlite3.Error:
            log.exception("the disk refuses an order: it is not taken")
            return _told(503, "the disk refuses the order")

    async def _order(self, dispatch: str, nonce: str, body: bytes) -> Response:
        # The signature covers no id: what was signed for one order must not be dialled under another. So the nonce is
        # kept of each attempt, also of one that is refused or repeats an order.
        if not await self._gateway.claim(nonce, dispatch):
            return _told(401, "the nonce was used for another order: sign each attempt with a new one")
        known = await self._gateway.state(dispatch)
        if known is not None:
            return _standing(known, dispatch, 202)
        try:
            given = VoiceOrder.model_validate_json(body)
        except ValidationError as error:
            where = ", ".join(".".join(map(str, each["loc"])) or "body" for each in error.errors(include_input=False))
            return _told(422, f"not valid: {where}")
        if not self._gateway.may_call(given.to):
            return _told(422, "the gateway may not call numbers with this prefix: see [numbers] allowed")
        if not self._gateway.has_room:
            return _told(503, "too many orders wait")
        order = CallOrder(dispatch, given.to, given.script, given.language.value, time.time())
        return _standing(await self._gateway.take(order), dispatch, 202)

    async def ask(self, request: Request) -> Response:
        """Answer whether an order came: 200, 404 if it did not, 500 if its call is in doubt."""
        dispatch = request.path_params["key"]
        self._verify(request, f"{PATH}/{dispatch}", b"")
        known = await self._gateway.state(dispatch)
        return _told(404, "unknown") if known is None else _standing(known, dispatch, 200)

    async def ready(self, request: Request) -> Response:
        """Answer 200 while orders are taken and the trunk is up, else 503."""
        good = self._gateway.trunk_up and not self._gateway.closing
        return JSONResponse({"status": "ready" if good else "the trunk is down"}, 200 if good else 503)

    async def alive(self, request: Request) -> Response:
        """Answer 200: the event loop runs."""
        return JSONResponse({"status": "ok"})

    def _verify(self, request: Request, path: str, body: bytes) -> FittingSignature:
        try:
            return verify(self._keys, request.headers, SignedMessage(CHANNEL, path, body, request.method), time.time())
        except SignatureError as error:
            raise Refused(401, str(error), "Sign with the key of voice in QUANZU_RECEIPTS_SECRET") from None


def orders_app(orders: VoiceOrders) -> Starlette:
    """Return the HTTP application: POST /calls, GET /calls/ID, /healthz, /readyz."""
    return Starlette(
        routes=[
            Route(PATH, orders.order, methods=["POST"]),
            Route(PATH + "/{key:path}", orders.ask),
            Route("/healthz", orders.alive),
            Route("/readyz", orders.ready),
        ],
        exception_handlers={Refused: _refused},
    )


def _standing(state: LedgerState, dispatch: str, status: int) -> Response:
    return _told(500, IN_DOUBT) if state is LedgerState.IN_DOUBT else JSONResponse({"reference": dispatch}, status)


def _told(status: int, reason: str) -> Response:
    return JSONResponse({"reason": reason}, status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it alone
    return JSONResponse({"reason": str(error), "fix": error.do}, error.status, error.headers)
