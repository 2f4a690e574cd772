"""The breaker: a bad policy is stopped, a campaign under a good one is not."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework import Rules, lift
from domain.policy import PolicyError, load
from domain.policy.breaker_rules import BreakerRules
from domain.policy.trial import BY, hold_of, on_trial, published, raised, reason_to_stop, tripped
from schemas.casework.acts import ConfirmAct
from schemas.casework.cases import StepState
from schemas.casework.events import Fact, FactKind
from schemas.casework.inputs import HoldChange
from schemas.casework.policies import InForce
from schemas.codes.people import DangerConfirmed, Said
from schemas.codes.plan import TooManyInMinute, TooManyOnAverage
from schemas.levels import Action, Level
from tests.domain.builders import NOON, Line, alert, event, policy

GOOD, BAD, NEXT = "a" * 16, "b" * 16, "c" * 16
JILIN = Path(__file__).parents[3] / "deploy/policy/jilin.toml"
RULES = BreakerRules(
    learn=timedelta(hours=24),
    least=5,
    sudden=10,
    slow=4,
    steady=timedelta(minutes=30),
    trial=timedelta(hours=24),
    hold=timedelta(hours=24),
)
MINUTES = st.lists(st.integers(0, 60), max_size=60)
STANDING = InForce(policy=GOOD, good=GOOD, since=NOON, by="li")
TRIED = InForce(policy=BAD, good=GOOD, since=NOON, by="li")


def test_ten_times_the_usual_in_one_minute_stops_a_policy_and_says_so() -> None:
    assert reason_to_stop([7] * 60, [6, 71], RULES) == TooManyInMinute(71, 7.0)
    assert reason_to_stop([7] * 60, [6, 70], RULES) is None


def test_a_slow_flood_stops_it_too() -> None:
    assert reason_to_stop([7] * 60, [29] * 30, RULES) == TooManyOnAverage(870, 30, 7.0)
    assert reason_to_stop([7] * 60, [28] * 30, RULES) is None


def test_a_slow_flood_is_noticed_wherever_in_the_trial_it_begins() -> None:
    assert reason_to_stop([7] * 60, [7] * 600 + [29] * 30, RULES)


def test_where_nothing_is_usual_yet_the_least_is_taken() -> None:
    assert reason_to_stop([], [50], RULES) is None
    assert reason_to_stop([], [51], RULES) == TooManyInMinute(51, 5.0)


@given(MINUTES, MINUTES, st.integers(0, 59), st.integers(1, 600))
def test_more_cases_never_save_a_policy(usual: list[int], recent: list[int], where: int, more: int) -> None:
    worse = [count + more * (number == where) for number, count in enumerate(recent)]
    if reason_to_stop(usual, recent, RULES):
        assert reason_to_stop(usual, worse, RULES)


@given(MINUTES, st.lists(st.integers(0, 20), max_size=60))
def test_up_to_four_times_the_usual_is_never_too_much(usual: list[int], recent: list[int]) -> None:
    assert reason_to_stop([5, *usual, 5], recent, RULES.model_copy(update={"least": 5})) is None


@given(st.lists(st.integers(6, 8), min_size=30, max_size=60), st.lists(st.integers(0, 10_000), max_size=14))
def test_a_campaign_of_some_minutes_under_the_policy_before_hides_nothing(
    usual: list[int], campaign: list[int]
) -> None:
    assert reason_to_stop(usual + campaign, [90], RULES)


def test_only_a_policy_on_trial_is_judged() -> None:
    assert on_trial(TRIED, RULES, NOON + timedelta(hours=23))
    assert not on_trial(TRIED, RULES, NOON + timedelta(hours=24)), "many cases are a campaign then"
    assert not on_trial(STANDING, RULES, NOON), "there is none to go back to"
    assert not on_trial(None, RULES, NOON)
    assert not on_trial(TRIED, None, NOON), "the policy before has no such rules"
    assert not on_trial(TRIED.model_copy(update={"override": "a campaign"}), RULES, NOON)


def test_a_policy_published_during_anothers_trial_goes_back_to_the_one_that_has_proved_itself() -> None:
    assert published(STANDING, BAD, "li", NOON, proved=True).good == GOOD
    assert published(TRIED, NEXT, "li", NOON, proved=False).good == GOOD
    assert published(TRIED, NEXT, "li", NOON, proved=True).good == BAD


def test_a_policy_that_only_stops_an_experiment_is_as_good_as_the_one_before() -> None:
    assert published(STANDING, NEXT, "li", NOON, proved=True, only_stops=True).good == NEXT
    assert published(TRIED, NEXT, "li", NOON, proved=False, only_stops=True).good == GOOD
    hold = hold_of(TRIED, "a flood", RULES, NOON)
    back = tripped(TRIED, hold, TooManyInMinute(71, 7.0), NOON, NEXT)
    assert (back.policy, back.good) == (NEXT, NEXT)


def test_a_stopped_policy_is_remembered_until_it_is_let_in_force_again() -> None:
    hold = hold_of(TRIED, "a flood", RULES, NOON)
    after = tripped(TRIED, hold, TooManyInMinute(71, 7.0), NOON)
    assert (after.policy, after.by, after.stopped[BAD].hold) == (GOOD, BY, hold.id)
    other = published(after, NEXT, "li", NOON, proved=True)
    assert BAD in other.stopped
    assert BAD not in published(other, BAD, "li", NOON, proved=True, override="it was a campaign").stopped


def test_only_alerts_raise_cases() -> None:
    facts = [Fact(kind=kind, what=Said("")) for kind in (FactKind.OPENED, FactKind.DISPATCHED)]
    line = Line()
    line.alert(Level.BLUE)
    told = event(line.here).model_copy(update={"facts": facts})
    assert raised(told) == 1
    assert raised(told.model_copy(update={"input_kind": "operator_report"})) == 0


def flooded(level: Level, by: str = BAD) -> Line:
    """A case that `by` has raised, while the cases of BAD are held."""
    line = Line(hold_of(TRIED, "a flood", RULES, NOON))
    line.give(alert(level).model_copy(update={"policy": by}))
    return line


def test_what_a_stopped_policy_raised_below_red_waits_and_red_goes_on() -> None:
    for level in (Level.BLUE, Level.YELLOW, Level.ORANGE):
        line = flooded(level)
        assert line.pass_to(timedelta(hours=8)) == []
        assert all(StepState.SENT is not step.state for step in line.here.steps)
    red = flooded(Level.RED)
    red.pass_to(timedelta(minutes=3))
    assert {Action.FLASH_SMS, Action.ROBOT_CALL, Action.VISIT} <= {out.action for out in red.sent()}


def test_what_another_policy_raised_does_not_wait() -> None:
    line = flooded(Level.ORANGE, by=GOOD)
    assert line.pass_to(timedelta(minutes=1))


def test_a_case_raised_higher_by_the_good_policy_goes_on() -> None:
    line = flooded(Level.YELLOW)
    line.pass_to(timedelta(minutes=10))
    line.give(alert(Level.ORANGE, at=line.now).model_copy(update={"policy": GOOD}))
    assert line.pass_to(timedelta(minutes=1))


def test_a_case_that_a_person_confirms_goes_on() -> None:
    line = flooded(Level.YELLOW)
    line.pass_to(timedelta(minutes=10))
    assert line.step("yellow.sms").state is StepState.HELD
    decision = line.act(ConfirmAct(reason="she says that she was called by them"))
    assert [out.action for out in decision.dispatches] == [Action.SMS]
    assert DangerConfirmed("she says that she was called by them") in line.facts(FactKind.NOTE)


def test_a_confirmed_case_still_waits_for_another_hold() -> None:
    line = flooded(Level.YELLOW)
    line.pass_to(timedelta(minutes=10))
    line.rules = Rules(
        policy(), (*line.rules.holds, line.rules.holds[0].model_copy(update={"id": "x", "policy": None}))
    )
    assert line.act(ConfirmAct(reason="real")).dispatches == []
    assert line.step("yellow.sms").state is StepState.HELD


def test_lifting_the_hold_lets_all_go_or_drops_them() -> None:
    line = flooded(Level.YELLOW)
    line.pass_to(timedelta(minutes=10))
    (hold,) = line.rules.holds
    for how, sent in (("release", 1), ("drop", 0)):
        change = HoldChange.model_validate({"id": how, "at": line.now, "hold": hold, "lift": how})
        assert len(lift(line.here, change, Rules(policy()), line.now).dispatches) == sent


def test_the_hold_ends_by_itself() -> None:
    line = flooded(Level.YELLOW)
    line.pass_to(timedelta(hours=24))
    assert [out.action for out in line.sent()] == [Action.SMS]


def test_a_policy_knows_its_own_name_whatever_its_file_says() -> None:
    text = JILIN.read_text("utf-8").replace("[risk]\n", '[risk]\npolicy = "nothing"\n')
    found = load(text)
    assert found.risk.policy == found.hash


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("slow = 4.0 ", "slow = 14.0 ", "[breaker.slow] slow_over_sudden key=slow slow=14.0 sudden=10.0"),
        ('steady = "30m"', 'steady = "30s"', "[breaker.steady] shorter_than"),
        ('learn = "24h"', 'learn = "90h"', "too_long_together key=learn days=4"),
        ("sudden = 10.0", "sudden = 1.0", "breaker.sudden"),
    ],
)
def test_breaker_rules_that_make_no_sense_are_refused_in_words(old: str, new: str, told: str) -> None:
    text = JILIN.read_text("utf-8")
    assert old in text
    with pytest.raises(PolicyError) as refused:
        load(text.replace(old, new))
    assert told in str(refused.value)
