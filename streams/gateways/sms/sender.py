"""The queue of messages, and their way to the carriers: the intention is stored, the message sent once, the answer
stored.
"""

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from domain.carriers.account import GatewayFile
from domain.carriers.delivered_share import DeliveryRecord, message_kind
from domain.carriers.outcome import SegmentState, SubmitAnswer
from domain.carriers.routing import choose, eligible
from domain.carriers.segments import Alphabet
from streams.gateways.log_limit import LogLimit
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms import journal_steps as steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.connection import LostError, NotWrittenError
from streams.gateways.sms.journal import DISK_SECONDS, Journal
from streams.gateways.sms.journal_replies import note_written_to, telephone_hash
from streams.gateways.sms.journal_shares import delivery_record
from streams.gateways.sms.journal_steps import Outbound
from streams.gateways.sms.pdu import ShortMessage
from streams.runtime.tasks import set_within, wanted

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.02  # between two looks whether a carrier's rate lets something through
LEARN_SECONDS = 10.0  # between two looks at what the carriers have delivered
LEAVE_SECONDS = 5.0  # for the answers under way, at the end

_Group = tuple[bool, tuple[str, ...]]  # not urgent, and the carriers that may take it: those in a group wait alike


@dataclass(slots=True)
class _Fate:
    """The result of sending a message's segments.

    `later`: the segments to send again, as (number, content); `excluded`: True if the carrier is not to be used for the
    message.
    """

    later: list[tuple[int, bytes]] = field(default_factory=list)
    excluded: bool = False


class Sender:
    """Sends the waiting messages, the urgent ones first, and each segment once.

    `key`: by which a telephone that was written to is recognised when it replies; `size`: the number of messages that
    wait.
    """

    def __init__(
        self,
        file: GatewayFile,
        journal: Journal,
        carriers: Mapping[str, CarrierLink],
        key: bytes,
    ) -> None:
        self._file, self._journal, self._carriers, self._key = file, journal, carriers, key
        self._delivered = DeliveryRecord()
        self._groups: dict[_Group, deque[Outbound]] = {}
        self._wake, self._lines = asyncio.Event(), LogLimit()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reports_due: asyncio.Event = asyncio.Event()
        self.size = 0

    @property
    def reports_due(self) -> asyncio.Event:
        """An event that is set when a message may have a new result."""
        return self._reports_due

    def wake(self) -> None:
        """Make `run` check at once whether a message can be sent."""
        self._wake.set()

    def add(self, message: Outbound, *, first: bool = False) -> None:
        """Queue a message, which must be in the journal already: for the carrier that has its other segments, or else
        for each carrier whose number ranges include its number. `first`: before the other messages with the same
        urgency and carriers.
        """
        names = (message.carrier,) if message.carrier else eligible(self._file.carrier, message.phone)
        self._queue(message, names, first=first)

    async def run(self) -> None:
        """Send messages until cancelled; one that was not sent in time is stored as expired. When cancelled, wait up to
        5 s for answers, so that the segments just sent are not in doubt.
        """
        try:
            while wanted():
                self._wake.clear()
                for group in sorted(self._groups):
                    self._send_group(group)
                metrics.WAITING.set(self.size)
                await set_within(self._wake, LOOK_SECONDS if self.size else None)
        finally:
            if self._tasks:
                await asyncio.shield(asyncio.wait(self._tasks, timeout=LEAVE_SECONDS))

    async def learn(self) -> None:
        """Read from the journal every ten seconds which part of their messages the carriers have delivered, until
        cancelled: `run` chooses carriers by it. While the disk refuses, it is tried again every second, without limit.
        """
        while wanted():
            self._delivered = await self._journal.until_stored(partial(delivery_record, now=time.time()))
            await asyncio.sleep(LEARN_SECONDS)

    def _queue(self, message: Outbound, names: tuple[str, ...], *, first: bool = False) -> None:
        waiting = self._groups.setdefault((not message.flash, names), deque())
        if first:
            waiting.appendleft(message)
        else:
            waiting.append(message)
        self.size += 1
        self._wake.set()

    def _send_group(self, group: _Group) -> None:
        later, names = group
        waiting, now = self._groups[group], time.time()
        while waiting:
            message = waiting[0]
            if message.expires <= now or not names:
                self._start(waiting, self._expire(message))
                continue
            kind = message_kind(message.phone, datetime.fromtimestamp(now, UTC))
            shares = {each: self._delivered.expected(each, kind, urgent=not later) for each in names}
            name = choose([each.reachable() for each in self._carriers.values()], shares, urgent=not later)
            if name is None:
                return
            carrier = self._carriers[name]
            carrier.reserve(len(message.segments))
            self._start(waiting, self._send(message, carrier, names))
        del self._groups[group]

    def _start(self, waiting: "deque[Outbound]", work: Coroutine[Any, Any, None]) -> None:
        waiting.popleft()
        self.size -= 1
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expire(self, message: Outbound) -> None:
        numbers = [number for number, _ in message.segments]
        expired = SegmentState.EXPIRED
        await self._journal.until_stored(
            partial(steps.settle, message=message.id, numbers=numbers, state=expired, now=time.time())
        )
        metrics.EXPIRED.inc()
        self._reports_due.set()

    async def _send(self, message: Outbound, carrier: CarrierLink, names: tuple[str, ...]) -> None:
        """Send a message's segments to a carrier at once, and store each answer.

        Segments that were certainly not sent are queued again.

        The segments occupy the carrier's window until their answers are on the disk, so that no more is sent than can
        be stored.
        """
        fate = _Fate()
        try:
            if not await self._intended(message, carrier):
                await asyncio.sleep(DISK_SECONDS)
                self._queue(message, names, first=True)
                return
            async with asyncio.TaskGroup() as group:
                for number, content in message.segments:
                    group.create_task(self._segment(message, number, content, carrier, fate))
        finally:
            carrier.release(len(message.segments))
        self._reports_due.set()
        if fate.later:
            self._again(message, carrier, names, fate)

    async def _intended(self, message: Outbound, carrier: CarrierLink) -> bool:
        """Store the intention to send a message's segments, and that its telephone is written to: a reply from there
        belongs to it.

        Returns True once it is on the disk; False if the disk refuses it: nothing may then be sent.
        """
        try:
            await self._journal.run(
                partial(self._intend, message=message, carrier=carrier.account.name, now=time.time())
            )
        except sqlite3.Error as error:
            more = self._lines.due("intention", time.monotonic())
            if more is not None:
                told = "the journal refuses an intention (%s), and %d more: nothing is sent before it has it"
                log.error(told, error, more)  # noqa: TRY400 - the text says it all
            return False
        return True

    def _intend(self, db: sqlite3.Connection, message: Outbound, carrier: str, now: float) -> None:
        steps.intend(db, message.id, [number for number, _ in message.segments], carrier)
        note_written_to(db, telephone_hash(self._key, message.phone), message.id, now)

    def _again(self, message: Outbound, carrier: CarrierLink, names: tuple[str, ...], fate: _Fate) -> None:
        """Queue the segments that were certainly not sent, to be sent first.

        If another segment of the message was sent, they go to the same carrier.
        """
        begun = message.carrier or (carrier.account.name if len(fate.later) < len(message.segments) else None)
        left = replace(message, segments=tuple(sorted(fate.later)), carrier=begun)
        allowed = (begun,) if begun else names
        if fate.excluded:
            allowed = tuple(name for name in allowed if name != carrier.account.name)
        self._queue(left, allowed, first=True)

    async def _segment(self, message: Outbound, number: int, content: bytes, carrier: CarrierLink, fate: _Fate) -> None:
        account = carrier.account
        coding = Alphabet(message.coding)
        flash = account.flash if message.flash else ""
        short = ShortMessage(account.sender, message.phone, content, coding, message.joined, flash)
        settle = partial(steps.settle, message=message.id, numbers=[number])
        note = self._journal.until_stored
        try:
            meaning, named = await carrier.submit(short)
        except NotWrittenError:
            await note(partial(settle, state=SegmentState.WAITING, now=time.time()))
            fate.later.append((number, content))
            return
        except LostError:
            metrics.SUBMITTED.labels(account.name, SegmentState.DOUBT).inc()
            await note(partial(settle, state=SegmentState.DOUBT, now=time.time()))
            return
        metrics.SUBMITTED.labels(account.name, meaning).inc()
        if meaning is SubmitAnswer.TAKEN:
            await self._sent(message.id, number, carrier, named)
        elif meaning is SubmitAnswer.REFUSED:
            await note(partial(settle, state=SegmentState.REFUSED, now=time.time()))
        else:
            await note(partial(settle, state=SegmentState.WAITING, now=time.time()))
            fate.later.append((number, content))
            fate.excluded |= meaning is SubmitAnswer.ELSEWHERE

    async def _sent(self, message: str, number: int, carrier: CarrierLink, named: str) -> None:
        now, remote = time.time(), carrier.key(named)
        ask_at = now + self._file.query_seconds
        noted = partial(steps.sent, message=message, number=number, named=named, remote=remote, now=now, ask_at=ask_at)
        if await self._journal.until_stored(noted):
            carrier.receipted(remote)
