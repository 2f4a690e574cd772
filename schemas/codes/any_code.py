"""Codes that contain another code, and the union of all codes."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.codes.base import Code, CodeField
from schemas.codes.call_recordings import RecordingCode
from schemas.codes.channels import ChannelCode
from schemas.codes.danger import DangerCode, DangerFact
from schemas.codes.freezes import FreezeCode
from schemas.codes.money import MoneyCode
from schemas.codes.objections import ObjectionCode
from schemas.codes.own_account import OwnAccountCode
from schemas.codes.people import PeopleCode
from schemas.codes.plan import PlanCode
from schemas.codes.provinces import ProvinceCode
from schemas.codes.refusals import RefusalCode
from schemas.codes.replies import ReplyCode
from schemas.codes.searches import SearchCode
from schemas.codes.stop_orders import StopOrderCode
from schemas.codes.third_parties import ThirdPartyCode
from schemas.codes.visits import OfficerCode
from schemas.codes.week import WeekCode
from schemas.levels import Action, Level, Outcome, Result


class Dispatched(Code, frozen=True):
    """An attempt of a step is sent out, for the reason `why`."""

    zh: ClassVar = "%(action)s第 %(attempt)s 次：%(why)s"
    action: Action
    attempt: int
    why: "AnyCode"


class ResultNoted(Code, frozen=True):
    """An attempt has a result. `remark`: the channel's remark on it, None without one."""

    zh: ClassVar = "%(action)s第 %(attempt)s 次：%(result)s%(remark)s"
    action: Action
    attempt: int
    result: Result
    remark: ChannelCode | None = None


class LateResult(Code, frozen=True):
    """A result arrived for an attempt that had already ended. `remark`: the channel's remark, None without one."""

    zh: ClassVar = "%(action)s第 %(attempt)s 次：%(result)s（迟到）%(remark)s"
    action: Action
    attempt: int
    result: Result
    remark: ChannelCode | None = None


class BroughtForward(Code, frozen=True):
    """A step's due time is moved to an earlier time, for the reason `why`."""

    zh: ClassVar = "%(step)s 提前：%(why)s"
    step: str
    why: "AnyCode"


class TriedAgain(Code, frozen=True):
    """A step will be tried again, for the reason `why`."""

    zh: ClassVar = "%(why)s；将重试 %(step)s"
    step: str
    why: "AnyCode"


class AttemptsUsedUp(Code, frozen=True):
    """A step ends after its last attempt, which failed for the reason `why`. `attempts`: number of attempts made."""

    zh: ClassVar = "%(why)s；已尝试 %(attempts)s 次"
    attempts: int
    why: "AnyCode"


class NotTriedAgain(Code, frozen=True):
    """A step ends without another attempt, because the case no longer needs the step."""

    zh: ClassVar = "不再重试：%(why)s"
    why: "AnyCode"


class OvertakenByPlan(Code, frozen=True):
    """A step is skipped, because the plan of a new level replaces it."""

    zh: ClassVar = "已被%(level)s级计划取代：%(why)s"
    level: Level
    why: "AnyCode"


class ReachedAtLast(Code, frozen=True):
    """A warning reached the resident, whom no earlier contact had reached."""

    zh: ClassVar = "终于联系上：%(why)s"
    why: "AnyCode"


class AtFollowUp(Code, frozen=True):
    """A follow-up found the resident in danger again."""

    zh: ClassVar = "回访中：%(why)s"
    why: "AnyCode"


class LevelAndWhy(Code, frozen=True):
    """A case is reopened at another level. `was`: its level before."""

    zh: ClassVar = "%(why)s（%(level)s，原为%(was)s）"
    level: Level
    was: Level
    why: "AnyCode"


class SettledAs(Code, frozen=True):
    """A step is withdrawn, because the resident is dissuaded or cleared."""

    zh: ClassVar = "%(outcome)s：%(why)s"
    outcome: Outcome
    why: "AnyCode"


class Recalled(Code, frozen=True):
    """An officer who is on the way is called back."""

    zh: ClassVar = "召回：%(why)s"
    why: "AnyCode"


class DefraudedAlready(Code, frozen=True):
    """A step is withdrawn, because the resident is defrauded already."""

    zh: ClassVar = "已受骗：%(why)s"
    why: "AnyCode"


class StopNotExtended(Code, frozen=True):
    """The stop ends at `at`, and the bank is not asked to extend it, for the reason `why`."""

    zh: ClassVar = "止付 %(at)s 到期，不再续：%(why)s"
    at: datetime
    why: "AnyCode"


class BankOnOtherPayment(Code, frozen=True):
    """A bank's answer concerns a payment that does not belong to the case. `why`: the answer."""

    zh: ClassVar = "%(why)s：该笔支付不属于该预警"
    why: "AnyCode"


class BankNotAsked(Code, frozen=True):
    """A bank's answer is to an order that was not sent. `why`: the answer."""

    zh: ClassVar = "%(why)s：该指令尚未发出"
    why: "AnyCode"


AnyCode = (
    Dispatched
    | ResultNoted
    | LateResult
    | BroughtForward
    | TriedAgain
    | AttemptsUsedUp
    | NotTriedAgain
    | OvertakenByPlan
    | ReachedAtLast
    | AtFollowUp
    | LevelAndWhy
    | SettledAs
    | Recalled
    | DefraudedAlready
    | StopNotExtended
    | BankOnOtherPayment
    | BankNotAsked
    | DangerCode
    | DangerFact
    | PlanCode
    | PeopleCode
    | OfficerCode
    | MoneyCode
    | StopOrderCode
    | FreezeCode
    | ObjectionCode
    | OwnAccountCode
    | SearchCode
    | ProvinceCode
    | RecordingCode
    | ThirdPartyCode
    | ReplyCode
    | WeekCode
    | RefusalCode
    | ChannelCode
)
"""Every code."""

AnyCodeField = Annotated[AnyCode, CodeField()]
"""A model's field that holds one."""
