"""Stop-payments and the ledger. Amounts are in fen."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code
from schemas.levels import EvidenceClass
from schemas.people.residents import ReportSource


class CanStillBeStopped(Code, frozen=True):
    """A payment of the case can still be stopped."""

    zh: ClassVar = "该预警尚有可止付的支付"


class BankAsked(Code, frozen=True):
    """The bank is asked to stop the payee's account. `times`: which request it is, from 1; `most`: the
    maximum number.
    """

    zh: ClassVar = "向银行申请止付收款账户（第 %(times)s 次，最多 %(most)s 次）"
    times: int
    most: int


class StoppedUntil(Code, frozen=True):
    """The bank has stopped the payee's account until `at`."""

    zh: ClassVar = "止付至 %(at)s"
    at: datetime


class StopRefused(Code, frozen=True):
    """The bank refused the stop."""

    zh: ClassVar = "银行拒绝止付"


class StopLifted(Code, frozen=True):
    """The stop is lifted."""

    zh: ClassVar = "止付已解除"


class StopExpired(Code, frozen=True):
    """The stop has expired."""

    zh: ClassVar = "止付已到期"


class StopRunsOut(Code, frozen=True):
    """The stop in force ends at `at`."""

    zh: ClassVar = "止付 %(at)s 到期"
    at: datetime


class StopExtended(Code, frozen=True):
    """The stop ends at `at`, and the bank will be asked to extend it."""

    zh: ClassVar = "止付 %(at)s 到期，将申请止付延期"
    at: datetime


class NoStopInForce(Code, frozen=True):
    """No stop is in force any more."""

    zh: ClassVar = "已无生效的止付"


class ResidentSafe(Code, frozen=True):
    """The resident is safe, so a stop is not extended."""

    zh: ClassVar = "当事人已安全"


class CancelledInFlight(Code, frozen=True):
    """The payment was cancelled in flight."""

    zh: ClassVar = "支付已在途中撤销"


class PaymentFailed(Code, frozen=True):
    """The payment was not carried out."""

    zh: ClassVar = "支付未成功"


class MoneyReturned(Code, frozen=True):
    """The bank returned the money, so no stop is needed any more."""

    zh: ClassVar = "资金已返还，无须再止付"


class BankStopped(Code, frozen=True):
    """The bank answered: the account is stopped."""

    zh: ClassVar = "银行：止付生效"


class BankRefused(Code, frozen=True):
    """The bank answered: refused."""

    zh: ClassVar = "银行：拒绝"


class BankCancelled(Code, frozen=True):
    """The bank answered: it cancelled the payment before it arrived."""

    zh: ClassVar = "银行：途中撤销"


class BankFroze(Code, frozen=True):
    """The bank answered: frozen."""

    zh: ClassVar = "银行：已冻结"


class BankReturned(Code, frozen=True):
    """The bank answered: returned."""

    zh: ClassVar = "银行：已返还"


class BankReleased(Code, frozen=True):
    """The bank answered: the stop is lifted."""

    zh: ClassVar = "银行：止付已解除"


class MovementsStated(Code, frozen=True):
    """A bank stated where money went. `count`: number of onward movements that are new or differ from an earlier
    statement.
    """

    zh: ClassVar = "银行回告资金去向，新增或更正 %(count)s 笔"
    count: int


class MoneyTracedHere(Code, frozen=True):
    """A bank stated that money of the case's payments reached this account, and no bank has stated that all of it left
    again.

    `bank`: the code of the stating bank; `hops`: number of transfers, the resident's own payment included.
    """

    zh: ClassVar = "银行（%(bank)s）回告：被骗资金经 %(hops)s 次转账到达该账户，尚未转出"
    bank: str
    hops: int


class TracedUnderApproval(Code, frozen=True):
    """As MoneyTracedHere; the standing approval that was signed with the order of this `number` covers the account."""

    zh: ClassVar = (
        "银行（%(bank)s）回告：被骗资金经 %(hops)s 次转账到达该账户，尚未转出；依止付令 %(number)s 一并批准的下游止付"
    )
    bank: str
    hops: int
    number: str


class MoneyWentOn(Code, frozen=True):
    """The traced money has left the account, as banks have stated since."""

    zh: ClassVar = "银行回告：被骗资金已不在该账户"


class StopToBeLifted(Code, frozen=True):
    """The stop is to be lifted, so the bank is not asked to stop or extend it. `text`: the reason."""

    zh: ClassVar = "止付将解除：%(text)s"
    text: str


class ReleaseApproved(Code, frozen=True):
    """One person asked to lift a stop, another approved. `text`: the reason. `request`: the request's id."""

    zh: ClassVar = "%(asked_by)s 申请、%(by)s 批准解除止付：%(text)s%(request)s"
    asked_by: str
    by: str
    text: str
    request: str | None = None


class StopProposed(Code, frozen=True):
    """A stop order waits for approval. `persons`: how many persons must approve it."""

    zh: ClassVar = "止付令待批准，须 %(persons)s 人批准"
    persons: int


class PaymentReported(Code, frozen=True):
    """A person reported a payment, whether or not a feed has delivered it. `source`: who wrote the report down."""

    zh: ClassVar = "%(source)s登记一笔付款 %(amount_fen)s"
    source: ReportSource
    amount_fen: int


class ReportConfirmed(Code, frozen=True):
    """A feed has delivered a payment that a person had reported: both records are the same payment."""

    zh: ClassVar = "银行数据与登记的付款为同一笔"


class InstitutionChosen(Code, frozen=True):
    """A person chose the bank or payment institution that gets the order. `institution`: its code in the table."""

    zh: ClassVar = "收款机构：%(institution)s"
    institution: str


class StopApproved(Code, frozen=True):
    """A person approved a stop order."""

    zh: ClassVar = "%(by)s 批准止付令"
    by: str


class StopAutomatic(Code, frozen=True):
    """A stop order is sent by an automatic rule. `law`: the legal ground; `at`: by when a person must confirm the
    order.
    """

    zh: ClassVar = "依据%(law)s自动止付，须在 %(at)s 前由人确认"
    law: str
    at: datetime


class StopConfirmed(Code, frozen=True):
    """A person confirmed a stop order that an automatic rule sent."""

    zh: ClassVar = "%(by)s 确认自动止付令"
    by: str


class LaterStopsApproved(Code, frozen=True):
    """A person signed a standing approval with a stop order: later orders of so many hops, accounts, fen and hours."""

    zh: ClassVar = (
        "%(by)s 一并批准下游止付：最多 %(layers)s 层、%(accounts)s 个账户，合计不超过 %(amount_fen)s，%(hours)s 小时内"
    )
    by: str
    layers: int
    accounts: int
    amount_fen: int
    hours: int


class StopApprovedUnder(Code, frozen=True):
    """The standing approval of an order (`number`) approved a stop order. `by`: the persons who signed it."""

    zh: ClassVar = "依止付令 %(number)s 一并批准的下游止付批准（%(by)s）"
    number: str
    by: str


class LaterStopsEnded(Code, frozen=True):
    """The standing approval of an order (`number`) has ended: each later order waits for a person."""

    zh: ClassVar = "止付令 %(number)s 一并批准的下游止付终止，此后逐笔由人批准"
    number: str


class StopDeclined(Code, frozen=True):
    """A person decided against a stop order. `text`: the reason."""

    zh: ClassVar = "%(by)s 不批准止付令：%(text)s"
    by: str
    text: str


class StopUndecided(Code, frozen=True):
    """The deadline for deciding on a stop order has passed, and the order still waits."""

    zh: ClassVar = "止付令已超过审批时限，仍待批准"


class StopNeverDecided(Code, frozen=True):
    """Nobody decided on a stop order while a stop could still help."""

    zh: ClassVar = "止付令无人审批，已失效"


class StopLapsed(Code, frozen=True):
    """Nobody confirmed an automatic stop in time, so the bank is asked to lift it."""

    zh: ClassVar = "自动止付未在时限内确认，申请银行解除"


class StopNotWanted(Code, frozen=True):
    """A person declined an automatic stop, so it is lifted where the bank has it, and not extended."""

    zh: ClassVar = "自动止付令未获批准"


class StopUnconfirmed(Code, frozen=True):
    """Nobody has confirmed an automatic stop yet. `at`: when the bank is asked to lift it."""

    zh: ClassVar = "自动止付尚未确认，%(at)s 将申请银行解除"
    at: datetime


class StopHandedOver(Code, frozen=True):
    """A person recorded that an authority has frozen the account, so it is not stopped any more. `decision`: the number
    of the freezing decision.
    """

    zh: ClassVar = "%(by)s 登记：账户已由%(authority)s冻结（%(decision)s），不再止付"
    by: str
    authority: str
    decision: str


class LossAvoided(Code, frozen=True):
    """Money is booked as loss avoided, under its evidence class."""

    zh: ClassVar = "避免损失 %(amount_fen)s（%(evidence)s 类）"
    amount_fen: int
    evidence: EvidenceClass


class NoLongerAvoided(Code, frozen=True):
    """Money no longer counts as loss avoided."""

    zh: ClassVar = "%(amount_fen)s 不再计入避免损失金额"
    amount_fen: int


class MoneyFrozen(Code, frozen=True):
    """The bank froze money."""

    zh: ClassVar = "银行冻结 %(amount_fen)s"
    amount_fen: int


class MoneyLost(Code, frozen=True):
    """The resident was defrauded of money."""

    zh: ClassVar = "当事人被骗 %(amount_fen)s"
    amount_fen: int


class NotBooked(Code, frozen=True):
    """No loss avoided is booked for the transfer, because it is unknown, lost, or already booked with
    better evidence.
    """

    zh: ClassVar = "%(transfer)s 未再登记：已有更好的记录或不属于该预警"
    transfer: str


MoneyCode = (
    CanStillBeStopped
    | BankAsked
    | StoppedUntil
    | StopRefused
    | StopLifted
    | StopExpired
    | StopRunsOut
    | StopExtended
    | NoStopInForce
    | ResidentSafe
    | CancelledInFlight
    | PaymentFailed
    | MoneyReturned
    | BankStopped
    | BankRefused
    | BankCancelled
    | BankFroze
    | BankReturned
    | BankReleased
    | MovementsStated
    | MoneyTracedHere
    | TracedUnderApproval
    | MoneyWentOn
    | StopToBeLifted
    | ReleaseApproved
    | StopProposed
    | PaymentReported
    | ReportConfirmed
    | InstitutionChosen
    | StopApproved
    | StopAutomatic
    | StopConfirmed
    | LaterStopsApproved
    | StopApprovedUnder
    | LaterStopsEnded
    | StopDeclined
    | StopUndecided
    | StopNeverDecided
    | StopLapsed
    | StopNotWanted
    | StopUnconfirmed
    | StopHandedOver
    | LossAvoided
    | NoLongerAvoided
    | MoneyFrozen
    | MoneyLost
    | NotBooked
)
"""A code of stops and money."""
