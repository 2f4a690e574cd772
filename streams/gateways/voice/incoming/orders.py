"""The console's acts for incoming calls: `POST /operator-ready` lets an operator take calls, or not."""

import time
from collections import deque
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from starlette.routing import BaseRoute

from schemas.base import Model
from streams.channels.operator_calls.phones import READY
from streams.gateways.front import OrderFront, OrderInterface, OrderStanding, not_carried_out
from streams.gateways.voice.incoming.queue import CallQueue
from streams.gateways.voice.ledger import VoiceLedger
from streams.gateways.voice.receipts import CHANNEL

KNOWN_ACTS = 1000  # ids of the latest acts: one that comes again has no effect


class ReadyOrder(Model):
    """The body of an act. `operator`: the login; `ready`: whether incoming calls ring their telephone."""

    operator: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}$")]
    ready: bool


READY_ORDERS = OrderInterface(CHANNEL, READY, ReadyOrder, 500, "in doubt")


class ReadyOrders:
    """Takes the console's acts. `logins`: who has a telephone; `keys`: of the signatures, the current one first;
    `ledger`: has their nonces.
    """

    def __init__(self, queue: CallQueue, logins: Sequence[str], ledger: VoiceLedger, keys: tuple[bytes, ...]) -> None:
        self._queue, self._logins, self._ledger, self._keys = queue, frozenset(logins), ledger, keys
        self._known: deque[str] = deque(maxlen=KNOWN_ACTS)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The HTTP routes that take these acts and answer whether one has come."""
        return OrderFront(READY_ORDERS, self._keys, self).app().routes

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store the nonce of a signature. Returns True if it is new or was used for the same act; False if it was used
        for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._ledger.claim(nonce, dispatch, time.time())

    async def standing(self, dispatch: str) -> OrderStanding | None:
        """Return TAKEN if this act is one of the latest 1,000 that this process has carried out, else None."""
        return OrderStanding.TAKEN if dispatch in self._known else None

    async def take(self, dispatch: str, order: ReadyOrder) -> OrderStanding:
        """Let an operator take incoming calls, or not. Returns TAKEN. Raises Refused (422) if the operator has no
        telephone, and sqlite3.Error if the disk refuses.
        """
        if order.operator not in self._logins:
            raise not_carried_out("this operator has no telephone", "Add the login to [operators] phones")
        await self._queue.operators.set_ready(order.operator, ready=order.ready)
        self._known.append(dispatch)
        self._queue.match()
        return OrderStanding.TAKEN
