"""Calls to 96110: possible callers, their statements, and what followed from them.

A call contains the caller's telephone number, so the topic `calls` keeps it for a limited time.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.reported import ReportedPayment
from schemas.codes.any_code import AnyCodeField
from schemas.people.public_reports import PublicReportId
from schemas.people.residents import ResidentId
from schemas.people.staff import Area

CallId = Annotated[str, Field(pattern=r"^c[0-9a-f]{20}$")]
"""`c` and a hash of the form that began the call."""


class CallerRequest(StrEnum):
    """The caller's request to 96110. QUESTION: the caller wants to know something; REPORT: the caller reports a fraud
    or a suspect; HANDED_OVER: it concerns another prefecture, which was noted.
    """

    QUESTION = "question"
    REPORT = "report"
    HANDED_OVER = "handed_over"  # belongs to another prefecture, and is noted there


class CameOf(StrEnum):
    """A consequence of a caller's statement.

    NOTED: noted on the case; STOP_REFUSED: the case refused the stop; ACCOUNT_WATCHED, PHONE_WATCHED: reported to the
    watchlist; SCREENED: sent to screening as the resident's own report.
    """

    NOTED = "noted"  # on the case
    STOP_ASKED = "stop_asked"
    STOP_REFUSED = "stop_refused"  # by the case, with the reason in `why`
    ACCOUNT_WATCHED = "account_watched"
    PHONE_WATCHED = "phone_watched"
    SCREENED = "screened"  # sent to screening as the resident's own report


class Statement(Model):
    """A statement of the caller.

    `id`: the id of the form, so that a repetition counts once. `came_of`: its consequences; `why`: why a stop was
    refused; `payment`: what the caller said of a payment and of the scammer.
    """

    id: Ref
    at: When
    what: CallerRequest
    text: Note
    came_of: list[CameOf] = Field(default_factory=list)
    why: AnyCodeField | None = None
    payment: ReportedPayment | None = None


class CodeCheck(Model):
    """The check of a code that the caller read out. `dispatch`: the message that contained the code; None if no message
    did.
    """

    id: Ref
    at: When
    dispatch: Ref | None = None


class Call(Model):
    """A call. `people`: the holders of the telephone, the most likely first; `resident`: the confirmed caller;
    `report`: the report of the public page that it checks.
    """

    id: CallId
    at: When
    by: Text
    phone: Text
    people: list[ResidentId] = Field(default_factory=list, max_length=64)
    resident: ResidentId | None = None
    recording: Annotated[str, Field(max_length=300)] = ""  # a link to the PBX's recording
    statements: list[Statement] = Field(default_factory=list)
    checks: list[CodeCheck] = Field(default_factory=list)
    report: PublicReportId | None = None


class Ringing(Model):
    """An unanswered call, as reported by a PBX. `area`: the area of the account that reported it."""

    id: CallId
    at: When
    phone: Text
    area: Area
