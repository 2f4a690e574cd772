"""Figures of the journal, folded once and kept in step with it in memory: the situation, clocks, stops, bank messages.

They are bounded (see domain/statistics/situation, clocks, bank_book). What is older than they remember is passed over
unread.
"""

import asyncio
from contextlib import aclosing

from pydantic import ValidationError

from domain.payments.bank_book import BankBook
from domain.statistics.clocks import Clocks
from domain.statistics.situation import DAYS, Situation
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, RulesEvent, journal_adapter
from schemas.channels.bank_messages import BankMessage
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.reader import Read, beginning_offsets, end_offsets, follow
from streams.runtime.tasks import until_done, wanted

AT_ONCE = 50  # entries, before others get their turn: some 5 ms
DAY_SECONDS = 86_400


class Figures:
    """`run` and `hear` never end by themselves: they are cancelled. `ready` is set once what was there is folded."""

    def __init__(self, line: Installation) -> None:
        self._line = line
        self.situation, self.clocks, self.book = Situation(), Clocks(), BankBook()
        self.ready = asyncio.Event()
        self.left = 0  # entries until then
        self._next: dict[int, int] = {}  # the journal's next offset, by partition
        self._inputs: dict[int, int] = {}  # the highest offset of an input whose event was seen, by partition

    async def run(self) -> None:
        """Follow the journal until cancelled; go on where it was when Kafka was away."""
        while wanted():
            await until_done("the console's figures", self._journal)

    async def hear(self) -> None:
        """Follow the banks' messages until cancelled."""
        while wanted():
            await until_done("the banks' messages", self._messages)

    async def _journal(self) -> None:
        name, settings = topics.CASE_EVENTS.name, self._line.settings
        begins, ends = await beginning_offsets(settings, name), await end_offsets(settings, name)
        since = begins | self._next
        self.left = sum(max(0, end - since[partition]) for partition, end in ends.items())
        self._done(0)
        async with aclosing(follow(settings, name, since)) as records:
            number = 0
            async for record in records:
                self._entry(record)
                self._done(1)
                number += 1
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _messages(self) -> None:
        name, settings = topics.BANK_MESSAGES.name, self._line.settings
        async with aclosing(follow(settings, name, await beginning_offsets(settings, name))) as records:
            async for record in records:
                try:
                    self.book.message(BankMessage.model_validate_json(record.value or b"", extra=ANY_VERSION))
                except ValidationError:
                    continue  # nobody else's loss: the case has the input

    def _done(self, number: int) -> None:
        self.left = max(0, self.left - number)
        if self.left == 0:
            self.ready.set()

    def _entry(self, record: Read) -> None:
        if record.timestamp < self._oldest():
            return
        try:
            entry = journal_adapter.validate_json(record.value or b"", extra=ANY_VERSION)
        except ValidationError:
            return  # the line's own readers report it
        self._next[entry.partition] = record.offset + 1
        if isinstance(entry, RulesEvent):
            if entry.anew:
                self._inputs.pop(entry.partition, None)
        elif isinstance(entry, CaseEvent):
            self.take(entry)

    def take(self, event: CaseEvent) -> None:
        """Take an event of the journal in."""
        self.situation.add(event)
        self.book.add(event)
        seen = self._inputs.get(event.partition, -1)
        if event.offset >= seen:  # published once more, it was counted
            self._inputs[event.partition] = event.offset
            self.clocks.add(event)

    def _oldest(self) -> float:
        """Before which (epoch ms, wall) nothing that is remembered was written."""
        clock = self._line.clock
        return (clock.wall.time() - DAYS * DAY_SECONDS / clock.speed) * 1000
