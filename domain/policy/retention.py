"""The policy's rules about personal data: how long each kind of record is kept on its topic, and within which time a
person's request about their own data is decided and carried out.

The journal of cases, the registers and the audit have no retention: the store is rebuilt from them.

The Personal Information Protection Law (article 50) demands a convenient procedure for requests and reasons for a
refusal, but names no number of days. Two rules that do not bind a state organ do: the four departments' method of 2019
for judging apps (国信办秘字〔2019〕191号, part 6) allows at most 15 working days, and GB/T 35273-2020 (8.7) 30 days.
The default is the stricter of the two; it is our choice until the centre decides otherwise.
"""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.calendar import Calendar, after_working_days
from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt

WEEK = timedelta(days=7)
LONGEST = timedelta(days=90)
DAY = timedelta(days=1)
DEFAULT_DAYS, MOST_DAYS = 15, 20  # 20 working days are 28 days if no holiday is among them


class Retention(Section):
    """The times for which records are kept. Topics that are not named keep their configured retention.

    `signals`, `inputs` (of cases), `dispatches`: at least 7 days, because applied and sent ids are remembered that
    long, and at most 90, because they identify people. `calls`: notes of calls to 96110, and reports from the public
    page. `evidence_files`: pictures of chats and receipts. `call_recordings`: of operators' calls, at least 7 days.
    `shadow`: alerts of a shadow policy. `dead_letters`: refused records as received. The others: at least one day.
    """

    signals: Duration = WEEK
    inputs: Duration = WEEK
    dispatches: Duration = WEEK
    calls: Duration = timedelta(days=120)
    evidence_files: Duration = timedelta(days=365)
    call_recordings: Duration = timedelta(days=90)
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
        if self.call_recordings < WEEK:
            raise refused(FaultCode.SHORTER_THAN, key="call_recordings", least=spelt(WEEK))
        return self


class SubjectRequestRules(Section):
    """The clock of a request to see, correct or erase one's own data.

    `working_days`: from the day after it was entered, at most 20; the request is late when the last of them is over.
    """

    working_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DEFAULT_DAYS

    def due_of(self, at: datetime, calendar: Calendar) -> datetime:
        """Return when a request entered at `at` is due: the end of its last working day, midnight in Jilin, as UTC."""
        return after_working_days(at, self.working_days, calendar)


class CallRecordingRules(Section):
    """Whether operators may record their calls with residents.

    `enabled`: False unless the centre sets it. It also needs a vault (QUANZU_VAULT), and `recordings_url` in the voice
    gateway's configuration. Recordings are used to prove what was said in a case, never to train a model.
    """

    enabled: bool = False
