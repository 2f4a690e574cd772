"""The stories of the cases that are being looked at: what the journal tells of each, kept in memory and in step.

A case's story is read from its partition of the journal, from where that stood when the case was opened, and only what
has the resident's key; what happens afterwards the hub tells. A journal is long, so a look ends after some seconds, and
the next one goes on where it stopped; the page does not wait for it.
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
from streams.casework.journal import read_entry
from streams.installation import Installation
from streams.messaging.reader import Read, offset_at, read_on
from streams.messaging.topics import CASE_EVENTS, home

MOST_CASES = 256  # whose stories are kept
MOST_EVENTS = 400  # of one case: the latest
LOOK_SECONDS = 5.0
BEFORE = timedelta(minutes=5)  # how far the clocks of who decided and who wrote may be apart
AT_ONCE = 2  # looks at the journal under way
MISSED = 200  # events that a page may be behind: then it sees the latest only


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """What one input made of a case."""

    version: int
    at: datetime
    input: str
    input_kind: str
    facts: list[Fact]

    @classmethod
    def by(cls, event: CaseEvent) -> "TimelineEntry":
        return cls(event.case.version, event.at, event.input, event.input_kind, event.facts)

    def of_others(self, me: str) -> bool:
        """Whether it was not this person who did it."""
        return all(fact.by != me for fact in self.facts)

    @property
    def refused(self) -> bool:
        """Whether nothing came of it."""
        return all(fact.kind is FactKind.REFUSED for fact in self.facts)


@dataclass(slots=True)
class _Kept:
    """`reached`: the journal's offset up to which was read; none: not begun."""

    told: dict[int, TimelineEntry] = field(default_factory=dict)
    reached: int | None = None

    def add(self, event: CaseEvent) -> None:
        self.told[event.case.version] = TimelineEntry.by(event)
        while len(self.told) > MOST_EVENTS:
            del self.told[min(self.told)]

    def whole(self, version: int) -> bool:
        """Whether nothing is missing, up to this version, of what is kept at most."""
        return all(number in self.told for number in range(max(1, version - MOST_EVENTS + 1), version + 1))


@dataclass(frozen=True, slots=True)
class Story:
    """`whole`: nothing of it is missing; when it is not, another look reads on."""

    told: list[TimelineEntry]
    whole: bool

    def after(self, version: int) -> list[TimelineEntry]:
        """What happened since this version."""
        return [each for each in self.told if each.version > version]

    def tells(self, seen: int, version: int) -> bool:
        """Whether all that happened since `seen` is in it, up to a version."""
        return {each.version for each in self.told} >= set(range(seen + 1, version + 1))


class Stories:
    """Of one process."""

    def __init__(self, line: Installation) -> None:
        self._line = line
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._screens: defaultdict[str, set[asyncio.Queue[TimelineEntry]]] = defaultdict(set)
        self._looks = asyncio.Semaphore(AT_ONCE)

    def hear(self, event: CaseEvent) -> None:
        """What the hub has read: of a case that somebody looks at it is kept, and told."""
        if kept := self._kept.get(event.case.id):
            kept.add(event)
        for screen in self._screens.get(event.case.id, ()):
            while screen.full():
                screen.get_nowait()
            screen.put_nowait(TimelineEntry.by(event))

    @contextmanager
    def watching(self, case_id: str) -> Iterator["asyncio.Queue[TimelineEntry]"]:
        """What happens to a case from now on."""
        screen: asyncio.Queue[TimelineEntry] = asyncio.Queue(MISSED)
        self._screens[case_id].add(screen)
        try:
            yield screen
        finally:
            self._screens[case_id].discard(screen)
            if not self._screens[case_id]:
                del self._screens[case_id]

    async def of(self, case: Case) -> Story:
        """A case's story up to its version, as far as a look of `LOOK_SECONDS` finds it."""
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
        """What is in memory already."""
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
        """When the wall's clock (epoch ms) was there, by which Kafka's records are dated."""
        return round(self._line.clock.wall_time(at) * 1000)


def _take(kept: _Kept, case_id: str, record: Read) -> None:
    event = read_entry(record.offset, record.value or b"")
    if isinstance(event, CaseEvent) and event.case.id == case_id:
        kept.add(event)
