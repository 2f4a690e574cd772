"""The policy's duty section: how many people a station needs at which hours, and how long a visit takes."""

from typing import Annotated

from pydantic import Field

from domain.policy.plan import Hours
from domain.policy.units import Duration, Section
from schemas.people.rosters import Role


class Need(Section):
    """A requirement: at least so many people of these roles on duty in each station, daily at these hours (Jilin's
    time).
    """

    hours: Hours
    people: Annotated[int, Field(ge=1, le=500)]
    roles: Annotated[frozenset[Role], Field(min_length=1)] = frozenset(Role)


class Duty(Section):
    """Requirements of rosters. `needs`: how many people must be on duty when; `visit`: duration of a visit, including
    travel.
    """

    visit: Duration
    needs: Annotated[tuple[Need, ...], Field(max_length=24)] = ()
