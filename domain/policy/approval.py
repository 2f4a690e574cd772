"""Rules of approval and of hand-overs: who must approve an order (a stop, or a hold on the resident's own account)
before a bank gets it, and which later stop orders may be approved together with it. Who may hand a case over to
another province, and by when that must be acknowledged.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.objections import LEAST_CLOCK, MOST_CLOCK
from domain.policy.units import Duration, Section, spelt
from schemas.base import MOST_FEN, Fen, Token
from schemas.casework.cases import Payment
from schemas.casework.orders import MOST_PERSONS, LaterLimits
from schemas.casework.own_account import (
    LEAST_HOLD_PERSONS,
    MOST_DELAY_HOURS,
    MOST_HOLD_DAYS,
    MOST_HOLD_PERSONS,
    AllowanceSpan,
)
from schemas.levels import Level
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState

LEAST_DEADLINE, MOST_DEADLINE = timedelta(seconds=10), timedelta(hours=24)  # of an offer to another province
MOST_ASKING = timedelta(days=3)
MOST_PROVINCES = 64
MOST_PREFIXES = 64  # of one province
CONFIRMED_WITHIN = timedelta(minutes=30)  # no automatic order may wait longer for a person
LEAST_LAW = 4  # characters of a citation
DECIDERS = (StaffRole.OPERATOR, StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR)

DivisionPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}([0-9]{2}){0,2}$")]
Law = Annotated[str, StringConstraints(strip_whitespace=True, max_length=128)]


class ApprovalRule(Section):
    """The number and the roles of the persons who must approve the orders that match the rule; the person who asks is
    one.

    `account`, `state`: the payee's watchlist status and the payment's state; None: any. `least_fen`: the smallest
    payment that matches. `persons = 0`: the order is sent without a person. That requires a `law`, is limited to a
    confirmed account with a pending payment, and ends unless a person confirms it within `confirm_within`.
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
        """Return True if the rule matches orders to stop this payment: by amount, state and the payee's watchlist
        status. For an order that extends a stop, the caller must also leave out rules without persons (`persons` 0), as
        `ApprovalRules.of` does.
        """
        return self.matches_kind(payment.watched, payment.state) and payment.amount_fen >= self.least_fen

    def matches_kind(self, account: WatchStatus | None, state: TransferState, extension: bool = False) -> bool:
        """Return True if the rule matches orders of this kind, whatever the amount. `account`: the payee's watchlist
        status; `state`: the payment's; `extension`: the order extends a stop, which a rule without persons never
        matches.
        """
        of_account = self.account in (None, account)
        return of_account and self.state in (None, state) and not (extension and self.persons == 0)


EVERY_ORDER = ApprovalRule(persons=1)
"""The rule of an order that no rule of the policy fits."""


class ApprovalRules(Section):
    """Rules for the approval of stop orders: the first of `rules` that matches applies; without one, one person must
    approve.

    `within`: the time that persons have to decide.
    """

    within: Duration = timedelta(minutes=1)
    rules: tuple[ApprovalRule, ...] = ()

    @model_validator(mode="after")
    def _all_apply(self) -> Self:
        """Refuse a rule that can never apply because earlier ones match each of its orders: it would protect nobody."""
        for number, rule in enumerate(self.rules):
            if hiding := _hiding(self.rules[:number], rule):
                names = [f"rules.{each}" for each in hiding]
                raise refused(FaultCode.RULE_HIDDEN, key=f"rules.{number}", names=names)
        return self

    def of(self, payment: Payment, *, extension: bool) -> ApprovalRule:
        """Return the rule of a stop order for this payment: the first that matches, else one that requires one person.

        `extension`: True if the order extends a stop; a rule without persons then does not match.
        """
        fitting = (rule for rule in self.rules if rule.fits(payment) and not (extension and rule.persons == 0))
        return next(fitting, EVERY_ORDER)


_KINDS = tuple(product((None, *WatchStatus), TransferState, (False, True)))  # of orders: account, state, extension?


def _hiding(earlier: Sequence[ApprovalRule], rule: ApprovalRule) -> list[int]:
    """Return the indexes of the earlier rules that together match every order that `rule` matches, by the payee's
    account, the payment's state and amount, and whether the order is an extension; empty if `rule` can apply.
    """
    found: set[int] = set()
    for kind in _KINDS:
        if rule.matches_kind(*kind):
            wider = (each.least_fen <= rule.least_fen and each.matches_kind(*kind) for each in earlier)
            first = next((number for number, covers in enumerate(wider) if covers), None)
            if first is None:
                return []
            found.add(first)
    return sorted(found)


_NEEDED = ("days", "allowance_fen", "allowance_span")
MOST_TIMES = 6  # a first hold and five renewals, as in Singapore's Act


class DelayRules(Section):
    """How the banks of a resident's own accounts are asked to delay outgoing transfers while an operator talks with the
    resident. A policy without this section has no delays.

    `ground`: the local rule that permits it, cited; `hours`: how long a delay lasts, at most 24; `allowance_fen`: what
    the resident may still use in each `allowance_span`; `persons`, `roles`: who must approve it first, 0: nobody;
    `times`: how often one account may be delayed in a case.
    """

    ground: Law
    hours: Annotated[int, Field(ge=1, le=MOST_DELAY_HOURS)]
    allowance_fen: Annotated[int, Field(ge=1, le=MOST_FEN)]
    allowance_span: AllowanceSpan = AllowanceSpan.DAY
    persons: Annotated[int, Field(ge=0, le=MOST_HOLD_PERSONS)] = 0
    roles: tuple[Literal[StaffRole.RELEASE_DESK, StaffRole.SUPERVISOR], ...] = (StaffRole.RELEASE_DESK,)
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        if len(self.ground) < LEAST_LAW:
            raise refused(FaultCode.OWN_ACCOUNT_WITHOUT_GROUND, key="ground", least=LEAST_LAW)
        if not self.roles:
            raise refused(FaultCode.KEYS_MISSING, key="roles", names=["roles"])
        return self


class OwnAccountRules(Section):
    """Rules of holds on outgoing transfers from a resident's own account, a last resort.

    `ground`: the local rule that permits it, cited; without one, or without `days`, `allowance_fen` and
    `allowance_span`, it cannot be `enabled`. `days`: how long a hold lasts, at most 30; `allowance_fen`: what the
    resident may still use for living in each `allowance_span`; `persons`, `roles`: who approves it, not counting who
    proposes it; `decide_within`: a proposal that lacks approvals by then is void; `times`: how often one account may be
    held in a case, each time by a new proposal; `delay`: the rules of shorter delays of some hours, which apply even if
    holds are not enabled (None: no delays).
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
    delay: DelayRules | None = None

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
    """The limits of approvals that are given in advance for later stop orders of a case. A policy without this section
    has no such approvals.

    `usual`: the values that the form suggests. `one_person`: the highest that one person may sign; two persons must
    sign higher ones. `most`: the highest that may be signed at all; neither `usual` nor `one_person` may be higher.
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
        """Return how many persons must sign an approval in advance with these limits: 1 if they are within
        `one_person`, else 2.
        """
        return 1 if limits.within(self.one_person) else 2


class HandoverRules(Section):
    """Hand-overs of cases. A policy without this section makes no offer and takes no case over.

    `provinces`: the codes, as in QUANZU_PROVINCES, of those to which a case may be handed over and from which one is
    taken. `roles`: of the persons who may hand over. `deadline`: by level, how long (10 seconds to 24 hours) the other
    province may take to acknowledge; contacts wait for that long at most. `asks_for`: how long after an unanswered
    offer the other province is asked whether it has taken the case (at most 3 days). `lives`: by province, the first 2,
    4 or 6 digits of the divisions (GB/T 2260) whose residents' cases the pages suggest to hand over to it.
    """

    provinces: Annotated[tuple[Token, ...], Field(min_length=1, max_length=MOST_PROVINCES)]
    roles: Annotated[tuple[StaffRole, ...], Field(min_length=1)] = (StaffRole.OPERATOR, StaffRole.SUPERVISOR)
    deadline: Mapping[Level, Duration]
    asks_for: Duration = timedelta(hours=24)
    lives: Mapping[Token, Annotated[tuple[DivisionPrefix, ...], Field(min_length=1, max_length=MOST_PREFIXES)]] = Field(
        default_factory=dict
    )

    def home_province(self, division: str) -> str | None:
        """Return the province to which residents of a division (6 or 9 digits) belong: the one with the longest
        matching prefix in `lives`. None without one.
        """
        prefixes = {prefix: province for province, each in self.lives.items() for prefix in each}
        matching = [prefix for prefix in prefixes if division.startswith(prefix)]
        return prefixes[max(matching, key=len)] if matching else None

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if missing := [level.value for level in Level if level not in self.deadline]:
            raise refused(FaultCode.KEYS_MISSING, key="deadline", names=missing)
        if any(not LEAST_DEADLINE <= each <= MOST_DEADLINE for each in self.deadline.values()):
            least, most = spelt(LEAST_DEADLINE), spelt(MOST_DEADLINE)
            raise refused(FaultCode.NOT_BETWEEN, key="deadline", least=least, most=most)
        if not timedelta(0) < self.asks_for <= MOST_ASKING:
            raise refused(FaultCode.NOT_BETWEEN, key="asks_for", least="1s", most=spelt(MOST_ASKING))
        return self

    @model_validator(mode="after")
    def _one_home(self) -> Self:
        if unknown := [name for name in self.lives if name not in self.provinces]:
            raise refused(FaultCode.NOT_CHOICE, key=f"lives.{unknown[0]}", choices=list(self.provinces))
        prefixes = [prefix for each in self.lives.values() for prefix in each]
        if twice := [prefix for prefix in prefixes if prefixes.count(prefix) > 1]:
            raise refused(FaultCode.STANDS_TWICE, key="lives", name=twice[0])
        return self


def are_two(persons: Collection[str]) -> bool:
    """Return True if at least two persons stand for a change. `persons`: the logins of who wrote it and who approves
    it, possibly the same.
    """
    writer_and_approver = 2
    return len(set(persons)) >= writer_and_approver
