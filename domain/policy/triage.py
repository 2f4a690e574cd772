"""The policy's triage rules: the figures from which the benefit of a minute of an operator's work is computed."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section
from schemas.base import Token
from schemas.levels import Level

Share = Annotated[float, Field(ge=0, le=1)]
_NONE = timedelta(0)
# Assumed: before the plan replaces the call with a visit. At blue, only requested calls are on the desk.
_LIMITS = {
    Level.RED: timedelta(minutes=30),
    Level.ORANGE: timedelta(hours=2),
    Level.YELLOW: timedelta(hours=8),
    Level.BLUE: timedelta(minutes=45),
}


class ScamTalk(Section):
    """Figures of a type of scam.

    `persuaded`: probability (0 to 1) that a conversation dissuades. `goes`: time in which half of the money still to be
    asked for is lost, without a call or payment in progress.
    """

    persuaded: Share
    goes: Duration


class TriageRules(Section):
    """The figures from which a case's place in the queue is computed.

    `reached`: probability that a call is answered; `busy`: the same during a suspicious call. `again`: factor on it
    after each unanswered call, and on the probability of dissuading after each failed conversation. `paid`: factor on
    the latter after each settled payment. `talk`, `ring`: duration of an answered and an unanswered call.
    `on_the_line`, `in_flight`: as a scam's `goes`, during a suspicious call or a payment. `horizon`: when somebody else
    would take the case. `dear`: how much more money counts if it is all that a resident has. `patience`: a case that
    waits this long counts twice. `limit`: by level; a case that nobody took for this long counts twice, and twice again
    after each further quarter of it; a level without an entry has no limit. `scams`: figures by scam type; `scam`:
    figures of the others.
    """

    reached: Annotated[float, Field(gt=0, le=1)] = 0.6
    busy: Annotated[float, Field(gt=0, le=1)] = 0.1
    again: Annotated[float, Field(gt=0, le=1)] = 0.85
    paid: Annotated[float, Field(gt=0, le=1)] = 0.85
    talk: Duration = timedelta(minutes=3)
    ring: Duration = timedelta(seconds=25)
    on_the_line: Duration = timedelta(minutes=15)
    in_flight: Duration = timedelta(minutes=10)
    horizon: Duration = timedelta(minutes=30)
    dear: Annotated[float, Field(ge=0, le=100)] = 1.0
    patience: Duration = timedelta(minutes=30)
    limit: dict[Level, Duration] = Field(default_factory=_LIMITS.copy)
    # For scams without their own figures.
    scam: ScamTalk = ScamTalk(persuaded=0.4, goes=timedelta(hours=12))
    scams: dict[Token, ScamTalk] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        named = {name: getattr(self, name) for name in ("talk", "ring", "on_the_line", "in_flight", "patience")}
        named |= {f"scams.{name}.goes": scam.goes for name, scam in self.scams.items()} | {"scam.goes": self.scam.goes}
        for name, span in named.items():
            if span <= _NONE:
                raise refused(FaultCode.NO_TIME, key=name)
        return self
