"""The policy's retention rules: how long each kind of record is kept on its topic.

The journal of cases, the registers and the audit have none: the store is rebuilt from them.
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
    """How long records are kept. Topics that are not named keep their configured retention.

    `signals`, `inputs` (of cases) and `dispatches`: at least seven days, because applied and sent ids are remembered
    for so long, and at most ninety, because they identify people. `calls`: notes of calls to 96110, and reports of
    the public page. `evidence_files`: pictures of chats and receipts. `shadow`: alerts of a shadow policy.
    `dead_letters`: unreadable records, as received.
    """

    signals: Duration = WEEK
    inputs: Duration = WEEK
    dispatches: Duration = WEEK
    calls: Duration = timedelta(days=120)
    evidence_files: Duration = timedelta(days=365)
    shadow: Duration = timedelta(days=30)
    dead_letters: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _within(self) -> Self:
        for name in ("signals", "inputs", "dispatches"):
            if not WEEK <= getattr(self, name) <= LONGEST:
                raise refused(FaultCode.NOT_BETWEEN, key=name, least=spelt(WEEK), most=spelt(LONGEST))
        for name in ("calls", "evidence_files", "shadow", "dead_letters"):
            if getattr(self, name) < DAY:
                raise refused(FaultCode.SHORTER_THAN, key=name, least=spelt(DAY))
        return self
