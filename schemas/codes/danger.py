"""The reasons why a resident is in danger, as an operator reads them out, and codes about a danger as a whole.

They name the moment (`at`) of an event, not its age: a stored age is wrong a minute later. Durations are in seconds,
rounded down as they are displayed. `times`: number of events, None for one.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.codes.base import Code, CodeField
from schemas.levels import Level
from schemas.risk.evidence import EvidenceKind


class SuspiciousCall(Code, frozen=True):
    """A call with a suspicious number has ended.

    `seconds`: how long it lasted, rounded down to whole minutes from 60 s on, to whole hours from one hour on; `at`:
    when it began; `times`: number of such calls, None for one. With several calls `seconds` and `at` are those of the
    gravest.
    """

    zh: ClassVar = "与%(kind)s通话 %(seconds)s（%(at)s%(times)s）"
    kind: EvidenceKind
    seconds: int
    at: datetime
    times: int | None = None


class OngoingCall(Code, frozen=True):
    """A call with a suspicious number is going on. `at`: when it began; `times`: number of such calls, None for one."""

    zh: ClassVar = "正在与%(kind)s通话，%(at)s 起%(times)s"
    kind: EvidenceKind
    at: datetime
    times: int | None = None


class PaymentUnderWay(Code, frozen=True):
    """A payment was attempted, or is not settled yet.

    `amount_fen`: the amount, in fen; `at`: when it was first known; `times`: number of such payments, None for one.
    With several payments `amount_fen` and `at` are those of the gravest.
    """

    zh: ClassVar = "正在向%(kind)s转账 %(amount_fen)s（%(at)s%(times)s）"
    kind: EvidenceKind
    amount_fen: int
    at: datetime
    times: int | None = None


class PaymentMade(Code, frozen=True):
    """A payment is settled.

    `amount_fen`: the amount, in fen; `at`: when it was made; `times`: number of such payments, None for one. With
    several payments `amount_fen` and `at` are those of the gravest.
    """

    zh: ClassVar = "已向%(kind)s转账 %(amount_fen)s（%(at)s%(times)s）"
    kind: EvidenceKind
    amount_fen: int
    at: datetime
    times: int | None = None


class ScamSms(Code, frozen=True):
    """The resident got a suspected scam SMS. `at`: when; `times`: number of SMS, None for one."""

    zh: ClassVar = "收到疑似诈骗短信（%(at)s%(times)s）"
    at: datetime
    times: int | None = None


class ScamApp(Code, frozen=True):
    """The resident used a scam app or site. `at`: when; `times`: how often, None for once."""

    zh: ClassVar = "访问%(kind)s涉诈应用或网站（%(at)s%(times)s）"
    kind: EvidenceKind
    at: datetime
    times: int | None = None


class OwnReport(Code, frozen=True):
    """The resident reported a fraud.

    `at`: when; `amount_fen`: the loss in fen, None if none is known; `times`: number of reports, None for one.
    """

    zh: ClassVar = "本人报案（%(at)s%(times)s%(amount_fen)s）"
    at: datetime
    amount_fen: int | None = None
    times: int | None = None


class CombinedEvidence(Code, frozen=True):
    """Two kinds of evidence together weigh more than their sum. `words`: the policy's text for this pair."""

    zh: ClassVar = "%(words)s"
    words: str


class LostBefore(Code, frozen=True):
    """The resident lost money before and is shielded, so that a similar signal reaches a level at lower odds.

    `at`: when the loss became known; `until`: the end of the shield.
    """

    zh: ClassVar = "%(at)s 已知曾被骗，保护期至 %(until)s"
    at: datetime
    until: datetime


DangerCode = (
    SuspiciousCall
    | OngoingCall
    | PaymentUnderWay
    | PaymentMade
    | ScamSms
    | ScamApp
    | OwnReport
    | CombinedEvidence
    | LostBefore
)
"""One reason of a danger."""

DangerCodeField = Annotated[DangerCode, CodeField()]
"""A model's field that holds one."""


class DangerSeen(Code, frozen=True):
    """The evidence of the danger, as the reason of a dispatch or as a fact when new evidence arrived."""

    zh: ClassVar = "%(reasons)s"
    reasons: tuple[DangerCode, ...]


class NewEvidence(Code, frozen=True):
    """A postponed call is brought forward because of new evidence."""

    zh: ClassVar = "新证据：%(reasons)s"
    reasons: tuple[DangerCode, ...]


class OldEvidence(Code, frozen=True):
    """The evidence is older than the time at which the case was settled, so it has no effect."""

    zh: ClassVar = "处置前的旧证据：%(reasons)s"
    reasons: tuple[DangerCode, ...]


class CaseOpenedAt(Code, frozen=True):
    """A case is opened at a level, because of the evidence `reasons`."""

    zh: ClassVar = "%(level)s：%(reasons)s"
    level: Level
    reasons: tuple[DangerCode, ...]


class LevelRaised(Code, frozen=True):
    """The level rises from `was` to `level`, because of the evidence `reasons`."""

    zh: ClassVar = "%(was)s → %(level)s：%(reasons)s"
    was: Level
    level: Level
    reasons: tuple[DangerCode, ...]


class DangerAgain(Code, frozen=True):
    """A resident who was dissuaded or cleared is in danger again."""

    zh: ClassVar = "再次遇险：%(reasons)s"
    reasons: tuple[DangerCode, ...]


class DangerAfterPlan(Code, frozen=True):
    """The resident is in danger again after the plan had run out."""

    zh: ClassVar = "计划执行完后再次遇险：%(reasons)s"
    reasons: tuple[DangerCode, ...]


DangerFact = DangerSeen | NewEvidence | OldEvidence | CaseOpenedAt | LevelRaised | DangerAgain | DangerAfterPlan
"""What is said of a danger as a whole."""
