"""Requests of people about their own data, on the topic `subject-requests`: to see, to correct or to erase it.

Personal data is in `name`, `note`, `correction` and `before` only; the producer encrypts it.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, Note, Text, When
from schemas.people.residents import Language, Occupation, ResidentId, Sex

SubjectRequestId = Annotated[str, Field(pattern=r"^s[0-9a-f]{20}$")]
"""`s` and a hash of the form that entered it."""


class SubjectRight(StrEnum):
    """The right that a person exercises: articles 45, 46 and 47 of the Personal Information Protection Law."""

    SEE = "see"
    CORRECT = "correct"
    ERASE = "erase"


class IdentityProof(StrEnum):
    """The way in which the applicant's identity was proved.

    IN_PERSON: with an identity document at the centre; STATION: a police station checked it; GUARDIAN: a minor's
    guardian, with the document of both; PROXY: a written authority and the documents of both; RELATIVE: a near relative
    of a person who has died (article 49).
    """

    IN_PERSON = "in_person"
    STATION = "station"
    GUARDIAN = "guardian"
    PROXY = "proxy"
    RELATIVE = "relative"


class SubjectRefusal(StrEnum):
    """The reason why a request is refused.

    OPEN_CASE: a case of the person is open; LEGAL_HOLD: a court or prosecutor ordered the data to be kept;
    INVESTIGATION: an investigation needs the data; CONFIDENTIAL: a law requires secrecy, or the answer would hinder the
    duty (articles 18 and 35); NOT_IDENTIFIED: the applicant's identity is not proved; NOT_VERIFIED: the correction
    could not be verified; NOT_IN_REGISTER: the register has no such person.
    """

    OPEN_CASE = "open_case"
    LEGAL_HOLD = "legal_hold"
    INVESTIGATION = "investigation"
    CONFIDENTIAL = "confidential"
    NOT_IDENTIFIED = "not_identified"
    NOT_VERIFIED = "not_verified"
    NOT_IN_REGISTER = "not_in_register"


class SubjectRequestState(StrEnum):
    """The state of a request. GRANTED: a second person agreed, and it is still to be carried out. REFUSED and DONE end
    it.
    """

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    DONE = "done"


class Correction(Model):
    """Fields of a register entry; None: this field is not part of the correction.

    Telephones, accounts and the ID number are missing on purpose: their periods come from the register's source.
    """

    name: Text | None = None
    address: Note | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    sex: Sex | None = None
    occupation: Occupation | None = None
    language: Language | None = None


class SubjectRequest(Model):
    """A person's request about their own data. `name`: the applicant, as on the document that proved the identity;
    `resident`: the register's entry, None if it has none; `area`: the first digits of the entry's division, or the area
    of the person who entered the request; `due`: when it must be answered.

    `correction`: the fields as they shall be, and `before` as they were when the correction was granted.
    """

    id: SubjectRequestId
    at: When
    by: Text  # a login
    right: SubjectRight
    proof: IdentityProof
    name: Text
    note: Note = ""
    area: Annotated[str, Field(pattern=r"^[0-9]{0,9}$")]
    resident: ResidentId | None = None
    correction: Correction | None = None
    before: Correction | None = None
    due: When
    state: SubjectRequestState = SubjectRequestState.ASKED
    refusal: SubjectRefusal | None = None
    decided_by: Text | None = None
    decided_at: When | None = None
    done_by: Text | None = None
    done_at: When | None = None

    @property
    def ended(self) -> bool:
        """True if nothing more is to be done: the request was refused or carried out."""
        return self.state in (SubjectRequestState.REFUSED, SubjectRequestState.DONE)
