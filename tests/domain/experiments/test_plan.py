"""A plan that breaks a condition cannot be registered, and one that fits states its power in advance."""

from typing import Any

import pytest
import tomlkit
from pydantic import ValidationError

from domain.experiments.outcomes import analysis_of
from domain.policy import PolicyError, load
from domain.policy.experiments.publishing import (
    ExperimentRefusal,
    ExperimentRefusedError,
    altered,
    check_experiments,
)
from domain.policy.faults import FaultCode
from tests.domain.builders import policy_text
from tests.domain.experiments.plans import ENDS, STARTS, WORDING, approval, fields, plan

USUAL = {"weight": 0.5}


def _arms(**arm: object) -> dict[str, Any]:
    return {"arms": {"usual": USUAL, "short": {"weight": 0.5, **arm}}}


def _policy(**experiments: object) -> str:
    return policy_text() + tomlkit.dumps({"experiments": experiments})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"levels": ["orange"]}, "literal_error"),
    ({"levels": ["red", "yellow"]}, "literal_error"),
    ({"levels": []}, "too_short"),
    ({"ethics": approval() | {"on": "2026-03-02"}}, FaultCode.STARTS_BEFORE_APPROVAL),
    ({"registered_on": "2026-04-01"}, FaultCode.STARTS_BEFORE_APPROVAL),
    ({"waiver": None}, FaultCode.KEYS_MISSING),
    ({"control": "other"}, FaultCode.KEYS_MISSING),
    ({"arms": {"usual": USUAL | {"sms": WORDING}, "short": USUAL | {"sms": WORDING}}}, FaultCode.CONTROL_CHANGES),
    (_arms(), FaultCode.ARM_CHANGES_NOTHING),
    ({"arms": {"usual": USUAL, "short": {"weight": 0.4, "sms": WORDING}}}, FaultCode.WEIGHTS_NOT_ONE),
    ({"arms": {"usual": {"weight": 0.95}, "short": {"weight": 0.05, "sms": WORDING}}}, FaultCode.NOT_BETWEEN),
    ({"ends": "2026-02-01T00:00:00+00:00"}, FaultCode.NOT_BETWEEN),
    ({"ends": "2026-03-20T00:00:00+00:00"}, FaultCode.UNDERPOWERED),
    ({"unit": "hour"}, FaultCode.KEYS_MISSING),
    ({"unit": "hour", "block": "30m"}, FaultCode.NOT_BETWEEN),
    ({"unit": "station", "block": "1d"}, FaultCode.NOT_BETWEEN),
    ({"alpha": 0.5}, "less_than_equal"),
    ({"harm": {"margin": 0.06, "alpha": 0.05}}, FaultCode.NOT_BETWEEN),  # above the minimal effect
    ({"harm": {"margin": 0.0, "alpha": 1e-9}}, "greater_than_equal"),
    ({"harm": {"margin": 0.0, "alpha": 0.5}}, "less_than_equal"),
]


@pytest.mark.parametrize(("changes", "code"), WRONG)
def test_a_plan_that_breaks_a_condition_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        plan(**changes)
    assert code in [error["type"] for error in raised.value.errors()]


@pytest.mark.parametrize("missing", ["ethics", "registered_by", "harm", "seed", "consent"])
def test_a_plan_without_approval_registration_or_harm_rule_is_refused(missing: str) -> None:
    left = {name: value for name, value in fields().items() if name != missing}
    with pytest.raises(PolicyError) as raised:
        load(_policy(wording=left))
    assert (FaultCode.MISSING, f"experiments.wording.{missing}") in [
        (fault.code, fault.where) for fault in raised.value.faults
    ]


def test_a_plan_in_the_policy_states_how_many_units_and_days_it_needs() -> None:
    needed = load(_policy(wording=fields(floor=0.5))).experiments["wording"].needed()
    assert (needed.units, round(needed.days)) == (1947, 49)
    lower = load(_policy(wording=fields(floor=0.1))).experiments["wording"].needed()
    assert (lower.units, round(lower.days)) == (2593, 65)
    assert needed.usual_units < needed.units


@pytest.mark.parametrize(
    ("arm", "code"),
    [
        ({"after": {"sms": "4m"}}, FaultCode.LATER_THAN_PLAN),  # yellow's is due after 3 minutes
        ({"after": {"letter": "1m"}}, FaultCode.LATER_THAN_PLAN),
        ({"sms": WORDING | {"zh": {"default": WORDING["zh"]["default"] + "请" * 200}}}, FaultCode.TOO_MANY_SEGMENTS),
        ({"sms": {"zh": {"default": "请点 www.a.cn"}, "ko": WORDING["ko"]}}, FaultCode.PLACEHOLDER_MISSING),
    ],
)
def test_no_arm_delays_a_warning_or_sends_an_unsound_text(arm: dict[str, Any], code: FaultCode) -> None:
    with pytest.raises(PolicyError) as raised:
        load(_policy(wording=fields(**_arms(**arm))))
    assert [fault.code for fault in raised.value.faults] == [code]


def test_a_step_may_come_earlier() -> None:
    sooner = fields(levels=["yellow"], **_arms(after={"visit": "4h"}))
    assert load(_policy(visit=sooner)).experiments["visit"].arms["short"].changes


def test_only_one_experiment_runs_for_a_level_at_a_time() -> None:
    with pytest.raises(PolicyError) as raised:
        load(_policy(one=fields(), two=fields(levels=["blue"])))
    assert [fault.code for fault in raised.value.faults] == [FaultCode.EXPERIMENTS_OVERLAP]
    over = fields(stopped_at="2026-04-01T00:00:00+00:00")
    later = fields(starts="2026-04-01T00:00:00+00:00", ends="2026-07-01T00:00:00+00:00")
    assert set(load(_policy(one=over, two=later)).experiments) == {"one", "two"}


def test_a_plan_that_has_started_may_only_be_stopped_or_assigned_otherwise() -> None:
    before = {"wording": plan()}
    weights = {"usual": {"weight": 0.4}, "short": {"weight": 0.6, "sms": WORDING}}
    assert altered(before, {"wording": plan(stopped_at=ENDS.isoformat(), arms=weights)}, ENDS) == []
    assert altered(before, {}, ENDS) == []
    assert altered(before, {"wording": plan(minimal_effect=0.06)}, ENDS) == ["wording"]
    assert altered(before, {"wording": plan(minimal_effect=0.06)}, STARTS.replace(year=2025)) == []


def test_nobody_is_assigned_before_the_start_after_the_end_or_after_a_stop() -> None:
    stopped = plan(stopped_at="2026-04-01T00:00:00+00:00")
    assert plan().runs_at(STARTS)
    assert not plan().runs_at(ENDS)
    assert not stopped.runs_at(ENDS.replace(month=5))


def _refused(text: str, *earlier: str, persons: tuple[str, ...] = ("li", "wang")) -> ExperimentRefusal | None:
    try:
        check_experiments(text, load(text), map(load, earlier), persons, STARTS)
    except ExperimentRefusedError as error:
        return error.code
    return None


def test_two_persons_start_an_experiment_and_one_may_stop_it() -> None:
    running, over = _policy(wording=fields()), _policy(wording=fields(stopped_at=STARTS.isoformat()))
    assert _refused(running, policy_text(), persons=("li",)) is ExperimentRefusal.ONE_PERSON
    assert _refused(running, policy_text(), persons=("li", "li")) is ExperimentRefusal.ONE_PERSON
    assert _refused(running, policy_text()) is None
    assert _refused(over, running, persons=("li",)) is None
    assert _refused(running, running, persons=("li",)) is None  # another part of the policy has changed


def test_a_stop_in_the_future_is_refused_and_would_not_let_the_experiment_run() -> None:
    ahead = _policy(wording=fields(stopped_at=ENDS.isoformat()))
    assert _refused(ahead, policy_text()) is ExperimentRefusal.STOP_AHEAD
    assert _refused(ahead, _policy(wording=fields()), persons=("li",)) is ExperimentRefusal.STOP_AHEAD
    assert not plan(stopped_at=ENDS.isoformat()).runs_at(STARTS)


def test_a_change_before_the_start_needs_a_second_person_again() -> None:
    later = {"starts": STARTS.replace(day=2).isoformat()}
    approved = _policy(wording=fields(**later))
    changed = _policy(wording=fields(**later, cap_fen=1_000_000))
    assert _refused(changed, approved, persons=("li",)) is ExperimentRefusal.ONE_PERSON
    assert _refused(_policy(wording=fields()), approved, persons=("li",)) is ExperimentRefusal.ONE_PERSON
    assert _refused(changed, approved) is None
    assert _refused(approved, approved, persons=("li",)) is None


def test_weights_may_follow_the_outcomes_and_a_new_plan_must_have_its_power_with_its_weights() -> None:
    arms = {"usual": {"weight": 0.9}, "short": {"weight": 0.1, "sms": WORDING}}
    ends = {"ends": STARTS.replace(month=6).isoformat()}
    even, uneven = _policy(wording=fields(**ends)), _policy(wording=fields(**ends, arms=arms))
    assert _refused(uneven, policy_text()) is ExperimentRefusal.UNDERPOWERED
    assert _refused(uneven, even, persons=("li",)) is None
    one, other = plan(**ends), plan(**ends, arms=arms)
    assert analysis_of(one) == analysis_of(other)  # the planned number of units does not follow the weights


def test_a_stopped_experiment_never_goes_on_even_if_it_was_left_out_meanwhile() -> None:
    running, over = _policy(wording=fields()), _policy(wording=fields(stopped_at=STARTS.isoformat()))
    assert _refused(running, over, running) is ExperimentRefusal.ALTERED
    assert _refused(running, policy_text(), over, running) is ExperimentRefusal.ALTERED


def test_an_experiment_that_no_line_can_stop_does_not_start() -> None:
    table = tomlkit.inline_table()
    table.update(fields())
    inline = f"experiments.wording = {table.as_string()}\n{policy_text()}"
    assert _refused(inline, policy_text()) is ExperimentRefusal.UNSTOPPABLE
