"""The SMS gateway's orders: `POST /sms`, `GET /sms/ID`; and the pages about the gateway itself."""

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import StringConstraints
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.carriers.account import GatewayFile
from domain.carriers.outcome import SegmentState
from domain.carriers.routing import eligible
from domain.carriers.segments import message_script, segmented
from schemas.base import Model
from streams.gateways.front import OrderFront, OrderInterface, OrderStanding, not_carried_out, not_now
from streams.gateways.nonces import claim_nonce
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import Outbound
from streams.gateways.sms.sender import Sender

CHANNEL = "sms"
IN_DOUBT = "unknown: the connection ended before the carrier answered; it is never sent again"


class SmsOrder(Model):
    """The body of an order.

    `to`: E.164; `text`: of the message; `flash`: shown at once on the screen, and sent before others; `action`:
    Quanzu's name for its purpose.
    """

    to: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{4,14}$")]
    text: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    flash: bool = False
    action: Annotated[str, StringConstraints(max_length=64)] = ""


SMS_ORDERS = OrderInterface(CHANNEL, "/sms", SmsOrder, 504, IN_DOUBT)


class Orders:
    """Takes orders: stores them in the journal and passes them to the sender.

    `keys`: those that sign orders, the current one first.
    """

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
        self._gbk = {each.name for each in file.carrier if each.gbk}

    @property
    def app(self) -> Starlette:
        """The HTTP application: orders and questions, /healthz (503 if the journal cannot be read), /readyz (503 if no
        carrier is connected) and /metrics.
        """
        return OrderFront(SMS_ORDERS, self._keys, self).app(
            Route("/healthz", self._health), Route("/readyz", self._ready), Route("/metrics", self._metrics)
        )

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store that the nonce of a signature is used for a dispatch. Returns True if it is new or was used for the
        same dispatch; False if it was used for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._journal.run(partial(claim_nonce, nonce=nonce, dispatch=dispatch, at=time.time()))

    async def standing(self, dispatch: str) -> OrderStanding | None:
        """Return IN_DOUBT if a segment of a dispatch's message is in doubt, else TAKEN; None if its order never came.
        Raises sqlite3.Error if the journal cannot be read.
        """
        states = await self._journal.run(partial(steps.states, message=dispatch))
        if not states:
            return None
        return OrderStanding.IN_DOUBT if SegmentState.DOUBT in states else OrderStanding.TAKEN

    async def take(self, dispatch: str, order: SmsOrder) -> OrderStanding:
        """Store an order and queue its message. Returns TAKEN; for an id that is known nothing changes, and IN_DOUBT is
        returned if it is unknown whether the carrier has the message.

        Raises Refused: 503 if too many messages wait, 422 if no carrier takes its number or it has too many segments;
        and sqlite3.Error if the disk refuses. Nothing was done then.
        """
        message = self._outbound(dispatch, order)
        if self._sender.size >= self._file.most_waiting:
            raise not_now(f"{self._file.most_waiting} messages wait already: nothing was done")
        if not await self._journal.run(partial(steps.take, order=message, now=time.time())):
            return await self.standing(dispatch) or OrderStanding.TAKEN
        language = message_script(order.text)
        metrics.TAKEN.labels(language).inc()
        metrics.SEGMENTS.labels(language).inc(len(message.segments))
        self._sender.add(message)
        return OrderStanding.TAKEN

    def _outbound(self, key: str, order: SmsOrder) -> Outbound:
        names = eligible(self._file.carrier, order.to)
        if not names:
            raise not_carried_out(
                "no carrier has this number range", "Add its prefix to a carrier in the configuration"
            )
        reference = hashlib.sha256(key.encode()).digest()[0]
        try:
            gsm7, gbk = self._gsm7.issuperset(names), self._gbk.issuperset(names)
            made = segmented(order.text, reference, gsm7=gsm7, gbk=gbk)
        except ValueError:
            raise not_carried_out("over 255 segments", "Shorten the text") from None
        if len(made.segments) > self._file.most_segments:
            raise not_carried_out(
                f"{len(made.segments)} segments: at most {self._file.most_segments}", "Shorten the text"
            )
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
