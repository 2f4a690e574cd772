"""Reports that anybody makes on the public page, and the result of an operator's check; on the topic `public-reports`.
They name people who may not be in the register.
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
    """The state of a report.

    WAITING: nobody has checked it, so nothing has followed. CHECKED: an operator has recorded it as a call. REJECTED:
    an operator has rejected it.
    """

    WAITING = "waiting"
    CHECKED = "checked"
    REJECTED = "rejected"


class RejectedAs(StrEnum):
    """The reason why an operator rejected a report. NOT_REACHED: several calls to the given number reached nobody;
    NOT_FRAUD: it is no fraud; DUPLICATE: the person has reported it already; DENIED: the holder of the telephone has
    reported nothing; MEANINGLESS: the text says nothing.
    """

    NOT_REACHED = "not_reached"  # several calls to the number that was given found nobody
    NOT_FRAUD = "not_fraud"
    DUPLICATE = "duplicate"  # the person has reported it already
    DENIED = "denied"  # the holder of the telephone has reported nothing
    MEANINGLESS = "meaningless"


class AppealOutcome(StrEnum):
    """A supervisor's decision on an appeal against an entry of the public check, with its reason: the entry is removed
    or kept. REASSIGNED: the number has a new holder since the fraud; MISTAKEN: it was never used for fraud; MISUSED:
    others used it, for example with a forged caller's number; CONFIRMED: the police have evidence against it;
    NOT_HOLDER: the person did not show that it is theirs; NOT_LISTED: there is no entry.
    """

    REMOVED_REASSIGNED = "removed_reassigned"  # the number has a new holder since the fraud
    REMOVED_MISTAKEN = "removed_mistaken"  # it was never used for fraud
    REMOVED_MISUSED = "removed_misused"  # others used it: a forged caller, a taken-over account or site
    KEPT_CONFIRMED = "kept_confirmed"  # the police hold evidence against it
    KEPT_NOT_HOLDER = "kept_not_holder"  # the person did not show that it is theirs
    KEPT_NOT_LISTED = "kept_not_listed"  # nothing is to be removed

    @property
    def removes_entry(self) -> bool:
        """True if the decision removes the entry from the watchlist; False if the entry is kept or does not exist."""
        return self.value.startswith("removed")


class Reporter(StrEnum):
    """The kind of reporter: the person who has paid or is asked to pay, or somebody who knows of it. OWNER: the holder
    of a listed number, account or link, who appeals against its entry.
    """

    VICTIM = "victim"
    WITNESS = "witness"
    OWNER = "owner"


REPORTING = (Reporter.VICTIM, Reporter.WITNESS)
"""Who reports a fraud; an OWNER has a form of their own."""


class PublicReport(Model):
    """A report from the public page. Text fields are "" if the reporter did not fill them in.

    `place`: the county's code. `from_bank`, `from_account`: the victim's. `payee`, `holder`, `to_bank`: the account to
    which the money went, its holder and its bank. The scammer's telephone, WeChat and link. `taken_by`: the operator
    who has begun to check it. `case`: the victim's, once the check has found or opened one.

    An appeal has one of `payee`, `scammer_phone` and `scam_link`: what is listed; `appeal` once it is decided; and
    `removed_at` once a removal was sent to screening.
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
    appeal: AppealOutcome | None = None
    removed_at: When | None = None

    @property
    def is_appeal(self) -> bool:
        """True if the report is an appeal against an entry of the public check; False if it reports a fraud."""
        return self.reporter is Reporter.OWNER

    @property
    def waits(self) -> bool:
        """True if nobody has decided on the report."""
        return self.state is PublicReportState.WAITING
