"""The facts about an objection to a stop order."""

from typing import ClassVar

from schemas.casework.objections import ObjectionGround, WrongfulCause
from schemas.codes.base import Code


class ObjectionMade(Code, frozen=True):
    """Somebody objects to a stop order. `through`: the bank, or the person at the centre who wrote the
    objection down.
    """

    zh: ClassVar = "收到止付异议（经 %(through)s）：%(ground)s"
    through: str
    ground: ObjectionGround


class ObjectionOverdue(Code, frozen=True):
    """The deadline for deciding on an objection has passed, and the objection still waits."""

    zh: ClassVar = "止付异议已超过复核时限，仍待复核"


class ObjectionUpheld(Code, frozen=True):
    """A review found that a stop was wrong, and the bank is asked to lift it. `text`: the reason; `amount_fen`: the
    compensation.
    """

    zh: ClassVar = "%(by)s 复核：止付有误（%(cause)s），应予解除，补偿 %(amount_fen)s%(text)s"
    by: str
    cause: WrongfulCause
    amount_fen: int
    text: str = ""


class ObjectionRejected(Code, frozen=True):
    """A review rejected the objection, and the stop goes on. `text`: the reason."""

    zh: ClassVar = "%(by)s 复核：异议不成立，止付继续%(text)s"
    by: str
    text: str = ""


class ReportFalse(Code, frozen=True):
    """The report that led to a stop was false, which counts against the report's source."""

    zh: ClassVar = "举报不实，记入来源 %(source)s"
    source: str


ObjectionCode = ObjectionMade | ObjectionOverdue | ObjectionUpheld | ObjectionRejected | ReportFalse
