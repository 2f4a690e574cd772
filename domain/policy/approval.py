"""Who must approve an order (a stop, or a hold on the resident's own account) before a bank gets it, and which later
stop orders may be approved with it.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.objections import LEAST_CLOCK, MOST_CLOCK
from domain.policy.units import Duration, Section, spelt
from schemas.base import MOST_FEN, Fen
from schemas.casework.cases import Payment
from schemas.casework.orders import MOST_PERSONS, LaterLimits
from schemas.casework.own_account import (
    LEAST_HOLD_PERSONS,
    MOST_HOLD_DAYS,
    MOST_HOLD_PERSONS,
    AllowanceSpan,
)
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState

CONFIRMED_WITHIN = timedelta(minutes=30)  # no automatic order may wait longer for a person
LEAST_LAW = 4  # characters of a citation
DECIDERS = (StaffRole.OPERATOR, StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR)

Law = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)]


class ApprovalRule(Section):
    """How many persons, and of which roles, must approve the orders that match the rule. The person who asks is one of
    them.

    `account`, `state`: the watchlist's entry on the payee and the payment's state; left out: any. `least_fen`: the
    smallest payment that matches. `persons = 0`: the order is sent without a person. That requires a `law`, is limited
    to a confirmed account with a pending payment, and lapses unless a person confirms it within `confirm_within`.
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
    """Who approves stop orders: the first of `rules` that matches decides; if none does, one person must approve.

    `within`: the time that persons have for a decision.
    """

    within: Duration = timedelta(minutes=1)
    rules: tuple[ApprovalRule, ...] = ()

    def of(self, payment: Payment, *, extension: bool) -> ApprovalRule:
        """Return the rule of a stop order for this payment: the first that fits, else one approval by one person.
        `extension`: the order extends a stop; then rules by which no person approves do not fit.
        """
        fitting = (rule for rule in self.rules if rule.fits(payment) and not (extension and rule.persons == 0))
        return next(fitting, EVERY_ORDER)


_NEEDED = ("days", "allowance_fen", "allowance_span")
MOST_TIMES = 6  # a first hold and five renewals, as in Singapore's Act


class OwnAccountRules(Section):
    """Whether outgoing transfers of a resident's own account may be held as a last resort, and how.

    `ground`: the local rule that permits it, cited; without one, or without `days`, `allowance_fen` and
    `allowance_span`, it cannot be `enabled`. `days`: how long a hold lasts, at most 30; `allowance_fen`: what the
    resident may still use for living in each `allowance_span`; `persons`, `roles`: who approves it, not counting who
    proposes it; `decide_within`: a proposal that lacks approvals by then is void; `times`: how often one account may be
    held in a case, each time by a new proposal.
    """

    enabled: bool = False
    ground: Law = ""
    days: Annotated[int, Field(ge=1, le=MOST_HOLD_DAYS)] | None = None
    allowance_fen: Annotated[int, Field(ge=1, le=MOST_FEN)] | None = None
    allowance_span: AllowanceSpan | None = None
    persons: Annotated[int, Field(ge=LEAST_HOLD_PERSONS, le=MOST_HOLD_PERSONS)] = LEAST_HOLD_PERSONS
    roles: tuple[Literal[StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR], ...] = (StaffRole.RELEASE_DESK,)
    decide_within: Duration = timedelta(hours=4)
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if not self.roles:
            raise refused(FaultCode.KEYS_MISSING, key="roles", names=["roles"])
        if not LEAST_CLOCK <= self.decide_within <= MOST_CLOCK:
            raise refused(FaultCode.NOT_BETWEEN, key="decide_within", least=spelt(LEAST_CLOCK), most=spelt(MOST_CLOCK))
        if self.enabled and len(self.ground) < LEAST_LAW:
            raise refused(FaultCode.OWN_ACCOUNT_WITHOUT_GROUND, key="enabled", least=LEAST_LAW)
        missing = [name for name in _NEEDED if getattr(self, name) is None] if self.enabled else []
        if missing:
            raise refused(FaultCode.KEYS_MISSING, key="enabled", names=missing)
        return self


class LaterStopRules(Section):
    """The limits of standing approvals. A policy without them has no standing approvals.

    `usual`: what the form proposes; `one_person`: the most that one person may sign, above it two persons must;
    `most`: the most that anybody may sign. No limit of the first two is above that of the third.
    """

    usual: LaterLimits
    one_person: LaterLimits
    most: LaterLimits

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for name in ("usual", "one_person"):
            for key, value in getattr(self, name).model_dump().items():
                if value > (most := getattr(self.most, key)):
                    raise refused(FaultCode.NOT_BETWEEN, key=f"{name}.{key}", least=1, most=most)
        return self

    def persons(self, limits: LaterLimits) -> int:
        """Return how many persons must sign limits."""
        return 1 if limits.within(self.one_person) else 2
