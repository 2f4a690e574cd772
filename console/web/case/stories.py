"""The stories of the cases on screen: their journal events, kept in memory and up to date.

A story is read from the case's partition of the journal, from the offset at the case's opening, keeping only records
with the resident's key; later events come from the hub. Because the journal is long, one read ends after LOOK_SECONDS
and the next one continues from there; the page does not wait for the rest.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent, Fact, FactKind
from schemas.codes.people import Recorded
from streams.casework.journal import read_entry
from streams.installation import Installation
from streams.messaging.offsets import offset_at
from streams.messaging.reader import Read, read_on
from streams.messaging.topics import CASE_EVENTS, home

MOST_CASES = 256  # stories kept in memory; the least recently used is dropped
MOST_EVENTS = 400  # kept for one case, the latest
LOOK_SECONDS = 5.0
BEFORE = timedelta(minutes=5)  # greatest difference between the clocks of the decider and the writer
AT_ONCE = 2  # concurrent reads of the journal
MISSED = 200  # a page this many events behind loses the oldest


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """The facts that one input produced on a case. `version`: the case version after the input; `at`: a time in UTC.

    `input`: the input's id.
    """

    version: int
    at: datetime
    input: str
    input_kind: str
    facts: list[Fact]

    @classmethod
    def by(cls, event: CaseEvent) -> "TimelineEntry":
        """Return the entry of a journal event."""
        return cls(event.case.version, event.at, event.input, event.input_kind, event.facts)

    def of_others(self, me: str) -> bool:
        """Return True if no fact was made by the person with the login `me`."""
        return all(fact.by != me for fact in self.facts)

    @property
    def refused(self) -> bool:
        """True if every fact is a refusal."""
        return all(fact.kind is FactKind.REFUSED for fact in self.facts)


@dataclass(slots=True)
class _Kept:
    """The events of one case. `reached`: the last journal offset read; None if reading has not begun."""

    told: dict[int, TimelineEntry] = field(default_factory=dict)
    reached: int | None = None

    def add(self, event: CaseEvent) -> None:
        self.told[event.case.version] = TimelineEntry.by(event)
        while len(self.told) > MOST_EVENTS:
            del self.told[min(self.told)]

    def whole(self, version: int) -> bool:
        """Return True if no event up to this version is missing, among the latest MOST_EVENTS."""
        return all(number in self.told for number in range(max(1, version - MOST_EVENTS + 1), version + 1))


@dataclass(frozen=True, slots=True)
class Story:
    """Events of a case, the oldest first. `whole`: True if no event is missing; if False, another read may
    find more.
    """

    told: list[TimelineEntry]
    whole: bool

    def after(self, version: int) -> list[TimelineEntry]:
        """Return the events of versions above `version`, the oldest first."""
        return [each for each in self.told if each.version > version]

    def has_all_since(self, seen: int, version: int) -> bool:
        """Return True if the story has every version after `seen` (excluded) up to `version` (included)."""
        return {each.version for each in self.told} >= set(range(seen + 1, version + 1))


class Stories:
    """The stories that one console process keeps in memory."""

    def __init__(self, line: Installation) -> None:
        self._line = line
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._screens: defaultdict[str, set[asyncio.Queue[TimelineEntry]]] = defaultdict(set)
        self._looks = asyncio.Semaphore(AT_ONCE)

    def receive(self, event: CaseEvent) -> None:
        """Accept an event from the hub: add it to a story in memory, and send it to the pages that watch the case."""
        if kept := self._kept.get(event.case.id):
            kept.add(event)
        for screen in self._screens.get(event.case.id, ()):
            while screen.full():
                screen.get_nowait()
            screen.put_nowait(TimelineEntry.by(event))

    @contextmanager
    def watching(self, case_id: str) -> Iterator["asyncio.Queue[TimelineEntry]"]:
        """Context manager: during the block, the yielded queue receives the case's events. With more than MISSED (200)
        unread events, the oldest are lost.
        """
        screen: asyncio.Queue[TimelineEntry] = asyncio.Queue(MISSED)
        self._screens[case_id].add(screen)
        try:
            yield screen
        finally:
            self._screens[case_id].discard(screen)
            if not self._screens[case_id]:
                del self._screens[case_id]

    async def of(self, case: Case) -> Story:
        """Return the events of a case that are known, at most its latest MOST_EVENTS (400), after reading the journal
        for about LOOK_SECONDS (5) if events up to the version of `case` are missing. `whole` is False if some are
        missing still.

        Raises KafkaError, OSError or TimeoutError if Kafka does not answer.
        """
        kept = self._kept.setdefault(case.id, _Kept())
        self._kept.move_to_end(case.id)
        while len(self._kept) > MOST_CASES:
            self._kept.popitem(last=False)
        if not kept.whole(case.version):
            async with self._looks:
                if not kept.whole(case.version):
                    await self._read(case, kept)
        return Story([kept.told[version] for version in sorted(kept.told)], kept.whole(case.version))

    def known(self, case_id: str) -> Story:
        """Return the case's events in memory, the oldest first, without reading the journal; `whole` is False."""
        kept = self._kept.get(case_id, _Kept())
        return Story([kept.told[version] for version in sorted(kept.told)], whole=False)

    async def _read(self, case: Case, kept: _Kept) -> None:
        settings, ends = self._line.settings, time.monotonic() + LOOK_SECONDS
        partition = home(case.resident, settings.partitions)
        if kept.reached is None:
            written = self._written(case.opened_at - BEFORE)
            kept.reached = await offset_at(settings, CASE_EVENTS.name, partition, written) - 1
        key = case.resident.encode()
        records = read_on(settings, CASE_EVENTS.name, partition, kept.reached + 1)
        async with aclosing(records) as found:
            async for record in found:
                if record.key == key:
                    _take(kept, case.id, record)
                kept.reached = record.offset
                if kept.whole(case.version) or time.monotonic() > ends:
                    return

    def _written(self, at: datetime) -> int:
        """Return the wall-clock time of `at` in ms since 1970, by which Kafka dates its records."""
        return round(self._line.clock.wall_time(at) * 1000)


def _take(kept: _Kept, case_id: str, record: Read) -> None:
    event = read_entry(record.offset, record.value or b"")
    if isinstance(event, CaseEvent) and event.case.id == case_id:
        kept.add(event)


def recordings(story: Story) -> list[str]:
    """Return the links to recordings (an https address or the recorder's id) that were noted, the oldest first."""
    noted = (fact.what for each in story.told for fact in each.facts)
    return [what.recording for what in noted if isinstance(what, Recorded)]
