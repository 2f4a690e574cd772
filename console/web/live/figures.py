"""Statistics kept up to date in memory: the situation, clocks, stops, bank messages, the police's records of frauds.

Their size is limited (see domain/statistics/situation, clocks, fraud_records, and bank_book); older records of the
journal are skipped unread.
"""

import asyncio
from contextlib import aclosing

from pydantic import ValidationError

from domain.payments.bank_book import BankBook
from domain.statistics.clocks import Clocks
from domain.statistics.fraud_records import FraudBook
from domain.statistics.situation import DAYS, Situation
from schemas.base import ANY_VERSION
from schemas.casework.events import CaseEvent, RulesEvent, journal_adapter
from schemas.channels.bank_messages import BankMessage
from schemas.risk.reported_frauds import FraudMatch
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import beginning_offsets, end_offsets
from streams.messaging.reader import Read, follow, read_all
from streams.runtime.tasks import until_done, wanted

AT_ONCE = 50  # entries (some 5 ms) before other tasks may run
DAY_SECONDS = 86_400


class Figures:
    """The statistics: `situation` (cases and money by day), `clocks` (deadlines kept and missed), and `book` (stop
    orders, and the messages to and from banks), `frauds` (the police's records). `run`, `follow` and `follow_frauds`
    must run as tasks.

    `ready` is set once the existing journal has been read; `frauds_ready`, once the existing police's records have.
    """

    def __init__(self, line: Installation) -> None:
        self._line = line
        self.situation, self.clocks, self.book = Situation(), Clocks(), BankBook()
        self.frauds = FraudBook()
        self.ready, self.frauds_ready = asyncio.Event(), asyncio.Event()
        self.left = 0  # number of entries left until `ready`
        self._next: dict[int, int] = {}  # the journal's next offset, by partition
        # By the partition of the journal and that of the input, which differ after a growth: the highest offset of an
        # input whose event was seen.
        self._inputs: dict[tuple[int, int], int] = {}

    async def run(self) -> None:
        """Follow the journal until cancelled. Resumes after an outage of Kafka. Raises AccessError if Kafka denies
        access.
        """
        while wanted():
            await until_done("the console's figures", self._journal)

    async def follow(self) -> None:
        """Follow the banks' messages until cancelled. Resumes after an outage of Kafka. Raises AccessError if Kafka
        denies access.
        """
        while wanted():
            await until_done("the banks' messages", self._messages)

    async def follow_frauds(self) -> None:
        """Follow the matches of the police's records until cancelled. Resumes after an outage of Kafka. Raises
        AccessError if Kafka denies access.
        """
        while wanted():
            await until_done("the police's records", self._matches)

    async def _matches(self) -> None:
        """Read the topic from its beginning, and then follow it. A record may have been erased, and its tombstone
        deleted, while Kafka was not followed: so each call begins with an empty book, and shows it once it is full.
        """
        name, settings, book = topics.FRAUD_MATCHES.name, self._line.settings, FraudBook()
        ends = await end_offsets(settings, name)
        number = 0
        async for record in read_all(settings, name):
            _take_match(book, record)
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        self.frauds = book
        self.frauds_ready.set()
        async with aclosing(follow(settings, name, ends)) as records:
            async for record in records:
                _take_match(book, record)

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
                    continue  # only these statistics miss it: the case has the input

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
            return  # the workers that read the journal report it
        self._next[record.partition] = record.offset + 1
        if isinstance(entry, RulesEvent):
            if entry.anew:
                self._inputs = {place: at for place, at in self._inputs.items() if place[0] != record.partition}
        elif isinstance(entry, CaseEvent):
            self.take(entry, record.partition)

    def take(self, event: CaseEvent, partition: int) -> None:
        """Add an event of the journal's partition to the statistics. An event that is published twice counts once in
        the clocks.
        """
        self.situation.add(event)
        self.book.add(event)
        place = partition, event.partition
        if event.offset >= self._inputs.get(place, -1):  # an event published twice is counted once
            self._inputs[place] = event.offset
            self.clocks.add(event)

    def _oldest(self) -> float:
        """Return the wall-clock time in ms since 1970 before which records are skipped."""
        clock = self._line.clock
        return (clock.wall.time() - DAYS * DAY_SECONDS / clock.speed) * 1000


def _take_match(book: FraudBook, record: Read) -> None:
    name = (record.key or b"").decode(errors="replace")
    try:
        match = FraudMatch.model_validate_json(record.value, extra=ANY_VERSION) if record.value else None
    except ValidationError:
        return  # what restores Redis from the topic reports it
    if match is None:
        book.drop(name)
    else:
        book.take(match)
