"""A bank's question about a payee before it pays, and the answer, which contains only contents of the watchlist."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import LongText, Model, Text, When

MOST_SUBJECTS = 100  # of one request


class PayeeKind(StrEnum):
    """The kind of subject that a bank asks about. LINK: a web link or a domain."""

    ACCOUNT = "account"
    PHONE = "phone"
    LINK = "link"


class PayeeAnswer(StrEnum):
    """The answer about a payee.

    CONFIRMED: the watchlist has a confirmed entry; REPORTED: somebody reported the payee, and nobody has confirmed it;
    NOT_KNOWN: neither. NOT_KNOWN does not mean that the payee is safe: most accounts of scammers are listed late.
    """

    CONFIRMED = "confirmed"
    REPORTED = "reported"
    NOT_KNOWN = "not_known"


class PayeeReason(StrEnum):
    """The reason for an answer.

    LISTED: the subject itself is on the watchlist; DOMAIN_LISTED: the link's domain is on the watchlist;
    REPORT_UNVERIFIED: somebody reported the subject, and nobody has confirmed it; NO_ENTRY: no entry is in force.
    """

    LISTED = "listed"
    DOMAIN_LISTED = "domain_listed"
    REPORT_UNVERIFIED = "report_unverified"
    NO_ENTRY = "no_entry"


class PayeeSubject(Model):
    """A payee that a bank asks about: an account, a telephone or a link.

    `bank`: the code of the account's bank, if known. Watchlist entries contain only account numbers, so `bank` does not
    change the answer.
    """

    subject: PayeeKind
    value: LongText
    bank: Text | None = None


class PayeeFound(Model):
    """The answer about one payee. `since`: when the watchlist entry was made, None without an entry.

    `check`: the id of this answer, which the bank sends back if the customer abandons the payment.
    """

    answer: PayeeAnswer
    reason: PayeeReason
    since: When | None
    check: str


class PayeesFound(Model):
    """The answers, in the order of the request."""

    answers: list[PayeeFound]


class AbandonedCheck(Model):
    """A bank's message that the customer abandoned the payment after an answer. `check`: the id of that answer."""

    check: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{40}$")]
