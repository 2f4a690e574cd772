"""A channel's remarks on an attempt: why nothing was sent, what the provider answered, why this officer was chosen."""

from typing import Annotated, ClassVar

from schemas.casework.provinces import OfferRefusal
from schemas.codes.base import Code, CodeField
from schemas.codes.provinces import CaseHandedOver
from schemas.codes.refusals import CaseClosed, CaseSettled, PlanContacts, PlanOverByLoss
from schemas.codes.week import AskedNoMore, RemindedNoMore
from schemas.levels import Level
from schemas.people.escalations import OfficerRung, RungResult


class OnTheDesk(Code, frozen=True):
    """The call waits for an operator."""

    zh: ClassVar = "等待坐席接听"


class NoTelephone(Code, frozen=True):
    """No telephone is known."""

    zh: ClassVar = "没有登记电话"


class NotRegistered(Code, frozen=True):
    """The resident is not in the register."""

    zh: ClassVar = "登记信息中没有此人"


class UnknownAccount(Code, frozen=True):
    """The payment's account or payer is not known."""

    zh: ClassVar = "收款账户或付款人不明"


class OwnAccount(Code, frozen=True):
    """The account is one of the payer's own: no bank is asked to stop it."""

    zh: ClassVar = "该账户是付款人本人的账户，不申请止付"


class NobodyOnDuty(Code, frozen=True):
    """Nobody on duty can go."""

    zh: ClassVar = "当班无人可去"


class NoGateway(Code, frozen=True):
    """No gateway is set for the channel."""

    zh: ClassVar = "该渠道未接通"


class ProviderAway(Code, frozen=True):
    """The provider could not be reached, so nothing was sent. `error`: the name of the exception's class."""

    zh: ClassVar = "服务商无法连接（%(error)s）"
    error: str


class ProviderAnswered(Code, frozen=True):
    """The provider answered with an HTTP error status. `text`: the provider's reason, "" if it gave none."""

    zh: ClassVar = "服务商答复 %(status)s%(text)s"
    status: int
    text: str = ""


class ProviderSaid(Code, frozen=True):
    """The remark that a provider or a station wrote on a receipt."""

    zh: ClassVar = "%(text)s"
    text: str


class NoAnswerInTime(Code, frozen=True):
    """The provider did not answer in time."""

    zh: ClassVar = "服务商未按时答复"


class ConnectionLost(Code, frozen=True):
    """The connection broke before the provider answered. `error`: the name of the exception's class."""

    zh: ClassVar = "答复前连接中断（%(error)s）"
    error: str


class Interrupted(Code, frozen=True):
    """The worker stopped while it was sending."""

    zh: ClassVar = "发送时中断"


class PausedTooLong(Code, frozen=True):
    """The worker was paused for longer than its lease."""

    zh: ClassVar = "工作进程停顿过久，租约已失效"


class NotReceivedYet(Code, frozen=True):
    """The provider does not have the request yet."""

    zh: ClassVar = "服务商尚未收到"


class TimeOver(Code, frozen=True):
    """The time limit of the step has passed."""

    zh: ClassVar = "已过时限"


class AnotherCase(Code, frozen=True):
    """The case is closed, and the resident has a newer case."""

    zh: ClassVar = "预警已办结，并已生成新的预警"


class StepGone(Code, frozen=True):
    """The case no longer has the step."""

    zh: ClassVar = "该步骤已不存在"


class TriedAgainMeanwhile(Code, frozen=True):
    """The step was tried again meanwhile."""

    zh: ClassVar = "该步骤已重试"


class StepEnded(Code, frozen=True):
    """The step has ended."""

    zh: ClassVar = "该步骤已结束"


class ChosenOfficer(Code, frozen=True):
    """Why this officer was chosen.

    `distance`: 0 for the same street, 1 the same county, 4 the same prefecture, 12 another prefecture (no unit);
    `visits`: how many open visits the officer has; `interpreter`: whether the officer needs one to speak with the
    resident; `known`: whether the officer visited this resident last; `overtime`: whether the visit ends after the
    officer's shift.
    """

    zh: ClassVar = "%(distance)s%(visits)s%(interpreter)s%(known)s%(overtime)s"
    distance: int
    visits: int = 0
    interpreter: bool = False
    known: bool = False
    overtime: bool = False


class HandedOver(Code, frozen=True):
    """A colleague handed the visit over to this officer."""

    zh: ClassVar = "同事转交"


class SentInstead(Code, frozen=True):
    """The desk sends a nearer officer, because this one cannot be there in time. `by`: the login of who decided."""

    zh: ClassVar = "赶不上时限，%(by)s 改派更近的人员"
    by: str


class ChosenBefore(Code, frozen=True):
    """Why this officer makes the visit: it had already been given to them."""

    zh: ClassVar = "此前已派给此人"


class SameAddress(Code, frozen=True):
    """An officer (`by`: their id) is on the way to the same address."""

    zh: ClassVar = "%(by)s 正前往同一地址"
    by: str


class JustThere(Code, frozen=True):
    """An officer (`by`: their id) has just been at the same address."""

    zh: ClassVar = "%(by)s 刚去过同一地址"
    by: str


class RepeatRefused(Code, frozen=True):
    """The provider refused the repetition of a request, which says nothing about the first one."""

    zh: ClassVar = "再次发送：%(why)s"
    why: "ChannelCode"


class CouldNotBeAsked(Code, frozen=True):
    """The provider could not be asked whether it had carried out an earlier request. `why`: the reason."""

    zh: ClassVar = "无法向服务商查询：%(why)s"
    why: "ChannelCode"


class NotReceived(Code, frozen=True):
    """The provider says that it does not have the request. `why`: the reason why it had been in doubt whether it was
    sent; None if there was no doubt.
    """

    zh: ClassVar = "服务商没有收到%(why)s"
    why: "ChannelCode | None" = None


class InDoubt(Code, frozen=True):
    """A dispatch is no longer valid (`why`), and nobody knows whether it was sent before (`doubt`: the reason)."""

    zh: ClassVar = "%(why)s；此前：%(doubt)s"
    why: "ChannelCode"
    doubt: "ChannelCode"


class NotifiedBy(Code, frozen=True):
    """An officer was told of a visit. `rung`: the way, such as a text message; `result`: whether it went out."""

    zh: ClassVar = "%(rung)s：%(result)s"
    rung: OfficerRung
    result: RungResult


class TaskWaits(Code, frozen=True):
    """A visit waits for the officer's acceptance. It is what a push message, a text message and a call say."""

    zh: ClassVar = "【劝阻】%(level)s色任务待接受，请打开“我的任务”"
    level: Level


class SearchWaits(Code, frozen=True):
    """A search for a resident waits for the officer. It is what a push message and a text message say: no place, no
    name.
    """

    zh: ClassVar = "【劝阻】紧急查找%(level)s色预警当事人，请打开“我的任务”"
    level: Level


class TakenThere(Code, frozen=True):
    """The other province has taken the case. `other_case`: its number there."""

    zh: ClassVar = "对方已接收，编号 %(other_case)s"
    other_case: str


class NotTakenThere(Code, frozen=True):
    """The other province does not take the case."""

    zh: ClassVar = "对方不接收：%(refusal)s"
    refusal: OfferRefusal


ChannelCode = (
    AskedNoMore
    | RemindedNoMore
    | OnTheDesk
    | NoTelephone
    | NotRegistered
    | UnknownAccount
    | OwnAccount
    | NobodyOnDuty
    | NoGateway
    | ProviderAway
    | ProviderAnswered
    | ProviderSaid
    | NoAnswerInTime
    | ConnectionLost
    | Interrupted
    | PausedTooLong
    | NotReceivedYet
    | TimeOver
    | AnotherCase
    | StepGone
    | TriedAgainMeanwhile
    | StepEnded
    | ChosenOfficer
    | HandedOver
    | SentInstead
    | ChosenBefore
    | SameAddress
    | JustThere
    | NotifiedBy
    | TaskWaits
    | SearchWaits
    | RepeatRefused
    | CouldNotBeAsked
    | NotReceived
    | InDoubt
    | CaseClosed
    | CaseSettled
    | CaseHandedOver
    | TakenThere
    | NotTakenThere
    | PlanOverByLoss
    | PlanContacts
)
"""What a channel says of an attempt."""

ChannelCodeField = Annotated[ChannelCode, CodeField()]
"""A model's field that holds one."""
