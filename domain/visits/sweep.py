"""A sweep: which places are searched for a resident, the likeliest first, and which officer goes to which.

Distances are straight lines between coordinates; a place without them counts as far away as its division is
(domain/visits/travel). No resident's position is known or used: distances start from the division of the resident's
address.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

from domain.calendar import JILIN, local_date
from domain.policy.visits import VisitRules
from domain.visits.officers import ELIGIBLE, off_at
from domain.visits.travel import distance, drive_between
from schemas.casework.cases import Case
from schemas.casework.searches import MOST_HOURS, AssignedPlace
from schemas.levels import Level
from schemas.people.places import Located, OpeningHours, PlaceKind, SearchList
from schemas.people.rosters import Officer

EARTH_KM = 6371.0
UNSTARTED = timedelta(minutes=10)  # a form that is sent twice is answered long before

# The order in which kinds are searched; assumed. Where the resident usually is comes first. A resident who is about to
# pay is at a bank; one whom the scammer keeps apart has taken a room.
_ORDER = (PlaceKind.USUAL, PlaceKind.BANK_BRANCH, PlaceKind.HOTEL, PlaceKind.INTERNET_CAFE, PlaceKind.OTHER)


def is_open_at(hours: Sequence[OpeningHours] | None, now: datetime) -> bool | None:
    """Return True if a place with these hours (Jilin's time) is open at `now`, False if it is closed, and None if its
    hours are unknown (None). A place with empty hours never closes.
    """
    if hours is None:
        return None
    return not hours or any(_within(each, now.astimezone(JILIN)) for each in hours)


def kilometres_between(one: Located, other: Located) -> float | None:
    """Return the great-circle distance between two places in km; None if one has no coordinates."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    across = cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(sin(north / 2) ** 2 + across))


def ranked(places: Iterable[Located], division: str, now: datetime) -> list[Located]:
    """Return the places in the order of the search: closed ones last (unknown hours count as open), then by kind (where
    the resident usually is, banks, hotels, internet cafes, others), then the nearest to the division `division`, then
    by name.
    """
    today = local_date(now)

    def key(place: Located) -> tuple[bool, int, int, str]:
        closed = is_open_at(place.hours, now) is False
        return closed, _ORDER.index(place.kind), distance(division, place.division, today), place.name

    return sorted(places, key=key)


def searchers(officers: Iterable[Officer], level: Level, now: datetime, until: datetime) -> list[Officer]:
    """Return the officers who may take part in a search at `now`: on duty, and with a role that may visit at this
    level. Those who stay on duty until its end (`until`) come first; then in the order of their ids.
    """
    may = [(off_at(each, now), each) for each in officers if each.role in ELIGIBLE[level]]
    here = [(end < until, each.id, each) for end, each in may if end is not None]
    return [each for _, _, each in sorted(here, key=lambda found: found[:2])]


def assigned(
    places: Sequence[tuple[str, Located]], officers: Sequence[Officer], now: datetime, rules: VisitRules
) -> list[AssignedPlace]:
    """Return, for each place and in the given order, the officer who is to search it first. `places`: pairs of a number
    and a place.

    The officer who can be there soonest gets it, after the places that they already have: each of these takes the
    travel time and the policy's time at a door. From one place to the next, the travel time is that of their divisions.
    Of equals, the lower id goes. Raises ValueError without officers.
    """
    if not officers:
        raise ValueError("nobody searches")
    free = {each.id: (timedelta(0), each.division) for each in officers}
    today, found = local_date(now), []
    for number, place in places:
        arrives = {
            name: after + drive_between(here, place.division, today, rules) for name, (after, here) in free.items()
        }
        officer = min(arrives, key=lambda name: (arrives[name], name))
        free[officer] = arrives[officer] + rules.door, place.division
        found.append(AssignedPlace(number=number, officer=officer))
    return found


def erased_at(listed: SearchList, case: Case | None, keep: timedelta, *, decided: bool) -> datetime:
    """Return when the list of a search's places is to be erased: `keep` after the end of the search.

    `case`: the resident's latest case, or None if it is unknown; `decided`: True if the case has applied the input that
    starts the search. If it was applied and the case has no such search, because it was refused, the list is erased 10
    minutes (UNSTARTED) after it was made. While it is not known whether the search was started, the list is kept as
    long as a search may last, and `keep` longer.
    """
    found = next((each for each in case.searches if each.id == listed.id), None) if case else None
    if found is not None:
        return (found.ended_at or found.until) + keep
    return listed.at + (UNSTARTED if case is not None and decided else timedelta(hours=MOST_HOURS) + keep)


def to_tell(listed: SearchList, case: Case | None) -> list[str]:
    """Return the ids of the officers who take part in the search and have not been told of it yet, sorted. Empty if the
    search has ended or has not begun, or if the case is unknown (None).
    """
    found = next((each for each in case.searches if each.id == listed.id), None) if case else None
    return sorted(found.officers - listed.told) if found is not None and found.goes_on else []


def _within(hours: OpeningHours, local: datetime) -> bool:
    overnight, clock = hours.closes <= hours.opens, local.time()
    yesterday = (local.weekday() - 1) % 7
    if overnight and yesterday in hours.days and clock < hours.closes:
        return True
    if local.weekday() not in hours.days or clock < hours.opens:
        return False
    return overnight or clock < hours.closes
