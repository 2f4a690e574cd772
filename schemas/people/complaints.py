"""A resident's complaint or objection, as it lies on the topic `complaints`. No personal data but the text itself."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.casework.cases import CaseId
from schemas.people.residents import ResidentId

ComplaintId = Annotated[str, Field(pattern=r"^k[0-9a-f]{20}$")]
"""`k` and a hash of the form by which it was taken down."""


class ComplaintKind(StrEnum):
    """What is complained of."""

    WARNED_WRONGLY = "warned_wrongly"
    TOO_OFTEN = "too_often"
    DATA_WRONG = "data_wrong"
    STOP_WRONG = "stop_wrong"
    OTHER = "other"


class ComplaintState(StrEnum):
    """How far it has come. The last two end it."""

    OPEN = "open"
    ANSWERED = "answered"  # a first answer was given
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"


class Deed(StrEnum):
    """What was done with a complaint."""

    TAKEN = "taken"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"
    FALSE_ALARM = "false_alarm"  # the case was cleared
    NO_CALLS = "no_calls"  # the resident is flagged: no robot calls from the next warning on
    RELEASE_ASKED = "release_asked"  # of the release desk, on the case
    DATA_REFERRED = "data_referred"  # to whoever keeps the register


class Entry(Model):
    """One thing done; `id` is of the form: sent twice it is one."""

    id: Ref
    at: When
    by: Text
    did: Deed
    note: Note = ""


class Complaint(Model):
    """One complaint. `area`: the resident's division, or the taker's area; it decides who sees it."""

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
        """Counts up with each thing done."""
        return len(self.entries)

    @property
    def ended(self) -> bool:
        """Whether it was decided."""
        return self.state in (ComplaintState.UPHELD, ComplaintState.NOT_UPHELD)
