"""Orders of a court, prosecutor or the police to keep a person's data for a case, on the topic `legal-holds`, and the
copies that are kept meanwhile, on the topic `preserved`.

An order names the person by the random id alone. It is not encrypted: whoever loses the vault must still know that
nothing may be erased.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from schemas.base import Model, Ref, Text, When
from schemas.people.residents import ResidentId

LegalHoldId = Annotated[str, Field(pattern=r"^l[0-9a-f]{20}$")]
"""`l` and a hash of the form that entered it."""


class LegalAuthority(StrEnum):
    """The kind of authority that ordered the data to be kept."""

    COURT = "court"
    PROSECUTOR = "prosecutor"
    POLICE = "police"


class LegalHoldState(StrEnum):
    """The state of an order. ASKED: a second person has not confirmed it, and it has no effect yet; IN_FORCE; LIFTING:
    somebody asked to lift it before its end, and it is in force until a second person agrees; LIFTED and DROPPED (not
    confirmed) end it.

    An order whose end has come keeps its state, but has no effect any more (domain/desk/legal_holds.hold_ended).
    """

    ASKED = "asked"
    IN_FORCE = "in_force"
    LIFTING = "lifting"
    LIFTED = "lifted"
    DROPPED = "dropped"


class LegalHoldDeed(StrEnum):
    """An act on an order to keep data."""

    ENTERED = "entered"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"
    LIFT_ASKED = "lift_asked"
    LIFT_REFUSED = "lift_refused"
    LIFTED = "lifted"


class LegalHoldEntry(Model):
    """An act on an order. `id`: the id of the form, so that a repetition counts once; `by`: a login."""

    id: Ref
    at: When
    by: Text
    did: LegalHoldDeed


class LegalHold(Model):
    """An order to keep all data about a resident until `until` (exclusive). `number`: the number of the document that
    orders it; `area`: the first digits of the resident's division.
    """

    id: LegalHoldId
    resident: ResidentId
    ordered_by: LegalAuthority
    number: Text
    until: When
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")]
    state: LegalHoldState = LegalHoldState.ASKED
    entries: list[LegalHoldEntry] = Field(default_factory=list)

    @property
    def version(self) -> int:
        """The version of the order: the number of acts on it so far."""
        return len(self.entries)


class PreservedRecord(Model):
    """A copy of a record about a resident whose data must be kept, or of the person's part of it.

    `topic`, `partition`, `offset`: where the record was; `written_ms`: when it was written, in ms since 1970;
    `content`: its JSON, or its text. The copy is encrypted as a whole under the resident's key.
    """

    resident: ResidentId
    topic: Text
    partition: int
    offset: int
    written_ms: int | None = None
    content: JsonValue
