"""Stop orders: who proposed, approved, confirmed or declined one, and how it ended. Amounts are in fen."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code
from schemas.people.residents import ReportSource


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
    """A person signed a standing approval with a stop order: it approves later orders within these limits. `layers`:
    the most transfers from the order's account; `accounts`: the most accounts; `amount_fen`: the highest sum in fen;
    `hours`: after the last signature.
    """

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


StopOrderCode = (
    StopProposed
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
)
"""A code of stop orders."""
