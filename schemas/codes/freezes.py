"""The freeze of an account (冻结) by an authority: its renewal and its end, and why neither is recorded."""

from datetime import datetime
from typing import ClassVar

from schemas.codes.base import Code


class FreezeRenewed(Code, frozen=True):
    """A person recorded that the authority has renewed its freeze of the account. `decision`: the number of the
    decision on the renewal; `until`: the new end.
    """

    zh: ClassVar = "%(by)s 登记：%(authority)s续行冻结账户至 %(until)s（%(decision)s）"
    by: str
    authority: str
    decision: str
    until: datetime


class FreezeLifted(Code, frozen=True):
    """A person recorded that the authority has ended its freeze of the account. `decision`: the number of the decision
    on the end.
    """

    zh: ClassVar = "%(by)s 登记：%(authority)s已解除对账户的冻结（%(decision)s）"
    by: str
    authority: str
    decision: str


class FreezeRunsOut(Code, frozen=True):
    """The freeze of the account ends soon, unless the authority renews it before. `until`: when."""

    zh: ClassVar = "%(authority)s的冻结将于 %(until)s 到期；到期前未登记续行冻结的，视为自动解除"
    authority: str
    until: datetime


class FreezeEndsLater(Code, frozen=True):
    """The recorded period of a freeze is over sooner than six months after it was recorded, so that another person must
    record its end. `until`: the end of the period; `last`: when it ends by itself.
    """

    zh: ClassVar = "%(authority)s的冻结于 %(until)s 到期，不满六个月：须由另一人登记解除，否则至 %(last)s 自动解除"
    authority: str
    until: datetime
    last: datetime


class FreezeOver(Code, frozen=True):
    """The period of the freeze is over and no renewal was recorded, so the freeze has ended by itself. `decision`: the
    number of the freezing decision.
    """

    zh: ClassVar = "冻结期限届满，未登记续行冻结，视为自动解除：%(authority)s（%(decision)s）"
    authority: str
    decision: str


class FormerFreezeEnded(Code, frozen=True):
    """A bank says again that a freeze has ended, and names a time before the freeze in force was recorded: that one
    goes on.
    """

    zh: ClassVar = "银行回告 %(ended)s 解除的是此前的冻结；现行冻结继续"
    ended: datetime


class UnclearFreezeEnd(Code, frozen=True):
    """A bank says that a freeze has ended without saying when, after a former freeze of the account had ended: it may
    only repeat that. A person asks the bank.
    """

    zh: ClassVar = "银行回告冻结已解除，但未说明解除时间，可能只是重复此前的回告：请向银行核实，现行冻结暂不解除"


class NoFreeze(Code, frozen=True):
    """No freeze of the account is recorded, or it has ended."""

    zh: ClassVar = "没有登记该账户的冻结，或冻结已经解除"


class AnotherPersonEnds(Code, frozen=True):
    """Another person than the one who recorded the freeze must record its end."""

    zh: ClassVar = "须由登记冻结以外的另一人登记解除冻结"


class FreezePeriod(Code, frozen=True):
    """The end of a freeze is not within a year from now, or that of a renewal not within a year from the known end,
    which is the longest period (公安机关办理刑事案件程序规定, article 243), or it is not later.
    """

    zh: ClassVar = "冻结期限须晚于现在和原期限，且不超过一年"


FreezeCode = (
    FreezeRenewed | FreezeLifted | FreezeRunsOut | FreezeEndsLater | FreezeOver | FormerFreezeEnded | UnclearFreezeEnd
)
"""What happens to an authority's freeze."""
FreezeRefusal = NoFreeze | AnotherPersonEnds | FreezePeriod
"""Why a renewal or an end of a freeze is not recorded."""
