"""Reports each change of a call with an operator to Quanzu: at once, in order, and again until it is accepted."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from typing import Protocol

import httpx
from pydantic import ValidationError

from streams.gateways.receipts import AT_ONCE, ReceiptAddress
from streams.gateways.voice import gateway_metrics as metrics
from streams.gateways.voice.receipts import CHANNEL, outcome_label
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 30.0


class ReportedState(Protocol):
    """The state of a call. `sequence`: rises with each change."""

    @property
    def sequence(self) -> int:
        """The number of this state, which rises with each change of the call."""
        ...

    def model_dump_json(self) -> str:
        """Return the report as JSON text."""


class ReportedCalls(Protocol):
    """The calls on disk. Its methods raise sqlite3.Error if the disk refuses."""

    async def report(self, call: str) -> ReportedState | None:
        """Return the report of a call's present state; None if there is nothing to report. Raises sqlite3.Error if the
        disk cannot be read, and ValidationError if the stored state makes no valid report.
        """

    async def unreported(self) -> Sequence[str]:
        """Return the ids of the calls whose latest state Quanzu has not accepted, the first begun first. Raises
        sqlite3.Error if the disk cannot be read.
        """

    async def reported(self, call: str, sequence: int) -> None:
        """Store that Quanzu has accepted a call's state with this number, or refused it for good. Raises sqlite3.Error
        if the disk refuses.
        """


class CallReporter:
    """Sends the states of calls to `url`, one at a time for each call: what has changed meanwhile is in the next one.

    `keys`: of the signatures, the current one first.
    """

    def __init__(self, ledger: ReportedCalls, url: str, keys: tuple[bytes, ...]) -> None:
        self._ledger, self._address = ledger, ReceiptAddress(CHANNEL, url, keys)
        self._client, self._free = httpx.AsyncClient(), asyncio.Semaphore(AT_ONCE)
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._changed: dict[str, asyncio.Event] = {}

    async def open(self) -> None:
        """Begin to report the states that the previous process left unreported. Raises sqlite3.Error if the disk cannot
        be read.
        """
        for call in await self._ledger.unreported():
            self.tell(call)

    def tell(self, call: str) -> None:
        """Report the present state of a call soon, in a task that sends it again until it is accepted or refused for
        good. Returns at once.
        """
        self._changed.setdefault(call, asyncio.Event()).set()
        if call not in self._sending:
            self._sending[call] = asyncio.create_task(self._send_on(call))

    async def settle(self, seconds: float) -> None:
        """Wait until no report is under way any more, at most `seconds`."""
        if self._sending:
            await asyncio.wait(tuple(self._sending.values()), timeout=seconds)

    async def close(self) -> None:
        """Stop reporting. States that are not reported yet are reported by the next process."""
        tasks = tuple(self._sending.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _send_on(self, call: str) -> None:
        """Send the call's state until Quanzu has its latest one."""
        changed, wait = self._changed[call], FIRST_WAIT_SECONDS
        try:
            while wanted() and changed.is_set():
                changed.clear()
                async with self._free:
                    settled = await self._send(call)
                if settled:
                    wait = FIRST_WAIT_SECONDS
                    continue
                changed.set()
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        finally:
            del self._sending[call], self._changed[call]

    async def _send(self, call: str) -> bool:
        """Send the call's present state once. Returns whether it is settled."""
        try:
            report = await self._ledger.report(call)
            if report is None:
                return True
            answer = await self._address.send(self._client, report.model_dump_json().encode())
            if answer.is_settled:
                await self._ledger.reported(call, report.sequence)
        except ValidationError as error:  # its text and traceback may have a number
            log.error("the state of a call cannot be reported (%s): it is left out", type(error).__name__)  # noqa: TRY400
            return True
        except sqlite3.Error:
            log.exception("the disk refuses the state of a report: it is tried again")
            return False
        metrics.RECEIPTS.labels(outcome_label(answer)).inc()
        return answer.is_settled
