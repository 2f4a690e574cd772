"""The policy's rules of retention: how long each kind of record is kept on its topic.

The journal of cases, the registers and the audit are not among them: the store is built from these.
"""

from datetime import timedelta
from typing import Self

from pydantic import model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt

WEEK = timedelta(days=7)
LONGEST = timedelta(days=90)
DAY = timedelta(days=1)


class Retention(Section):
    """How long records are kept. What is not named is kept as long as its topic was made for.

    `signals`, `inputs` (of cases) and `dispatches`: seven days at least, since so long it is known what was applied and
    sent, and ninety at most, since they name people. `calls`: what was taken down of calls to 96110. `shadow`: what a
    policy in trial would have done. `dead_letters`: what could not be read, as it came.
    """

    signals: Duration = WEEK
    inputs: Duration = WEEK
    dispatches: Duration = WEEK
    calls: Duration = timedelta(days=120)
    shadow: Duration = timedelta(days=30)
    dead_letters: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _within(self) -> Self:
        for name in ("signals", "inputs", "dispatches"):
            if not WEEK <= getattr(self, name) <= LONGEST:
                raise refused(FaultCode.NOT_BETWEEN, key=name, least=spelt(WEEK), most=spelt(LONGEST))
        for name in ("calls", "shadow", "dead_letters"):
            if getattr(self, name) < DAY:
                raise refused(FaultCode.SHORTER_THAN, key=name, least=spelt(DAY))
        return self
