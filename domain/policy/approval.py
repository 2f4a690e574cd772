"""Who must approve a stop order before a bank gets it."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt
from schemas.base import Fen
from schemas.casework.cases import Payment
from schemas.casework.orders import MOST_PERSONS
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState

CONFIRMED_WITHIN = timedelta(minutes=30)  # no automatic order may wait longer for a person
LEAST_LAW = 4  # characters of a citation
DECIDERS = (StaffRole.OPERATOR, StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR)

Law = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)]


class ApprovalRule(Section):
    """How many persons must approve the orders that fit, and of which roles. The person who asks is one of them.

    `account`, `state`: the watchlist's word on the payee, and the payment's state; left out: any. `least_fen`: the
    smallest payment. `persons = 0`: the order goes out by itself. That takes a `law`, is limited to a confirmed
    account with a pending payment, and lapses unless a person confirms it within `confirm_within`.
    """

    account: WatchStatus | None = None
    state: TransferState | None = None
    least_fen: Fen = 0
    persons: Annotated[int, Field(ge=0, le=MOST_PERSONS)]
    roles: tuple[StaffRole, ...] = DECIDERS
    law: Law = ""
    confirm_within: Duration | None = None

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if not self.roles:
            raise refused(FaultCode.KEYS_MISSING, key="roles", names=["roles"])
        if self.persons == 0:
            self._automatic()
        return self

    def _automatic(self) -> None:
        if len(self.law) < LEAST_LAW:
            raise refused(FaultCode.AUTOMATIC_WITHOUT_LAW, key="law", least=LEAST_LAW)
        if self.account is not WatchStatus.CONFIRMED or self.state is not TransferState.PENDING:
            raise refused(FaultCode.AUTOMATIC_TOO_WIDE, key="persons")
        if self.confirm_within is None or not timedelta(0) < self.confirm_within <= CONFIRMED_WITHIN:
            raise refused(FaultCode.AUTOMATIC_UNCONFIRMED, key="confirm_within", most=spelt(CONFIRMED_WITHIN))

    def fits(self, payment: Payment) -> bool:
        """Return whether the rule is about stop orders for this payment: its amount, its state and the payee's
        watchlist status.
        """
        of_account = self.account in (None, payment.watched)
        return of_account and self.state in (None, payment.state) and payment.amount_fen >= self.least_fen


EVERY_ORDER = ApprovalRule(persons=1)
"""The rule of an order that no rule of the policy fits."""


class ApprovalRules(Section):
    """Who approves stop orders: the first of `rules` that fits; if none does, one person. `within`: how long persons
    have for a decision.
    """

    within: Duration = timedelta(minutes=1)
    rules: tuple[ApprovalRule, ...] = ()

    def of(self, payment: Payment, *, extension: bool) -> ApprovalRule:
        """Return the rule of a stop order for this payment: the first that fits, else one approval by one person.
        `extension`: the order extends a stop; then rules by which no person approves do not fit.
        """
        fitting = (rule for rule in self.rules if rule.fits(payment) and not (extension and rule.persons == 0))
        return next(fitting, EVERY_ORDER)
