"""The policy's breaker section: the number of cases at which the next policy is stopped."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt

Times = Annotated[float, Field(gt=1, le=1000)]
MINUTE = timedelta(minutes=1)
LOOKS_BACK = timedelta(days=4)  # counts of cases raised per minute are kept for so long


class BreakerRules(Section):
    """Limits on the cases per minute that the next policy raises. If it exceeds one, this policy is put in force again.

    The usual number is the median of the minutes under this policy during `learn` before the change, or `least` (cases
    per minute) if that is more. `sudden`: the limit in each of the last `steady` minutes; `slow`: the limit of their
    average; both are multiples of the usual number. After `trial`, a policy is no longer checked, because many cases
    then mean a campaign. `hold`: how long cases of the stopped policy, except red ones, wait for a person before their
    steps go on.
    """

    learn: Duration
    least: Annotated[float, Field(gt=0)]
    sudden: Times
    slow: Times
    steady: Duration
    trial: Duration
    hold: Duration

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
