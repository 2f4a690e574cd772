"""Residents, their telephones and accounts with history, and their trusted contacts."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Note, Text, When

ResidentId = Annotated[str, StringConstraints(pattern=r"^r[a-z2-7]{16}$")]
"""A random id: `r` and 16 characters of base 32. It reveals nothing about the person."""

DivisionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}([0-9]{3})?$")]
"""A GB/T 2260 code, 6 digits (district, county), or 9 with the street or township."""


class Sex(StrEnum):
    """The sex in the register."""

    MALE = "male"
    FEMALE = "female"


class Occupation(StrEnum):
    """The occupational groups of residents: those for which the published figures behind the risk score differ, and the
    rest. INTELLECTUAL: teachers, doctors and officials.
    """

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
    """The language in which a resident is addressed."""

    CHINESE = "zh"
    KOREAN = "ko"


class InterpreterLanguage(StrEnum):
    """The language for which an interpreter is needed."""

    CHINESE = "chinese"
    KOREAN = "korean"
    SIGN = "sign"


class Flag(StrEnum):
    """Facts about a resident that anybody who contacts them should know.

    AGREES_TO_EXPERIMENTS, OBJECTS_TO_EXPERIMENTS: whether they take part in randomised experiments; an objection
    prevails.
    """

    VICTIM_BEFORE = "victim_before"
    HARD_OF_HEARING = "hard_of_hearing"
    OBJECTS_TO_CALLS = "objects_to_calls"
    AGREES_TO_EXPERIMENTS = "agrees_to_experiments"
    OBJECTS_TO_EXPERIMENTS = "objects_to_experiments"


class BalanceBand(StrEnum):
    """The balance at risk: under ¥10,000, to ¥100,000, to ¥1,000,000, above."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"
    VERY_HIGH = "very_high"


class ReportSource(StrEnum):
    """The kind of place or person that wrote a victim's report down. HOTLINE, EMERGENCY: an operator of 96110, a call
    taker of 110; BANK: a bank's counter; OFFICER: an officer at the resident's door; FORCE: the police of another
    place; PUBLIC: the reporter on the public page, checked by an operator.
    """

    HOTLINE = "96110"
    EMERGENCY = "110"
    BANK = "bank"
    OFFICER = "officer"  # at the resident's door
    FORCE = "force"
    PUBLIC = "public"


class AssumedField(StrEnum):
    """The fields of an entry whose value may be assumed because nobody has asked the person."""

    BIRTH_YEAR = "birth_year"
    SEX = "sex"
    OCCUPATION = "occupation"


class Holding(Model):
    """A telephone or account that a resident holds from `since` (None: always) to `until` (exclusive; None: still
    held).

    `entered`: when another place, such as another province, told of it; None if the register has it.
    """

    value: Text  # a telephone in E.164, an account as the bank writes it
    since: When | None = None
    until: When | None = None
    shared: bool = False  # held by several at once, such as a family's telephone
    primary: bool = True  # of several holders, the one who is meant by default
    entered: When | None = None


class TrustedContact(Model):
    """A person whom the resident trusts. Messages to them say as little as possible."""

    name: Text
    phone: Text
    relation: Text


class Resident(Model):
    """A resident in the register. Telephones and accounts include former ones.

    `merged_into`: the id of the entry that replaced this one, or None. `provisional`: the kind of place that entered a
    person whom the register has not delivered yet; None for an entry of the register. `assumed`: the fields that
    nobody has asked the person about; their values are assumptions, and are not shown.
    """

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
    guardian: ResidentId | None = None  # of a minor; warnings go to the guardian
    merged_into: ResidentId | None = None
    provisional: ReportSource | None = None
    assumed: frozenset[AssumedField] = frozenset()
