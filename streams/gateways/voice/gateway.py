"""Dials the orders that wait, at most once each, and reports how the calls ended."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.channels.signing import TOLERANCE_SECONDS
from streams.gateways.voice import measures
from streams.gateways.voice.caller import CallParts, place_call
from streams.gateways.voice.ledger import DAY, CallOrder, LedgerState, VoiceLedger
from streams.gateways.voice.receipts import ReceiptPlan, ReceiptSender
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

Value = TypeVar("Value")

TRUNK_PAUSE_SECONDS = 0.5  # between two looks at a trunk that is down
DISK_PAUSE_SECONDS = 1.0  # between two attempts to write
UPKEEP_SECONDS = 60.0
NONCE_SECONDS = 3 * TOLERANCE_SECONDS  # a signature whose time is ahead is taken for up to twice the tolerance


class VoiceGateway:
    """Orders in, calls out, receipts back. `open` before use, `close` after it."""

    def __init__(self, parts: CallParts, ledger: VoiceLedger, receipts: ReceiptSender) -> None:
        self._parts, self._ledger, self._receipts = parts, ledger, receipts
        self._calls = parts.configuration.calls
        self._waiting: asyncio.Queue[CallOrder] = asyncio.Queue()
        self._lines = asyncio.Semaphore(self._calls.concurrent)
        self._talking: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._due = asyncio.Event()  # a call has ended: its receipt is due
        self.closing = False

    async def open(self) -> None:
        """Resume: dial what waits, report what is not reported, and leave alone what is in doubt."""
        for order in await self._ledger.waiting():
            self._waiting.put_nowait(order)
        measures.follow_gateway(self._waiting.qsize, lambda: self.trunk_up)
        self._start(self._dial_on(), self._background)
        self._start(self._report_on(), self._background)
        self._start(self._upkeep(), self._background)
        await self._measure()

    async def close(self, seconds: float) -> None:
        """Take no orders, and wait up to `seconds` for the calls under way; then hang up, and leave them in doubt.

        Orders that wait are dialled by the next process, unless they are too old by then.
        """
        self.closing = True
        if self._talking:
            await asyncio.wait(self._talking, timeout=seconds)
        for task in (*self._talking, *self._background):
            task.cancel()
        await asyncio.gather(*self._talking, *self._background, return_exceptions=True)

    @property
    def has_room(self) -> bool:
        """Whether another order may wait."""
        return not self.closing and self._waiting.qsize() < self._calls.waiting + self._calls.concurrent

    @property
    def trunk_up(self) -> bool:
        """Whether the trunk takes calls."""
        return self._parts.trunk.up

    def may_call(self, number: str) -> bool:
        """Return whether the configuration allows calls to an E.164 number."""
        return self._parts.configuration.numbers.dialled(number) is not None

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Record the nonce of an order's signature. Returns False if it was used for another order before."""
        return await self._ledger.claim(nonce, dispatch, time.time())

    async def take(self, order: CallOrder) -> LedgerState:
        """Store an order, and dial it when a line is free. Returns the state of its id; a known id changes nothing."""
        if await self._ledger.add(order):
            self._waiting.put_nowait(order)
        return await self._ledger.state(order.id) or LedgerState.WAITING

    async def state(self, dispatch: str) -> LedgerState | None:
        """Return the state of an order, None if it never came."""
        return await self._ledger.state(dispatch)

    async def _dial_on(self) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        while wanted():
            order = await self._waiting.get()
            await self._lines.acquire()
            await asyncio.sleep(max(free_at - loop.time(), 0))
            free_at = max(free_at, loop.time()) + 1 / self._calls.per_second
            await self._until_up(order)
            if self.closing:
                return
            self._start(self._call(order), self._talking)

    async def _until_up(self, order: CallOrder) -> None:
        """Wait for the trunk, but no longer than the order may wait."""
        while not self.trunk_up and not self._is_late(order) and not self.closing:  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(TRUNK_PAUSE_SECONDS)

    def _is_late(self, order: CallOrder) -> bool:
        return time.time() - order.at > self._calls.wait_seconds

    async def _call(self, order: CallOrder) -> None:
        try:
            ending = await self._ending(order)
        except Exception:
            log.exception("a call failed: it is in doubt")
            await _until_written(partial(self._ledger.doubt, order.id))
            await self._measure()
            return
        finally:
            self._lines.release()
        if ending is None:
            return
        await _until_written(partial(self._ledger.end, order.id, ending))
        measures.VOICE_CALLS.labels(ending.state.value).inc()
        log.info("a call ended: %s (%s)", ending.state.value, ending.detail)
        self._due.set()

    async def _ending(self, order: CallOrder) -> CallEnding | None:
        """Dial an order, and return how the call ended; None if another process has dialled it."""
        number = self._parts.configuration.numbers.dialled(order.number)
        if self._is_late(order):
            return self._too_late()
        if number is None:
            return CallEnding(CallState.FAILED, "not dialled: the configuration no longer allows this number")
        if not await _until_written(partial(self._ledger.begin, order.id)):  # on disk before the INVITE
            return None
        if self._is_late(order):  # the disk took its time
            return self._too_late()
        measures.VOICE_CONCURRENT.inc()
        try:
            return await place_call(self._parts, order, number)
        finally:
            measures.VOICE_CONCURRENT.dec()

    def _too_late(self) -> CallEnding:
        return CallEnding(CallState.FAILED, f"not dialled: no line in {self._calls.wait_seconds:.0f} s")

    async def _report_on(self) -> None:
        """Send the receipts that are due, each again with growing pauses until it is accepted or refused for good."""
        plan = ReceiptPlan()
        while wanted():
            self._due.clear()
            try:
                due = plan.due(await self._ledger.unreported(), time.monotonic())
                sent = await asyncio.gather(*(self._receipts.report(dispatch, ending) for dispatch, ending in due))
                for (dispatch, _), done in zip(due, sent, strict=True):
                    if done:
                        await self._ledger.reported(dispatch)
                    plan.note(dispatch, time.monotonic(), done=done)
            except sqlite3.Error:
                log.exception("the disk refuses the state of receipts: it is tried again")
                await asyncio.sleep(DISK_PAUSE_SECONDS)
                continue
            if not due:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(plan.pause(time.monotonic())):
                        await self._due.wait()

    async def _upkeep(self) -> None:
        while wanted():
            keep = self._parts.configuration.storage.keep_days * DAY
            try:
                if lost := await self._ledger.give_up(time.time() - keep):
                    log.error("%d receipts were not accepted in %.0f days: they are given up", lost, keep / DAY)
                await self._ledger.forget(time.time() - keep)
                await self._ledger.erase()
                await self._ledger.forget_nonces(time.time() - NONCE_SECONDS)
                await self._measure()
            except sqlite3.Error:
                log.exception("the disk refuses to drop what is old: it is tried again")
            await asyncio.sleep(UPKEEP_SECONDS)

    async def _measure(self) -> None:
        measures.VOICE_IN_DOUBT.set(await self._ledger.count(LedgerState.IN_DOUBT))

    def _start(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(lambda done: _ended(done, tasks))


async def _until_written(write: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Write to the ledger, again until the disk takes it: what is written must be true before the next step."""
    while True:
        try:
            return await write()
        except sqlite3.Error as error:
            log.error("the disk refuses the state of a call (%s): it is written again", error)  # noqa: TRY400 - again
        await asyncio.sleep(DISK_PAUSE_SECONDS)


def _ended(task: "asyncio.Task[None]", tasks: "set[asyncio.Task[None]]") -> None:
    """Log a task that failed, without its values: its call stays in doubt."""
    tasks.discard(task)
    with contextlib.suppress(asyncio.CancelledError):
        if (error := task.exception()) is not None:
            log.error("a call or receipt failed: %s", type(error).__name__, exc_info=error)
