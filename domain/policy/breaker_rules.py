"""The policy's breaker: when a policy that follows this one is stopped, since it raises many times the usual cases."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt

Times = Annotated[float, Field(gt=1, le=1000)]
MINUTE = timedelta(minutes=1)
LOOKS_BACK = timedelta(days=4)  # so long cases raised are kept by the minute


class BreakerRules(Section):
    """What is too much of the policy that comes next. The usual is the median of the minutes under this one."""

    learn: Duration  # how far back the minutes go that tell what is usual
    least: Annotated[float, Field(gt=0)]  # cases a minute: where less is usual, this is taken for it
    sudden: Times  # so many times the usual in one minute
    slow: Times  # so many times the usual over `steady`
    steady: Duration
    trial: Duration  # a policy that was in force for so long is trusted: what many cases come then is a campaign
    hold: Duration  # how long cases of a policy that was stopped wait for a person

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.slow > self.sudden:
            raise refused(FaultCode.SLOW_OVER_SUDDEN, key="slow", slow=self.slow, sudden=self.sudden)
        for name in ("learn", "steady", "trial"):
            if getattr(self, name) < MINUTE:
                raise refused(FaultCode.SHORTER_THAN, key=name, least=spelt(MINUTE))  # cases are counted by the minute
        if self.learn + self.trial > LOOKS_BACK:
            raise refused(FaultCode.TOO_LONG_TOGETHER, key="learn", days=LOOKS_BACK.days)
        return self
