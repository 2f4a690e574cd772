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
    """Travel times by distance: within a street office, a county, a prefecture, the province. All are assumed.

    No coordinates of any person are kept, so a county's figure is the time to its middle. Between two counties that are
    on the map, the time on the road is added to it instead (domain/visits/travel).
    """

    street: Duration = timedelta(minutes=10)
    county: Duration = timedelta(minutes=25)
    prefecture: Duration = timedelta(minutes=90)
    province: Duration = timedelta(hours=4)


LEAST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=1)


class EscalationRules(Section):
    """How long Quanzu waits for the officer to accept a visit, after a push message (`push`), a text message (`sms`)
    and a call (`call`), before it takes the next of these ways. Each time is from 10 seconds to an hour.

    `officers`: the watch room is told after this many officers of a visit have not accepted. All are assumed, except
    the 30 s.
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


LEAST_KEPT, LONGEST_KEPT = timedelta(hours=1), timedelta(hours=72)


class SearchRules(Section):
    """Rules for searches for a resident. `keep`: how long after a search its places are kept, from 1 to 72 hours, for
    the report; then they are erased. Assumed.
    """

    keep: Duration = timedelta(hours=24)

    @model_validator(mode="after")
    def _erased_soon(self) -> Self:
        if not LEAST_KEPT <= self.keep <= LONGEST_KEPT:
            raise refused(FaultCode.NOT_BETWEEN, key="keep", least=spelt(LEAST_KEPT), most=spelt(LONGEST_KEPT))
        return self


class VisitRules(Section):
    """Rules for the choice of the officer of a visit, and for the order of an officer's visits. All figures are
    assumed.

    `way`: travel times. `door`: duration at the door. `horizon`: how much later an officer comes who makes another
    visit first. `first`: levels that precede all others. `patience`: a visit that has waited this long counts twice.
    `limit`: by level; a visit that has waited this long precedes others of more worth. `ahead`: an officer is chosen
    only if the new visit is among the next so many visits of theirs. `most`: the most open visits of an officer, the
    new one included. `interpreter`, `known`: travel time that may be added for an officer who speaks the resident's
    language, or knows the resident. `overtime`: by level; how far past the shift's end an officer may be kept if no
    other is there about as soon. `escalation`: by level; at other levels only the station's gateway tells the officer.
    `search`: how long the places of a search are kept.
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
    search: SearchRules = SearchRules()

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        for name in ("door", "horizon", "patience"):
            if getattr(self, name) <= _NONE:
                raise refused(FaultCode.NO_TIME, key=name)
        if self.most < self.ahead:
            raise refused(FaultCode.MOST_BELOW_AHEAD, key="most", least=self.ahead)
        return self
