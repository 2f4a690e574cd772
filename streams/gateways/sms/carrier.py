"""A carrier: keeps one connection to it, within the agreed window and rate, and judges whether it works."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from domain.carriers.account import CarrierAccount
from domain.carriers.delivery_receipts import answer_key
from domain.carriers.outcome import SubmitAnswer
from domain.carriers.rate import full_bucket
from domain.carriers.routing import Reachable
from domain.carriers.standing import FORGET_SECONDS, TRIAL_SECONDS, Passage, is_slow
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms.connection import Connection, Deliver, LostError, NotWrittenError, dialect_of
from streams.gateways.sms.dialect import BindError, Unit
from streams.gateways.sms.pdu import PduError, ShortMessage
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.25, 15.0  # before connecting again
STEADY_SECONDS = 30.0  # a session that lasts as long ends the series of short ones
HOLD_SECONDS = 1.0  # after a carrier says that it gets too much
QUERY_SECONDS = 10.0  # within which a carrier answers query_sm, if it does at all
_JUDGED_EVERY_SECONDS = 0.2
_MOST_PASSAGES = 5_000


class CarrierLink:
    """The link to one carrier.

    `deliver`: called with each delivery from it; `on_change`: called when it may accept a message again.
    """

    def __init__(
        self,
        account: CarrierAccount,
        password: str,
        tls: ssl.SSLContext | None,
        deliver: Deliver,
        on_change: Callable[[], None],
    ) -> None:
        self.account, self.dialect = account, dialect_of(account)
        self._password, self._tls, self._deliver, self._on_change = password, tls, deliver, on_change
        self._connection: Connection | None = None
        self._bucket = full_bucket(account.rate, time.monotonic())
        self._used, self._window = 0, asyncio.Semaphore(account.window)
        self._passages: OrderedDict[int, Passage] = OrderedDict()
        self._by_id: dict[str, int] = {}
        self._number = 0
        self._held_until = self._trial_at = self._judged_at = 0.0
        self._slow = False

    @property
    def bound(self) -> bool:
        """True if the carrier is connected and has accepted our account."""
        return self._connection is not None and not self._connection.closed.is_set()

    def reachable(self) -> Reachable:
        """Return the carrier's present state. `free` is False while the window is full, the agreed rate is used up, or
        less than 1 s has passed since the carrier asked for fewer messages. `trial_due` is True if no message was sent
        to it as a trial within 1 s.

        Whether the carrier is slow is judged anew after 0.2 s, and a change is logged.
        """
        now = time.monotonic()
        self._bucket = self._bucket.filled(now)
        if now - self._judged_at > _JUDGED_EVERY_SECONDS:
            self._judge(now)
        free = self._used < self.account.window and self._bucket.open and now >= self._held_until
        return Reachable(self.account, self.bound, self._slow, free, now - self._trial_at >= TRIAL_SECONDS)

    def reserve(self, segments: int) -> None:
        """Reserve places for this many segments in the window and in the rate, without a check that there is room.
        `release` gives the places in the window back.
        """
        self._used += segments
        self._bucket = self._bucket.taken(segments)
        if self._slow:
            self._trial_at = time.monotonic()
        metrics.WINDOW.labels(self.account.name).set(self._used)

    def release(self, segments: int) -> None:
        """Give back the places of this many segments in the window, and call `on_change`."""
        self._used -= segments
        metrics.WINDOW.labels(self.account.name).set(self._used)
        self._on_change()

    async def submit(self, message: ShortMessage) -> tuple[SubmitAnswer, str]:
        """Send one segment, after a wait for a place in the window. Returns (meaning of the carrier's answer, the
        carrier's id of the segment); the id is "" unless the meaning is TAKEN and the carrier gave one. The meaning is
        ELSEWHERE, with nothing sent, also if the segment cannot be written in the carrier's protocol: it is coded for
        another one, it is too long, or a number or name does not fit.

        Raises NotWrittenError if it was certainly not sent; LostError if it is unknown whether the carrier has it,
        because the connection ended, or the answer cannot be read or tells of a failure of the carrier.
        """
        async with self._window:  # a message's segments may be more than the window has places
            connection = self._connection
            if connection is None:
                raise NotWrittenError("the carrier is not connected")
            try:
                body = self.dialect.submit(message)
            except ValueError:  # coded for a carrier with another protocol, before the configuration changed
                return SubmitAnswer.ELSEWHERE, ""
            began, number = time.monotonic(), self._write()
            try:
                answer = await connection.request(self.dialect.commands.submit, body)
            except NotWrittenError:
                self._passages.pop(number, None)
                raise
        try:
            meaning = self.dialect.submitted(answer)
        except PduError as error:
            raise LostError(str(error)) from None
        if meaning is None:
            raise LostError("the carrier failed, perhaps after it had taken the message")
        metrics.ANSWER.labels(self.account.name).observe(time.monotonic() - began)
        return meaning, self._answered(number, meaning, answer)

    async def query(self, remote: str) -> int | None:
        """Ask the carrier about a message by the carrier's id `remote`. Returns its `message_state` (a number of SMPP
        3.4, 5.2.28); None if the carrier is not connected, does not answer within 10 s or not with a state, or if its
        protocol has no such question.
        """
        try:
            answer = await self._asked(self.dialect.question(remote))
            return self.dialect.told_state(answer) if answer else None
        except (ConnectionError, TimeoutError, ValueError):
            return None

    async def count(self) -> None:
        """Ask the carrier for its own figures of the day, if its protocol has such a question, and set the metric
        quanzu_sms_carrier_day to them. Nothing changes if the carrier is not connected or gives no usable answer within
        10 s.
        """
        try:
            answer = await self._asked(self.dialect.day_question(time.time()))
            figures = self.dialect.day_figures(answer) if answer else {}
        except (ConnectionError, TimeoutError, PduError):
            return
        for counted, figure in figures.items():
            metrics.CARRIER_DAY.labels(self.account.name, counted).set(figure)

    async def _asked(self, question: bytes | None) -> Unit | None:
        """Return the carrier's answer to a question. None: it is not connected, or there is no such question."""
        if self._connection is None or question is None:
            return None
        async with asyncio.timeout(QUERY_SECONDS):
            return await self._connection.request(self.dialect.commands.query, question)

    def key(self, remote: str) -> str:
        """Return `remote`, the carrier's id in its answer, in the form in which it is compared with ids in receipts."""
        return answer_key(remote, self.account.receipt_ids)

    def receipted(self, key: str) -> None:
        """Record that the receipt for a segment has come now, to judge the carrier's speed; an unknown id changes
        nothing. `key`: the carrier's id, as `key` returns it.
        """
        number = self._by_id.pop(key, None)
        if number is None or number not in self._passages:
            return
        now, passage = time.monotonic(), self._passages[number]
        self._passages[number] = replace(passage, receipted=now)
        metrics.RECEIPT.labels(self.account.name).observe(now - passage.written)

    async def run(self) -> None:
        """Keep the carrier connected until cancelled; then unbind and close the connection.

        Before each further attempt there is a pause: 0.25 s at first, doubled after each failure or session of under 30
        s, 15 s at most. Each session that a carrier ends leaves the messages in its window in doubt.
        """
        wait = FIRST_WAIT_SECONDS
        while wanted():
            try:
                self._connection = await Connection.opened(self.account, self._password, self._tls, self._deliver)
            except (OSError, TimeoutError, PduError) as error:
                self._tell_why(error)
            else:
                began = time.monotonic()
                await self._while_bound(self._connection)
                if time.monotonic() - began >= STEADY_SECONDS:
                    wait = FIRST_WAIT_SECONDS
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _while_bound(self, connection: Connection) -> None:
        log.info("carrier %s: bound", self.account.name)
        metrics.BOUND.labels(self.account.name).set(1)
        self._on_change()
        try:
            await connection.closed.wait()
            log.warning("carrier %s: the connection has ended", self.account.name)
        finally:
            metrics.BOUND.labels(self.account.name).set(0)
            with contextlib.suppress(OSError):
                await asyncio.shield(connection.close(unbind=True))

    def _tell_why(self, error: Exception) -> None:
        hint = "check system_id and the password" if isinstance(error, BindError) else "check host, port and tls"
        log.warning("carrier %s: not bound (%s): %s", self.account.name, _reason(error), hint)

    def _write(self) -> int:
        self._number += 1
        self._passages[self._number] = Passage(time.monotonic())
        return self._number

    def _answered(self, number: int, meaning: SubmitAnswer, answer: Unit) -> str:
        if meaning is not SubmitAnswer.TAKEN:
            self._passages.pop(number, None)
            if meaning is SubmitAnswer.LATER:
                self._held_until = time.monotonic() + HOLD_SECONDS
            return ""
        try:
            remote = self.dialect.carrier_id(answer)
        except PduError as error:
            raise LostError(str(error)) from None
        if number in self._passages:
            self._passages[number] = replace(self._passages[number], answered=time.monotonic())
            self._by_id[self.key(remote)] = number
        return remote

    def _judge(self, now: float) -> None:
        self._judged_at = now
        while self._passages and (
            len(self._passages) > _MOST_PASSAGES or now - next(iter(self._passages.values())).written > FORGET_SECONDS
        ):
            self._passages.popitem(last=False)
        if len(self._by_id) > 2 * _MOST_PASSAGES:  # those without a receipt
            self._by_id = {key: number for key, number in self._by_id.items() if number in self._passages}
        slow = is_slow(self._passages.values(), self.account.receipt_seconds, now)
        if slow != self._slow:
            log.warning("carrier %s: %s", self.account.name, "slow: others are preferred" if slow else "works again")
            metrics.SLOW.labels(self.account.name).set(slow)
        self._slow = slow


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BindError | ssl.SSLError | PduError) else type(error).__name__
