"""Dials the waiting orders, each at most once, and reports how the calls ended."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from domain.carriers.voice import CallEnding
from schemas.channels.receipts import CallState
from streams.gateways.nonces import NONCE_SECONDS
from streams.gateways.receipts import keep_sending
from streams.gateways.voice import gateway_metrics as metrics
from streams.gateways.voice.asterisk.calls import AsteriskCalls, CallInDoubtError
from streams.gateways.voice.caller import CallParts, place_call
from streams.gateways.voice.ledger import DAY, CallOrder, LedgerState, VoiceLedger
from streams.gateways.voice.receipts import ReceiptPlan, ReceiptSender
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

Value = TypeVar("Value")

TRUNK_PAUSE_SECONDS = 0.5  # between two looks at a trunk that is down
DISK_PAUSE_SECONDS = 1.0  # between two attempts to write
UPKEEP_SECONDS = 60.0
MOST_CANCELS = 5  # of a task
CLOSE_SECONDS = 3.0  # for the calls that are hung up at the end, and for the last reports


class VoiceGateway:
    """Takes orders, makes the calls and reports the results. Await `open` before use, and `close` after it.

    `asterisk`: makes the calls, None if they go over the SIP trunk.
    """

    def __init__(
        self,
        parts: CallParts,
        ledger: VoiceLedger,
        receipts: ReceiptSender,
        asterisk: AsteriskCalls | None = None,
    ) -> None:
        self._asterisk = asterisk
        self._parts, self._ledger, self._receipts = parts, ledger, receipts
        self._calls = parts.configuration.calls
        self._waiting: asyncio.Queue[CallOrder] = asyncio.Queue()
        self._lines = asyncio.Semaphore(self._calls.concurrent)
        self._talking: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._due = asyncio.Event()  # a call has ended: its receipt is due
        self.closing = False

    async def open(self) -> None:
        """Resume the work of the previous process: start tasks that dial waiting orders and report unreported results.
        Calls in doubt are not dialled again. Raises sqlite3.Error if the disk refuses.
        """
        for order in await self._ledger.waiting():
            self._waiting.put_nowait(order)
        metrics.follow_gateway(self._waiting.qsize, lambda: self.trunk_up)
        self._start(self._dial_on(), self._background)
        self._start(self._report_on(), self._background)
        self._start(self._upkeep(), self._background)
        await self._measure()

    async def close(self, seconds: float) -> None:
        """Accept no more orders, and wait up to `seconds` for calls in progress; then hang up the rest, which are in
        doubt. Waiting orders are dialled by the next process, unless they are too old by then.
        """
        self.closing = True
        if self._talking:
            await asyncio.wait(self._talking, timeout=seconds)
        await end_tasks((*self._talking, *self._background), CLOSE_SECONDS)

    @property
    def has_room(self) -> bool:
        """True if another order can be accepted: not too many wait, and the gateway is not closing."""
        return not self.closing and self._waiting.qsize() < self._calls.waiting + self._calls.concurrent

    @property
    def trunk_up(self) -> bool:
        """True if the trunk, or Asterisk in place of it, accepts calls at the moment."""
        return self._parts.trunk.up if self._asterisk is None else self._asterisk.up

    def may_call(self, number: str) -> bool:
        """Return True if the configuration allows calls to this number (E.164)."""
        return self._parts.configuration.numbers.dialled(number) is not None

    async def claim(self, nonce: str, dispatch: str) -> bool:
        """Store the nonce of an order's signature. Returns True if it is new or was used for the same dispatch; False
        if it was used for another one. Raises sqlite3.Error if the disk refuses.
        """
        return await self._ledger.claim(nonce, dispatch, time.time())

    async def take(self, order: CallOrder) -> LedgerState:
        """Store an order, to be dialled when a line is free. Returns WAITING for a new order; if the order's id is
        known, nothing is changed and its present state is returned. Raises sqlite3.Error if the disk refuses.
        """
        if await self._ledger.add(order):
            self._waiting.put_nowait(order)
            return LedgerState.WAITING
        return await self._ledger.state(order.id) or LedgerState.WAITING

    async def state(self, dispatch: str) -> LedgerState | None:
        """Return the state of the order with this dispatch id, or None if it is unknown. Raises sqlite3.Error if the
        disk cannot be read.
        """
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
        """Return when the trunk is up, the order has waited too long, or the gateway closes."""
        while not self.trunk_up and not self._is_late(order) and not self.closing:  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(TRUNK_PAUSE_SECONDS)

    def _is_late(self, order: CallOrder) -> bool:
        return time.time() - order.at > self._calls.wait_seconds

    async def _call(self, order: CallOrder) -> None:
        try:
            ending = await self._ending(order)
        except Exception as error:
            if isinstance(error, CallInDoubtError):
                log.error("a call is in doubt: %s", error)  # noqa: TRY400 - the text says it all
            else:
                log.exception("a call failed: it is in doubt")
            await until_written(partial(self._ledger.doubt, order.id))
            await self._measure()
            return
        finally:
            self._lines.release()
        if ending is None:
            return
        await until_written(partial(self._ledger.end, order.id, ending))
        metrics.CALLS.labels(ending.state.value).inc()
        log.info("a call ended: %s (%s)", ending.state.value, ending.detail)
        self._due.set()

    async def _ending(self, order: CallOrder) -> CallEnding | None:
        """Dial an order, and return how the call ended; None if another process has dialled it."""
        number = self._parts.configuration.numbers.dialled(order.number)
        if self._is_late(order):
            return self._too_late()
        if number is None:
            return CallEnding(CallState.FAILED, "not dialled: the configuration no longer allows this number")
        if not await until_written(partial(self._ledger.begin, order.id)):  # on disk before the call
            return None
        if self._is_late(order):  # the disk took its time
            return self._too_late()
        metrics.CONCURRENT.inc()
        try:
            if self._asterisk is not None:
                return await self._asterisk.place(order, number)
            return await place_call(self._parts, order, number)
        finally:
            metrics.CONCURRENT.dec()

    def _too_late(self) -> CallEnding:
        return CallEnding(CallState.FAILED, f"not dialled: no line in {self._calls.wait_seconds:.0f} s")

    async def _report_on(self) -> None:
        """Send the receipts that are due, up to 16 at once, each again with growing pauses until it is accepted or
        refused for good.
        """
        plan = ReceiptPlan()

        async def look(sending: Collection[str]) -> dict[str, Coroutine[Any, Any, None]]:
            unreported = await until_written(self._ledger.unreported)
            due = plan.due(unreported, time.monotonic(), sending)
            return {dispatch: self._report(plan, dispatch, ending) for dispatch, ending in due}

        await keep_sending(look, self._due, lambda sending: plan.pause(time.monotonic(), sending))

    async def _report(self, plan: ReceiptPlan, dispatch: str, ending: CallEnding) -> None:
        """Send a receipt once. If it is settled, store that; else it is planned again."""
        done = await self._receipts.report(dispatch, ending)
        if done:
            await until_written(partial(self._ledger.reported, dispatch))
        plan.note(dispatch, time.monotonic(), done=done)

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
        metrics.IN_DOUBT.set(await self._ledger.count(LedgerState.IN_DOUBT))

    def _start(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(lambda done: _ended(done, tasks))


async def until_written(write: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Return the result of `write`, which writes to the ledger. After each sqlite3.Error, log it and try again 1 s
    later, without limit, because the next step may begin only after the write. Other errors pass through.
    """
    while True:
        try:
            return await write()
        except sqlite3.Error as error:
            log.error("the disk refuses the state of a call (%s): it is written again", error)  # noqa: TRY400 - again
        await asyncio.sleep(DISK_PAUSE_SECONDS)


async def end_tasks(tasks: Sequence["asyncio.Task[None]"], seconds: float) -> None:
    """Cancel tasks, and again every `seconds` until they have ended, at most five times: one that waits for the answer
    to a BYE (SIP's hang-up) needs it several times. A task that still runs after that is left, without an error.
    """
    for _ in range(MOST_CANCELS):
        pending = [task for task in tasks if not task.done()]
        if not pending:
            return
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=seconds)


def _ended(task: "asyncio.Task[None]", tasks: "set[asyncio.Task[None]]") -> None:
    """Log a task that failed, without its values: its call stays in doubt."""
    tasks.discard(task)
    with contextlib.suppress(asyncio.CancelledError):
        if (error := task.exception()) is not None:
            log.error("a call or receipt failed: %s", type(error).__name__, exc_info=error)
