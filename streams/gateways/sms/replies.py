"""Residents' replies: from the carriers to the journal, and from there, signed, to Quanzu until it takes them.

A reply names the latest dispatch that went to its telephone, and never the number. Of a telephone that the gateway has
not written to within `keep_days`, a message is counted and nothing else.
"""

import asyncio
import hashlib
import hmac
import logging
import sqlite3
import time
from collections.abc import Sequence
from functools import partial

import httpx
import orjson

from domain.carriers.account import CarrierAccount, GatewayFile
from domain.carriers.replies import TelephoneMessage
from streams.gateways.receipts import ReceiptAddress
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_replies as steps
from streams.gateways.sms.delivery_faults import DeliveryFaults
from streams.gateways.sms.gateway_metrics import DeliveryFault
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_replies import KeptReply, ReplyDelivery, ReplyTaking, telephone_hash
from streams.gateways.sms.orders import CHANNEL
from streams.runtime.tasks import set_within, wanted

log = logging.getLogger(__name__)

PATH = "/replies"  # below that of receipts
AT_ONCE = 8
LOOK_SECONDS, AGAIN_SECONDS = 1.0, 5.0
REPEAT_SECONDS = 600.0  # SMPP names no delivery: the same text from a number counts once within this time
_DAY = 86_400.0


class Replies:
    """Takes messages from telephones and passes them on. `keys`: of orders, the current one first: it signs."""

    def __init__(self, file: GatewayFile, keys: Sequence[bytes], journal: Journal, client: httpx.AsyncClient) -> None:
        self._file, self._keys, self._journal, self._client = file, keys, journal, client
        self._address = ReceiptAddress(CHANNEL, file.receipts.rstrip("/") + PATH, tuple(keys))
        self._due, self._faults = asyncio.Event(), DeliveryFaults()

    async def take(self, account: CarrierAccount, message: TelephoneMessage) -> bool:
        """Store a message from a telephone, or a part of one. Returns False if the carrier has to deliver it again,
        because the disk refuses it or too many wait; else True, even if it is not stored: it came before, the telephone
        is unknown, or too many of this telephone wait.
        """
        given = self._delivery(account, message)
        repeat = REPEAT_SECONDS if message.id is None else self._file.keep_days * _DAY
        change = partial(steps.receive_reply, given=given, now=time.time(), repeat_seconds=repeat)
        try:
            taking: ReplyTaking = await self._journal.run(change)
        except sqlite3.Error as error:
            self._faults.note(account.name, DeliveryFault.NOT_STORED, error)
            return False
        metrics.REPLIES.labels(account.name, taking).inc()
        self._due.set()
        return taking is not ReplyTaking.FULL

    async def run(self) -> None:
        """Pass replies on to Quanzu until cancelled, up to 8 at once. One that Quanzu does not take is tried again
        after 5 s, or after 60 s if it was denied.
        """
        while wanted():
            self._due.clear()
            now = time.time()
            await self._journal.until_stored(partial(steps.join_late, now=now))
            due = await self._journal.until_stored(partial(steps.due_replies, now=now, most=AT_ONCE))
            await asyncio.gather(*(self._pass_on(each) for each in due))
            if not due:
                await set_within(self._due, LOOK_SECONDS)

    async def forget(self, before: float) -> None:
        """Delete replies and what recognises telephones and deliveries from before `before` (seconds since 1970), and
        log how many replies Quanzu never took. If the disk refuses, this is tried again each second.
        """
        lost = await self._journal.until_stored(partial(steps.forget_replies, before=before))
        if lost:
            log.error("%d replies that Quanzu did not take within keep_days are dropped: check `receipts`", lost)

    async def _pass_on(self, kept: KeptReply) -> None:
        body = orjson.dumps({"id": kept.id, "dispatch": kept.dispatch, "text": kept.text})
        answer = await self._address.send(self._client, body)
        if answer.is_settled:
            await self._journal.until_stored(partial(steps.passed_on, reply=kept.id))
        else:
            metrics.REPLIES_UNTOLD.inc()
            until = time.time() + answer.pause(AGAIN_SECONDS)
            await self._journal.until_stored(partial(steps.postpone_reply, reply=kept.id, until=until))

    def _delivery(self, account: CarrierAccount, message: TelephoneMessage) -> ReplyDelivery:
        part, phones = message.part, tuple(telephone_hash(key, message.phone) for key in self._keys)
        same = [account.name, phones[0], message.service, *([str(part.reference), str(part.total)] if part else [])]
        content = [str(part.number) if part else "", message.id or message.text]
        return ReplyDelivery(phones, self._hashed(same + content), self._hashed(same), message.text, part)

    def _hashed(self, parts: list[str]) -> str:
        return hmac.new(self._keys[0], "\0".join(parts).encode(), hashlib.sha256).hexdigest()
