"""A decision in progress: the changing case, and the facts and dispatches so far."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.casework.triage import QueueBand, queue_band
from domain.dispatches.warnings import with_warning
from domain.payments.books import with_booked
from domain.policy import Policy
from domain.policy.plan import LevelPlan, Plan
from domain.policy.schedule import AFTER_PLAN, CONTACTS_NOBODY, LATEST
from schemas.casework.cases import LIVE_STEPS, Case, CaseState, Payment, Step, StepState
from schemas.casework.events import Dispatch, Fact, FactKind
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCode
from schemas.levels import Action
from schemas.people.staff import StaffRole

CLOCK = "clock."  # ids of internal timers, which are never dispatched
CLOSE = "clock.close"
NUMBERS_OF_A_LOG = 1_000  # highest case number of a resident within one input log: far more than occur


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules by which a partition decides: the policy in force and the holds.

    `logs`: how many input logs were lost before the present one. The last decisions of a lost log may be unknown
    although their dispatches were sent; their ids must not be used again, because a provider would treat the new
    dispatches as repetitions.
    """

    policy: Policy
    holds: tuple[Hold, ...] = ()
    logs: int = 0

    @property
    def last_number(self) -> int:
        """The highest case number that a resident may have got in lost input logs; 0 if none was lost. New cases get
        higher ones.
        """
        return self.logs * NUMBERS_OF_A_LOG


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of an input: the case (None if the resident has none), the facts and the dispatches.

    Without facts, the input had no effect, and the case is unchanged.
    """

    case: Case | None
    facts: list[Fact]
    dispatches: list[Dispatch]


@dataclass(slots=True)
class DecisionBuilder:
    """A case that is being decided at the time `now`. The steps are in `steps`, by id; `case.steps` is outdated until
    `done`.

    `version`: the next version of the case. `signal_at`: arrival of the signal if an alert is being decided, else None.
    `role`: the role of the person if a person's act is being decided, else None. `facts`, `dispatches`: those recorded
    so far.
    """

    case: Case
    rules: Rules
    now: datetime
    version: int
    signal_at: datetime | None = None
    role: StaffRole | None = None
    steps: dict[str, Step] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case, rules: Rules, now: datetime) -> "DecisionBuilder":
        """Return a builder for a decision at `now` on an existing case."""
        return cls(case, rules, now, case.version + 1, steps={step.id: step for step in case.steps})

    @property
    def plan(self) -> Plan:
        """The plan of the policy in force."""
        return self.rules.policy.plan

    @property
    def level(self) -> LevelPlan:
        """The plan of the case's present level, in the policy in force."""
        return self.plan.levels[self.case.level]

    @property
    def outlived(self) -> bool:
        """True if the case is from a lost input log, so that it may have had steps that are unknown now."""
        return self.case.number <= self.rules.last_number

    @property
    def plan_over(self) -> bool:
        """True if the plan's contacts have ended, because the case is settled or the resident was already defrauded."""
        return self.case.settled or self.case.state is CaseState.ALREADY_DEFRAUDED

    def set(self, **changes: object) -> None:
        """Change fields of the case, in the builder. Values are not validated, and no fact is recorded."""
        self.case = self.case.model_copy(update=changes)

    def change(self, step: Step, **changes: object) -> Step:
        """Change a step in the builder, or add it if it is new, and return the changed copy. Times are limited to
        2099-12-30. No fact is recorded.
        """
        within = {name: min(value, LATEST) if isinstance(value, datetime) else value for name, value in changes.items()}
        changed = step.model_copy(update=within)
        self.steps[step.id] = changed
        return changed

    def after(self, span: timedelta) -> datetime:
        """Return the time `span` after `now`, at most 2099-12-30, the limit for all times of a case."""
        return min(self.now + span, LATEST)

    def timer(self, name: str, action: Action, due: datetime, transfer: str | None = None) -> None:
        """Set an internal timer, due at `due`; it replaces a timer with the same name. `name`: a step id that begins
        with CLOCK; `transfer`: the payment that it is about, None without one.
        """
        self.change(Step(id=name, action=action, state=StepState.PENDING, due=None, transfer=transfer), due=due)

    def pay(self, payment: Payment) -> None:
        """Replace the case's payment (or traced account) of the same transfer with `payment`; no effect if the case has
        none.
        """
        name = "payments" if payment.movement is None else "traced"
        known: list[Payment] = getattr(self.case, name)
        self.set(**{name: [payment if old.transfer == payment.transfer else old for old in known]})

    def note(self, kind: FactKind, what: AnyCode, step: Step | None = None, **more: object) -> None:
        """Record a fact. Every change of a case needs a fact: `decide` drops a decision without facts.

        `more`: further fields of the Fact. Raises ValidationError if one is invalid.
        """
        of = {} if step is None else {"step": step.id, "action": step.action}
        self.facts.append(Fact.model_validate({"kind": kind, "what": what, **of, **more}))

    def enter(self, state: CaseState, why: AnyCode) -> None:
        """Change the case's state and record this as a fact with the reason `why`; no effect if it has that state
        already.
        """
        if self.case.state is not state:
            self.set(state=state)
            self.note(FactKind.STATE, why)

    def reached(self, action: Action) -> None:
        """Record in the case that a warning by `action` reached the resident: as one of its warnings, and as the time
        of the latest one (`warned_at`), unless that is later already. No fact is recorded.
        """
        warnings = with_warning(self.case, action, self.rules.policy.messages, self.now)
        self.set(warned_at=max(self.now, self.case.warned_at or self.now), warnings=warnings)

    def live(self, *actions: Action) -> list[Step]:
        """Return the unfinished steps with one of these actions (no arguments: any action), in the order in which they
        were first planned. Internal timers are left out.
        """
        return [
            step
            for step in self.steps.values()
            if step.state in LIVE_STEPS and not is_clock(step) and (not actions or step.action in actions)
        ]

    def live_for(self, transfer: str, *actions: Action) -> list[Step]:
        """Return the unfinished steps about this transfer (its name) that have one of these actions (none given: any
        action), in the order in which they were first planned. Internal timers are left out.
        """
        return [step for step in self.live(*actions) if step.transfer == transfer]

    def contacts(self) -> list[Step]:
        """Return the unfinished steps that contact somebody, in the order in which they were planned.

        Timers, follow-ups, contacts after the plan, hand-overs and steps for banks are left out.
        """
        others = CONTACTS_NOBODY | AFTER_PLAN | {Action.FOLLOW_UP}
        return [step for step in self.live() if step.action not in others]

    def hinders_closing(self) -> list[Step]:
        """Return the unfinished steps that keep the case from being closed: all but contacts after the plan, which go
        on after it, and internal timers.
        """
        return [step for step in self.live() if step.action not in AFTER_PLAN]

    def done(self) -> Decision:
        """Return the decision: the case in its next version, the facts and the dispatches.

        Sets the case's version, time, policy and steps, the transfers that are booked for statistics, and since when
        operators are offered the case. If the case has more than 80 steps, old finished ones are dropped. `decide`
        drops a decision without facts.
        """
        self.set(
            version=self.version,
            updated_at=max(self.now, self.case.updated_at),
            policy=self.rules.policy.hash,
            steps=_pruned(list(self.steps.values()), _named(self.case)),
        )
        self.case = with_booked(self.case, self.case.updated_at)
        if (offered := _offered_at(self.case)) != self.case.offered_at:
            self.set(offered_at=offered)
        return Decision(self.case, self.facts, self.dispatches)


def _offered_at(case: Case) -> datetime | None:
    """Return since when the case is offered on the desk, or None. A call that is offered again keeps its first time."""
    return (case.offered_at or case.updated_at) if queue_band(case) is QueueBand.OFFERED else None


KEPT_STEPS = 80


def _named(case: Case) -> frozenset[str]:
    """Return the ids of the steps that the case's orders and holds name."""
    return frozenset(order.step for order in case.orders) | {hold.step for hold in case.own_holds if hold.step}


def _pruned(steps: list[Step], named: frozenset[str]) -> list[Step]:
    """Drop the oldest finished steps of earlier rounds once there are more than KEPT_STEPS.

    The first round's steps stay, because their ids must not be used again; so do those that an order or a hold names
    (`named`), whose approvals would count for a new step with the same id.
    """
    for step in list(steps[:-20]) if len(steps) > KEPT_STEPS else ():
        old = step.state not in LIVE_STEPS and step.id not in named and step.id.count(".") > 1
        if len(steps) > KEPT_STEPS and old:
            steps.remove(step)
    return steps


def is_clock(step: Step) -> bool:
    """Return True if a step is an internal timer, which is never dispatched."""
    return step.id.startswith(CLOCK)
