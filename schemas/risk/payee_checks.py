"""A bank's question about a payee before it pays, and the answer: what the watchlist has, and nothing else."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import LongText, Model, Text, When

MOST_SUBJECTS = 100  # of one request


class PayeeKind(StrEnum):
    """What a bank asks about. ACCOUNT: an account number; PHONE: a telephone; LINK: a web link or a domain."""

    ACCOUNT = "account"
    PHONE = "phone"
    LINK = "link"


class PayeeAnswer(StrEnum):
    """What is known of a payee.

    CONFIRMED: the watchlist has a confirmed entry; REPORTED: somebody reported it, and nobody has confirmed it;
    NOT_KNOWN: neither. NOT_KNOWN is no statement of safety: most accounts of scammers are listed late.
    """

    CONFIRMED = "confirmed"
    REPORTED = "reported"
    NOT_KNOWN = "not_known"


class PayeeReason(StrEnum):
    """The reason for an answer.

    LISTED: the subject itself is on the watchlist; DOMAIN_LISTED: the domain of the link is; REPORT_UNVERIFIED:
    somebody reported it, and nobody has confirmed it; NO_ENTRY: the watchlist has no entry in force.
    """

    LISTED = "listed"
    DOMAIN_LISTED = "domain_listed"
    REPORT_UNVERIFIED = "report_unverified"
    NO_ENTRY = "no_entry"


class PayeeSubject(Model):
    """A payee, before a payment: an account, a telephone or a link.

    `bank`: the code of the account's bank, if known. Entries name accounts by number alone, so it changes no answer.
    """

    subject: PayeeKind
    value: LongText
    bank: Text | None = None


class PayeeFound(Model):
    """The answer about one payee. `since`: when the entry was made, None without one.

    `check`: names this answer when the customer abandons the payment.
    """

    answer: PayeeAnswer
    reason: PayeeReason
    since: When | None
    check: str


class PayeesFound(Model):
    """The answers, in the order of the request."""

    answers: list[PayeeFound]


class AbandonedCheck(Model):
    """The customer abandoned the payment after the check of this name."""

    check: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{40}$")]
