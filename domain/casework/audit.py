"""Checks from stored data alone that every open case has a next step that will be carried out.

This module shares no code with the case machine: every derived value is computed here again, so that faults of the case
machine are found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.policy.plan import Plan
from domain.policy.schedule import AFTER_PLAN
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import Action

_LIVE = (StepState.PENDING, StepState.HELD, StepState.PROPOSED, StepState.SENT)
_IN_DANGER = (
    CaseState.RAISED,
    CaseState.CONTACTING,
    CaseState.IN_CONVERSATION,
    CaseState.VISIT_UNDER_WAY,
    CaseState.NOT_PERSUADED,
)


class Kind(StrEnum):
    """The faults that a case can have.

    NO_NEXT_STEP: it is open, and nothing is planned. NO_DUE: a waiting step has no due time. DEADLINE_MISSING,
    DEADLINE_WRONG, DEADLINE_STRAY: the store lacks a deadline, has it at another time, or has one that no step has.
    OVERDUE, RESULT_OVERDUE: a waiting step, or the result of a dispatch, is past its due time. TOO_FAR: the next step
    is later than any clock of the plan allows. NOT_QUEUED, QUEUED: it is wrongly missing from the operators' queue, or
    wrongly in it. NOT_MARKED_HELD: lifting the hold would not release a held step. UNKNOWN_CASE: the store lacks a case
    of the journal, or has an older version.
    """

    NO_NEXT_STEP = "no_next_step"
    NO_DUE = "no_due"
    DEADLINE_MISSING = "deadline_missing"
    DEADLINE_WRONG = "deadline_wrong"
    DEADLINE_STRAY = "deadline_stray"
    OVERDUE = "overdue"
    RESULT_OVERDUE = "result_overdue"
    TOO_FAR = "too_far"
    NOT_QUEUED = "not_queued"
    QUEUED = "queued"
    NOT_MARKED_HELD = "not_marked_held"
    UNKNOWN_CASE = "unknown_case"


@dataclass(frozen=True, slots=True)
class InvariantViolation:
    """A fault of a case. It contains no personal data.

    `case`, `step`: ids; `step` is "" if the fault concerns no single step. `words`: an English sentence. `due`: the due
    time of the step according to the case, in ms since 1970; None if it has none.
    """

    kind: Kind
    case: str
    words: str
    step: str = ""
    due: int | None = None


@dataclass(frozen=True, slots=True)
class CaseIndexes:
    """The index entries of a case in the store. `deadlines`: due times in ms since 1970, by step id.

    `queued`: True if the case is in the operators' queue. `held`: True if it is in the list of cases with a held step.
    """

    deadlines: Mapping[str, float]
    queued: bool
    held: bool


def examine(case: Case, kept: CaseIndexes, plan: Plan, now: datetime, grace: timedelta) -> list[InvariantViolation]:
    """Return the faults of a case and its index entries (`kept`); empty if there are none. The order: deadlines, late
    steps, the plan, the operators' queue.

    Every case that is not closed must have a next step, which may be the timer that closes it. `plan`: that of the
    policy under which the case was last decided. `grace`: how late a deadline may be processed without a fault.
    """
    return [
        *_deadlines(case, kept),
        *_late(case, now, grace),
        *_going_on(case, plan),
        *_queue(case, kept),
    ]


def expected_deadlines(case: Case) -> dict[str, int]:
    """Return the deadlines that the store must have for a case: due times in ms since 1970, by step id."""
    return {step.id: _ms(step.due) for step in _live(case) if step.due is not None}


def must_call(case: Case) -> bool:
    """Return True if the case must be in the operators' queue: it is not settled, and an operator has claimed it or an
    operator's call was sent to the desk and has no result.
    """
    if case.settled:
        return False
    calls = (step for step in _live(case) if step.action is Action.OPERATOR_CALL)
    return case.claimed_by is not None or any(step.state is StepState.SENT for step in calls)


def _live(case: Case) -> Iterator[Step]:
    return (step for step in case.steps if step.state in _LIVE)


def _deadlines(case: Case, kept: CaseIndexes) -> Iterator[InvariantViolation]:
    wanted = expected_deadlines(case)
    for step, due in wanted.items():
        stored = kept.deadlines.get(step)
        if stored is None:
            yield InvariantViolation(
                Kind.DEADLINE_MISSING, case.id, f"{step} falls due at {_at(due)}: no clock says so", step, due
            )
        elif round(stored) != due:
            words = f"{step} falls due at {_at(due)}, the clock says {_at(stored)}"
            yield InvariantViolation(Kind.DEADLINE_WRONG, case.id, words, step, due)
    for step in kept.deadlines.keys() - wanted.keys():
        yield InvariantViolation(Kind.DEADLINE_STRAY, case.id, f"{step} does not wait for any time", step)


def _late(case: Case, now: datetime, grace: timedelta) -> Iterator[InvariantViolation]:
    for step in _live(case):
        if step.due is None or now - step.due <= grace:
            continue
        out = step.state is StepState.SENT
        kind, what = (Kind.RESULT_OVERDUE, "its result was owed") if out else (Kind.OVERDUE, "it fell due")
        yield InvariantViolation(kind, case.id, f"{step.id}: {what} at {_at(_ms(step.due))}", step.id, _ms(step.due))


def _going_on(case: Case, plan: Plan) -> Iterator[InvariantViolation]:
    # A contact after the plan does not carry the case on: it outlives it.
    dues = [step.due for step in _live(case) if step.due is not None and step.action not in AFTER_PLAN]
    for step in _live(case):
        if step.due is None:
            yield InvariantViolation(Kind.NO_DUE, case.id, f"{step.id} is {step.state.value} and has no time", step.id)
    if not case.open:
        return
    if not dues:
        yield InvariantViolation(
            Kind.NO_NEXT_STEP, case.id, f"{case.state.value.replace('_', ' ')}, and nothing is planned"
        )
    elif _in_danger(case) and min(dues) - case.updated_at > _furthest(case, plan):
        words = f"the next step is at {_at(_ms(min(dues)))}: no clock of {case.level.value} is so long"
        yield InvariantViolation(Kind.TOO_FAR, case.id, words)


def _in_danger(case: Case) -> bool:
    """Return True if the plan is running. A held step waits for its hold, which may last for any time."""
    return case.state in _IN_DANGER and all(step.state is not StepState.HELD for step in _live(case))


def _furthest(case: Case, plan: Plan) -> timedelta:
    """Return the longest time until the next step of a case in danger: the plan's longest clock, and a day of quiet
    hours.
    """
    level = plan.levels[case.level]
    rules = [*level.steps.values(), *plan.asked.values()]
    longest = max(max(rule.after, rule.again, rule.result_within, rule.arrive_within) for rule in rules)
    # Follow-ups of a higher level's plan remain.
    follow_ups = [after for each in plan.levels.values() for after in each.follow_ups]
    after = max(follow_ups, default=timedelta(0)) + plan.close_after  # follow-ups after a warning, then the close
    return max(longest, after, plan.call_again_within, plan.talk_within, plan.retry_most) + timedelta(days=1)


def _queue(case: Case, kept: CaseIndexes) -> Iterator[InvariantViolation]:
    if must_call(case) and not kept.queued:
        yield InvariantViolation(Kind.NOT_QUEUED, case.id, "an operator is to call, and it is not on the desk")
    if kept.queued and case.settled:
        yield InvariantViolation(Kind.QUEUED, case.id, f"on the desk, and {case.state.value.replace('_', ' ')}")
    if any(step.state is StepState.HELD for step in _live(case)) and not kept.held:
        yield InvariantViolation(
            Kind.NOT_MARKED_HELD, case.id, "a hold keeps a step back, and the hold's list does not have it"
        )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _at(milliseconds: float) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
