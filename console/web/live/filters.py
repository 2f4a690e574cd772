"""The queue's filters. They are part of the page's address and contain no personal data."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from console.web.auth.who import Who
from console.web.live.row import Row
from domain.casework.triage import QueueBand
from domain.desk.load import overdue
from schemas.casework.cases import CaseState
from schemas.levels import Channel, Level

OFFERED, CLAIMED, MINE, RETURNED, OVERDUE, ALL = "offered", "claimed", "mine", "returned", "overdue", "all"
STANDINGS = frozenset({OFFERED, CLAIMED, MINE, RETURNED, OVERDUE, ALL})
STATES = STANDINGS | {state.value for state in CaseState if state is not CaseState.CLOSED}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the queue; an empty field filters nothing.

    `state`: a case state or one of STANDINGS; "": all cases that are not settled.
    """

    area: str = ""
    scam: str = ""
    channel: str = ""
    state: str = ""
    level: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Return the filters in an address's query. Invalid values are ignored."""
        area, scam = given.get("area", ""), given.get("scam", "")
        return cls(
            area=area if area.isdecimal() and len(area) in (2, 4, 6, 9) else "",
            scam=scam[:32],
            channel=_one_of(given.get("channel", ""), set(Channel)),
            state=_one_of(given.get("state", ""), STATES),
            level=_one_of(given.get("level", ""), set(Level)),
        )

    @property
    def any(self) -> bool:
        """Whether at least one filter is set."""
        return self != Filters()

    @property
    def query(self) -> str:
        """The set filters as a URL query string without `?`; "" if none is set."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def fits(self, row: Row, who: Who, now: datetime) -> bool:
        """Return whether a case is in the person's area and matches every set filter at the time `now`."""
        division = row.case.profile.division
        return (
            who.sees(division)
            and (not self.area or division.startswith(self.area))
            and (not self.level or self.level == row.level)
            and (not self.scam or self.scam == row.case.danger.scam_type)
            and (not self.channel or self.channel in row.channels)
            and self._in_state(row, who, now)
        )

    def _in_state(self, row: Row, who: Who, now: datetime) -> bool:
        if not self.state:
            return row.weight.turn is not QueueBand.SETTLED
        case = row.case
        if self.state in (OFFERED, ALL):
            return row.offered or self.state == ALL
        if self.state == OVERDUE:
            return overdue(case, now)
        if self.state == RETURNED:
            return case.returned_from is not None and case.claimed_by is None and not case.settled
        if self.state == MINE:
            return case.claimed_by == who.login
        return case.claimed_by is not None if self.state == CLAIMED else case.state == self.state


def _one_of(value: str, known: Collection[str]) -> str:
    return value if value in known else ""
