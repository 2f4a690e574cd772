"""A case gets its arm when its plan begins; the arm changes the text and the times, and nothing else."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.casework import decide
from domain.dispatches.messages import render
from domain.experiments.in_case import wording_of
from domain.policy.experiments.plan import ExperimentPlan
from schemas.casework.cases import Case, Step
from schemas.casework.experiments import MOST_EXPERIMENTS
from schemas.codes.plan import AssignedToArm
from schemas.levels import Action, Level
from schemas.people.residents import Flag, Language
from tests.domain.builders import NOON, Line, alert, danger, profile
from tests.domain.experiments.plans import SHORT_KO, WORDING, plan

ONLY_SHORT = {"usual": {"weight": 0.05}, "short": {"weight": 0.95, "sms": WORDING}}
CERTAIN = {"floor": 0.05, "arms": ONLY_SHORT, "minimal_effect": 0.3}
"""A plan under which this test's resident has the arm: its weight is 0.95."""


class Experimenting(Line):
    """A case under a policy with experiments."""

    def __init__(self, **experiments: ExperimentPlan) -> None:
        super().__init__()
        self.put(experiments)

    def put(self, experiments: Mapping[str, ExperimentPlan]) -> None:
        policy = self.rules.policy.model_copy(update={"experiments": experiments})
        self.rules = replace(self.rules, policy=policy)


def steps(case: Case) -> dict[str, Step]:
    return {step.id: step for step in case.steps}


def words(line: Line, language: Language = Language.CHINESE, flags: Collection[Flag] = ()) -> str:
    policy, sms = line.rules.policy, line.last(Action.SMS)
    return render(policy.messages, sms, language, "13900000123", "123456", wording_of(policy.experiments, sms, flags))


def test_the_arm_is_in_the_journal_before_its_text_goes_out() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    decision = line.alert(Level.YELLOW)
    assert decision.dispatches == []
    assert AssignedToArm("wording", "short") in [fact.what for fact in decision.facts]
    assert (line.here.experiments["wording"].arm, line.here.experiments["wording"].propensity) == ("short", 0.95)
    line.pass_to(timedelta(minutes=10))
    assert line.last(Action.SMS).arm == "wording/short"
    assert words(line) == WORDING["zh"]["default"].format(tail="0123", code="123456")
    assert words(line, Language.KOREAN) == SHORT_KO.format(tail="0123", code="123456")


def test_a_replay_gives_the_same_arm_and_the_same_case() -> None:
    one, other = Experimenting(wording=plan(**CERTAIN)), Experimenting(wording=plan(**CERTAIN))
    for line in (one, other):
        line.alert(Level.YELLOW)
        line.pass_to(timedelta(hours=2))
    assert one.here == other.here
    assert one.sent() == other.sent()


@pytest.mark.parametrize("level", [Level.ORANGE, Level.RED])
def test_graver_cases_are_never_assigned(level: Level) -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(level)
    assert line.here.experiments == {}


def test_the_control_and_a_policy_without_experiments_send_the_same() -> None:
    usual = {"usual": {"weight": 0.95}, "short": {"weight": 0.05, "sms": WORDING}}
    without, control = Line(), Experimenting(wording=plan(**CERTAIN | {"arms": usual}))
    for line in (without, control):
        line.alert(Level.YELLOW)
        line.pass_to(timedelta(days=3))
    assert control.here.experiments["wording"].arm == "usual"
    assert control.sent() == without.sent()


def test_an_arm_brings_a_visit_forward_and_leaves_every_other_step_as_it_is() -> None:
    arms = {"usual": {"weight": 0.05}, "today": {"weight": 0.95, "after": {"visit": "4h"}}}
    without, line = Line(), Experimenting(visit=plan(**CERTAIN | {"arms": arms, "levels": ["yellow"]}))
    for each in (without, line):
        each.alert(Level.YELLOW)
    before, now = steps(without.here), steps(line.here)
    visit = now.pop("yellow.visit").due
    assert visit
    assert NOON + timedelta(hours=4) <= visit < (before.pop("yellow.visit").due or NOON)
    assert now == before


def test_a_case_that_gets_graver_leaves_the_arm_but_keeps_its_assignment() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.YELLOW)
    line.alert(Level.ORANGE)
    line.pass_to(timedelta(minutes=10))
    assert line.here.experiments["wording"].arm == "short"
    assert {each.arm for each in line.sent()} == {None}


def test_during_a_live_call_the_policys_own_text_is_sent() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.YELLOW)
    line.alert(Level.YELLOW, found=danger(Level.YELLOW, "new", call_since=NOON))
    line.pass_to(timedelta(minutes=10))
    assert line.last(Action.SMS).arm is None


def test_once_an_experiment_is_stopped_its_text_is_sent_no_more() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(minutes=4))
    sent = words(line)
    line.put({"wording": plan(**CERTAIN, stopped_at=NOON.isoformat())})
    assert words(line) != sent  # also of a dispatch that is on its way
    line.put({})
    assert words(line) != sent
    line.pass_to(timedelta(hours=6))
    assert {each.arm for each in line.sent()[1:]} == {None}


def test_who_objects_after_the_assignment_gets_the_policys_own_text() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.YELLOW)
    line.pass_to(timedelta(minutes=4))
    assert line.last(Action.SMS).arm == "wording/short"
    assert words(line, flags=[Flag.OBJECTS_TO_EXPERIMENTS]) != words(line)  # of a dispatch that is on its way
    line.case = line.here.model_copy(update={"profile": profile(Flag.OBJECTS_TO_EXPERIMENTS)})
    line.pass_to(timedelta(hours=6))
    assert len(line.sent()) > 1
    assert {each.arm for each in line.sent()[1:]} == {None}


def test_who_takes_back_a_recorded_consent_gets_the_policys_own_text() -> None:
    line = Experimenting(wording=plan(**CERTAIN, consent="recorded", waiver=None))
    line.alert(Level.YELLOW, of=profile(Flag.AGREES_TO_EXPERIMENTS))
    assert line.here.experiments["wording"].arm == "short"
    line.case = line.here.model_copy(update={"profile": profile()})
    line.pass_to(timedelta(minutes=4))
    assert line.last(Action.SMS).arm is None
    assert "wording" in line.here.experiments


def test_a_second_alert_does_not_assign_the_case_again() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.BLUE)
    first = line.here.experiments
    line.now += timedelta(hours=1)
    line.alert(Level.YELLOW)
    assert line.here.experiments == first


def test_a_case_with_eight_assignments_joins_no_further_experiment_and_stays_readable() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    line.alert(Level.BLUE)
    given = line.here.experiments["wording"]
    held = {f"old{number}": given for number in range(MOST_EXPERIMENTS)}
    line.case = line.here.model_copy(update={"experiments": held})
    line.alert(Level.YELLOW)
    assert line.here.experiments == held
    assert Case.model_validate_json(line.here.model_dump_json()) == line.here


def test_the_decision_depends_on_its_arguments_only() -> None:
    line = Experimenting(wording=plan(**CERTAIN))
    given = alert(Level.YELLOW)
    assert decide(None, given, line.rules, NOON) == decide(None, given, line.rules, NOON)


def test_a_household_is_in_the_journal_as_the_unit_of_its_members() -> None:
    line = Experimenting(wording=plan(unit="household"))
    line.alert(Level.YELLOW, household="a" * 26)
    (unit,) = (given.unit for given in line.here.experiments.values())
    assert unit not in (line.here.resident, "a" * 26)
