"""The kind of person and the time of day by which past contacts are counted.

Age, language and kind of place change who takes a call and whose telephone is on. The sex is left out: no source says
that it does, and each further division halves what is known of a group.
"""

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from schemas.casework.cases import Profile
from schemas.people.residents import Language

_DAY, _EVENING, _NIGHT = 7, 17, 22  # hours at which the parts of a day begin
_SATURDAY = 5
_COUNTIES = range(21, 71)  # last two digits of a county's code; others: districts, zones, cities


class AgeGroup(StrEnum):
    """The age group of a resident, by the year of the contact minus the year of birth."""

    UNDER_30 = "under_30"
    FROM_30 = "30_to_59"
    FROM_60 = "60_up"


class AreaKind(StrEnum):
    """The kind of place of a resident. CITY: a district or a city; COUNTY: a county, by its GB/T 2260 code."""

    CITY = "city"
    COUNTY = "county"


class PartOfWeek(StrEnum):
    """A part of the week in local time. DAY: 7 to 17 o'clock, EVENING: 17 to 22, NIGHT: 22 to 7; of Saturday and Sunday
    apart. Holidays count as the day of the week that they fall on.
    """

    DAY = "day"
    EVENING = "evening"
    NIGHT = "night"
    WEEKEND_DAY = "weekend_day"
    WEEKEND_EVENING = "weekend_evening"
    WEEKEND_NIGHT = "weekend_night"


class ContactGroup(NamedTuple):
    """Contacts that are compared with one another: of one kind of person, in one part of the week."""

    age: AgeGroup
    language: Language
    place: AreaKind
    part: PartOfWeek


def contact_group(profile: Profile, at: datetime, utc: timedelta) -> ContactGroup:
    """Return the group of a contact with a resident at `at` (aware). `utc`: offset of local time."""
    local = at.astimezone(timezone(utc))
    age = local.year - profile.birth_year
    ages = AgeGroup.UNDER_30 if age < 30 else AgeGroup.FROM_30 if age < 60 else AgeGroup.FROM_60
    place = AreaKind.COUNTY if int(profile.division[4:6]) in _COUNTIES else AreaKind.CITY
    return ContactGroup(ages, profile.language, place, _part(local))


def _part(local: datetime) -> PartOfWeek:
    weekend = local.weekday() >= _SATURDAY
    if _DAY <= local.hour < _EVENING:
        return PartOfWeek.WEEKEND_DAY if weekend else PartOfWeek.DAY
    if _EVENING <= local.hour < _NIGHT:
        return PartOfWeek.WEEKEND_EVENING if weekend else PartOfWeek.EVENING
    return PartOfWeek.WEEKEND_NIGHT if weekend else PartOfWeek.NIGHT
