"""Quanzu's orders, over HTTP: `POST /sms` with an idempotency key, `GET /sms/ID` to ask about one.

The same order may come several times; it is carried out once. An order is answered once the disk has it.
"""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import StringConstraints, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.carriers.account import GatewayFile
from domain.carriers.outcome import SegmentState
from domain.carriers.routing import eligible
from domain.carriers.segments import message_script, segmented
from schemas.base import Model
from streams.channels.provider import KEY_HEADER
from streams.channels.signing import FittingSignature, SignatureError, SignedMessage, verify
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import OrderTaking, Outbound
from streams.gateways.sms.sender import Sender
from streams.runtime.serving import Refused, read_body

log = logging.getLogger(__name__)

PATH, CHANNEL = "/sms", "sms"
BODY_BYTES, BODY_SECONDS = 16 * 1024, 10.0
LONGEST_ID = 120
_UNKNOWN = 504  # by which Quanzu knows that the outcome is unknown
_AGAIN = 503


class SmsOrder(Model):
    """An order. `to`: E.164; `flash`: shown at once on the screen, and sent before others; `action`: Quanzu's name."""

    to: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{4,14}$")]
    text: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    flash: bool = False
    action: Annotated[str, StringConstraints(max_length=64)] = ""


class Orders:
    """Takes orders into the journal and to the sender. `keys`: that sign them, the current one first."""

    def __init__(
        self,
        file: GatewayFile,
        keys: Sequence[bytes],
        journal: Journal,
        sender: Sender,
        carriers: Sequence[CarrierLink],
    ) -> None:
        self._file, self._keys, self._journal, self._sender, self._carriers = file, keys, journal, sender, carriers
        self._gsm7 = {each.name for each in file.carrier if each.gsm7}

    @property
    def app(self) -> Starlette:
        """The HTTP application: orders and questions, /healthz, /readyz and /metrics."""
        return Starlette(
            routes=[
                Route(PATH, self._order, methods=["POST"]),
                Route(PATH + "/{key:path}", self._asked, methods=["GET"]),
                Route("/healthz", self._health),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _order(self, request: Request) -> Response:
        key = request.headers.get(KEY_HEADER, "")
        try:
            _check_id(key)
            body = await read_body(request, BODY_BYTES, BODY_SECONDS, packed=False)
            signed = self._signed(request, PATH, body)
            message = self._outbound(key, SmsOrder.model_validate_json(body))
        except Refused as refused:
            return _told(refused.status, f"{refused.what}. {refused.do}")
        except SignatureError as error:
            return _told(401, str(error))
        except ValidationError as error:
            places = {".".join(map(str, item["loc"])) or "body" for item in error.errors(include_input=False)}
            return _told(422, f"invalid: {', '.join(sorted(places))}")
        return await self._taken(message, signed.nonce)

    async def _taken(self, message: Outbound, nonce: str) -> Response:
        """Store an order. 202 if it is stored, also if it was before; 504 if nobody knows whether the carrier has it;
        503 if it is not stored.
        """
        if self._sender.size >= self._file.most_waiting:
            if await self._journal.run(partial(steps.states, message=message.id)):
                return await self._known(message.id, 202)
            return _told(_AGAIN, f"{self._file.most_waiting} messages wait already: nothing was done")
        try:
            taking = await self._journal.run(partial(steps.take, order=message, nonce=nonce, now=time.time()))
        except sqlite3.Error:
            log.exception("the journal refuses an order: it is not taken")
            return _told(_AGAIN, "the journal refuses it: nothing was done")
        if taking is OrderTaking.REPLAYED:
            return _told(401, "the nonce was used for another order: sign each attempt with a new one")
        if taking is OrderTaking.KNOWN:
            return await self._known(message.id, 202)
        self._sender.add(message)
        return JSONResponse({"reference": message.id, "segments": len(message.segments)}, 202)

    async def _known(self, key: str, good: int) -> Response:
        states = await self._journal.run(partial(steps.states, message=key))
        if not states:
            return JSONResponse({}, 404)
        if SegmentState.DOUBT in states:
            return _told(_UNKNOWN, "unknown: the connection ended before the carrier answered; it is never sent again")
        return JSONResponse({"reference": key}, good)

    async def _asked(self, request: Request) -> Response:
        key = request.path_params["key"]
        try:
            self._signed(request, f"{PATH}/{key}", b"")
        except SignatureError as error:
            return _told(401, str(error))
        return await self._known(key, 200) if _is_id(key) else JSONResponse({}, 404)

    def _signed(self, request: Request, path: str, body: bytes) -> FittingSignature:
        return verify(self._keys, request.headers, SignedMessage(CHANNEL, path, body, request.method), time.time())

    def _outbound(self, key: str, order: SmsOrder) -> Outbound:
        """Return the message of an order. Raises Refused if no carrier takes its number, or it is too long."""
        names = eligible(self._file.carrier, order.to)
        if not names:
            raise Refused(422, "no carrier has this number range", "Add its prefix to a carrier in the configuration")
        reference = hashlib.sha256(key.encode()).digest()[0]
        try:
            made = segmented(order.text, reference, gsm7=self._gsm7.issuperset(names))
        except ValueError:
            raise Refused(422, "over 255 segments", "Shorten the text") from None
        if len(made.segments) > self._file.most_segments:
            raise Refused(422, f"{len(made.segments)} segments: at most {self._file.most_segments}", "Shorten the text")
        language = message_script(order.text)
        metrics.TAKEN.labels(language).inc()
        metrics.SEGMENTS.labels(language).inc(len(made.segments))
        numbered = tuple(enumerate(made.segments, 1))
        expires = time.time() + self._file.expire_seconds
        return Outbound(key, order.to, made.alphabet, order.flash, numbered, made.joined, expires)

    async def _health(self, request: Request) -> Response:
        try:
            await self._journal.run(steps.in_doubt)
        except sqlite3.Error:
            return JSONResponse({"status": "the journal cannot be read"}, 503)
        return JSONResponse({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        bound = {each.account.name: each.bound for each in self._carriers}
        return JSONResponse({"bound": bound}, 200 if any(bound.values()) else 503)

    async def _metrics(self, request: Request) -> Response:
        metrics.IN_DOUBT.set(await self._journal.run(steps.in_doubt))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _is_id(key: str) -> bool:
    return 0 < len(key) <= LONGEST_ID and key.isprintable()


def _check_id(key: str) -> None:
    if not _is_id(key):
        raise Refused(400, f"{KEY_HEADER} is missing or not 1 to {LONGEST_ID} printable characters", "Send it")


def _told(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"reason": reason}, status)
