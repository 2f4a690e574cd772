"""The queue's filters. They are part of the page's address and contain no personal data."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from console.web.auth.who import Who
from console.web.live.row import Row
from domain.casework.triage import QueueBand
from domain.desk.attention import waits_for
from domain.desk.load import Handling, handling, overdue, visits_under_way
from domain.desk.open_deadline import expires_soon
from schemas.casework.cases import CaseState
from schemas.levels import Channel, Level

OFFERED, CLAIMED, MINE, RETURNED, OVERDUE, ALL = "offered", "claimed", "mine", "returned", "overdue", "all"
EXPIRING, APPROVAL = "expiring", "approval"
VISITED = CaseState.VISIT_UNDER_WAY.value
OFFICER, AUTOMATIC = Handling.OFFICER.value, Handling.AUTOMATIC.value
STANDINGS = frozenset({OFFERED, CLAIMED, OFFICER, AUTOMATIC, MINE, RETURNED, OVERDUE, EXPIRING, APPROVAL, ALL})
STATES = STANDINGS | {state.value for state in CaseState if state is not CaseState.CLOSED}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the queue; an empty field filters nothing.

    `state`: a case state or one of STANDINGS; "": all cases that are not settled. VISITED: an officer is on the way,
    also where the case's state is another one.
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
        """True if at least one filter is set."""
        return self != Filters()

    @property
    def query(self) -> str:
        """The set filters as a URL query string without `?`; "" if none is set."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def fits(self, row: Row, who: Who, now: datetime) -> bool:
        """Return True if a case is in the person's area and matches every set filter at the time `now`."""
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
        stands = _STANDS.get(self.state)
        return stands(row, who, now) if stands else row.case.state == self.state


def _returned(row: Row, _who: Who, _now: datetime) -> bool:
    return row.case.returned_from is not None and row.case.claimed_by is None and not row.case.settled


_STANDS: Mapping[str, Callable[[Row, Who, datetime], bool]] = {
    "": lambda row, _who, _now: row.weight.turn is not QueueBand.SETTLED,
    ALL: lambda _row, _who, _now: True,
    OFFERED: lambda row, _who, _now: row.offered,
    OVERDUE: lambda row, _who, now: overdue(row.case, now),
    EXPIRING: lambda row, _who, now: not row.case.settled and expires_soon(row.deadline, now),
    APPROVAL: lambda row, who, _now: bool(waits_for(row.case, who.login, who.role)),
    OFFICER: lambda row, _who, _now: handling(row.case, waits=row.offered) is Handling.OFFICER,
    AUTOMATIC: lambda row, _who, _now: handling(row.case, waits=row.offered) is Handling.AUTOMATIC,
    RETURNED: _returned,
    VISITED: lambda row, _who, _now: bool(visits_under_way([row.case])),
    MINE: lambda row, who, _now: row.case.claimed_by == who.login,
    CLAIMED: lambda row, _who, _now: row.case.claimed_by is not None,
}


def _one_of(value: str, known: Collection[str]) -> str:
    return value if value in known else ""
