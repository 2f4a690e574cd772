"""The voice gateway's orders: `POST /calls`, `GET /calls/ID`, /healthz and /readyz."""

import time
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from schemas.base import Model
from schemas.people.residents import Language
from streams.gateways.front import OrderFront, OrderInterface, OrderStanding, not_carried_out, not_now
from streams.gateways.voice.gateway import VoiceGateway
from streams.gateways.voice.ledger import CallOrder, LedgerState
from streams.gateways.voice.receipts import CHANNEL

IN_DOUBT = "in doubt: it is unknown how this call ended, and it is not dialled again"


class VoiceOrder(Model):
    """The body of an order.

    `to`: E.164; `script`: the text to speak, in `language`; `action`: the purpose, for the log.
    """

    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$")]
    script: Annotated[str, Field(min_length=1, max_length=2000)]
    language: Language
    action: Literal["robot_call", "follow_up", "support_call", "week_call", "contact_call"]


VOICE_ORDERS = OrderInterface(CHANNEL, "/calls", VoiceOrder, 500, IN_DOUBT)


class VoiceOrders:
    """Accepts orders over HTTP to dial a number and speak a text, and answers questions about them. `keys`: of the
    orders' signatures, the current one first; `more`: HTTP routes added to the application.
    """

    def __init__(self, gateway: VoiceGateway, keys: tuple[bytes, ...], more: Sequence[BaseRoute] = ()) -> None:
        self._gateway, self._keys, self._more = gateway, keys, more

    @property
    def app(self) -> Starlette:
        """The HTTP application: orders and questions, /healthz (always 200) and /readyz (503 if the trunk is down or
        the gateway is closing).
        """
        return OrderFront(VOICE_ORDERS, self._keys, self).app(
            Route("/healthz", self._alive), Route("/readyz", self._ready), *self._more
        )

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store the nonce of a signature. Returns True if it is new or was used for the same dispatch; False if it was
        used for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._gateway.claim(nonce, dispatch)

    async def standing(self, dispatch: str) -> OrderStanding | None:
        """Return IN_DOUBT if a dispatch's call was begun and its result is unknown, TAKEN in any other state, and None
        if its order never came. Raises sqlite3.Error if the disk cannot be read.
        """
        state = await self._gateway.state(dispatch)
        return None if state is None else _standing(state)

    async def take(self, dispatch: str, order: VoiceOrder) -> OrderStanding:
        """Store an order, to be dialled when a line is free; a known id changes nothing. Returns IN_DOUBT if it was
        dialled before and its result is unknown, else TAKEN.

        Raises Refused: 422 if its number may not be called, 503 if too many orders wait or the gateway is closing; and
        sqlite3.Error if the disk refuses.
        """
        if not self._gateway.may_call(order.to):
            raise not_carried_out(
                "the gateway may not call numbers with this prefix", "Add the prefix to [numbers] allowed"
            )
        if not self._gateway.has_room:
            raise not_now("too many orders wait: nothing was done")
        called = CallOrder(dispatch, order.to, order.script, order.language.value, time.time())
        return _standing(await self._gateway.take(called))

    async def _ready(self, request: Request) -> Response:
        """Answer 200 while orders are taken and the trunk is up, else 503."""
        good = self._gateway.trunk_up and not self._gateway.closing
        return JSONResponse({"status": "ready" if good else "the trunk is down"}, 200 if good else 503)

    async def _alive(self, request: Request) -> Response:
        """Answer 200: the event loop runs."""
        return JSONResponse({"status": "ok"})


def _standing(state: LedgerState) -> OrderStanding:
    return OrderStanding.IN_DOUBT if state is LedgerState.IN_DOUBT else OrderStanding.TAKEN
