"""A level's steps and clocks, and how a policy file says them."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.policy.faults import FaultCode
from domain.policy.plan import FATES, Condition, Hours, Plan, StepRule, Table, Window, Word
from domain.policy.schedule import (
    allowed,
    at_home,
    conditions,
    level_of,
    rule_of,
    steps_for,
    table_of,
    weaker,
    words_after,
)
from schemas.levels import Action, Level, Result
from schemas.people.residents import Flag
from tests.domain.builders import policy, profile

PLAN = policy().plan
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
ALL = frozenset(Condition)


def names(level: Level, holding: frozenset[Condition] = ALL) -> dict[str, StepRule]:
    return dict(steps_for(PLAN.levels[level], holding))


def test_red_keeps_the_clocks_of_the_design() -> None:
    steps = names(Level.RED)
    after = {name: rule.after for name, rule in steps.items()}
    assert after["sms"] == timedelta(0)
    assert after["call"] <= timedelta(seconds=30)
    assert after["operator"] <= timedelta(minutes=2)
    assert after["visit"] <= timedelta(minutes=3)
    assert after["stop"] <= timedelta(minutes=5)
    assert steps["operator"].again == timedelta(minutes=5)
    assert PLAN.levels[Level.RED].follow_ups == (timedelta(hours=24), timedelta(hours=72), timedelta(days=7))


@pytest.mark.parametrize(
    ("level", "sms", "call", "visit"),
    [
        (Level.ORANGE, timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=24)),
        (Level.YELLOW, timedelta(minutes=5), timedelta(hours=12), timedelta(hours=72)),
    ],
)
def test_orange_and_yellow_keep_the_clocks_of_the_design(
    level: Level, sms: timedelta, call: timedelta, visit: timedelta
) -> None:
    steps = names(level)
    assert steps["sms"].after <= sms
    assert steps["call"].after <= steps["operator"].after <= call
    assert steps["visit"].after <= visit


def test_blue_has_an_sms_within_half_an_hour_and_a_robot_and_nothing_more() -> None:
    steps = names(Level.BLUE)
    assert {rule.action for rule in steps.values()} == {Action.SMS, Action.ROBOT_CALL}
    assert steps["sms"].after <= timedelta(minutes=30)
    assert PLAN.levels[Level.BLUE].follow_ups == ()


def test_stop_payments_are_planned_only_when_money_is_at_risk() -> None:
    assert "stop" not in names(Level.RED, ALL - {Condition.MONEY_AT_RISK})


def test_conditions_come_from_the_resident_and_the_money() -> None:
    assert conditions(profile(contacts=1), money_at_risk=True) == ALL
    flags = (Flag.OBJECTS_TO_CALLS, Flag.HARD_OF_HEARING)
    assert conditions(profile(*flags), money_at_risk=False) == frozenset()


@given(MOMENTS, st.sampled_from(Level))
def test_nothing_goes_out_at_night_at_a_level_that_is_quiet(moment: datetime, level: Level) -> None:
    due = allowed(moment, PLAN, PLAN.levels[level], Action.SMS)
    hour = (due + timedelta(hours=8)).hour
    assert moment <= due <= moment + timedelta(hours=9)
    assert due == moment or PLAN.levels[level].quiet
    assert 7 <= hour < 22 or not PLAN.levels[level].quiet


@given(MOMENTS)
def test_a_visit_at_home_is_early_in_the_morning_or_in_the_evening(moment: datetime) -> None:
    due = at_home(moment, PLAN)
    local = (due + timedelta(hours=8)).time()
    assert moment <= due <= moment + timedelta(hours=10)
    assert any(window.start <= local < window.end for window in PLAN.home)


def test_a_bank_is_asked_at_any_hour() -> None:
    midnight = datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert allowed(midnight, PLAN, PLAN.levels[Level.YELLOW], Action.STOP_PAYMENT) == midnight


@given(st.sampled_from(Action), st.sampled_from(Result))
def test_every_result_of_every_action_decides_on_the_step_once(action: Action, result: Result) -> None:
    assert len(FATES.intersection(words_after(PLAN, action, result))) == 1


def test_a_result_that_the_policy_does_not_name_leaves_the_step_waiting() -> None:
    assert Result.SENT not in table_of(PLAN, Action.SMS)
    assert words_after(PLAN, Action.SMS, Result.SENT) == (Word.WAIT,)


def test_a_step_that_a_newer_policy_has_dropped_gets_no_further_attempt() -> None:
    rule = rule_of(PLAN, "red.balloon", Action.SMS)
    assert (rule.attempts, rule.result_within) == (1, timedelta(hours=1))


def test_a_later_round_of_a_step_goes_by_the_same_rule() -> None:
    assert rule_of(PLAN, "red.operator.17", Action.OPERATOR_CALL) == PLAN.levels[Level.RED].steps["operator"]
    assert level_of("red.operator.17") is Level.RED
    assert level_of("asked.operator") is None


def test_an_operator_is_stronger_than_the_robot_and_nothing_is_stronger_than_itself() -> None:
    assert weaker(Action.ROBOT_CALL, Action.OPERATOR_CALL)
    assert not weaker(Action.SMS, Action.OPERATOR_CALL)
    assert not any(weaker(action, action) for action in Action)


def test_hours_are_read_as_they_are_written() -> None:
    assert TypeAdapter(Hours).validate_python("22:00-07:30") == Window(time(22), time(7, 30))


@pytest.mark.parametrize("text", ["22-07", "25:00-07:00", "22:00-22:00", ""])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=FaultCode.HOURS_FORMAT):
        TypeAdapter(Hours).validate_python(text)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"bussy": ["again"]}, FaultCode.UNKNOWN_RESULT),
        ({"busy": ["visit"]}, FaultCode.NOT_ONE_FATE),
        ({"busy": ["again", "done"]}, FaultCode.NOT_ONE_FATE),
        ({"used_up": ["again"]}, FaultCode.NOT_ONE_FATE),
    ],
)
def test_a_table_of_results_that_makes_no_sense_is_refused(table: dict[str, list[str]], code: FaultCode) -> None:
    with pytest.raises(ValidationError, match=code):
        TypeAdapter(Table).validate_python(table)


def test_a_plan_without_a_level_is_refused() -> None:
    with pytest.raises(ValidationError, match=FaultCode.KEYS_MISSING):
        Plan.model_validate(
            {**dict(PLAN), "levels": {}, "quiet": "22:00-07:00", "home": ["06:30-08:00"], "utc": "+08:00"}
        )
