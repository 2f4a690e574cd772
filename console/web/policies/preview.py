"""A policy preview: the evidence of the last seven days, evaluated by the draft and by the policy in force.

It runs in a separate process at low priority, in chunks of residents, so that the console stays responsive.
"""

import asyncio
import logging
import multiprocessing
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from fastapi import Request

from console.web.kit.pages import ZONE
from console.web.kit.services import services
from domain.calendar import local_date
from domain.policy import Policy, digest_of, load
from domain.risk.effect import Effect, VisitHours, effects, visit_hours
from domain.risk.replay import Raw, Tally, replayed
from domain.visits import coverage
from schemas.levels import Level
from schemas.people.rosters import Roster
from streams.installation import Installation
from streams.repositories.stations import Stations
from streams.runtime.tasks import without_values
from streams.screening.evidence_sample import Drawn, Sample, draw, read

log = logging.getLogger(__name__)

SPAN = timedelta(days=7)
MOST_RESIDENTS = 20_000
MOST_SECONDS = 120.0  # of the wall clock; then the preview covers the residents evaluated so far
KEPT = 8  # previews kept in memory
NOWHERE = "–"  # stands for "no station"
VISIT = timedelta(hours=1)  # length of a visit if the policy states none (assumed)


class Stage(StrEnum):
    """The progress of a preview: running, done or failed."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Station:
    """One station during the preview's days: cases by level and visit hours under both policies, scaled up.

    `rostered_hours`: the person-hours on the station's roster.
    """

    name: str
    live: dict[Level, int]
    draft: dict[Level, int]
    live_hours: VisitHours
    draft_hours: VisitHours
    rostered_hours: float

    @property
    def is_affected(self) -> bool:
        """True if the draft changes the station's figures, or its roster has too few hours."""
        return self.live != self.draft or self.live_hours != self.draft_hours or self.short

    @property
    def short(self) -> bool:
        """True if the roster has fewer person-hours than the visits under the draft need at least."""
        return self.draft_hours.least > self.rostered_hours


@dataclass(slots=True)
class Preview:
    """A preview. `sample`: which residents were evaluated; `live`, `draft`: the counts under both policies, not scaled
    up.
    """

    since: datetime
    until: datetime
    sample: Sample
    stage: Stage = Stage.RUNNING
    live: Tally = field(default_factory=Tally)
    draft: Tally = field(default_factory=Tally)
    stations: list[Station] = field(default_factory=list)

    @property
    def factor(self) -> float:
        """The number of residents whom each evaluated resident represents; 1.0 before any was drawn."""
        return self.sample.there / self.sample.drawn if self.sample.drawn else 1.0

    @property
    def days(self) -> list[date]:
        """The days in China that the preview covers. The first and the last day are partial."""
        first, last = local_date(self.since), local_date(self.until)
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def cases(self, whose: Tally, day: date, level: Level) -> int:
        """Return the scaled-up number of cases of a day and level in the whole province, from `live` or `draft`."""
        return round(whose.days[day, level] * self.factor)

    def whole(self, whose: Tally, level: Level) -> int:
        """Return the scaled-up number of cases of a level on all days in the whole province, from `live` or `draft`."""
        return round(whose.levels[level] * self.factor)

    @property
    def effects(self) -> list[Effect]:
        """The levels whose number of cases the draft changes in the whole province, the gravest first, with the
        scaled-up numbers before and after. Levels without a change are left out; empty if there is no change. While the
        preview runs, it is of the residents evaluated so far.
        """
        before, after = ({level: self.whole(whose, level) for level in Level} for whose in (self.live, self.draft))
        return effects(before, after)

    @property
    def live_hours(self) -> VisitHours:
        """The visit hours of all stations under the policy in force."""
        return _sum(station.live_hours for station in self.stations)

    @property
    def draft_hours(self) -> VisitHours:
        """The visit hours of all stations under the draft."""
        return _sum(station.draft_hours for station in self.stations)


class Previews:
    """The previews of this process, by policy in force and draft. One preview runs at a time."""

    def __init__(self, line: Installation) -> None:
        self._line = line
        self._known: dict[tuple[str, str], Preview] = {}
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()

    def find(self, live: str, draft: str) -> Preview | None:
        """Return the preview of two policy texts, or None if none was started."""
        return self._known.get((digest_of(live), digest_of(draft)))

    def start(self, live: str, draft: str) -> Preview:
        """Start a preview in the background and return it, or return the existing one unless it failed. Its `stage`
        becomes DONE or FAILED.

        Raises PolicyError if a text is not a valid policy.
        """
        known = self.find(live, draft)
        if known and known.stage is not Stage.FAILED:
            return known
        policies = load(live), load(draft)
        now = self._line.clock.now()
        made = Preview(now - SPAN, now, Sample(MOST_RESIDENTS))
        self._known[digest_of(live), digest_of(draft)] = made
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))
        task = asyncio.create_task(self._run(made, (live, draft), policies))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return made

    async def _run(self, made: Preview, texts: tuple[str, str], policies: tuple[Policy, Policy]) -> None:
        try:
            async with self._turn:
                await self._judge(made, texts)
            rosters = await Stations(self._line.redis, self._line.outgoing.rosters).all()
            made.stations = _stations(made, rosters, policies)
            made.stage = Stage.DONE
        except Exception as error:
            log.error("a policy's preview failed: %s", without_values(error))  # noqa: TRY400 - a traceback has values
            made.stage = Stage.FAILED

    async def _judge(self, made: Preview, texts: tuple[str, str]) -> None:
        line, loop = self._line, asyncio.get_running_loop()
        rosters = await Stations(line.redis, line.outgoing.rosters).all()
        await draw(line.redis, made.sample, line.settings.partitions)
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit the console's connections
        pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=os.nice, initargs=(10,))
        ends = time.monotonic() + MOST_SECONDS
        try:
            async for drawn in read(line.redis, line.residents, made.sample, made.until):
                chunk = _handed(drawn, rosters, made.until)
                found = await loop.run_in_executor(pool, replayed, texts, chunk, made.since, made.until, ZONE)
                made.live.add(found[0])
                made.draft.add(found[1])
                if time.monotonic() >= ends:
                    break
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def previews(request: Request) -> Previews:
    """Return the application's previews."""
    state = request.app.state
    if not hasattr(state, "previews"):
        state.previews = Previews(services(request).line)
    found: Previews = state.previews
    return found


def _handed(drawn: list[Drawn], rosters: dict[str, Roster], now: datetime) -> list[Raw]:
    """Return the drawn residents with their stations. Each division's station is looked up only once."""
    today = local_date(now)
    stations = {
        division: coverage.station_of(division, rosters, today) or NOWHERE
        for division in {each.profile.division for each in drawn}
    }
    return [
        Raw(each.profile, tuple(each.evidence), each.settled, stations[each.profile.division], each.lost)
        for each in drawn
    ]


def _stations(made: Preview, rosters: dict[str, Roster], policies: tuple[Policy, Policy]) -> list[Station]:
    live, draft = policies
    names = sorted({name for name, _ in (*made.live.stations, *made.draft.stations)} | rosters.keys())
    found = []
    for name in names:
        before = {level: round(made.live.stations[name, level] * made.factor) for level in Level}
        after = {level: round(made.draft.stations[name, level] * made.factor) for level in Level}
        on_duty = coverage.hours(rosters[name].officers, made.since, made.until) if name in rosters else 0.0
        needs = visit_hours(before, live, VISIT), visit_hours(after, draft, VISIT)
        found.append(Station(name, before, after, *needs, on_duty))
    return found


def _sum(hours: Iterable[VisitHours]) -> VisitHours:
    found = list(hours)
    return VisitHours(sum(each.least for each in found), sum(each.most for each in found))
