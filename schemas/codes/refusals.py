"""Why an input or act is refused: the case does not allow it, or no longer allows it."""

from typing import ClassVar

from schemas.codes.base import Code
from schemas.codes.freezes import FreezeRefusal
from schemas.codes.own_account import OwnAccountRefusal
from schemas.codes.provinces import ProvinceRefusal
from schemas.codes.searches import SearchRefusal
from schemas.codes.third_parties import ThirdPartyRefusal
from schemas.levels import Level, Outcome


class CaseChanged(Code, frozen=True):
    """The case has changed since it was displayed. `seen`: the displayed version; `version`: the present version."""

    zh: ClassVar = "您看到的内容已经更新（现为第 %(version)s 版，您看到的是第 %(seen)s 版），请核对后再操作"
    version: int
    seen: int


class CaseClosed(Code, frozen=True):
    """The case is closed."""

    zh: ClassVar = "预警已办结"


class CaseSettled(Code, frozen=True):
    """The resident is dissuaded or cleared."""

    zh: ClassVar = "预警已处置：%(outcome)s"
    outcome: Outcome


class PlanOverByLoss(Code, frozen=True):
    """The resident is already defrauded, so no step of the plan is carried out any more."""

    zh: ClassVar = "当事人已被骗：预警计划已结束，后续由回访跟进"


class PlanContacts(Code, frozen=True):
    """No support call is made: the resident is in danger, and the plan of the case contacts them."""

    zh: ClassVar = "预警处置中，由预案联系，不打关怀电话"


class NoKnownLoss(Code, frozen=True):
    """No loss of the resident is known, so no support after one can be recorded."""

    zh: ClassVar = "没有已知损失，不能登记受损后关怀"


class EarlierCase(Code, frozen=True):
    """The input is for an earlier case of the resident. `case`: the id of that case."""

    zh: ClassVar = "属于先前的预警 %(case)s"
    case: str


class NotLower(Code, frozen=True):
    """The requested level is not lower than the present one."""

    zh: ClassVar = "当前为%(level)s，%(wanted)s并不更低"
    level: Level
    wanted: Level


class CallTooLate(Code, frozen=True):
    """A call may not be postponed that long. `days`: the maximum."""

    zh: ClassVar = "致电最多推迟 %(days)s 天"
    days: int


class HasCase(Code, frozen=True):
    """Another operator (`by`) has claimed the case."""

    zh: ClassVar = "%(by)s 正在处理此预警"
    by: str


class NotHolder(Code, frozen=True):
    """The operator (`by`) has not claimed the case."""

    zh: ClassVar = "%(by)s 并未接手此预警"
    by: str


class MayNotAssign(Code, frozen=True):
    """Only a supervisor may give a case to another person."""

    zh: ClassVar = "只有值班长可以指派"


class ReassignNeedsReason(Code, frozen=True):
    """The case may be taken from the operator who has it only with a reason."""

    zh: ClassVar = "%(by)s 正在处理此预警：改派须写明理由"
    by: str


class NoTalkYet(Code, frozen=True):
    """Nobody has talked with the resident, so there are no answers to record."""

    zh: ClassVar = "尚未与当事人通话：接通后才能登记回答"


class GroundMissing(Code, frozen=True):
    """The resident cannot be recorded as dissuaded without an answered call, a visit or a stated ground."""

    zh: ClassVar = "没有通话也没有见面：登记“已劝阻”须选择依据"


class GroundNeedsNote(Code, frozen=True):
    """The ground "other" needs a note that states the ground, with at least `least` characters."""

    zh: ClassVar = "其他依据须在说明中写明，至少 %(least)s 个字"
    least: int


class NoSuchContact(Code, frozen=True):
    """The resident has no trusted contact with this index."""

    zh: ClassVar = "没有这位可信联系人（%(contact)s）"
    contact: int


class TooManyAnswers(Code, frozen=True):
    """With this input, the case would have more than `most` answers, which is more than a script has questions."""

    zh: ClassVar = "回答超过 %(most)s 项"
    most: int


class TooManyFiles(Code, frozen=True):
    """With these files, the case would have more than `most` evidence files."""

    zh: ClassVar = "一个预警最多 %(most)s 份证据材料"
    most: int


class StillGoesOn(Code, frozen=True):
    """The resident's data cannot be erased before the case has ended."""

    zh: ClassVar = "预警未办结，不能清除个人信息"


class BankAskedAlready(Code, frozen=True):
    """The bank was asked already and has not answered yet."""

    zh: ClassVar = "已向银行申请，尚未答复"


class AccountOrdered(Code, frozen=True):
    """The case has an open stop order about the same account, or its bank has stopped the account."""

    zh: ClassVar = "本预警已有针对该账户的止付令，或该账户已被止付"


class NotOfThisCase(Code, frozen=True):
    """The payment does not belong to the case."""

    zh: ClassVar = "该笔支付不属于该预警"


class MostStops(Code, frozen=True):
    """The account was already stopped the maximum number of times (`times`): it can only be frozen or released."""

    zh: ClassVar = "该账户已止付 %(times)s 次，达到上限：只能移送冻结或解除止付"
    times: int


class AccountFrozen(Code, frozen=True):
    """An authority has frozen the account. `decision`: the freezing decision's number."""

    zh: ClassVar = "账户已由%(authority)s冻结（%(decision)s），不再止付"
    authority: str
    decision: str


class CannotBeStopped(Code, frozen=True):
    """The payment can no longer be stopped."""

    zh: ClassVar = "该笔支付已无法止付"


class NoStop(Code, frozen=True):
    """There is no stop on the payment."""

    zh: ClassVar = "该笔支付没有止付"


class LiftAskedAlready(Code, frozen=True):
    """The step that asks the bank to lift this stop is planned or sent, and has not ended."""

    zh: ClassVar = "已向银行申请解除"


class TwoPersons(Code, frozen=True):
    """Lifting a stop needs two persons: one asks, another approves."""

    zh: ClassVar = "解除止付须两人办理：一人申请，另一人审批"


class NoOrder(Code, frozen=True):
    """The case has no such stop order, or somebody has already decided on it."""

    zh: ClassVar = "没有这份待审批的止付令，或已有人审批"


class InstitutionMissing(Code, frozen=True):
    """Nobody has said which bank or payment institution has the payee's account."""

    zh: ClassVar = "请先选择收款账户所属的银行或支付机构"


class InstitutionKnown(Code, frozen=True):
    """The order already has the payee's institution, and the act names another one."""

    zh: ClassVar = "收款账户所属的银行或支付机构已经确定，不能更改，请核对后再批准"


class RoleMayNotApprove(Code, frozen=True):
    """The policy does not let this person's role decide on the stop order."""

    zh: ClassVar = "按策略，您的岗位不能办理这份止付令"


class ApprovedBefore(Code, frozen=True):
    """This person has already approved the stop order; another person must approve."""

    zh: ClassVar = "您已批准过，须由另一人批准"


class ReleaseWaits(Code, frozen=True):
    """A person has asked to lift the stop, and another person has not decided on that yet. `by`: who asked."""

    zh: ClassVar = "%(by)s 已申请解除，等另一人审批"
    by: str


class ReleaseAskedAlready(Code, frozen=True):
    """A person has already asked to lift this stop, and another person has not decided on that yet."""

    zh: ClassVar = "这笔止付已有待审批的解除申请。"


class ReleaseTurnedDown(Code, frozen=True):
    """A second person has decided not to lift the stop. `text`: the reason."""

    zh: ClassVar = "解除申请未获批准：%(text)s"
    text: str


class ReasonLength(Code, frozen=True):
    """The reason is shorter than `least` characters or longer than `most`."""

    zh: ClassVar = "理由须为 %(least)s 至 %(most)s 字。"
    least: int
    most: int


class NothingToObjectTo(Code, frozen=True):
    """The case has no such stop order, or no bank ever got the order."""

    zh: ClassVar = "没有这份止付令，或银行未收到过"


class ObjectionWaits(Code, frozen=True):
    """An objection to the stop of this account already waits for its review."""

    zh: ClassVar = "该账户的止付已有待复核的异议"


class UpheldAlready(Code, frozen=True):
    """An objection to the stop of this account was already upheld."""

    zh: ClassVar = "该账户的止付异议已经成立"


class MostObjections(Code, frozen=True):
    """The case already has the maximum number of objections (`most`)."""

    zh: ClassVar = "该预警的异议已达 %(most)s 件上限"
    most: int


class NoObjection(Code, frozen=True):
    """The case has no such objection, or somebody has already decided on it."""

    zh: ClassVar = "没有这件待复核的异议，或已有人复核"


class RoleMayNotReview(Code, frozen=True):
    """The policy does not let this person's role review objections."""

    zh: ClassVar = "按策略，您的岗位不能复核止付异议"


class TookPart(Code, frozen=True):
    """The person may not review the objection: they asked for, approved or confirmed a stop of this account, or wrote
    the objection down.
    """

    zh: ClassVar = "您申请或批准过该账户的止付，或登记了这件异议，须由另一人复核"


class ObjectionWaitsForReview(Code, frozen=True):
    """Personal data cannot be erased before the open objection is decided."""

    zh: ClassVar = "还有待复核的止付异议，不能清除个人信息"


class LaterStopsNotOffered(Code, frozen=True):
    """The policy has no standing approvals, or the order is no first stop of an account."""

    zh: ClassVar = "该止付令不能一并批准下游止付"


class LaterStopsTooWide(Code, frozen=True):
    """The limits of a standing approval are above the policy's, which are the parameters. `layers`: the most transfers
    from the order's account; `hours`: after the last signature.
    """

    zh: ClassVar = "下游止付超出策略上限：最多 %(layers)s 层、%(accounts)s 个账户，合计 %(amount_fen)s，%(hours)s 小时"
    layers: int
    accounts: int
    amount_fen: int
    hours: int


class AccountOnlyReported(Code, frozen=True):
    """Only a report names the account: no standing approval can be signed, and each later order waits for a person."""

    zh: ClassVar = "该账户仅有他人举报：下游账户的止付须逐笔由人批准"


class LaterStopsDecided(Code, frozen=True):
    """The order has a standing approval already, or had one that has ended."""

    zh: ClassVar = "该止付令的下游止付已一并批准，或已终止"


RefusalCode = (
    CaseChanged
    | CaseClosed
    | CaseSettled
    | PlanOverByLoss
    | PlanContacts
    | NoKnownLoss
    | EarlierCase
    | NotLower
    | CallTooLate
    | HasCase
    | NotHolder
    | MayNotAssign
    | ReassignNeedsReason
    | NoTalkYet
    | GroundMissing
    | GroundNeedsNote
    | NoSuchContact
    | TooManyAnswers
    | TooManyFiles
    | StillGoesOn
    | BankAskedAlready
    | AccountOrdered
    | NotOfThisCase
    | MostStops
    | AccountFrozen
    | FreezeRefusal
    | CannotBeStopped
    | NoStop
    | LiftAskedAlready
    | TwoPersons
    | NoOrder
    | InstitutionMissing
    | InstitutionKnown
    | RoleMayNotApprove
    | ApprovedBefore
    | ReleaseWaits
    | ReleaseAskedAlready
    | ReleaseTurnedDown
    | ReasonLength
    | NothingToObjectTo
    | ObjectionWaits
    | UpheldAlready
    | MostObjections
    | NoObjection
    | RoleMayNotReview
    | TookPart
    | ObjectionWaitsForReview
    | OwnAccountRefusal
    | LaterStopsNotOffered
    | LaterStopsTooWide
    | AccountOnlyReported
    | LaterStopsDecided
    | SearchRefusal
    | ProvinceRefusal
    | ThirdPartyRefusal
)
"""Why an input is refused."""
