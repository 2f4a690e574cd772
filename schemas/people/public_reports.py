"""Reports that anybody makes on the public page, and what an operator found when checking them; on the topic
`public-reports`. They name people who may not be in the register.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.base import Fen, Model, Text, When, legible
from schemas.casework.reported import Line, PaidBy

MOST_WORDS = 1_000  # characters of what the reporter writes
MOST_LINK = 300

PublicReportId = Annotated[str, Field(pattern=r"^w[0-9a-f]{20}$")]
"""`w` and a hash of the form, so that a form sent twice is one report."""


class PublicReportState(StrEnum):
    """WAITING: nobody has checked it, so nothing has followed; CHECKED: an operator has taken it down as a call."""

    WAITING = "waiting"
    CHECKED = "checked"
    REJECTED = "rejected"


class RejectedAs(StrEnum):
    """Why an operator rejected a report."""

    NOT_REACHED = "not_reached"  # several calls to the number that was given found nobody
    NOT_FRAUD = "not_fraud"
    DUPLICATE = "duplicate"  # the person has reported it already
    DENIED = "denied"  # the holder of the telephone has reported nothing
    MEANINGLESS = "meaningless"


class Reporter(StrEnum):
    """Who reports: the person who has paid or is asked to, or somebody who knows of it."""

    VICTIM = "victim"
    WITNESS = "witness"


class PublicReport(Model):
    """A report. Text fields are "" if they were not told.

    `place`: the county's code; `from_bank`, `from_account`: of the victim; `payee`, `holder`, `to_bank`: the account
    that the money went to, its holder and its bank; the scammer's telephone, WeChat and link. `taken_by`: who has begun
    to check it; `case`: of the victim, once the check has found or raised one.
    """

    id: PublicReportId
    at: When
    state: PublicReportState = PublicReportState.WAITING
    reporter: Reporter = Reporter.VICTIM
    name: Text
    phone: Text
    place: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    from_bank: Line = ""
    from_account: Line = ""
    payee: Line = ""
    holder: Line = ""
    to_bank: Line = ""
    amount_fen: Fen | None = None
    paid_at: When | None = None
    paid_by: PaidBy = PaidBy.BANK_TRANSFER
    scammer_phone: Line = ""
    wechat: Line = ""
    scam_link: Annotated[str, Field(max_length=MOST_LINK), AfterValidator(legible)] = ""
    text: Annotated[str, Field(max_length=MOST_WORDS), AfterValidator(legible)] = ""
    taken_by: Text | None = None
    taken_at: When | None = None
    decided_by: Text | None = None
    decided_at: When | None = None
    rejected_as: RejectedAs | None = None
    case: Annotated[str, Field(max_length=64)] | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody has decided on it."""
        return self.state is PublicReportState.WAITING
