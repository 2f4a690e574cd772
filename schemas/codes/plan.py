"""Why steps of the plan were planned, postponed, skipped or ended, and how the plan continues."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code
from schemas.levels import Action, Channel, Level, Result


class CaseOpened(Code, frozen=True):
    """The case was opened."""

    zh: ClassVar = "预警生成"


class CaseReopened(Code, frozen=True):
    """The case was reopened."""

    zh: ClassVar = "重新生成预警"


class LevelRose(Code, frozen=True):
    """The level was raised, so the plan begins again."""

    zh: ClassVar = "已升级"


class EvidenceAfterPlan(Code, frozen=True):
    """New evidence came after the plan had run out."""

    zh: ClassVar = "计划执行完后出现新证据"


class FirstContact(Code, frozen=True):
    """The first contact of the case has been sent out."""

    zh: ClassVar = "首次联系已发出"


class PlanRanOut(Code, frozen=True):
    """All steps of the plan are done, and the resident was warned."""

    zh: ClassVar = "计划已执行完，已提醒当事人"


class AllTried(Code, frozen=True):
    """All steps of the plan were tried, and none reached the resident."""

    zh: ClassVar = "各种方式均未联系上"


class NotReachedSoFar(Code, frozen=True):
    """No contact has reached the resident so far; a follow-up will try later."""

    zh: ClassVar = "至今未联系上"


class NotClosedYet(Code, frozen=True):
    """The case does not close, because a step is still open."""

    zh: ClassVar = "仍有事项进行中，暂不办结"


class NothingMoreToDo(Code, frozen=True):
    """The case closes automatically, because no step is left."""

    zh: ClassVar = "已无待办事项"


class PersonalDataDestroyed(Code, frozen=True):
    """The personal data of the case was destroyed."""

    zh: ClassVar = "个人信息已销毁"


class VictimReported(Code, frozen=True):
    """The resident reported having been defrauded."""

    zh: ClassVar = "当事人报案"


class PoliceRecorded(Code, frozen=True):
    """The police's records have a fraud whose victim is the resident."""

    zh: ClassVar = "公安机关已受理当事人被骗报案"


class FraudOnRecord(Code, frozen=True):
    """The police's records have a fraud that no known warning preceded."""

    zh: ClassVar = "公安机关接报：当事人被骗（此前 90 天内未收到预警）"


class FraudAfterWarning(Code, frozen=True):
    """The police's records have a fraud, `days` whole days after the latest warning."""

    zh: ClassVar = "公安机关接报：当事人在预警后被骗（间隔 %(days)s 天）"
    days: int


class FraudRecordWithdrawn(Code, frozen=True):
    """A record of a fraud was corrected: its victim is not the resident."""

    zh: ClassVar = "公安机关更正：被骗报案与当事人无关"


class StillSafe(Code, frozen=True):
    """A follow-up asks whether the resident is still safe."""

    zh: ClassVar = "回访：是否仍然安全"


class AssignedToArm(Code, frozen=True):
    """The case was assigned by chance to an arm of a randomised experiment."""

    zh: ClassVar = "对照试验 %(experiment)s：随机编入 %(arm)s 组"
    experiment: str
    arm: str


class ChannelPutFirst(Code, frozen=True):
    """In past contacts with such residents at such hours, the contact `first` did better than the contact `other`,
    which the plan has before it; so the two change places. `first_tries`, `first_reached`: contacts, and those that
    reached the resident; `other_tries`, `other_reached`: the same of the other.
    """

    zh: ClassVar = (
        "按以往对同类居民同一时段的联系结果，%(first)s提前到%(other)s之前："
        "%(first)s %(first_tries)s 次中联系上 %(first_reached)s 次，%(other)s %(other_tries)s 次中 %(other_reached)s 次"
    )
    first: Action
    first_tries: int
    first_reached: int
    other: Action
    other_tries: int
    other_reached: int


class BudgetSpent(Code, frozen=True):
    """The step is postponed, because the contact budget is used up: `most` contacts within `hours`. `channel`: the
    channel that the limit is for; None: all channels together.
    """

    zh: ClassVar = "推迟：%(hours)s 小时内%(channel)s联系已达上限（%(most)s 次）"
    hours: int
    most: int
    channel: Channel | None = None


class RedPassesBudget(Code, frozen=True):
    """The contact budget does not apply at level red."""

    zh: ClassVar = "红色预警不受联系次数限制"


class HeldBack(Code, frozen=True):
    """An outreach hold keeps the step back. `text`: the hold's reason."""

    zh: ClassVar = "因暂停外呼 %(hold)s 暂缓：%(text)s"
    hold: str
    text: str


class DroppedWithHold(Code, frozen=True):
    """The hold was lifted, and the steps that it kept back are dropped."""

    zh: ClassVar = "随暂停外呼 %(hold)s 取消"
    hold: str


class ClosedWithHold(Code, frozen=True):
    """The case is closed because the policy that raised it was stopped by an outreach hold, and a supervisor ended the
    hold by dropping the contacts that it held back.

    `hold`: the hold's id; `text`: the reason that the supervisor gave.
    """

    zh: ClassVar = "随暂停外呼 %(hold)s 办结：%(text)s"
    hold: str
    text: str


class HoldLifted(Code, frozen=True):
    """The hold was lifted."""

    zh: ClassVar = "暂停外呼 %(hold)s 已解除"
    hold: str


class HoldOver(Code, frozen=True):
    """The hold has expired."""

    zh: ClassVar = "暂停外呼结束"


class OvertakenByStep(Code, frozen=True):
    """The step is skipped, because a stronger step (`step`) is due at the same time."""

    zh: ClassVar = "已被 %(step)s 取代"
    step: str


class WaitsForGap(Code, frozen=True):
    """The step waits until its minimum time after the previous step has passed."""

    zh: ClassVar = "%(step)s 等待与上一步的间隔"
    step: str


class WaitsForOperator(Code, frozen=True):
    """The step waits while an operator has the case."""

    zh: ClassVar = "%(step)s 等待：%(by)s 正在处理"
    step: str
    by: str


class WaitsForMorning(Code, frozen=True):
    """The step waits for the end of the quiet hours."""

    zh: ClassVar = "%(step)s 等到早晨：夜间不打扰"
    step: str


class NotAskedForAt(Code, frozen=True):
    """The step is withdrawn, because the plan of this level has no such step."""

    zh: ClassVar = "%(level)s级不需要"
    level: Level


class OtherPlan(Code, frozen=True):
    """The step is withdrawn, because the plan in force has another step for the same purpose."""

    zh: ClassVar = "现行计划另有安排"


class WrongNumber(Code, frozen=True):
    """The number is not the resident's."""

    zh: ClassVar = "号码不是当事人的"


class NotReached(Code, frozen=True):
    """The resident was not reached. `action`: by this action; None: by any."""

    zh: ClassVar = "%(action)s未联系上"
    action: Action | None = None


class NoResultInTime(Code, frozen=True):
    """No result came in time."""

    zh: ClassVar = "未按时得到结果"


class ResultCame(Code, frozen=True):
    """An attempt has this result."""

    zh: ClassVar = "%(result)s"
    result: Result


class BusyDuringCall(Code, frozen=True):
    """The line is busy, and the resident's suspicious call goes on: the scammer may be on the line."""

    zh: ClassVar = "忙线且当事人仍在通话：可能正与骗子通话"


class BusyInARow(Code, frozen=True):
    """The line was busy `count` times in a row: the scammer may be on the line."""

    zh: ClassVar = "连续 %(count)s 次忙线：可能正与骗子通话"
    count: int


class OfficerInstead(Code, frozen=True):
    """An officer is sent instead of another automated call."""

    zh: ClassVar = "改为上门，不再拨打"


class KeyPressed(Code, frozen=True):
    """The resident pressed the key of an automated call: understood, will not pay."""

    zh: ClassVar = "当事人按键确认：已明白，不会付款"


class AcknowledgedEarlierPlan(Code, frozen=True):
    """The resident acknowledged a contact of an earlier plan, which does not settle the case."""

    zh: ClassVar = "在先前计划下确认，不影响处置"


class NoFurtherRobotCall(Code, frozen=True):
    """The resident acknowledged a contact, so no further automated call is made."""

    zh: ClassVar = "已确认，不再智能外呼"


class ShieldBegun(Code, frozen=True):
    """The resident has lost money and is shielded until `until`, against recovery scams."""

    zh: ClassVar = "受损后保护期开始，至 %(until)s"
    until: datetime


class NotShielded(Code, frozen=True):
    """The resident has lost money, and the policy has no shield."""

    zh: ClassVar = "已知受损，策略未设保护期"


class LostAgain(Code, frozen=True):
    """The resident has lost money again, `days` days after the loss before."""

    zh: ClassVar = "距上次受损 %(days)s 天，再次受损"
    days: int


class SupportOffered(Code, frozen=True):
    """Why a support call is made: the resident has lost money, and recovery scams target earlier victims."""

    zh: ClassVar = "受损后关怀，提醒防范“追款”诈骗"


class SupportInstead(Code, frozen=True):
    """A support call is planned for about the same time as the follow-up."""

    zh: ClassVar = "同日有受损后关怀电话，不再回访"


class NoFurtherSupport(Code, frozen=True):
    """The resident wants no support calls, or the number is wrong."""

    zh: ClassVar = "不再拨打关怀电话"


class TooManyInMinute(Code, frozen=True):
    """A policy raised too many cases in one minute.

    `cases`: the highest number of cases in one minute; `usual`: the median of cases a minute under the previous policy,
    or the minimum in the policy if that is greater.
    """

    zh: ClassVar = "一分钟内生成预警 %(cases)s 件，平时为 %(usual)s 件"
    cases: int
    usual: float


class TooManyOnAverage(Code, frozen=True):
    """A policy raised too many cases in the last `minutes` minutes.

    `cases`: the number of cases in all these minutes; `usual`: the median of cases a minute under the previous policy,
    or the minimum in the policy if that is greater.
    """

    zh: ClassVar = "%(minutes)s 分钟内生成预警 %(cases)s 件，平时每分钟 %(usual)s 件"
    cases: int
    minutes: int
    usual: float


BreakerCode = TooManyInMinute | TooManyOnAverage
"""A code of why the breaker stopped a policy."""

PlanCode = (
    CaseOpened
    | CaseReopened
    | LevelRose
    | EvidenceAfterPlan
    | FirstContact
    | PlanRanOut
    | AllTried
    | NotReachedSoFar
    | NotClosedYet
    | NothingMoreToDo
    | PersonalDataDestroyed
    | VictimReported
    | PoliceRecorded
    | FraudOnRecord
    | FraudAfterWarning
    | FraudRecordWithdrawn
    | StillSafe
    | AssignedToArm
    | ChannelPutFirst
    | BudgetSpent
    | RedPassesBudget
    | HeldBack
    | DroppedWithHold
    | ClosedWithHold
    | HoldLifted
    | HoldOver
    | OvertakenByStep
    | WaitsForGap
    | WaitsForOperator
    | WaitsForMorning
    | NotAskedForAt
    | OtherPlan
    | WrongNumber
    | NotReached
    | NoResultInTime
    | ResultCame
    | BusyDuringCall
    | BusyInARow
    | OfficerInstead
    | KeyPressed
    | AcknowledgedEarlierPlan
    | NoFurtherRobotCall
    | ShieldBegun
    | NotShielded
    | LostAgain
    | SupportOffered
    | SupportInstead
    | NoFurtherSupport
    | TooManyInMinute
    | TooManyOnAverage
)
"""A code of the plan."""
