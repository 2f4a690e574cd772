"""One decision in the making: the case as it becomes, what is said about it, what is sent out."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.casework.triage import QueueBand, turn_of
from domain.policy import Policy
from domain.policy.plan import LevelPlan, Plan
from domain.policy.schedule import LATEST, STOPS
from schemas.casework.cases import Case, CaseState, Payment, Step, StepState
from schemas.casework.events import Dispatch, Fact, FactKind
from schemas.casework.inputs import Hold
from schemas.codes.any_code import AnyCode
from schemas.levels import Action

LIVE = frozenset({StepState.PENDING, StepState.HELD, StepState.SENT})
WAITING = frozenset({StepState.PENDING, StepState.HELD})
CLOCK = "clock."  # steps that are never dispatched: something is done inside when they fall due
CLOSE = "clock.close"
NUMBERS_OF_A_LOG = 1_000  # cases of one resident while one log of inputs lasts: far more than anybody has


@dataclass(frozen=True, slots=True)
class Rules:
    """What a partition decides by: the policy in force, and the holds.

    `logs`: how many logs of inputs were lost before this one. What was decided last on one of them nobody may know any
    more, though its dispatches went out: their ids must not be given again, for a provider would take them for repeats.
    """

    policy: Policy
    holds: tuple[Hold, ...] = ()
    logs: int = 0

    @property
    def last_number(self) -> int:
        """Of a resident's cases of lost logs, known or not."""
        return self.logs * NUMBERS_OF_A_LOG


@dataclass(frozen=True, slots=True)
class Decision:
    """The case after an input, the facts, the dispatches. No facts: the input meant nothing, the case is the same."""

    case: Case | None
    facts: list[Fact]
    dispatches: list[Dispatch]


@dataclass(slots=True)
class DecisionBuilder:
    """A case being decided on. `case.steps` is out of date until `done`: the steps are in `steps`, by id."""

    case: Case
    rules: Rules
    now: datetime
    version: int
    signal_at: datetime | None = None  # of the alert being answered
    steps: dict[str, Step] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)

    @classmethod
    def of(cls, case: Case, rules: Rules, now: datetime) -> "DecisionBuilder":
        """Begin a decision on a case that exists."""
        return cls(case, rules, now, case.version + 1, steps={step.id: step for step in case.steps})

    @property
    def plan(self) -> Plan:
        return self.rules.policy.plan

    @property
    def level(self) -> LevelPlan:
        return self.plan.levels[self.case.level]

    @property
    def outlived(self) -> bool:
        """Whether the case is of a log that was lost: it may have had steps that nobody knows any more."""
        return self.case.number <= self.rules.last_number

    @property
    def plan_over(self) -> bool:
        """Whether the plan's contacts are at an end: nothing more of them goes out."""
        return self.case.settled or self.case.state is CaseState.ALREADY_DEFRAUDED

    def set(self, **changes: object) -> None:
        """Change fields of the case."""
        self.case = self.case.model_copy(update=changes)

    def change(self, step: Step, **changes: object) -> Step:
        """Change a step, or add it."""
        within = {name: min(value, LATEST) if isinstance(value, datetime) else value for name, value in changes.items()}
        changed = step.model_copy(update=within)
        self.steps[step.id] = changed
        return changed

    def pay(self, payment: Payment) -> None:
        """Put a payment in place of the one of the same transfer."""
        self.set(payments=[payment if old.transfer == payment.transfer else old for old in self.case.payments])

    def say(self, kind: FactKind, what: AnyCode, step: Step | None = None, **more: object) -> None:
        """Note what happened. Whatever changes a case is said: what is not said is not kept."""
        of = {} if step is None else {"step": step.id, "action": step.action}
        self.facts.append(Fact.model_validate({"kind": kind, "what": what, **of, **more}))

    def enter(self, state: CaseState, why: AnyCode) -> None:
        """Change the case's state."""
        if self.case.state is not state:
            self.set(state=state)
            self.say(FactKind.STATE, why)

    def reached(self) -> None:
        """A warning has reached the resident now."""
        self.set(warned_at=max(self.now, self.case.warned_at or self.now))

    def live(self, *actions: Action) -> list[Step]:
        """Steps that have not ended, of some actions (none named: of all), clocks left out."""
        return [
            step
            for step in self.steps.values()
            if step.state in LIVE and not is_clock(step) and (not actions or step.action in actions)
        ]

    def contacts(self) -> list[Step]:
        """Live steps of the plan that contact somebody: neither follow-ups nor stop-payments."""
        return [step for step in self.live() if step.action is not Action.FOLLOW_UP and step.action not in STOPS]

    def done(self) -> Decision:
        """The decision: one version more, unless nothing was said."""
        self.set(
            version=self.version,
            updated_at=max(self.now, self.case.updated_at),
            policy=self.rules.policy.hash,
            steps=_pruned(list(self.steps.values())),
        )
        if (offered := _offered_at(self.case)) != self.case.offered_at:
            self.set(offered_at=offered)
        return Decision(self.case, self.facts, self.dispatches)


def _offered_at(case: Case) -> datetime | None:
    """Since when the desk offers the case: a call that nobody took, and is put there anew, has waited all the while."""
    return (case.offered_at or case.updated_at) if turn_of(case) is QueueBand.OFFERED else None


KEPT_STEPS = 80


def _pruned(steps: list[Step]) -> list[Step]:
    """Drop the oldest steps of earlier rounds that have ended, once there are very many.

    A first round's step stays: its id must not be given again.
    """
    for step in list(steps[:-20]) if len(steps) > KEPT_STEPS else ():
        if len(steps) > KEPT_STEPS and step.state not in LIVE and step.id.count(".") > 1:
            steps.remove(step)
    return steps


def is_clock(step: Step) -> bool:
    """Whether a step is a clock inside the case, and no contact."""
    return step.id.startswith(CLOCK)
