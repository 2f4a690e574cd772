"""Data of the wall display besides its map: unclaimed red cases, today's money, and the story of one saved resident."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from console.web.auth.who import Who
from console.web.auth.words import place
from console.web.kit.services import Services
from console.web.live.row import Row
from domain.calendar import day_of, local_date
from domain.casework.triage import waiting_red
from domain.desk.load import overdue
from domain.desk.saved import StoryScene, saved_case, scenes
from domain.payments.headline import Headline
from domain.statistics.situation import Sums
from domain.wording import labels
from schemas.casework.cases import Case

REDS_SHOWN = 10  # in two columns
REDS_SMALL = 8  # of these on a screen with less room (wall.css)


class UnclaimedRed(NamedTuple):
    """A red case that no operator has claimed. `money`: the amount of the case and what it is; `since`: when it began
    to wait (UTC); `late`: True if one of its clocks (deadlines) is overdue; `due`: its nearest open deadline (UTC),
    None without one.
    """

    place: str
    scam: str
    money: Headline
    since: datetime
    late: bool
    due: datetime | None


@dataclass(frozen=True, slots=True)
class SavedStory:
    """The anonymous story of a resident who was dissuaded in time. `scenes`: empty while it is being read."""

    place: str
    scam: str
    scenes: list[StoryScene]


def reds(services: Services, who: Who) -> list[UnclaimedRed]:
    """Return the area's red cases that wait for an operator: the one with the least time left to act first, then those
    without a deadline, the longest waiting first.
    """
    found = [row for row in services.hub.rows.values() if waiting_red(row.case) and who.sees(row.division)]
    now = services.line.clock.now()
    waiting = (_waiting(services, row, now) for row in found)
    return sorted(waiting, key=lambda each: (each.due is None, each.due or each.since))


def today(services: Services, who: Who) -> Sums:
    """Return the sums (amounts in fen) over the area's cases that were opened today (China's day)."""
    day = day_of(services.line.clock.now())
    return services.figures.situation.by_day(who.sees, [day])[day]


async def saved_story(services: Services, who: Who, look: bool) -> SavedStory | None:
    """Return the anonymous story of a saved resident of the area, or None if no case is suitable.

    `look`: True reads the journal for the story, and raises KafkaError, OSError or TimeoutError if Kafka does not
    answer; False uses only the events in memory, and returns no scenes unless they are the whole story.
    """
    now = services.line.clock.now()
    cases = [row.case for row in services.hub.rows.values() if who.sees(row.division)]
    case = saved_case(cases, now)
    if case is None:
        return None
    found = await services.stories.of(case) if look else services.stories.known(case.id)
    told = found.told if look or found.has_all_since(0, case.version) else []
    return SavedStory(
        place(case.profile.division[:4], local_date(now)),
        _scam(services, case),
        scenes(case, [(each.at, each.facts) for each in told]) if told else [],
    )


def _waiting(services: Services, row: Row, now: datetime) -> UnclaimedRed:
    case = row.case
    since = case.offered_at or case.opened_at
    where, due = place(row.division[:6], local_date(now)), row.deadline.at if row.deadline else None
    return UnclaimedRed(where, _scam(services, case), row.headline, since, overdue(case, now), due)


def _scam(services: Services, case: Case) -> str:
    """Return the Chinese name of the case's scam type by the policy in force."""
    return labels.scam(services.queue.scams.get(case.danger.scam_type, case.danger.scam_type))
