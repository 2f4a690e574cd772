"""The policy's duty: how many people a station needs at which hours, and how long a visit takes one of them."""

from typing import Annotated

from pydantic import Field

from domain.policy.plan import Hours
from domain.policy.units import Duration, Section
from schemas.people.rosters import Role


class Need(Section):
    """So many people of these roles on duty in each station, every day at these hours."""

    hours: Hours
    people: Annotated[int, Field(ge=1, le=500)]
    roles: Annotated[frozenset[Role], Field(min_length=1)] = frozenset(Role)


class Duty(Section):
    """What rosters are measured by. `visit`: the time a visit takes, the way included."""

    visit: Duration
    needs: Annotated[tuple[Need, ...], Field(max_length=24)] = ()
