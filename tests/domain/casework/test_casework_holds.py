"""Mutes and the stop for all outgoing contact: held back, counted, let go or dropped."""

from datetime import timedelta

import pytest

from domain.casework import has_held, lift
from domain.casework.holds import touched
from schemas.casework.acts import CloseAct, ReleaseStopAct
from schemas.casework.cases import StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState, Hold, HoldChange
from schemas.codes.plan import HeldBack, HoldOver
from schemas.levels import Action, Channel, Level, Result
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, danger, hold, payment, profile, rules


def change(held: Hold, how: str) -> HoldChange:
    return HoldChange.model_validate({"id": f"{how}:{held.id}", "at": NOON, "hold": held, "lift": how})


def test_a_stop_for_all_holds_each_step_back_as_it_falls_due_and_counts_it() -> None:
    line = Line(hold(until=NOON + timedelta(hours=1)))
    decision = line.alert(Level.RED, payment())
    assert decision.dispatches == []
    assert line.facts(FactKind.HELD) == [HeldBack("mute", "a test of the line")]
    assert line.step("red.sms").due == NOON + timedelta(hours=1)
    assert has_held(line.here)


@pytest.mark.parametrize(
    ("named", "held"),
    [
        ({"channel": Channel.SMS}, True),
        ({"channel": Channel.PHONE}, False),
        ({"action": Action.FLASH_SMS}, True),
        ({"action": Action.SMS}, False),
        ({"scam_type": "impersonated_police"}, True),
        ({"scam_type": "loans"}, False),
        ({"campaign": "c-1"}, False),
        ({"area": "2201"}, True),
        ({"area": "2202"}, False),
        ({"channel": Channel.SMS, "area": "2202"}, False),
        ({"spare_red": True}, False),
        ({}, True),
    ],
)
def test_a_hold_keeps_back_what_fits_all_that_it_names(named: dict[str, object], held: bool) -> None:
    line = Line(hold().model_copy(update=named))
    line.alert(Level.RED, of=profile(division="220104"))
    assert (line.step("red.sms").state is StepState.HELD) == held


def test_a_hold_of_a_campaign_keeps_its_cases_back() -> None:
    line = Line(hold(campaign="c-1"))
    line.alert(Level.RED, found=danger(Level.RED).model_copy(update={"campaign": "c-1"}))
    assert line.step("red.sms").state is StepState.HELD


def test_a_hold_that_has_run_out_lets_its_steps_go() -> None:
    line = Line(hold(until=NOON + timedelta(minutes=1), channel=Channel.SMS))
    line.alert(Level.RED)
    sent = line.pass_to(timedelta(minutes=1))
    assert Action.FLASH_SMS in {out.action for out in sent}
    assert line.facts(FactKind.RELEASED) == [HoldOver()]


def test_a_hold_that_has_run_out_under_another_one_goes_on_waiting() -> None:
    longer = hold("longer", NOON + timedelta(hours=5), channel=Channel.SMS)
    line = Line(hold(until=NOON + timedelta(minutes=1), channel=Channel.SMS))
    line.alert(Level.RED)
    line.rules = rules(longer)
    line.fire("red.sms")
    assert (line.step("red.sms").state, line.step("red.sms").due) == (StepState.HELD, longer.until)


def test_a_lifted_hold_lets_its_steps_go_one_after_the_other() -> None:
    everything = hold(until=NOON + timedelta(hours=2))
    line = Line(everything)
    line.alert(Level.RED)
    line.pass_to(timedelta(minutes=1, seconds=40))
    assert {name for name, state in line.states().items() if state is StepState.HELD} == {
        "red.sms",
        "red.call",
        "red.operator",
    }
    decision = lift(line.here, change(everything, "release"), rules(), line.now)
    assert [out.action for out in decision.dispatches] == [Action.FLASH_SMS]
    assert decision.case is not None
    steps = {step.id: step for step in decision.case.steps}
    assert steps["red.call"].state is StepState.SKIPPED, "an operator is due as well"
    assert steps["red.operator"].due == line.now + timedelta(seconds=30)


def test_what_another_hold_keeps_back_stays_held_when_one_is_lifted() -> None:
    mute, other = hold(channel=Channel.SMS), hold("other", channel=Channel.SMS)
    line = Line(mute, other)
    line.alert(Level.RED)
    decision = lift(line.here, change(mute, "release"), rules(other), line.now)
    assert decision.facts == []
    assert decision.case is line.here


def test_a_hold_lifted_by_dropping_drops_what_it_held() -> None:
    mute = hold(channel=Channel.SMS)
    line = Line(mute)
    line.alert(Level.RED)
    decision = lift(line.here, change(mute, "drop"), rules(), line.now)
    assert [fact.kind for fact in decision.facts] == [FactKind.DROPPED]
    assert decision.dispatches == []


def test_a_dissuaded_residents_held_steps_are_withdrawn() -> None:
    line = Line(hold(channel=Channel.SMS))
    line.alert(Level.RED)
    line.dissuaded()
    assert line.step("red.sms").state is StepState.WITHDRAWN


def test_a_hold_touches_the_open_steps_that_it_names_and_no_clock_of_the_case() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    assert touched(hold(channel=Channel.SMS), line.here) == 0, "it has gone out at once"
    assert touched(hold(action=Action.OPERATOR_CALL), line.here) == 1
    assert touched(hold(area="2202"), line.here) == 0
    assert touched(hold(), line.here) == len([step for step in line.here.steps if step.state is StepState.PENDING])
    line.act(CloseAct(do="close", reason="over"))
    assert touched(hold(), line.here) == 0


def test_no_hold_keeps_back_a_request_to_lift_a_stop_nor_drops_it() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    stop = hold(until=line.now + timedelta(days=7))
    line.rules = rules(stop)
    lift = ReleaseStopAct(transfer="bank:1", reason="经核实系正常交易", asked_by="li", request="r1")
    line.act(lift, "zhou", role=StaffRole.RELEASE_DESK)
    assert line.last(Action.STOP_RELEASE).step == "release.0"
    line.result(Result.FAILED, Action.STOP_RELEASE)
    line.give(change(stop, "drop"))
    assert line.step("release.0").state is StepState.PENDING
