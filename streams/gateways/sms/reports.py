"""What carriers report: their receipts go to the journal, and from there, signed, to Quanzu until it accepts them."""

import asyncio
import hashlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

import httpx
import orjson

from domain.carriers.account import CarrierAccount, GatewayFile
from domain.carriers.delivery_receipts import query_result, read_receipt
from streams.channels.signing import SignedMessage, sign
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.connection import TEMPORARY
from streams.gateways.sms.journal import Journal
from streams.gateways.sms.journal_steps import MissingReceipt, Untold
from streams.gateways.sms.orders import CHANNEL
from streams.gateways.sms.pdu import RECEIPT_CLASS, Pdu, PduError, delivered
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

AT_ONCE = 16  # receipts on their way to Quanzu
TRY_SECONDS = 10.0  # for one attempt
AGAIN_SECONDS = 3.0  # after an attempt that failed
LOOK_SECONDS = 1.0  # between two looks for results that no event announced
QUESTIONS = 20  # to a carrier, between two looks
UPKEEP_SECONDS = 600.0
DENIED_AGAIN_SECONDS = 60.0  # after 403 or 404: a proxy or a wrong path, until a person mends it
_DENIED = frozenset({403, 404})
_FOR_GOOD = frozenset({400, 422})  # intake calls the receipt invalid: a repetition would not help
_DAY = 86_400.0


class Reports:
    """Takes receipts of carriers, asks for those that are missing, and reports results to Quanzu.

    `due`: set when there may be results; `key`: that signs receipts.
    """

    def __init__(
        self, file: GatewayFile, key: bytes, journal: Journal, client: httpx.AsyncClient, due: asyncio.Event
    ) -> None:
        self._file, self._key, self._journal, self._client, self._due = file, key, journal, client, due
        self._path = urlsplit(file.receipts).path

    async def deliver(self, account: CarrierAccount, carrier: CarrierLink, pdu: Pdu) -> int:
        """Take a deliver_sm, and return the status to answer: 0 once the disk has a receipt.

        What is no receipt, or no final one, is counted and not kept.
        """
        try:
            found = delivered(pdu.body)
        except PduError:
            log.warning("carrier %s: a delivery that cannot be read is dropped", account.name)
            return 0
        if found.kind == 0 and found.esm_class & RECEIPT_CLASS == 0:
            metrics.REPLIES.labels(account.name).inc()
            return 0
        receipt = read_receipt(found.text, found.parameters, account.receipt_ids)
        if receipt is None:
            log.warning("carrier %s: a receipt without a readable id or state is dropped", account.name)
            return 0
        if receipt.state is None:
            return 0
        note = partial(
            steps.receive,
            carrier=account.name,
            remote=receipt.message,
            state=receipt.state,
            word=receipt.word[:20],
            now=time.time(),
        )
        try:
            await self._journal.run(note)
        except sqlite3.Error:
            log.exception("the journal refuses a receipt: the carrier is asked to deliver it again")
            return TEMPORARY
        carrier.receipted(receipt.message)
        metrics.RECEIVED.labels(account.name, receipt.state).inc()
        self._due.set()
        return 0

    async def run(self) -> None:
        """Report results until cancelled."""
        sending: dict[str, asyncio.Task[None]] = {}
        try:
            while wanted():
                self._due.clear()
                most = AT_ONCE - len(sending)
                for each in await self._journal.until_stored(
                    partial(steps.untold, now=time.time(), most=most, without=set(sending))
                ):
                    sending[each.id] = asyncio.create_task(self._tell(each))
                if not sending:
                    await self._wait()
                    continue
                done, _ = await asyncio.wait(sending.values(), return_when=asyncio.FIRST_COMPLETED)
                sending = {message: task for message, task in sending.items() if task not in done}
                for task in done:
                    task.result()
        finally:
            for task in sending.values():
                task.cancel()
            await asyncio.gather(*sending.values(), return_exceptions=True)

    async def ask(self, carriers: Mapping[str, CarrierLink]) -> None:
        """Ask carriers about receipts that are missing, until cancelled; and remove what is old."""
        async with asyncio.TaskGroup() as group:  # one that does not answer delays no other
            for name, carrier in carriers.items():
                group.create_task(self._ask(name, carrier))
            group.create_task(self._upkeep())

    async def _ask(self, name: str, carrier: CarrierLink) -> None:
        again = 2 * self._file.query_seconds
        while wanted():
            await asyncio.sleep(LOOK_SECONDS)
            due = partial(steps.questions, carrier=name, now=time.time(), again=again, most=QUESTIONS)
            for each in await self._journal.until_stored(due):
                await self._question(each, carrier)

    async def _upkeep(self) -> None:
        while wanted():
            now = time.time()
            await self._journal.until_stored(partial(steps.forget_early, now=now))
            await self._journal.until_stored(partial(_forget, before=now - self._file.keep_days * _DAY))
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

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._due.wait()
        except TimeoutError:
            return

    async def _tell(self, told: Untold) -> None:
        """Report a result, and note that Quanzu has it, or when it is tried again."""
        again = await self._told(told)
        if again is None:
            await self._journal.until_stored(partial(steps.tell, told=told))
        else:
            metrics.UNTOLD.inc()
            await self._journal.until_stored(partial(steps.postpone, told=told, until=time.time() + again))

    async def _told(self, told: Untold) -> float | None:
        """Report a result. Returns the seconds until it is tried again; None if nothing remains to be done for it."""
        body = orjson.dumps(
            {"id": _receipt_id(told), "dispatch": told.id, "result": told.result.value, "detail": told.word}
        )
        message = SignedMessage(CHANNEL, self._path, body)
        headers = sign(self._key, message, time.time(), secrets.token_hex(12)) | {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(self._file.receipts, content=body, headers=headers, timeout=TRY_SECONDS)
        except httpx.HTTPError as error:
            log.warning("Quanzu cannot be told of a result (%s): it is tried again", type(error).__name__)
            return AGAIN_SECONDS
        if answer.is_success:
            return None
        if answer.status_code in _FOR_GOOD:
            log.error("Quanzu refuses a result for good with status %d: it is dropped", answer.status_code)
            return None
        log.warning("Quanzu does not take a result now (status %d): it is tried again", answer.status_code)
        return DENIED_AGAIN_SECONDS if answer.status_code in _DENIED else AGAIN_SECONDS


def _receipt_id(told: Untold) -> str:
    """Return the receipt's id: always the same for a result, so that a repetition counts once."""
    return hashlib.sha256(f"{told.id} {told.result.value}".encode()).hexdigest()[:32]


def _forget(db: sqlite3.Connection, before: float) -> None:
    lost = steps.untold_before(db, before)
    if lost:
        log.error("%d results that Quanzu did not take within keep_days are dropped: check `receipts`", lost)
    steps.forget_before(db, before)
