"""Protection after a loss: when it begins, its support calls, what ends them, and second losses."""

from datetime import datetime, timedelta

import pytest

from domain.casework import Rules
from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.policy import load
from schemas.casework.acts import SupportAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import BankState, Erase
from schemas.codes.channels import TimeOver
from schemas.codes.people import SupportTold
from schemas.codes.plan import LostAgain, NoFurtherSupport, ShieldBegun, SupportInstead
from schemas.codes.refusals import NoKnownLoss, PlanContacts
from schemas.levels import Action, Level, Outcome, Result, SupportOutcome
from schemas.people.residents import Flag
from tests.domain.builders import NOON, RESIDENT, Line, payment, policy, policy_text, profile

DAY = timedelta(days=1)
CALLS = ["support.1", "support.2", "support.3"]
UNTIL = NOON + 90 * DAY


def after_loss(level: Level = Level.RED, *flags: Flag) -> Line:
    """A case of a resident who has just reported a loss."""
    line = Line()
    line.alert(level, payment(), of=profile(*flags))
    line.victim(800_000)
    return line


def answered(line: Line, span: timedelta, result: Result = Result.ACKNOWLEDGED) -> list[str]:
    """Let time pass; every call is answered with `result`. The steps of the support calls that were made."""
    made = []
    until = line.now + span
    while line.now < until:
        for out in line.pass_to(min(line.now + timedelta(hours=1), until)):
            if out.action is Action.SUPPORT_CALL:
                made.append(out.step)
            if out.action in (Action.FOLLOW_UP, Action.SUPPORT_CALL):
                line.result(result, of=out)
    return made


def called(line: Line, days: int) -> Dispatch:
    """Let time pass; every call is answered. The next support call, just sent."""
    answered(line, days * DAY)
    while not (sent := [out for out in line.pass_to(timedelta(minutes=5)) if out.action is Action.SUPPORT_CALL]):
        assert line.now < NOON + 40 * DAY
    return sent[0]


def shield_end(line: Line) -> datetime | None:
    assert line.here.prior_loss is not None
    return line.here.prior_loss.shielded_until


def test_a_loss_begins_a_shield_of_the_policys_days_with_its_calls() -> None:
    line = after_loss()
    loss = line.here.prior_loss
    assert loss is not None
    assert (loss.at, loss.shielded_until, loss.scam_type) == (NOON, UNTIL, "impersonated_police")
    assert line.facts(FactKind.SHIELDED) == [ShieldBegun(UNTIL)]
    assert [name for name in line.states() if name.startswith("support")] == CALLS


def test_the_calls_are_on_days_3_14_and_30_at_hours_when_people_are_at_home() -> None:
    line = after_loss()
    days = [(line.step(name).due or NOON) - NOON for name in CALLS]
    assert [each.days for each in days] == [3, 14, 30]
    assert {(NOON + each + timedelta(hours=8)).hour for each in days} == {17}  # 17:30 in Jilin, after noon


def test_a_follow_up_of_the_same_day_is_left_to_the_support_call() -> None:
    line = after_loss()
    assert [name for name, state in line.states().items() if state is StepState.SKIPPED] == ["follow.2"]
    assert line.facts(FactKind.SKIPPED)[-1] == SupportInstead()


def test_every_call_is_made_once_although_the_case_closes_meanwhile() -> None:
    line = after_loss()
    assert answered(line, 40 * DAY) == CALLS
    assert line.state() is CaseState.CLOSED
    assert not [step for step in line.here.steps if step.state in (StepState.PENDING, StepState.SENT)]
    assert answered(line, 60 * DAY) == []


def test_the_call_of_a_closed_case_is_still_valid_when_the_channel_looks() -> None:
    line = after_loss()
    out = called(line, 13)
    assert line.state() is CaseState.CLOSED
    assert validity(out, line.here, out.at) is None
    assert validity(out, line.here, out.at + DAY) == ObsoleteDispatch(TimeOver())


def test_no_call_is_made_beside_a_plan_that_contacts_the_resident() -> None:
    line = after_loss()
    answered(line, 13 * DAY)
    line.alert(Level.ORANGE)
    assert line.here.open
    assert not line.here.settled
    sent = line.pass_to(2 * DAY)
    assert Action.SUPPORT_CALL not in {out.action for out in sent}
    assert line.step("support.2").state is StepState.SKIPPED
    assert PlanContacts() in line.facts(FactKind.SKIPPED)


def test_a_call_on_its_way_is_obsolete_once_the_resident_is_in_danger() -> None:
    line = after_loss()
    out = called(line, 13)
    line.alert(Level.ORANGE)
    assert validity(out, line.here, out.at) == ObsoleteDispatch(PlanContacts())


def test_a_wrong_number_is_called_no_more_and_the_shield_lasts() -> None:
    line = after_loss()
    out = called(line, 2)
    line.result(Result.WRONG_NUMBER, of=out)
    assert [line.step(name).state for name in CALLS[1:]] == [StepState.WITHDRAWN] * 2
    assert NoFurtherSupport() in line.facts(FactKind.WITHDRAWN)
    assert shield_end(line) == UNTIL


def test_after_a_wrong_number_of_a_support_call_an_operator_looks_for_the_residents_new_one() -> None:
    line = after_loss()
    line.result(Result.WRONG_NUMBER, of=called(line, 13))
    assert Action.OPERATOR_CALL in {step.action for step in line.here.steps if step.state is StepState.SENT}
    assert line.here.wrong_number_at is not None


def test_who_rejects_a_call_unseen_is_not_called_again_at_once_but_on_the_next_day_of_the_plan() -> None:
    line = after_loss()
    out = called(line, 2)
    line.result(Result.REFUSED, of=out)
    assert line.step(CALLS[0]).state is StepState.DONE
    assert [line.step(name).state for name in CALLS[1:]] == [StepState.PENDING] * 2
    assert answered(line, 35 * DAY) == CALLS[1:]


def test_who_asks_for_an_operator_is_yellow_work_on_the_desk_and_gets_nothing_else() -> None:
    line = after_loss()
    out = called(line, 13)
    decision = line.result(Result.WANTS_OPERATOR, of=out)
    assert (line.here.open, line.here.level) == (True, Level.YELLOW)
    assert [each.action for each in decision.dispatches] == [Action.OPERATOR_CALL]
    assert not [out for out in line.pass_to(timedelta(minutes=9)) if out.action is not Action.OPERATOR_CALL]
    line.dissuaded()
    assert line.state() is CaseState.DISSUADED
    assert line.step("support.3").state is StepState.PENDING


def talking() -> Line:
    """A closed case that was reopened because the resident asked for an operator in a support call."""
    line = after_loss()
    line.result(Result.WANTS_OPERATOR, of=called(line, 13))
    return line


@pytest.mark.parametrize("outcome", [SupportOutcome.ACCEPTED, SupportOutcome.NOTHING_NEW])
def test_what_came_of_the_talk_closes_its_case_and_the_next_call_stays_planned(outcome: SupportOutcome) -> None:
    line = talking()
    line.act(SupportAct(outcome=outcome, note="needs advice"))
    assert line.state() is CaseState.CLOSED
    assert SupportTold(outcome, "operator li", "needs advice") in line.facts(FactKind.NOTE)
    assert line.step("support.3").state is StepState.PENDING
    assert not [step for step in line.here.steps if step.state is StepState.SENT]


def talking_on_day_3() -> Line:
    """A defrauded resident asks for an operator in the first support call, while their case is open and the bank's stop
    is in force until day 4, 20 hours.
    """
    line = Line()
    line.alert(Level.RED, payment())
    line.victim(800_000)
    out = called(line, 2)
    line.bank(BankState.IN_FORCE, until=NOON + timedelta(days=4, hours=20))
    line.result(Result.WANTS_OPERATOR, of=out)
    return line


def test_a_talk_in_an_open_case_changes_neither_its_outcome_nor_its_level() -> None:
    line = talking_on_day_3()
    assert line.state() is CaseState.CONTACTING
    assert (line.here.outcome, line.here.level) == (Outcome.ALREADY_DEFRAUDED, Level.RED)


@pytest.mark.parametrize("outcome", [SupportOutcome.ACCEPTED, SupportOutcome.DECLINED, SupportOutcome.NOTHING_NEW])
def test_after_the_talk_an_open_case_goes_on_as_before_and_its_stop_is_extended(outcome: SupportOutcome) -> None:
    line = talking_on_day_3()
    line.act(SupportAct(outcome=outcome))
    assert (line.state(), line.here.outcome) == (CaseState.ALREADY_DEFRAUDED, Outcome.ALREADY_DEFRAUDED)
    assert line.step("follow.3").state is StepState.PENDING
    assert Action.STOP_AGAIN in {out.action for out in line.pass_to(NOON + 5 * DAY)}
    answered(line, 30 * DAY)
    assert (line.state(), line.here.outcome) == (CaseState.CLOSED, Outcome.ALREADY_DEFRAUDED)


def test_an_alert_during_the_talk_of_an_open_case_is_danger_without_an_outcome() -> None:
    line = talking_on_day_3()
    line.now += timedelta(minutes=1)
    line.alert(Level.RED, payment("bank:9"))
    assert (line.here.outcome, line.here.talk_from) == (None, None)
    assert any(step.id.startswith("red") and step.state is StepState.PENDING for step in line.here.steps)


def test_a_new_contact_by_scammers_is_evidence_and_starts_the_yellow_plan() -> None:
    line = talking()
    line.act(SupportAct(outcome=SupportOutcome.CONTACTED))
    assert SupportTold(SupportOutcome.CONTACTED, "operator li") in line.facts(FactKind.EVIDENCE)
    assert (line.here.open, line.here.level) == (True, Level.YELLOW)
    planned = {step.id.split(".")[1] for step in line.here.steps if step.id.startswith("yellow")}
    assert planned == {"sms", "call", "operator", "visit"}


def test_a_caller_whom_scammers_contacted_again_reopens_a_closed_case() -> None:
    line = after_loss()
    answered(line, 10 * DAY)
    line.act(SupportAct(outcome=SupportOutcome.CONTACTED))
    assert line.here.open
    assert any(step.id.startswith("yellow") and step.state is StepState.PENDING for step in line.here.steps)


def test_an_alert_during_the_talk_starts_the_plan() -> None:
    line = talking()
    line.now += timedelta(minutes=1)
    line.alert(Level.YELLOW, payment("bank:9"))
    assert any(step.id.startswith("yellow") and step.state is StepState.PENDING for step in line.here.steps)
    line.act(SupportAct(outcome=SupportOutcome.ACCEPTED))
    assert line.here.open


def test_the_resident_may_end_the_calls_at_any_time() -> None:
    line = after_loss()
    answered(line, 10 * DAY)
    line.act(SupportAct(outcome=SupportOutcome.DECLINED))
    assert [line.step(name).state for name in CALLS[1:]] == [StepState.WITHDRAWN] * 2
    assert line.state() is CaseState.CLOSED


def test_support_is_not_recorded_where_no_loss_is_known() -> None:
    line = Line()
    line.alert(Level.RED)
    line.act(SupportAct(outcome=SupportOutcome.ACCEPTED))
    assert line.facts(FactKind.REFUSED) == [NoKnownLoss()]


@pytest.mark.parametrize("flag", [Flag.OBJECTS_TO_CALLS, Flag.HARD_OF_HEARING])
def test_who_objects_to_automated_calls_or_cannot_hear_them_gets_none_but_is_shielded(flag: Flag) -> None:
    line = after_loss(Level.RED, flag)
    assert not [name for name in line.states() if name.startswith("support")]
    assert shield_end(line) == UNTIL


def test_erasure_ends_the_calls() -> None:
    line = after_loss()
    answered(line, 13 * DAY)
    line.give(Erase(id="erase", at=line.now, resident=RESIDENT, by="head"))
    assert line.facts(FactKind.FORGOTTEN)
    assert line.step("support.2").state is StepState.WITHDRAWN
    assert line.pass_to(40 * DAY) == []


def test_the_same_loss_told_again_begins_no_second_shield() -> None:
    line = after_loss()
    line.now += 6 * DAY
    line.victim(900_000)
    assert line.facts(FactKind.SHIELDED) == [ShieldBegun(UNTIL)]


def test_a_second_loss_counts_and_begins_a_new_shield_with_new_calls() -> None:
    line = after_loss()
    answered(line, 20 * DAY)
    at = line.now
    line.victim(1_700_000)
    assert line.facts(FactKind.LOST_AGAIN_SHIELDED) == [LostAgain(20)]
    assert shield_end(line) == at + 90 * DAY
    waiting = [step.id for step in line.here.steps if step.id.startswith("support") and step.state is StepState.PENDING]
    assert len(waiting) == 3
    assert not set(waiting) & set(CALLS)


def test_a_loss_after_90_days_is_no_second_loss() -> None:
    line = after_loss()
    answered(line, 91 * DAY)
    line.victim(1_700_000)
    assert line.facts(FactKind.LOST_AGAIN_SHIELDED) == []
    assert len(line.facts(FactKind.SHIELDED)) == 2


def test_a_new_case_of_the_resident_keeps_the_shield() -> None:
    line = after_loss()
    answered(line, 50 * DAY)
    line.alert(Level.YELLOW)
    assert line.here.number == 2
    assert shield_end(line) == UNTIL


def without_shield() -> Line:
    text = policy_text()
    start, end = (
        text.index("[shield]\n"),
        text.index("# -------------------------------------------------------------- retention"),
    )
    line = Line()
    line.rules = Rules(load(text[:start] + text[end:]))
    return line


def test_without_a_shield_in_the_policy_losses_are_counted_and_nobody_is_called() -> None:
    line = without_shield()
    line.alert(Level.RED, payment())
    line.victim(800_000)
    assert shield_end(line) is None
    assert not [name for name in line.states() if name.startswith("support")]
    line.now += 20 * DAY
    line.victim(1_700_000)
    assert line.facts(FactKind.LOST_AGAIN_UNSHIELDED) == [LostAgain(20)]


def test_calls_planned_under_a_policy_with_a_shield_are_skipped_under_one_without() -> None:
    line = after_loss()
    answered(line, 13 * DAY)
    line.rules = without_shield().rules
    assert line.pass_to(30 * DAY) == []
    assert [line.step(name).state for name in CALLS[1:]] == [StepState.SKIPPED] * 2


def test_a_dissuaded_resident_has_no_shield() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(seconds=90))
    line.dissuaded()
    assert line.here.prior_loss is None


def test_a_loss_told_at_the_door_or_by_telephone_begins_it_too() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(seconds=90))
    line.outcome(Outcome.ALREADY_DEFRAUDED, lost_fen=500_000)
    assert line.facts(FactKind.SHIELDED) == [ShieldBegun(line.now + policy_days())]


def policy_days() -> timedelta:
    rules = policy().shield
    assert rules is not None
    return rules.lasts
