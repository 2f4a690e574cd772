"""The policy's duty section: how many people a station needs at which hours, and how long a visit takes."""

from typing import Annotated

from pydantic import Field

from domain.policy.plan import Hours
from domain.policy.units import Duration, Section
from schemas.people.rosters import Role


class Need(Section):
    """A requirement on each station's roster: the least number of people with these roles on duty, daily at these
    hours.

    Hours are in Jilin's time.
    """

    hours: Hours
    people: Annotated[int, Field(ge=1, le=500)]
    roles: Annotated[frozenset[Role], Field(min_length=1)] = frozenset(Role)


class Duty(Section):
    """Requirements of rosters. `visit`: duration of a visit, travel included. `needs`: how many people must be on duty,
    when.
    """

    visit: Duration
    needs: Annotated[tuple[Need, ...], Field(max_length=24)] = ()
