"""Steps and times of a level: which steps a case gets, when they are due, and the consequences of a result."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta, timezone

from domain.policy.plan import Condition, LevelPlan, Plan, StepRule, Table, Window, Word
from schemas.base import Partial
from schemas.casework.cases import Case, CaseState, Profile
from schemas.levels import Action, Level, Outcome
from schemas.people.residents import Flag

LATEST = datetime(2099, 12, 30, tzinfo=UTC)  # no event after this is accepted, and no step is planned

# A stronger step replaces a weaker one of the same family, such as an operator's call an automated one.
_STRENGTH = Partial(
    {
        Action.SMS: ("sms", 1),
        Action.FLASH_SMS: ("sms", 2),
        Action.ROBOT_CALL: ("call", 1),
        Action.OPERATOR_CALL: ("call", 2),
        Action.CONTACT_SMS: ("contact", 1),
        Action.CONTACT_CALL: ("contact", 2),
        Action.VISIT: ("visit", 1),
    }
)
OWN_ACCOUNT = frozenset({Action.HOLD_OUTGOING, Action.LIFT_HOLD})
STOPS = frozenset({Action.STOP_PAYMENT, Action.STOP_AGAIN, Action.STOP_STATUS, Action.STOP_RELEASE}) | OWN_ACCOUNT
"""The actions that a bank carries out: no resident is contacted, and no quiet hours apply."""
CONTACTS_NOBODY = STOPS | {Action.HAND_OVER}
"""The actions that reach no resident and no contact of theirs: orders to banks, and a hand-over to another province."""
LIFTS = frozenset({Action.STOP_RELEASE, Action.LIFT_HOLD})
"""The actions that give back: they are carried out however the case ends."""
CALLS = frozenset({Action.ROBOT_CALL, Action.OPERATOR_CALL})
WEEK_QUESTIONS = frozenset({Action.WEEK_CALL, Action.WEEK_SMS})
"""The question a week after the resident was dissuaded, by a call or a text message."""
AFTER_PLAN = WEEK_QUESTIONS | {Action.SUPPORT_CALL, Action.REMINDER}
"""The contacts that belong to no level's plan and outlive the case. They are never made while a plan contacts the
resident, and never in quiet hours.
"""
OUTLIVES = LIFTS | AFTER_PLAN
"""The actions that go on after the case is closed."""
SMS = frozenset({Action.SMS, Action.FLASH_SMS})


def conditions(profile: Profile, *, money_at_risk: bool) -> frozenset[Condition]:
    """Return the conditions of steps that a case meets: MONEY_AT_RISK if `money_at_risk` is True; HAS_CONTACT,
    NOT_OBJECTING and NOT_HARD_OF_HEARING by the resident's number of trusted contacts and flags in `profile`.
    """
    found = {
        Condition.MONEY_AT_RISK: money_at_risk,
        Condition.HAS_CONTACT: profile.contacts > 0,
        Condition.NOT_OBJECTING: Flag.OBJECTS_TO_CALLS not in profile.flags,
        Condition.NOT_HARD_OF_HEARING: Flag.HARD_OF_HEARING not in profile.flags,
    }
    return frozenset(condition for condition, holds in found.items() if holds)


def steps_for(plan: LevelPlan, holding: frozenset[Condition]) -> Iterator[tuple[str, StepRule]]:
    """Yield (name, rule) of the level's steps whose conditions are all in `holding`, in the policy's order."""
    return ((name, rule) for name, rule in plan.steps.items() if holding.issuperset(rule.when))


def rule_of(plan: Plan, step: str, action: Action) -> StepRule:
    """Return the policy's rule for a step of a case. `step`: the step's id; `action`: its action.

    A step for a bank (STOPS) gets the attempts and times of `plan.stop`, but a status request only one attempt. A
    follow-up, a support call, a question a week later or a reminder gets the plan's rule for these. A call that an
    operator makes in place of the automated call gets the rule of a requested operator's call. A step that the policy
    no longer has gets one attempt and an hour for its result.
    """
    head, _, rest = step.partition(".")
    if action in STOPS:
        attempts = 1 if action is Action.STOP_STATUS else plan.stop.attempts  # the next attempt of the order asks anew
        return StepRule.model_construct(
            action=action, attempts=attempts, again=plan.stop.again, result_within=plan.stop.result_within
        )
    if head == "follow":
        return plan.asked["follow_up"]
    if head == "support" and "support" in plan.asked:
        return plan.asked["support"]
    rules: Mapping[str, StepRule] = plan.levels[Level(head)].steps if head in _LEVELS else _by_name(plan)
    name = action.value if action in WEEK_QUESTIONS else rest.partition(".")[0]
    found = rules.get(name)
    if action is Action.OPERATOR_CALL and found is not None and found.action is Action.ROBOT_CALL:
        return plan.asked["operator"]
    return found or StepRule.model_construct(action=action, result_within=timedelta(hours=1))


def _by_name(plan: Plan) -> Mapping[str, StepRule]:
    return {str(name): rule for name, rule in plan.asked.items()}


def level_of(step: str) -> Level | None:
    """Return the level whose plan has the step with this id. None for steps that belong to no level: requested steps,
    follow-ups, contacts after the plan, stops and timers.
    """
    head = step.partition(".")[0]
    return Level(head) if head in _LEVELS else None


_LEVELS = frozenset(level.value for level in Level)


def table_of(plan: Plan, action: Action) -> Table:
    """Return the policy's consequences for an action: a tuple of words by result. Empty for a hand-over, whose
    decisions follow other rules (domain/casework/provinces).
    """
    if action is Action.HAND_OVER:
        return {}
    results = plan.results
    if action in SMS:
        return results.sms
    if action.to_contact:
        return results.contact
    return results.stop if action in STOPS else getattr(results, action.value)


def words_after(plan: Plan, action: Action, result: str) -> tuple[Word, ...]:
    """Return the consequences of `result` for an action, in the policy's order.

    If the policy does not name the result, return (WAIT,): it is only recorded.
    """
    return table_of(plan, action).get(result, (Word.WAIT,))


def may_support(case: Case) -> bool:
    """Return True if a support call may be made: the case is settled, or the resident was defrauded already. Then no
    plan contacts them.
    """
    return case.settled or case.state is CaseState.ALREADY_DEFRAUDED


def may_ask_after_week(case: Case) -> bool:
    """Return True if the question a week later may be put: the resident stands as dissuaded, nobody has recorded a loss
    of theirs in this case or since it was opened, and they have not asked for no more messages.
    """
    stands = case.outcome is Outcome.DISSUADED and case.state in (CaseState.DISSUADED, CaseState.CLOSED)
    lost = bool(case.losses) or (case.prior_loss is not None and case.prior_loss.at >= case.opened_at)
    recorded = any(fraud.number == case.number and fraud.loss_fen != 0 for fraud in case.frauds)
    return stands and not lost and not recorded and not case.wants_no_messages


def may_remind(case: Case) -> bool:
    """Return True if the resident may be reminded of the warning: under the same conditions as they may be asked
    whether they have paid since (`may_ask_after_week`). Who has lost money needs support, no warning of what happened.
    """
    return may_ask_after_week(case)


def weaker(one: Action, other: Action) -> bool:
    """Return True if `one` is a weaker contact than `other` of the same family, as an automated call is weaker than an
    operator's call. False for the same action, other families, and actions without a family.
    """
    family, strength = _STRENGTH.get(one, ("", 0))
    of, than = _STRENGTH.get(other, ("-", 0))
    return family == of and strength < than


def allowed(due: datetime, plan: Plan, level: LevelPlan, action: Action) -> datetime:
    """Return the earliest time from `due` (aware) on at which a step may go out: `due` itself outside of the quiet
    hours, else their end in UTC.

    Quiet hours apply if the level has them, and always to contacts after the plan (AFTER_PLAN). They do not apply to
    actions that contact nobody (CONTACTS_NOBODY).
    """
    if not (level.quiet or action in AFTER_PLAN) or action in CONTACTS_NOBODY:
        return due
    end = _until_outside(due, plan.quiet, plan.utc)
    return end or due


def quiet_begins(now: datetime, plan: Plan, level: LevelPlan, action: Action) -> datetime | None:
    """Return when quiet hours that apply to a step (see `allowed`) begin next after `now` (aware), in UTC; None if none
    apply to it.
    """
    local = now.astimezone(timezone(plan.utc))
    begins = _next(local, plan.quiet.start).astimezone(UTC)
    return begins if allowed(begins, plan, level, action) > begins else None


def at_home(due: datetime, plan: Plan) -> datetime:
    """Return the earliest time from `due` (aware) on at which people are at home: `due` itself, or a later
    time in UTC.
    """
    local = due.astimezone(timezone(plan.utc))
    openings = []
    for hours in plan.home:
        if _within(local.time(), hours):
            return due
        openings.append(_next(local, hours.start))
    return min(openings).astimezone(UTC)


def earliest(due: datetime, case: Case, plan: Plan, rule: StepRule) -> datetime:
    """Return the time at which a step of the case that is planned for `due` (aware) may go out: `due`, or later if the
    rule waits for the hours at which people are at home (`at_home`) or the case's level has quiet hours (`allowed`).
    Never later than LATEST (2099-12-30).
    """
    if rule.at_home:
        due = at_home(due, plan)
    return min(allowed(due, plan, plan.levels[case.level], rule.action), LATEST)


def _until_outside(due: datetime, hours: Window, utc: timedelta) -> datetime | None:
    local = due.astimezone(timezone(utc))
    return _next(local, hours.end).astimezone(UTC) if _within(local.time(), hours) else None


def _within(at: time, hours: Window) -> bool:
    if hours.start < hours.end:
        return hours.start <= at < hours.end
    return at >= hours.start or at < hours.end


def _next(local: datetime, at: time) -> datetime:
    today = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return today if today > local else today + timedelta(days=1)
