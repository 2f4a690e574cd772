"""The contact budget: never more than it allows, red all the same, nothing kept back for ever."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.casework import Rules
from domain.casework.fatigue import counts
from domain.policy import Policy, PolicyError, load
from domain.policy.fatigue import Fatigue, Most
from domain.statistics.counts import of_event
from schemas.casework.cases import StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import VisitStage
from schemas.codes.plan import BudgetSpent
from schemas.levels import Action, Channel, Level, Outcome, Result
from tests.domain.builders import NOON, Line, alert, danger, event, policy, profile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JILIN = Path(__file__).parents[3] / "deploy/policy/jilin.toml"
UNANSWERED = (Result.UNDELIVERED, Result.BUSY, Result.NO_ANSWER, Result.HUNG_UP, Result.REFUSED, Result.VOICEMAIL)


def budget(hour: int, day: int, **channels: int) -> Policy:
    """Jilin's policy with another budget: the same on every channel, unless one is named."""
    each = {"sms": hour, "phone": hour, "visit": hour} | channels
    fatigue = Fatigue(
        hour=Most(all=hour, **each), day=Most(all=day, sms=day, phone=day, visit=day), one_visit=timedelta(hours=4)
    )
    return policy().model_copy(update={"fatigue": fatigue})


def under(rules: Policy) -> Line:
    line = Line()
    line.rules = Rules(rules)
    return line


def test_a_call_beyond_the_budget_is_put_off_to_when_one_more_fits() -> None:
    line = under(budget(5, 9, phone=1))
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=1))
    line.result(Result.DELIVERED, Action.SMS)
    line.pass_to(NOON + timedelta(minutes=5))
    line.result(Result.NO_ANSWER, Action.ROBOT_CALL)
    line.pass_to(timedelta(minutes=25))
    assert line.step("orange.call").due == NOON + timedelta(minutes=5) + HOUR
    assert line.facts(FactKind.PUT_OFF)[0] == BudgetSpent(1, 1, Channel.PHONE)
    sent = line.pass_to(NOON + timedelta(minutes=5) + HOUR)
    assert [out.action for out in sent if out.channel is Channel.PHONE] == [Action.OPERATOR_CALL]
    assert line.step("orange.call").state is StepState.SKIPPED, "the operator is due too"


def test_what_is_put_off_is_counted_by_channel_and_limit() -> None:
    line = under(budget(9, 9, sms=1))
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=1))
    line.result(Result.UNDELIVERED, Action.SMS)
    line.pass_to(timedelta(minutes=40))
    facts = [fact for decision in line.decisions for fact in decision.facts]
    assert of_event(event(line.here).model_copy(update={"facts": facts}))["put_off|sms|sms_hour"] == 1


def test_red_goes_past_the_budget_and_what_it_did_counts_for_what_follows() -> None:
    line = under(budget(1, 2))
    line.alert(Level.RED)
    red = line.pass_to(timedelta(minutes=4))
    assert {Action.ROBOT_CALL, Action.OPERATOR_CALL, Action.VISIT} <= {out.action for out in red}
    assert line.facts(FactKind.PUT_OFF) == []
    line.dissuaded()
    line.pass_to(timedelta(minutes=5))
    line.alert(Level.BLUE, found=danger(Level.BLUE, "another scam SMS"))
    line.pass_to(timedelta(minutes=21))
    assert line.facts(FactKind.PUT_OFF) == [BudgetSpent(24, 2)]


def test_a_case_raised_to_red_lets_what_was_put_off_go_at_once() -> None:
    line = under(budget(1, 1))
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(minutes=3))
    line.result(Result.DELIVERED, Action.SMS)
    line.pass_to(timedelta(hours=2))
    assert line.facts(FactKind.PUT_OFF)
    raised = line.alert(Level.RED)
    assert [out.action for out in raised.dispatches] == [Action.FLASH_SMS]
    assert not [step for step in line.here.steps if step.wanted]


def test_the_resident_has_one_budget_whichever_case_it_is() -> None:
    line = under(budget(1, 1))
    line.alert(Level.BLUE)
    line.pass_to(timedelta(minutes=20))
    line.outcome(Outcome.FALSE_ALARM)
    first = line.here
    line.pass_to(DAY - timedelta(minutes=1))
    assert first.contacted
    later = under(budget(1, 1))
    closed = first.model_copy(update={"closed_at": NOON - timedelta(days=40), "state": "closed"})
    later.case = closed
    later.give(alert(Level.BLUE, at=NOON + timedelta(minutes=30)))
    assert later.here.contacted == first.contacted
    later.pass_to(NOON + HOUR)
    assert later.step("blue.sms").due == NOON + timedelta(minutes=20) + DAY


@pytest.mark.parametrize("result", [Result.FAILED, Result.NOT_SENT])
def test_what_never_went_out_uses_nothing_up(result: Result) -> None:
    line = under(budget(1, 1))
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=1))
    assert len(line.here.contacted) == 1
    line.result(result, Action.SMS)
    assert line.here.contacted == []


def test_a_call_that_no_operator_took_uses_nothing_up() -> None:
    line = under(budget(2, 9))
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=26))
    line.pass_to(timedelta(hours=4))
    assert sum(out.action is Action.OPERATOR_CALL for out in line.sent()) > 1


def test_an_officer_who_refuses_uses_nothing_up() -> None:
    line = under(budget(9, 9, visit=1))
    line.alert(Level.ORANGE)
    while not any(out.action is Action.VISIT for out in line.sent()):
        line.pass_to(timedelta(minutes=1))
    line.officer(VisitStage.REFUSED)
    assert line.last(Action.VISIT).attempt == 2


def test_a_policy_of_before_has_no_budget() -> None:
    line = under(policy().model_copy(update={"fatigue": None}))
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(days=3))
    assert line.facts(FactKind.PUT_OFF) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hour = { all = 12,", "hour = { all = 0,", "fatigue.hour.all"),
        ("hour = { all = 12,", "hour = { all = 17,", "hour_over_day key=hour.all name=all hour=17 day=16"),
        ("phone = 10, visit = 4 }", "phone = 10 }", "fatigue.day.visit"),
        ('one_visit = "4h"', "one_visit = 4", "duration_unit given=4"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_in_words(old: str, new: str, told: str) -> None:
    text = JILIN.read_text("utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=told):
        load(text.replace(old, new))


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("result", [None, *UNANSWERED])
def test_no_plan_of_one_case_is_put_off_by_jilins_budget(level: Level, result: Result | None) -> None:
    """As it runs from noon on, whatever comes of every contact, until its steps are used up or ten days have passed."""
    line = Line()
    line.alert(level, of=profile(contacts=1))
    live(line, [result], NOON + timedelta(days=3))
    assert line.facts(FactKind.PUT_OFF) == []


def live(line: Line, results: Sequence[Result | None], until: datetime) -> None:
    """Answer each dispatch a minute later with the next of `results`, in turn; None: with nothing."""
    answered = 0
    while line.now < until:
        line.pass_to(timedelta(minutes=1))
        for out in line.sent()[answered:]:
            result = results[answered % len(results)]
            answered += 1
            if result is not None and out.action is not Action.VISIT and counts(out.action):
                line.result(result, of=out)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE]),
    st.lists(st.sampled_from([None, *UNANSWERED, Result.FAILED, Result.WANTS_OPERATOR]), min_size=1, max_size=6),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_never_more_than_the_budget_and_nothing_is_kept_back_for_ever(
    level: Level, results: list[Result | None], hour: int, more: int
) -> None:
    rules = budget(hour, hour + more)
    line = under(rules)
    line.alert(level, of=profile(contacts=1))
    live(line, results, NOON + timedelta(hours=30))
    line.alert(level, found=danger(level, "something new"), of=profile(contacts=1))
    live(line, results, NOON + timedelta(hours=60))
    assert rules.fatigue is not None
    for out in (out for out in made(line) if counts(out.action)):
        for limit, whose, span, most in rules.fatigue.limits(out.channel):
            within = [
                other
                for other in made(line)
                if counts(other.action)
                and (whose == "all" or other.channel is out.channel)
                and out.at - span < other.at <= out.at
            ]
            assert len(within) <= most, limit
    for step in line.here.steps:
        assert step.wanted is None or (step.due is not None and step.due <= line.now + DAY), "it has its time"


def made(line: Line) -> list[Dispatch]:
    """The dispatches that reached for the resident: the provider did not fail, an operator's call was taken."""
    failed = {(each.step, each.result) for d in line.decisions for each in d.facts if each.result is Result.FAILED}
    return [
        out
        for out in line.sent()
        if (out.step, Result.FAILED) not in failed and out.action not in (Action.OPERATOR_CALL, Action.VISIT)
    ]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([None, *UNANSWERED]), min_size=1, max_size=4), st.integers(1, 2))
def test_red_never_waits(results: list[Result | None], most: int) -> None:
    line, free = under(budget(most, most)), under(policy().model_copy(update={"fatigue": None}))
    for each in (line, free):
        each.alert(Level.RED)
        live(each, results, NOON + timedelta(hours=2))
    assert line.sent() == free.sent()
