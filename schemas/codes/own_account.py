"""What came of a hold on the resident's own account, and why one is refused."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code
from schemas.levels import LastResort


class OwnHoldProposed(Code, frozen=True):
    """A person proposes a hold. `persons`: how many approvals it waits for; `text`: the reason."""

    zh: ClassVar = "申请暂停居民本人账户转出（%(resort)s），须 %(persons)s 人批准%(text)s"
    resort: LastResort
    persons: int
    text: str = ""


class OwnHoldApproved(Code, frozen=True):
    """The person `by` has approved a hold. Others must too, unless that makes enough."""

    zh: ClassVar = "%(by)s 批准暂停本人账户转出"
    by: str


class OwnHoldOrdered(Code, frozen=True):
    """The bank is asked for a hold that enough persons have approved. `number`: the order's document number; `until`:
    its end.
    """

    zh: ClassVar = "暂停本人账户转出令 %(number)s，至 %(until)s 为止"
    number: str
    until: datetime


class OwnHoldDeclined(Code, frozen=True):
    """A person has decided against a proposed hold. `text`: the reason."""

    zh: ClassVar = "%(by)s 不批准暂停本人账户转出%(text)s"
    by: str
    text: str = ""


class OwnHoldUndecided(Code, frozen=True):
    """Not enough persons have approved a hold in time: it is void."""

    zh: ClassVar = "暂停本人账户转出的申请超过审批时限，已失效"


class OwnHoldNotNeeded(Code, frozen=True):
    """The resident is safe, or the case is no longer red: a hold has no ground any more."""

    zh: ClassVar = "当事人已不在红色险情中，不再需要暂停本人账户转出"


class OwnHoldInForce(Code, frozen=True):
    """The bank has confirmed a hold."""

    zh: ClassVar = "银行已暂停本人账户转出，至 %(until)s 为止"
    until: datetime


class OwnHoldRefused(Code, frozen=True):
    """The bank has refused a hold."""

    zh: ClassVar = "银行拒绝暂停本人账户转出"


class OwnHoldUnconfirmed(Code, frozen=True):
    """The bank has not answered the request for a hold."""

    zh: ClassVar = "银行没有答复暂停本人账户转出的请求"


class OwnHoldLiftOrdered(Code, frozen=True):
    """A person ends a hold before its time. `text`: the reason."""

    zh: ClassVar = "%(by)s 决定提前恢复本人账户转出%(text)s"
    by: str
    text: str = ""


class OwnHoldLifted(Code, frozen=True):
    """The bank has lifted a hold."""

    zh: ClassVar = "银行已恢复本人账户转出"


class OwnHoldLiftRefused(Code, frozen=True):
    """The bank has refused to lift a hold before its end."""

    zh: ClassVar = "银行拒绝提前恢复本人账户转出"


class OwnHoldEnded(Code, frozen=True):
    """The time of a hold is over. It is never renewed by itself."""

    zh: ClassVar = "暂停本人账户转出已到期，不自动续期"


class OwnDelayAsked(Code, frozen=True):
    """An operator who talks with the resident asks the banks for a delay. `accounts`: number of own accounts; `hours`:
    how long it lasts.
    """

    zh: ClassVar = "%(by)s 通话劝阻中，请银行延缓当事人 %(accounts)s 个本人账户转出 %(hours)s 小时"
    by: str
    accounts: int
    hours: int


class OwnDelayGivenUp(Code, frozen=True):
    """A person ends the delays of the resident's own accounts."""

    zh: ClassVar = "%(by)s 结束延缓本人账户转出"
    by: str


class OwnDelayLapsed(Code, frozen=True):
    """The talk during which a delay was asked for is over, and nobody had approved the delay: it is void."""

    zh: ClassVar = "与当事人的通话已结束，未批准的延缓转出申请已失效"


class OwnDelayOff(Code, frozen=True):
    """The policy does not allow delays of residents' own accounts."""

    zh: ClassVar = "本省策略没有启用延缓本人账户转出"


class DelayOnlyInCall(Code, frozen=True):
    """A delay may only be asked for while the operator talks with the resident."""

    zh: ClassVar = "只有正在与当事人通话时才可请银行延缓转出"


class OwnAccountOff(Code, frozen=True):
    """The policy does not allow holds on residents' own accounts."""

    zh: ClassVar = "本省策略没有启用暂停本人账户转出"


class HoldOnlyInRed(Code, frozen=True):
    """Only a resident of a red case, who is not safe yet, may get a hold."""

    zh: ClassVar = "只有红色险情中的居民才可暂停本人账户转出"


class NotLastResort(Code, frozen=True):
    """A hold is the last resort and may not be proposed: no operator or officer has talked with or met the resident, or
    an operator's call with them has not ended, or the resident is safe. A hold because of duress needs none of this.
    """

    zh: ClassVar = "暂停本人账户转出是最后手段：须已有人与当事人通话或见面而未劝住，或当事人受人胁迫"


class NoSuchAccount(Code, frozen=True):
    """The case has no such account of the resident's own."""

    zh: ClassVar = "该预警没有当事人的这个账户"


class OwnHoldStands(Code, frozen=True):
    """A hold on the account is proposed or in force."""

    zh: ClassVar = "该账户已有暂停转出的申请或措施"


class MostOwnHolds(Code, frozen=True):
    """The account, or the case, already had the maximum number of holds (`most`)."""

    zh: ClassVar = "该账户已暂停转出 %(most)s 次，不得再申请"
    most: int


class NoOwnHold(Code, frozen=True):
    """The case has no such hold on the resident's own account, or the state of the hold does not allow this act."""

    zh: ClassVar = "没有可以这样办理的暂停转出"


class ProposedHoldItself(Code, frozen=True):
    """The person who has proposed a hold may not approve it."""

    zh: ClassVar = "申请人不能审批自己的申请"


class HoldNotOfRole(Code, frozen=True):
    """The person's role may not do this with a hold: propose it, decide on it or lift it."""

    zh: ClassVar = "按策略，您的岗位不能这样办理暂停本人账户转出"


OwnAccountRefusal = (
    OwnDelayOff
    | OwnDelayLapsed
    | DelayOnlyInCall
    | HoldNotOfRole
    | OwnAccountOff
    | HoldOnlyInRed
    | NotLastResort
    | NoSuchAccount
    | OwnHoldStands
    | MostOwnHolds
    | NoOwnHold
    | ProposedHoldItself
)
"""Why an act about the resident's own account is refused."""

OwnAccountCode = (
    OwnHoldProposed
    | OwnHoldApproved
    | OwnHoldOrdered
    | OwnHoldDeclined
    | OwnHoldUndecided
    | OwnHoldNotNeeded
    | OwnHoldInForce
    | OwnHoldRefused
    | OwnHoldUnconfirmed
    | OwnHoldLiftOrdered
    | OwnHoldLifted
    | OwnHoldLiftRefused
    | OwnHoldEnded
    | OwnDelayAsked
    | OwnDelayGivenUp
    | OwnDelayLapsed
)
"""What came of a hold on the resident's own account."""
