"""Complaints and objections of residents; on the topic `complaints`. No personal data but the text itself."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.people.residents import ResidentId

ComplaintId = Annotated[str, Field(pattern=r"^k[0-9a-f]{20}$")]
"""`k` and a hash of the form that took it down."""


class ComplaintKind(StrEnum):
    """The subject of a complaint."""

    WARNED_WRONGLY = "warned_wrongly"
    TOO_OFTEN = "too_often"
    DATA_WRONG = "data_wrong"
    STOP_WRONG = "stop_wrong"
    OTHER = "other"


class ComplaintState(StrEnum):
    """The state of a complaint. The last two end it."""

    OPEN = "open"
    ANSWERED = "answered"  # a first answer was given
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"


class Deed(StrEnum):
    """What was done with a complaint. The last four are consequences.

    FALSE_ALARM: the case was cleared; NO_CALLS: no automated calls from the next warning on; RELEASE_ASKED: the release
    of the stop was requested; DATA_REFERRED: to the keepers of the register.
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
    """An act on a complaint. `id`: of the form, so that a repetition counts once."""

    id: Ref
    at: When
    by: Text
    did: Deed
    note: Note = ""


class Complaint(Model):
    """A complaint. `area`: the resident's division, or the taker's area; it decides who sees it."""

    id: ComplaintId
    at: When
    by: Text
    kind: ComplaintKind
    text: Note
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")]
    resident: ResidentId | None = None
    case: CaseId | None = None
    state: ComplaintState = ComplaintState.OPEN
    assigned: Text | None = None  # a login
    answer_due: When
    end_due: When
    entries: list[Entry] = Field(default_factory=list)

    @property
    def version(self) -> int:
        """The number of acts so far."""
        return len(self.entries)

    @property
    def ended(self) -> bool:
        """Whether it is decided."""
        return self.state in (ComplaintState.UPHELD, ComplaintState.NOT_UPHELD)
