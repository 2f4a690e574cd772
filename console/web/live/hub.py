"""The hub: keeps a row for every open case in memory, up to date with the journal, for all pages of this process.

The hub notes the end offsets of `case-events`, reads all cases from the store, and then follows `case-events` from
these offsets; events whose case version is not newer than the row's are ignored. Changes are numbered, so a page that
names the last change it received gets the later ones.
"""

import asyncio
import logging
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from console.web.live.numbers import Numbers
from console.web.live.row import Row, latest, row_of, weighed_anew
from domain.policy import Policy, PolicyError
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import CaseEvent, RulesEvent, journal_adapter
from schemas.levels import Level
from streams.installation import Installation
from streams.messaging import topics
from streams.messaging.offsets import end_offsets
from streams.messaging.reader import follow
from streams.repositories.policies import UnknownPolicyError
from streams.repositories.residents.guardians import guardians_of
from streams.runtime.cooperative import spare_the_collector
from streams.runtime.tasks import until_done, wanted
from streams.state.keys import key

log = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0  # how long a form waits for the event that answers it (design, 12)
BEHIND = 1000  # a page this many changes behind must load again
LOOK_SECONDS = 0.2  # between checks whether a partition is restored
AT_ONCE = 500  # cases read from the store in one round trip
REMEMBERED = 5000  # latest changes kept for pages that reconnect: 8 minutes at 10 a second


class Hub:
    """The rows of all open cases. `run` must run as a task. `ready`: an event that is set once every open case is
    loaded.
    """

    def __init__(self, line: Installation) -> None:
        self._line = line
        self.rows: dict[str, Row] = {}  # open cases, by id
        self.assigned: dict[str, Row] = {}  # those that somebody was given and has not opened, by id
        self.numbers = Numbers()  # of the same cases
        self._policy: Policy | None = None  # the policy that ranks the rows
        self.ready = asyncio.Event()
        self.seq = 0  # number of the latest change
        self._boot = secrets.token_hex(4)  # tells this process's marks from another's
        self._changes: deque[Row] = deque(maxlen=REMEMBERED)
        self._levels: Counter[tuple[str, Level]] = Counter()
        self._expected: defaultdict[str, list[asyncio.Future[CaseEvent]]] = defaultdict(list)
        self._screens: set[asyncio.Queue[Row | None]] = set()
        self.listeners: list[Callable[[CaseEvent], None]] = []  # called with each event, before the rows change

    async def run(self) -> None:
        """Follow the journal until cancelled. Reloads all cases after an outage of Kafka or Redis. Raises AccessError
        if a server denies access.
        """
        while wanted():
            await until_done("the console's hub", self._follow)

    @contextmanager
    def expecting(self, input_id: str) -> Iterator["asyncio.Future[CaseEvent]"]:
        """Context manager: yield a future that gets the event which answers the input `input_id`, if the event comes
        during the block; else it is never done. Enter the block before the input is written.
        """
        future: asyncio.Future[CaseEvent] = asyncio.get_running_loop().create_future()
        self._expected[input_id].append(future)
        try:
            yield future
        finally:
            self._expected[input_id].remove(future)
            if not self._expected[input_id]:
                del self._expected[input_id]

    @contextmanager
    def watching(self) -> Iterator["asyncio.Queue[Row | None]"]:
        """Context manager: during the block, changed rows are put into the yielded queue, closed cases included. An
        item None means that changes were missed, so that all rows must be loaded again.
        """
        screen: asyncio.Queue[Row | None] = asyncio.Queue(BEHIND)
        self._screens.add(screen)
        try:
            yield screen
        finally:
            self._screens.discard(screen)

    def number(self, case_id: str) -> str:
        """Return the short number that pages show for an open case, by the case's id; for any other case the id."""
        row = self.rows.get(case_id)
        return row.number if row else case_id

    @property
    def mark(self) -> str:
        """The mark of the latest change: "process-number". A page sends it back to receive later changes."""
        return self.mark_of(self.seq)

    def mark_of(self, seq: int) -> str:
        """Return the mark of the change with this number."""
        return f"{self._boot}-{seq}"

    def since(self, mark: str) -> list[Row] | None:
        """Return the rows that changed after a mark, each once, in the order of their latest changes; None if the page
        must load all rows: the mark is unknown, its changes are no longer stored, or more than BEHIND (1,000) rows
        changed.
        """
        boot, _, number = mark.rpartition("-")
        oldest = self.seq - len(self._changes)
        if boot != self._boot or not number.isdecimal() or not oldest <= int(number) <= self.seq:
            return None
        missed = latest(row for row in self._changes if row.seq > int(number))
        return missed if len(missed) <= BEHIND else None

    def levels(self, area: str) -> Counter[Level]:
        """Return by level the number of the area's open cases that are not settled (neither dissuaded nor false
        alarms); 0 for a level without any. `area`: the prefix of division codes, "" for the province.
        """
        found: Counter[Level] = Counter()
        for (division, level), number in self._levels.items():
            if division.startswith(area):
                found[level] += number
        return found

    async def _follow(self) -> None:
        ends = await end_offsets(self._line.settings, topics.CASE_EVENTS.name)
        self._weigh_by(await self._line.policies.live())
        stored: set[str] = set()
        for partition in range(self._line.settings.partitions):
            await self._built(partition)
            async for cases in self._stored(partition):
                stored.update(case.id for case in cases)
                await self._take(cases)
            if await self._line.store.offset(partition) is None:
                raise ConnectionError(f"the cases of partition {partition} were lost as they were read")
        self._forget(self.rows.keys() - stored)
        spare_the_collector()  # to scan 10,000 cases again and again held pages up for a quarter of a second
        self.ready.set()
        async with aclosing(follow(self._line.settings, topics.CASE_EVENTS.name, ends)) as records:
            async for record in records:
                await self._event(record.value or b"")

    async def _built(self, partition: int) -> None:
        """Wait until the store has the partition's cases. A lost store is empty until a worker has restored it.

        A restore publishes no events, so cases missing at this read would never appear.
        """
        while await self._line.store.offset(partition) is None:  # noqa: ASYNC110 - Redis gives no notice of it
            await asyncio.sleep(LOOK_SECONDS)

    async def _stored(self, partition: int) -> AsyncIterator[list[Case]]:
        redis: Any = self._line.redis
        found: list[Case] = []
        async for _, raw in redis.hscan_iter(key("cases", partition), count=AT_ONCE):
            case = Case.model_validate_json(raw, extra=ANY_VERSION)
            found += [case] if case.open else []
            if len(found) >= AT_ONCE:
                yield found
                found = []
        yield found

    async def _event(self, value: bytes) -> None:
        try:
            event = journal_adapter.validate_json(value, extra=ANY_VERSION)
        except ValidationError:
            return  # the line's own readers report it
        if isinstance(event, RulesEvent):
            await self._stands(event.policy)
        if not isinstance(event, CaseEvent):
            return
        for hear in self.listeners:
            hear(event)
        await self._take([event.case])
        for future in self._expected.get(event.input, ()):
            if not future.done():
                future.set_result(event)

    async def _take(self, cases: list[Case]) -> None:
        news = [case for case in cases if self._is_news(case)]
        people = await self._line.residents.standing([case.resident for case in news]) if news else {}
        guardians = await guardians_of(self._line.residents, people.values())
        policy, now = self._policy or await self._line.policies.live(), self._line.clock.now()
        for case in news:
            person = people.get(case.resident)
            self._put(row_of(case, person, guardians.get(person.id) if person else None, policy, now))

    async def _stands(self, digest: str) -> None:
        """Rank cases by the policy that a partition now uses. If it cannot be loaded, the previous
        policy stays in use.
        """
        if self._policy is not None and self._policy.hash == digest:
            return
        try:
            self._weigh_by(await self._line.policies.get(digest))
        except (UnknownPolicyError, PolicyError):
            log.exception("cases are weighed by the policy before")

    def _weigh_by(self, policy: Policy) -> None:
        """Rank all rows by this policy. If it differs from the previous one, all pages are told to load again."""
        before, self._policy = self._policy, policy
        if before is None or before.hash == policy.hash:
            return
        for row in list(self.rows.values()):
            self.seq += 1
            self.rows[row.id] = replace(weighed_anew(row, policy), seq=self.seq)
        self._changes.clear()
        for screen in self._screens:
            _anew(screen)

    def _is_news(self, case: Case) -> bool:
        known = self.rows.get(case.id)
        return known is None or known.case.version < case.version

    def _forget(self, gone: set[str]) -> None:
        """Publish the rows of these cases as closed, because the cases were closed while the journal was
        not followed.
        """
        for name in sorted(gone):
            row = self.rows[name]
            self._put(replace(row, case=row.case.model_copy(update={"state": CaseState.CLOSED})))

    def _put(self, given: Row) -> None:
        before = self.rows.pop(given.id, None)
        rings = given.alarming and not (before and before.alarming)
        self._count(before, -1)
        longer: list[str] = []
        if given.case.open:
            longer = self.numbers.put(given.case)
        else:
            self.numbers.drop(given.case)
        row = replace(given, rings=rings, was=before.division if before else "", number=self.numbers.of(given.case))
        self._publish(row)
        self._count(self.rows.get(row.id), 1)
        for name in longer:
            other = self.rows[name]
            self._publish(replace(other, rings=False, was=other.division, number=self.numbers.of(other.case)))

    def _publish(self, given: Row) -> None:
        """Number a change, store its row if the case is open, and send it to the pages."""
        self.seq += 1
        row = replace(given, seq=self.seq)
        if row.case.open:
            self.rows[row.id] = row
        self.assigned.pop(row.id, None)
        if row.case.assigned:
            self.assigned[row.id] = row
        self._changes.append(row)
        for screen in self._screens:
            _tell(screen, row)

    def _count(self, row: Row | None, by: int) -> None:
        if row is not None and not row.case.settled:
            self._levels[row.division, row.level] += by


def _tell(screen: "asyncio.Queue[Row | None]", row: Row) -> None:
    try:
        screen.put_nowait(row)
    except asyncio.QueueFull:
        _anew(screen)


def _anew(screen: "asyncio.Queue[Row | None]") -> None:
    """Tell a page to load all rows again, by emptying its queue and adding None."""
    while not screen.empty():
        screen.get_nowait()
    screen.put_nowait(None)
