"""Complaints and objections of residents, on the topic `complaints`. Only `text` may contain personal data."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.people.residents import ResidentId

ComplaintId = Annotated[str, Field(pattern=r"^k[0-9a-f]{20}$")]
"""`k` and a hash of the form that took it down."""


class ComplaintKind(StrEnum):
    """The subject of a complaint: a warning without danger (WARNED_WRONGLY), too many contacts (TOO_OFTEN), wrong
    personal data (DATA_WRONG), a wrong stop-payment (STOP_WRONG), or something else.
    """

    WARNED_WRONGLY = "warned_wrongly"
    TOO_OFTEN = "too_often"
    DATA_WRONG = "data_wrong"
    STOP_WRONG = "stop_wrong"
    OTHER = "other"


class ComplaintState(StrEnum):
    """The state of a complaint. UPHELD and NOT_UPHELD end the complaint."""

    OPEN = "open"
    ANSWERED = "answered"  # a first answer was given
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"


class Deed(StrEnum):
    """An act on a complaint. The last four are its consequences.

    FALSE_ALARM: the case was closed as a false alarm; NO_CALLS: no automated calls from the next warning on;
    RELEASE_ASKED: the release of the stop was requested; DATA_REFERRED: passed on to the keepers of the register.
    """

    TAKEN = "taken"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"
    FALSE_ALARM = "false_alarm"  # the case was cleared
    NO_CALLS = "no_calls"  # the resident is flagged: no automated calls from the next warning on
    RELEASE_ASKED = "release_asked"  # a release of the stop was requested from the release desk
    DATA_REFERRED = "data_referred"  # to the keepers of the register


class Entry(Model):
    """An act on a complaint. `id`: the id of the form, so that a repetition counts once."""

    id: Ref
    at: When
    by: Text
    did: Deed
    note: Note = ""


class Complaint(Model):
    """A complaint. `area`: the first digits of the resident's division, or the area of the person who wrote the
    complaint down; only people of that area see the complaint. `holders`: the residents who share the telephone by
    which it was taken down, the primary one first, until somebody who decides it says who is meant (`resident`).
    """

    id: ComplaintId
    at: When
    by: Text
    kind: ComplaintKind
    text: Note
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")]
    resident: ResidentId | None = None
    holders: list[ResidentId] = Field(default_factory=list, max_length=64)
    case: CaseId | None = None
    state: ComplaintState = ComplaintState.OPEN
    assigned: Text | None = None  # a login
    answer_due: When
    end_due: When
    entries: list[Entry] = Field(default_factory=list)

    @property
    def version(self) -> int:
        """The version of the complaint: the number of acts on it so far."""
        return len(self.entries)

    @property
    def ended(self) -> bool:
        """True if the complaint is decided, as upheld or not upheld."""
        return self.state in (ComplaintState.UPHELD, ComplaintState.NOT_UPHELD)
