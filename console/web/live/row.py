"""A row: an open case in short, with the values by which lists filter and sort."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.casework import triage
from domain.casework.triage import QueueBand, Reason, Weight
from domain.desk.desk_calls import CallsTried, calls_tried
from domain.desk.open_deadline import OpenDeadline, deadline, goes_no_more
from domain.desk.payment_reasons import reasons_now
from domain.identity.identifiers import phones_at, reach
from domain.payments.headline import Headline, HeadlineKind, headline_of
from domain.policy import Policy
from schemas.casework.cases import LIVE_STEPS, Case, CaseState, Step
from schemas.casework.orders import OrderState
from schemas.codes.danger import DangerCode
from schemas.levels import Channel, Level
from schemas.people.residents import Resident
from streams.state.keys import milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    """An open case in a list. `phone`: the number that is dialled, a minor's guardian's. It and the resident's `name`
    are unmasked; mask them before they leave the process.

    `deadline`: the nearest open one of the case, None without one; `headline`: the amount of the case and what it is,
    as at the head of its page. Lists of thousands of cases ask for them.
    """

    case: Case
    name: str
    phone: str
    weight: Weight
    reasons: tuple[Reason, ...] = ()  # the reasons of its rank
    seq: int = 0  # the hub's number of the change that made it
    rings: bool = False  # it became alarming with this change
    was: str = ""  # the division before this change; "" if the row is new
    number: str = ""  # the case's number among the open cases
    other_phones: tuple[str, ...] = ()  # further ones of the resident, by which a search finds the row
    deadline: OpenDeadline | None = field(init=False, compare=False, repr=False)
    headline: Headline = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "deadline", deadline(self.case))  # the only way in a frozen class
        object.__setattr__(self, "headline", headline_of(self.case))

    @property
    def id(self) -> str:
        """The case's id."""
        return self.case.id

    @property
    def level(self) -> Level:
        """The case's level."""
        return self.case.level

    @property
    def division(self) -> str:
        """The code of the resident's division."""
        return self.case.profile.division

    @property
    def prefecture(self) -> str:
        """The first four digits of the division's code."""
        return self.division[:4]

    @property
    def offered(self) -> bool:
        """True if an operator may claim the case now."""
        return self.weight.turn is QueueBand.OFFERED

    @property
    def alarming(self) -> bool:
        """True if the case's alarm rings: it is red and unclaimed, and new or waiting for an operator."""
        free = self.case.claimed_by is None and not self.case.settled
        begun = self.case.state in (CaseState.RAISED, CaseState.CONTACTING)
        return self.level is Level.RED and free and (begun or self.offered)

    @property
    def to_approve(self) -> bool:
        """True if a stop order of the case waits for the approval of persons."""
        return any(order.state is OrderState.PROPOSED for order in self.case.orders)

    @property
    def reason(self) -> DangerCode | None:
        """The first reason of the danger, as the case's page tells it: of a stopped payment as past. None without
        one.
        """
        return next((each.reason for each in reasons_now(self.case)), None)

    @property
    def estimate_fen(self) -> int:
        """The estimated exposure (fen) beside known money in the case's amount; 0 if it is that amount, or is less."""
        exposure, money = self.case.danger.exposure_fen, self.headline
        return exposure if money.kind is not HeadlineKind.ESTIMATE and exposure > money.amount_fen else 0

    @property
    def tried(self) -> CallsTried:
        """The calls to the resident so far, the system's and the operators'."""
        return calls_tried(self.case)

    @property
    def next_step(self) -> Step | None:
        """The unfinished step with the earliest due time, internal timers included but not stop-payments that will not
        go out; None without one. The due time is when the step goes out, or, of a step that was sent or proposed, the
        deadline for its result or for the decision.
        """
        steps = (step for step in self.case.steps if not goes_no_more(self.case, step))
        dues = [(step.due, step.id, step) for step in steps if step.due is not None]
        return min(dues)[2] if dues else None

    @property
    def next_due(self) -> datetime | None:
        """The due time of `next_step` (UTC), or None without one."""
        return step.due if (step := self.next_step) else None

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels of the steps that are planned or in progress."""
        return frozenset(step.action.channel for step in self.case.steps if step.state in LIVE_STEPS)

    @property
    def changed(self) -> int:
        """The time of the case's last change in ms since 1970."""
        return milliseconds(self.case.updated_at)


def row_of(case: Case, resident: Resident | None, guardian: Resident | None, policy: Policy, now: datetime) -> Row:
    """Return a case's row, ranked by the policy. Its phone is the one that is dialled at `now`
    (domain/identity/identifiers.reach). `guardian`: the guardian's entry, None without one. Name and phone are "" if
    the resident was erased (`resident` None); the phone also if there is none now.
    """
    if resident is None:
        return Row(case, "", "", *_weighed(case, policy))
    phone = reach(resident, guardian, now).phone or ""
    others = tuple(each.value for each in phones_at(resident, now) if each.value != phone)
    return Row(case, resident.name, phone, *_weighed(case, policy), other_phones=others)


def weighed_anew(row: Row, policy: Policy) -> Row:
    """Return the row ranked by the policy `policy`."""
    weight, reasons = _weighed(row.case, policy)
    return replace(row, weight=weight, reasons=reasons)


def _weighed(case: Case, policy: Policy) -> tuple[Weight, tuple[Reason, ...]]:
    return triage.weigh(case, policy), tuple(triage.reasons(case, policy))


def latest(rows: Iterable[Row]) -> list[Row]:
    """Return the latest row of each case from changes given oldest first, in the order of these latest changes. An
    alarm in an earlier change is kept while the case is still alarming; `was` is that of the case's first change.
    """
    found: dict[str, Row] = {}
    for row in rows:
        before = found.pop(row.id, None)
        if before is not None:
            row = replace(row, rings=row.rings or (before.rings and row.alarming), was=before.was)
        found[row.id] = row
    return list(found.values())
