"""What the wall display shows besides its map: reds that wait, today's money, and the story of one who was saved."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.live.row import Row
from console.web.overview import area
from domain.calendar import day_of
from domain.desk.load import overdue
from domain.desk.saved import StoryScene, saved_case, scenes
from domain.statistics.situation import Sums
from domain.wording import labels
from schemas.casework.cases import Case

REDS_SHOWN = 8


class UnclaimedRed(NamedTuple):
    """A red case that nobody has claimed. `since` when it waits; `late`: a clock of it has run out."""

    place: str
    scam: str
    money: int
    since: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class SavedStory:
    """Of a resident who was saved, without anything that says who it is."""

    place: str
    scam: str
    scenes: list[StoryScene]


def reds(services: Services, who: Who) -> list[UnclaimedRed]:
    """Return the reds of the area that wait, the longest first."""
    found = [row for row in services.hub.rows.values() if row.alarming and who.sees(row.division)]
    now = services.line.clock.now()
    return sorted((_waiting(services, row, now) for row in found), key=lambda each: each.since)


def today(services: Services, who: Who) -> Sums:
    """Return the sums of the area's cases that were opened today."""
    day = day_of(services.line.clock.now())
    return services.figures.situation.by_day(who.sees, [day])[day]


async def saved_story(services: Services, who: Who, look: bool) -> SavedStory | None:
    """Return the story of who was saved, None where nobody was. `look`: wait until the journal has been read for it."""
    now = services.line.clock.now()
    cases = [row.case for row in services.hub.rows.values() if who.sees(row.division)]
    case = saved_case(cases, now)
    if case is None:
        return None
    told = (await services.stories.of(case) if look else services.stories.known(case.id)).told
    return SavedStory(
        area.name_of(case.profile.division[:4], now),
        _scam(services, case),
        scenes(case, [(each.at, each.facts) for each in told]),
    )


def _waiting(services: Services, row: Row, now: datetime) -> UnclaimedRed:
    case = row.case
    since = case.offered_at or case.opened_at
    return UnclaimedRed(
        area.name_of(row.division[:6], now), _scam(services, case), row.stake_fen, since, overdue(case, now)
    )


def _scam(services: Services, case: Case) -> str:
    """Return what the policy in force calls the case's kind of scam, in Chinese."""
    return labels.scam(services.queue.scams.get(case.danger.scam_type, case.danger.scam_type))
