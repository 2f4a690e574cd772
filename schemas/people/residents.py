"""Who is to be protected: residents, their telephones and accounts with their history, and who stands by them."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Note, Text, When

ResidentId = Annotated[str, StringConstraints(pattern=r"^r[a-z2-7]{16}$")]
"""A random id: `r` and 16 characters of base 32. It says nothing of the person."""

DivisionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$")]
"""A GB/T 2260 code, 6 digits (district, county), or 9 with the street or township."""


class Sex(StrEnum):
    """As in the register."""

    MALE = "male"
    FEMALE = "female"


class Occupation(StrEnum):
    """Groups that the reference names, and the rest."""

    STUDENT = "student"
    FINANCE_STAFF = "finance_staff"
    MIGRANT_WORKER = "migrant_worker"
    SELF_EMPLOYED = "self_employed"
    UNEMPLOYED = "unemployed"
    INTELLECTUAL = "intellectual"  # teachers, doctors, officials
    RETIRED = "retired"
    FARMER = "farmer"
    EMPLOYEE = "employee"


class Language(StrEnum):
    """What a resident is addressed in."""

    CHINESE = "zh"
    KOREAN = "ko"


class Flag(StrEnum):
    """What whoever contacts the resident should know."""

    VICTIM_BEFORE = "victim_before"
    HARD_OF_HEARING = "hard_of_hearing"
    OBJECTS_TO_CALLS = "objects_to_calls"


class BalanceBand(StrEnum):
    """How much is there to lose: under ¥10,000, to ¥100,000, to ¥1,000,000, above."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"
    VERY_HIGH = "very_high"


class Holding(Model):
    """A telephone or an account that a resident holds from `since` (none: always) until `until` (none: still)."""

    value: Text  # a telephone in E.164, an account as the bank writes it
    since: When | None = None
    until: When | None = None
    shared: bool = False  # a family's telephone: several hold it at once
    primary: bool = True  # of those who share it, the one who is meant when nothing else tells


class TrustedContact(Model):
    """Somebody the resident trusts: told as little as needed."""

    name: Text
    phone: Text
    relation: Text


class Resident(Model):
    """One person. History is kept in the holdings; `merged_into` points from an entry to the one that replaced it."""

    id: ResidentId
    name: Text
    phones: list[Holding] = Field(default_factory=list, max_length=16)
    accounts: list[Holding] = Field(default_factory=list, max_length=64)
    id_hash: str | None = None  # keyed hash of the ID number; the number itself is never stored
    birth_year: Annotated[int, Field(ge=1900, le=2100)]
    sex: Sex
    occupation: Occupation
    division: DivisionCode
    division_at: date | None = None  # the day on which `division` was the code in force
    address: Note = ""
    language: Language = Language.CHINESE
    contacts: list[TrustedContact] = Field(default_factory=list, max_length=8)
    balance: BalanceBand = BalanceBand.MIDDLE
    flags: frozenset[Flag] = frozenset()
    guardian: ResidentId | None = None  # a minor's: warnings go to the guardian
    merged_into: ResidentId | None = None
