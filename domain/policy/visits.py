"""The policy's visit rules: durations of travel and visits, the order of visits, and officers' limits."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt
from schemas.levels import Level

Open = Annotated[int, Field(ge=1, le=99)]
_NONE = timedelta(0)


class Ways(Section):
    """Travel time by distance: within a street office, a county, a prefecture, the province.

    Assumed: no coordinates of anybody are kept, so a county's figure is for its middle.
    """

    street: Duration = timedelta(minutes=10)
    county: Duration = timedelta(minutes=25)
    prefecture: Duration = timedelta(minutes=90)
    province: Duration = timedelta(hours=4)


LEAST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)


class EscalationRules(Section):
    """How long each rung waits for the officer's acceptance: after a push message, a text message and a call. All three
    are from 10 seconds to an hour.

    `officers`: the watch room is told once so many officers of a visit have not accepted. Assumed, but for the 30 s.
    """

    push: Duration = timedelta(seconds=30)
    sms: Duration = timedelta(seconds=30)
    call: Duration = timedelta(seconds=45)
    officers: Annotated[int, Field(ge=1, le=9)] = 2

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        for name in ("push", "sms", "call"):
            if not LEAST_WAIT <= getattr(self, name) <= LONGEST_WAIT:
                raise refused(FaultCode.NOT_BETWEEN, key=name, least=spelt(LEAST_WAIT), most=spelt(LONGEST_WAIT))
        return self


class VisitRules(Section):
    """Which officer gets a visit, and in which order they make theirs. All figures are assumed.

    `door`: duration at the door. `horizon`: how much later an officer comes who makes another visit before. `first`:
    levels that precede all others. `patience`: a visit that has waited this long counts twice. `limit`: one that has
    waited this long precedes others of more worth; a level without one has none. `ahead`, `most`: the most open visits
    before and including a new one. `interpreter`: travel time that speaking the resident's language is worth; `known`:
    that knowing the resident is worth. `overtime`: how far past the shift's end a level may keep an officer, if no
    other is there about as soon; a level without one keeps nobody. `escalation`: how an officer is told, by level; at a
    level without it, only the station's gateway tells them.
    """

    way: Ways = Ways()
    door: Duration = timedelta(minutes=20)
    horizon: Duration = timedelta(hours=1)
    first: frozenset[Level] = frozenset({Level.RED})
    patience: Duration = timedelta(hours=1)
    limit: dict[Level, Duration] = Field(default_factory=dict)
    ahead: Open = 3
    most: Open = 6
    interpreter: Duration = timedelta(minutes=45)
    known: Duration = timedelta(minutes=15)
    overtime: dict[Level, Duration] = Field(default_factory=dict)
    escalation: dict[Level, EscalationRules] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        for name in ("door", "horizon", "patience"):
            if getattr(self, name) <= _NONE:
                raise refused(FaultCode.NO_TIME, key=name)
        if self.most < self.ahead:
            raise refused(FaultCode.MOST_BELOW_AHEAD, key="most", least=self.ahead)
        return self
