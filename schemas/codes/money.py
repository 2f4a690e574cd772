"""Payments, the stops of banks and the ledger. stop_orders.py has the decisions about stops. Amounts are in fen."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code
from schemas.levels import EvidenceClass


class CanStillBeStopped(Code, frozen=True):
    """A payment of the case can still be stopped."""

    zh: ClassVar = "还有未止付的款项"


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


class BankSilent(Code, frozen=True):
    """The bank has not answered the order with this `number` within the policy's time (`minutes`), and is asked what
    became of it.
    """

    zh: ClassVar = "银行 %(minutes)s 分钟内未答复止付令 %(number)s，查询办理状态"
    number: str
    minutes: int


class BankUndecided(Code, frozen=True):
    """The bank answered: it has the order and has not decided."""

    zh: ClassVar = "银行：已收到，尚未办结"


class BankEndPassed(Code, frozen=True):
    """The end that the bank named for its stop was over already, so it counts as not named."""

    zh: ClassVar = "银行回复的止付截止时间已过，按未注明截止时间处理"


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

    zh: ClassVar = "银行：确认冻结"


class BankUnfroze(Code, frozen=True):
    """The bank answered: the freeze has ended."""

    zh: ClassVar = "银行：冻结已解除"


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
    """A bank stated that money of the case's payments reached this account, and the standing approval that was signed
    with the order of this `number` covers it. `bank`: the code of the stating bank; `hops`: number of transfers, the
    resident's own payment included.
    """

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


class LossAvoided(Code, frozen=True):
    """Money (`amount_fen`, in fen) is booked as loss avoided, under its evidence class."""

    zh: ClassVar = "避免损失 %(amount_fen)s（%(evidence)s 类）"
    amount_fen: int
    evidence: EvidenceClass


class NoLongerAvoided(Code, frozen=True):
    """Money (`amount_fen`, in fen) no longer counts as loss avoided."""

    zh: ClassVar = "%(amount_fen)s 不再计入避免损失金额"
    amount_fen: int


class MoneyFrozen(Code, frozen=True):
    """The bank confirmed that it has frozen money."""

    zh: ClassVar = "银行确认冻结 %(amount_fen)s"
    amount_fen: int


class MoneyUnfrozen(Code, frozen=True):
    """A freeze has ended, and money (`amount_fen`, in fen) is free in the account again."""

    zh: ClassVar = "冻结已解除，%(amount_fen)s 可再支取，不再计为冻结"
    amount_fen: int


class MoneyLost(Code, frozen=True):
    """The resident was defrauded of money (`amount_fen`, in fen)."""

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
    | BankSilent
    | BankUndecided
    | BankEndPassed
    | BankStopped
    | BankRefused
    | BankCancelled
    | BankFroze
    | BankUnfroze
    | BankReturned
    | BankReleased
    | MovementsStated
    | MoneyTracedHere
    | TracedUnderApproval
    | MoneyWentOn
    | StopToBeLifted
    | ReleaseApproved
    | LossAvoided
    | NoLongerAvoided
    | MoneyFrozen
    | MoneyUnfrozen
    | MoneyLost
    | NotBooked
)
"""A code of stops and money."""
