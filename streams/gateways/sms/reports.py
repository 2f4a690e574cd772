"""Stores the carriers' receipts in the journal, and reports the results to Quanzu, signed, until it accepts them."""

import asyncio
import hashlib
import logging
import sqlite3
import time
from collections.abc import Collection, Coroutine, Mapping
from functools import partial
from typing import Any

import httpx
import orjson

from domain.carriers.account import CarrierAccount, GatewayFile
from domain.carriers.delivery_receipts import DeliveryReceipt, query_result
from domain.carriers.replies import TelephoneMessage
from schemas.channels.receipts import SmsState
from streams.gateways.nonces import NONCE_SECONDS, forget_nonces
from streams.gateways.receipts import AT_ONCE, ReceiptAddress, keep_sending
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.delivery_faults import DeliveryFaults
from streams.gateways.sms.dialect import Unit
from streams.gateways.sms.gateway_metrics import DeliveryFault
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import MissingReceipt, UnreportedResult
from streams.gateways.sms.orders import CHANNEL
from streams.gateways.sms.pdu import PduError
from streams.gateways.sms.replies import Replies
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

AGAIN_SECONDS = 3.0  # after an attempt that failed
LOOK_SECONDS = 1.0  # between two looks for results that no event announced
QUESTIONS = 20  # to a carrier, between two looks
UPKEEP_SECONDS = 600.0
_DAY = 86_400.0


class Reports:
    """Takes carriers' receipts, asks carriers for missing ones, and reports results to Quanzu.

    `due`: set when there may be results; `keys`: that sign receipts, the current one first.
    """

    def __init__(
        self,
        file: GatewayFile,
        keys: tuple[bytes, ...],
        journal: Journal,
        client: httpx.AsyncClient,
        due: asyncio.Event,
        replies: Replies,
    ) -> None:
        self._file, self._journal, self._client, self._due = file, journal, client, due
        self._address, self._replies = ReceiptAddress(CHANNEL, file.receipts, keys), replies
        self._faults = DeliveryFaults()

    async def deliver(self, account: CarrierAccount, carrier: CarrierLink, unit: Unit) -> bool:
        """Take a unit that a carrier delivers: a receipt, or a message from a telephone. Returns False if the carrier
        has to deliver it again, because the disk refuses it or too many messages wait; else True: the disk has it, or
        it is not stored, because it cannot be read, is not final, came before, or its telephone is unknown or has too
        many messages waiting.
        """
        try:
            found = carrier.dialect.delivery(unit)
        except PduError:
            self._faults.note(account.name, DeliveryFault.UNREADABLE)
            return True
        if isinstance(found, TelephoneMessage):
            return await self._replies.take(account, found)
        if found is None:
            self._faults.note(account.name, DeliveryFault.NAMELESS)
            return True
        return found.state is None or await self._receipt(account, carrier, found, found.state)

    async def _receipt(
        self, account: CarrierAccount, carrier: CarrierLink, receipt: DeliveryReceipt, state: SmsState
    ) -> bool:
        note = partial(
            steps.receive,
            carrier=account.name,
            remote=receipt.message,
            state=state,
            word=receipt.word[:20],
            now=time.time(),
        )
        try:
            await self._journal.run(note)
        except sqlite3.Error as error:
            self._faults.note(account.name, DeliveryFault.NOT_STORED, error)
            return False
        carrier.receipted(receipt.message)
        metrics.RECEIVED.labels(account.name, state).inc()
        self._due.set()
        return True

    async def run(self) -> None:
        """Report results to Quanzu until cancelled, up to 16 at once. One that Quanzu does not accept is sent again
        after 3 s, or after 60 s if it was denied.
        """
        await keep_sending(self._due_results, self._due, lambda _: LOOK_SECONDS)

    async def _due_results(self, sending: Collection[str]) -> dict[str, Coroutine[Any, Any, None]]:
        most = AT_ONCE - len(sending)
        due = partial(steps.unreported_results, now=time.time(), most=most, without=set(sending))
        return {each.id: self._tell(each) for each in await self._journal.until_stored(due)}

    async def ask(self, carriers: Mapping[str, CarrierLink]) -> None:
        """Until cancelled, ask carriers about missing receipts and for their figures of the day, and every 10 minutes
        delete old messages, receipts and replies from the journal. `carriers`: by name.
        """
        async with asyncio.TaskGroup() as group:  # one that does not answer delays no other
            for name, carrier in carriers.items():
                group.create_task(self._ask(name, carrier))
                group.create_task(self._count(carrier))
            group.create_task(self._upkeep())

    async def _ask(self, name: str, carrier: CarrierLink) -> None:
        again = 2 * self._file.query_seconds
        while wanted():
            await asyncio.sleep(LOOK_SECONDS)
            due = partial(steps.questions, carrier=name, now=time.time(), again=again, most=QUESTIONS)
            for each in await self._journal.until_stored(due):
                await self._question(each, carrier)

    async def _count(self, carrier: CarrierLink) -> None:
        while wanted():
            await asyncio.sleep(self._file.query_seconds)
            await carrier.count()

    async def _upkeep(self) -> None:
        while wanted():
            now = time.time()
            await self._journal.until_stored(partial(steps.forget_early, now=now))
            await self._journal.until_stored(partial(forget_nonces, before=now - NONCE_SECONDS))
            kept_since = now - self._file.keep_days * _DAY
            await self._journal.until_stored(partial(_forget, before=kept_since))
            await self._replies.forget(kept_since)
            await asyncio.sleep(UPKEEP_SECONDS)

    async def _question(self, each: MissingReceipt, carrier: CarrierLink) -> None:
        number = await carrier.query(each.named)
        state = query_result(number) if number is not None else None
        if state is not None:
            word = f"STATE{number}"
            note = partial(
                steps.receive, carrier=each.carrier, remote=each.remote, state=state, word=word, now=time.time()
            )
            await self._journal.until_stored(note)
            metrics.RECEIVED.labels(each.carrier, state).inc()
            self._due.set()

    async def _tell(self, told: UnreportedResult) -> None:
        """Report a result to Quanzu. Store that it is finished, or when it is to be reported again."""
        again = await self._told(told)
        if again is None:
            await self._journal.until_stored(partial(steps.mark_reported, told=told))
        else:
            metrics.UNTOLD.inc()
            await self._journal.until_stored(partial(steps.postpone, told=told, until=time.time() + again))

    async def _told(self, told: UnreportedResult) -> float | None:
        """Report a result to Quanzu.

        Returns the seconds until it is to be reported again; None if Quanzu accepted it or refused it for good.
        """
        body = orjson.dumps(
            {"id": _receipt_id(told), "dispatch": told.id, "result": told.result.value, "detail": told.word}
        )
        answer = await self._address.send(self._client, body)
        return None if answer.is_settled else answer.pause(AGAIN_SECONDS)


def _receipt_id(told: UnreportedResult) -> str:
    """Return the receipt's id: always the same for a result, so that a repetition counts once."""
    return hashlib.sha256(f"{told.id} {told.result.value}".encode()).hexdigest()[:32]


def _forget(db: sqlite3.Connection, before: float) -> None:
    lost = steps.untold_before(db, before)
    if lost:
        log.error("%d results that Quanzu did not take within keep_days are dropped: check `receipts`", lost)
    steps.forget_before(db, before)
