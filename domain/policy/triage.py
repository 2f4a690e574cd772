"""The policy's rules of triage: what a minute of an operator is worth, by scam, step and what was tried before."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section
from schemas.base import Fen, Token
from schemas.levels import Level

Share = Annotated[float, Field(ge=0, le=1)]
_NONE = timedelta(0)
# Before the plan takes the call off the desk and sends somebody instead. On blue's desk is who asked for it. Assumed.
_LIMITS = {
    Level.RED: timedelta(minutes=30),
    Level.ORANGE: timedelta(hours=2),
    Level.YELLOW: timedelta(hours=8),
    Level.BLUE: timedelta(minutes=45),
}


class ScamTalk(Section):
    """A type of scam as operators meet it.

    `asks_fen`: what is lost in one on average. `persuaded`: the chance that a talk persuades. `goes`: in so long half
    of what is still to be asked for is gone, while nobody is on the line and no payment is under way.
    """

    asks_fen: Fen
    persuaded: Share
    goes: Duration


class TriageRules(Section):
    """How a case's place in the queue is reckoned.

    `reached`: the chance that a call is taken, `busy` while a suspicious call goes on. `again`: what is left of it
    after each call that was not taken, and of the chance to persuade after each talk that did not; `paid`: what is left
    of that one after each payment that has gone through. `talk` and `ring`: what a call takes that is taken, and one
    that is not. `on_the_line` and `in_flight`: as a scam's `goes`, while a suspicious call goes on, and while a payment
    is under way. `horizon`: when somebody else would take the case, if not now. `dear`: how much more money counts that
    is all a resident has. `patience`: what waits this long counts twice. `limit`: what nobody took for so long, with a
    call on the desk, counts twice, and twice again with each further quarter of it.
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
    limit: dict[Level, Duration] = Field(default_factory=_LIMITS.copy)  # a level without one has none
    scam: ScamTalk = ScamTalk(asks_fen=5_200_000, persuaded=0.4, goes=timedelta(hours=12))  # one without its own
    scams: dict[Token, ScamTalk] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        named = {name: getattr(self, name) for name in ("talk", "ring", "on_the_line", "in_flight", "patience")}
        named |= {f"scams.{name}.goes": scam.goes for name, scam in self.scams.items()} | {"scam.goes": self.scam.goes}
        for name, span in named.items():
            if span <= _NONE:
                raise refused(FaultCode.NO_TIME, key=name)
        return self
