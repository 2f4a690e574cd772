"""The policy's rules of visits: what a way and a door take, which visit is made first, and what an officer is given."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section
from schemas.levels import Level

Open = Annotated[int, Field(ge=1, le=99)]
_NONE = timedelta(0)


class Ways(Section):
    """How long the way takes, by how far it is: within a street office, a county, a prefecture, the province.

    Assumed: no coordinates are kept of anybody, so a county's way is that of its middle.
    """

    street: Duration = timedelta(minutes=10)
    county: Duration = timedelta(minutes=25)
    prefecture: Duration = timedelta(minutes=90)
    province: Duration = timedelta(hours=4)


class VisitRules(Section):
    """Who is given a visit, and in which order an officer makes his. All of it is assumed.

    `door`: what a visit takes at the door. `horizon`: how much later he comes who makes another one before. `first`:
    the levels that wait for no other. `patience`: what he has had this long counts twice. `limit`: what he has had this
    long comes before what others are worth more; a level without one has none. `ahead` and `most`: the visits that he
    may have to make before one more, and in all. `interpreter`: the way that it is worth to be understood; `known`: to
    be sent again to whom one knows. `overtime`: so long past his shift's end a level may keep somebody, where no other
    is there about as soon; a level without one keeps nobody.
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

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        for name in ("door", "horizon", "patience"):
            if getattr(self, name) <= _NONE:
                raise refused(FaultCode.NO_TIME, key=name)
        if self.most < self.ahead:
            raise refused(FaultCode.MOST_BELOW_AHEAD, key="most", least=self.ahead)
        return self
