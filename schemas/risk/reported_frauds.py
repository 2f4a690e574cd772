"""Frauds that were reported to the police, as their own records have them, and to whom each record was matched."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import Fen, Model, Ref, Text, Token, When
from schemas.people.residents import DivisionCode, ResidentId
from schemas.risk.signals import IdHash

MOST_ACCOUNTS = 8  # of one record
MOST_VERSION = 999_999
MOST_CANDIDATES = 4  # residents between whom a person decides

RecordNumber = Annotated[str, StringConstraints(pattern=r"^[\w()\[\]（）〔〕./-]{1,64}$")]
"""A record's number in its source, such as A220104 or 吉公受案字〔2026〕12号: letters, digits and a few signs."""

RecordVersion = Annotated[int, Field(strict=True, ge=1, le=MOST_VERSION)]
"""The version of a record: a later one replaces an earlier one."""


class ReportedFraud(Model):
    """A fraud that a victim reported to the police. Everything about the victim is optional.

    `id`: the record's number in its source. `happened_from`, `happened_to`: the first and the last payment, or the
    times between which the fraud took place; None if not known. `accounts`: the victim's own, not the scammer's.
    """

    source: Token
    id: RecordNumber
    version: RecordVersion = 1
    reported_at: When
    happened_from: When | None = None
    happened_to: When | None = None
    loss_fen: Fen | None = None
    scam_type: Token | None = None
    id_hash: IdHash | None = None  # keyed hash of the victim's ID number; the number itself is never stored
    phone: Text | None = None
    accounts: Annotated[list[Text], Field(max_length=MOST_ACCOUNTS)] = Field(default_factory=list)
    name: Text | None = None
    division: DivisionCode | None = None

    @property
    def uid(self) -> str:
        """The record's unique id over all sources, `source:id`."""
        return f"{self.source}:{self.id}"

    @property
    def happened_at(self) -> datetime:
        """Return the latest time at which the money could certainly still be saved: the time of the last payment if
        known, else of the first, else of the report; never later than the report.
        """
        return min(self.happened_to or self.happened_from or self.reported_at, self.reported_at)

    @property
    def dated(self) -> bool:
        """True if the record states when the fraud happened. False if it does not; `happened_at` is then the time of
        the report.
        """
        return (self.happened_to or self.happened_from) is not None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.happened_from and self.happened_to and self.happened_to < self.happened_from:
            raise PydanticCustomError("happened_order", "happened_to must not be earlier than happened_from")
        return self


class MatchedBy(StrEnum):
    """The identifier by which a record was matched to a resident: the ID number, an account, or the telephone together
    with the name, an account or the division.
    """

    ID_NUMBER = "id_number"
    PHONE_NAME = "phone_name"
    PHONE_ACCOUNT = "phone_account"
    PHONE_DIVISION = "phone_division"
    ACCOUNT = "account"


class MatchStrength(StrEnum):
    """How certain a match is. CERTAIN: by the ID number, and nothing contradicts it; STRONG: two identifiers agree, or
    the ID number matches and another contradicts; FAIR: a single identifier, or a misspelt name.
    """

    CERTAIN = "certain"
    STRONG = "strong"
    FAIR = "fair"


class UnmatchedReason(StrEnum):
    """Why a record was matched to nobody.

    NO_IDENTIFIER: it has no ID number, telephone or account. NOT_IN_REGISTER: nobody in the register has one of them.
    PHONE_ALONE: a telephone is known, and neither name nor division nor account supports it. OTHER_NAME: whoever has
    the telephone or account has another name. CONFLICT: the identifiers name different residents. AMBIGUOUS: several
    residents fit equally well.
    """

    NO_IDENTIFIER = "no_identifier"
    NOT_IN_REGISTER = "not_in_register"
    PHONE_ALONE = "phone_alone"
    OTHER_NAME = "other_name"
    CONFLICT = "conflict"
    AMBIGUOUS = "ambiguous"


FOR_A_PERSON = frozenset({UnmatchedReason.CONFLICT, UnmatchedReason.AMBIGUOUS})
"""The reasons for which a person decides between the candidates."""


class FraudMatch(Model):
    """A record of a reported fraud after matching, without anything that identifies the victim beside the random id.

    `id`: the record's, `source:id`. `change`: counts the record's matches, from 1. `digest`, `id_digest`: keyed hashes
    of the record without the ID number's hash, and of that hash, with the number of its key; a repetition is recognized
    by them. `dated`: the record states when the fraud happened; else `happened_at` is when it was reported.
    `resident`, `by`, `strength`: to whom it was matched; None if to nobody, for the reason `why`. `candidates`: the
    residents between whom a person decides. `division`: that of the resident in the register when the record was
    matched; of an unmatched record, the one that it states. None if it is not known.
    """

    id: Ref
    version: RecordVersion
    change: Annotated[int, Field(ge=1)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    id_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}(\.[0-9]{1,3})?$")] | None = None
    reported_at: When
    happened_at: When
    dated: bool
    received_at: When
    loss_fen: Fen | None = None
    scam_type: Token | None = None
    resident: ResidentId | None = None
    by: MatchedBy | None = None
    strength: MatchStrength | None = None
    why: UnmatchedReason | None = None
    candidates: list[ResidentId] = Field(default_factory=list, max_length=MOST_CANDIDATES)
    division: DivisionCode | None = None

    @property
    def source(self) -> str:
        """The source that sent the record, which is the part of the id before the first colon."""
        return self.id.partition(":")[0]

    @model_validator(mode="after")
    def _matched_or_not(self) -> Self:
        matched = self.resident is not None
        if (self.by is not None) is not matched or (self.why is None) is not matched:
            raise PydanticCustomError("matched_or_not", "a record is matched by something, or unmatched for a reason")
        return self
