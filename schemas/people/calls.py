"""A call to 96110 as it was taken: who may be calling, what was said, what came of it.

It holds the caller's telephone, so the topic `calls` keeps it for a time and no longer.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Ref, Text, When
from schemas.people.residents import ResidentId
from schemas.people.staff import Area

CallId = Annotated[str, Field(pattern=r"^c[0-9a-f]{20}$")]
"""`c` and a hash of the form by which the call was begun."""


class CallerRequest(StrEnum):
    """What a caller wants."""

    QUESTION = "question"
    REPORT = "report"
    HANDED_OVER = "handed_over"  # another prefecture's: noted there


class CameOf(StrEnum):
    """What followed from a statement."""

    NOTED = "noted"  # on the case
    STOP_ASKED = "stop_asked"
    STOP_REFUSED = "stop_refused"  # by the case, in words
    ACCOUNT_WATCHED = "account_watched"
    PHONE_WATCHED = "phone_watched"
    SCREENED = "screened"  # went to screening as the resident's own report


class Statement(Model):
    """What a caller said, taken down; `id` is of the form: sent twice it is one. `words`: why a stop was refused."""

    id: Ref
    at: When
    what: CallerRequest
    text: Note
    came_of: list[CameOf] = Field(default_factory=list)
    words: Note = ""


class CodeCheck(Model):
    """A code was read out. `dispatch`: the message that carried it; none when we sent no such code."""

    id: Ref
    at: When
    dispatch: Ref | None = None


class Call(Model):
    """One call. `people`: who hold the telephone, who is meant first; `resident`: who it is."""

    id: CallId
    at: When
    by: Text
    phone: Text
    people: list[ResidentId] = Field(default_factory=list, max_length=64)
    resident: ResidentId | None = None
    recording: Annotated[str, Field(max_length=300)] = ""  # a link to the PBX's record of it
    statements: list[Statement] = Field(default_factory=list)
    checks: list[CodeCheck] = Field(default_factory=list)


class Ringing(Model):
    """A call that nobody has answered yet, as a PBX told of it. `area`: of the account that told."""

    id: CallId
    at: When
    phone: Text
    area: Area
