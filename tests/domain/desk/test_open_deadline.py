from datetime import datetime

import pytest

from domain.desk.open_deadline import (
    EXPIRES_WITHIN,
    NEXT_SHOWN,
    MainAct,
    coming_steps,
    deadline,
    expires_soon,
    goes_no_more,
    main_act,
    own_deadline,
    sooner_deadline,
)
from domain.wording.labels import of_deadline
from schemas.casework.cases import Case, CaseState, Step, StepState, Stop, StopState
from schemas.casework.orders import OrderState, StopOrder
from schemas.codes.money import CanStillBeStopped
from schemas.levels import Action, Level
from tests.domain.builders import NOON, payment
from tests.domain.casework.test_triage import DUE, MINUTE, case, on_desk


def due_at(given: Case) -> datetime | None:
    """The time of a case's nearest deadline."""
    nearest = deadline(given)
    return nearest.at if nearest else None


def test_the_time_left_is_that_of_the_clock_that_runs_out_first() -> None:
    stopped = payment().model_copy(update={"stop": Stop(state=StopState.IN_FORCE, until=DUE - MINUTE)})
    lifted = payment().model_copy(update={"stop": Stop(state=StopState.RELEASED, until=NOON)})
    assert due_at(case(Level.RED, steps=on_desk(), payments=[stopped, lifted])) == DUE - MINUTE
    assert due_at(case(Level.RED, steps=on_desk(), traced=[stopped])) == DUE - MINUTE
    assert due_at(case(Level.RED, steps=on_desk(), payments=[lifted])) == DUE
    assert due_at(case(Level.RED, steps=[])) is None


def test_the_nearest_unfinished_step_is_the_deadline_also_when_it_is_not_an_operators_call() -> None:
    stop = Step(id="red.stop", action=Action.STOP_PAYMENT, state=StepState.PENDING, due=NOON + MINUTE)
    over = Step(id="red.sms", action=Action.SMS, state=StepState.DONE, due=None)
    nearest = deadline(case(Level.RED, steps=[*on_desk(), over, stop]))
    assert nearest is not None
    assert (nearest.at, nearest.step) == (NOON + MINUTE, stop)


def test_a_stop_in_force_that_ends_first_is_a_deadline_without_a_step() -> None:
    stopped = payment().model_copy(update={"stop": Stop(state=StopState.IN_FORCE, until=DUE - MINUTE)})
    nearest = deadline(case(Level.RED, steps=on_desk(), payments=[stopped]))
    assert nearest is not None
    assert (nearest.at, nearest.step) == (DUE - MINUTE, None)


def timer(name: str, action: Action) -> Step:
    return Step(id=name, action=action, state=StepState.PENDING, due=NOON)


def test_a_reminder_or_a_question_to_a_bank_is_no_deadline() -> None:
    stopped = payment().model_copy(update={"stop": Stop(state=StopState.IN_FORCE, until=DUE + MINUTE)})
    timers = [timer("clock.stop.0", Action.STOP_AGAIN), timer("clock.ask.stop.0", Action.STOP_STATUS)]
    assert due_at(case(Level.RED, steps=timers, payments=[stopped])) == DUE + MINUTE
    assert due_at(case(Level.RED, steps=[*on_desk(), *timers], payments=[stopped])) == DUE


def test_an_automatic_order_is_due_when_it_lapses_and_not_at_its_reminder() -> None:
    order = StopOrder(
        step="stop.0",
        number="吉公止〔2026〕1号",
        transfer="bank:1",
        payee="p",
        amount_fen=1,
        hours=48,
        action=Action.STOP_PAYMENT,
        state=OrderState.APPROVED,
        ground=CanStillBeStopped(),
        asked_at=NOON,
        due=NOON,
        persons=1,
        confirm_by=NOON + 30 * MINUTE,
    )
    given = case(Level.RED, steps=[timer("clock.ok.stop.0", Action.STOP_PAYMENT)], orders=[order])
    nearest = deadline(given)
    assert nearest is not None
    assert (nearest.at, of_deadline(nearest.step)) == (NOON + 30 * MINUTE, "自动止付确认时限")


def test_while_an_operator_has_the_case_the_clock_is_that_of_their_own_call() -> None:
    stop = Step(id="red.stop", action=Action.STOP_PAYMENT, state=StepState.PENDING, due=NOON)
    given = case(Level.RED, steps=[*on_desk(), stop], claimed_by="op1")
    own = own_deadline(given, "op1")
    assert own is not None
    assert own.step is not None
    assert (own.at, own.step.action) == (DUE, Action.OPERATOR_CALL)
    assert own_deadline(given, "op2") == deadline(given), "another reader sees what runs out first"
    called = given.model_copy(update={"steps": [stop]})
    assert own_deadline(called, "op1") == deadline(called), "their call is over"


def test_a_step_that_ends_before_their_own_call_is_told_beside_it() -> None:
    for due, sooner in ((NOON, True), (DUE + MINUTE, False)):
        relative = Step(id="red.contact", action=Action.CONTACT_CALL, state=StepState.PENDING, due=due)
        given = case(Level.RED, steps=[*on_desk(), relative], claimed_by="op1")
        nearest = sooner_deadline(given, "op1")
        assert (nearest is not None) is sooner
        assert nearest is None or (nearest.at, nearest.step) == (NOON, relative)
        assert sooner_deadline(given, "op2") is None, "another reader sees the nearest alone"
    assert sooner_deadline(case(Level.RED, steps=[]), "op1") is None


def test_a_deadline_expires_soon_from_a_minute_before_it_on() -> None:
    given = case(Level.RED, steps=on_desk())
    assert not expires_soon(deadline(given), DUE - EXPIRES_WITHIN)
    assert expires_soon(deadline(given), DUE - EXPIRES_WITHIN / 2)
    assert expires_soon(deadline(given), DUE + MINUTE), "an overdue one does not leave the list"
    assert not expires_soon(deadline(case(Level.RED, steps=[])), DUE)


def waits(name: str, action: Action, due: datetime, **more: object) -> Step:
    """A step that has not gone out yet."""
    return Step.model_validate({"id": name, "action": action, "state": StepState.PENDING, "due": due, **more})


def claimed(*steps: Step, **more: object) -> Case:
    """A case that op1 has claimed and must call, with these steps besides."""
    return case(Level.RED).model_copy(update={"steps": [*on_desk(), *steps], "claimed_by": "op1", **more})


def test_the_act_that_stands_out_answers_the_deadline_that_runs_out_first() -> None:
    contact = waits("red.contact", Action.CONTACT_CALL, NOON, contact=0)
    stop = waits("red.stop", Action.STOP_PAYMENT, NOON)
    late = contact.model_copy(update={"due": DUE + MINUTE})
    assert main_act(claimed(contact), "op1", may_stop=True) is MainAct.TELL_CONTACT
    assert main_act(claimed(stop), "op1", may_stop=True) is MainAct.STOP
    assert main_act(claimed(late), "op1", may_stop=True) is MainAct.CALL
    assert main_act(claimed(), "op1", may_stop=True) is MainAct.CALL


def test_a_deadline_that_nothing_at_the_desk_answers_leaves_the_call_to_the_resident() -> None:
    visit = waits("red.visit", Action.VISIT, NOON)
    told = waits("red.contact", Action.CONTACT_CALL, NOON, contact=0, state=StepState.SENT)
    stop = waits("red.stop", Action.STOP_PAYMENT, NOON)
    for given in (claimed(visit), claimed(told), claimed(stop)):
        assert main_act(given, "op1", may_stop=False) is MainAct.CALL


def test_after_a_talk_the_result_stands_out_whatever_runs_out_first() -> None:
    contact = waits("red.contact", Action.CONTACT_CALL, NOON, contact=0)
    met = claimed(contact, met_at=NOON)
    assert main_act(met, "op1", may_stop=True) is MainAct.RECORD_RESULT


def test_after_a_talk_the_stop_stands_out_while_it_waits_and_can_be_asked_for() -> None:
    stop = waits("red.stop", Action.STOP_PAYMENT, NOON)
    met = claimed(stop, met_at=NOON)
    assert main_act(met, "op1", may_stop=True) is MainAct.STOP
    assert main_act(met, "op1", may_stop=False) is MainAct.RECORD_RESULT
    asked = claimed(stop.model_copy(update={"state": StepState.SENT}), met_at=NOON)
    assert main_act(asked, "op1", may_stop=True) is MainAct.RECORD_RESULT


def test_a_case_is_claimed_before_anything_else_and_a_colleagues_has_no_act_that_stands_out() -> None:
    contact = waits("red.contact", Action.CONTACT_CALL, NOON, contact=0)
    free = claimed(contact, claimed_by=None)
    assert main_act(free, "op1", may_stop=True) is MainAct.CLAIM
    assert main_act(claimed(contact), "op2", may_stop=True) is MainAct.NONE
    assert main_act(free.model_copy(update={"state": CaseState.DISSUADED}), "op1", may_stop=True) is MainAct.NEXT_CASE
    assert main_act(free.model_copy(update={"state": CaseState.CLOSED}), "op1", may_stop=True) is MainAct.NEXT_CASE


def test_a_step_that_is_out_is_never_folded_away() -> None:
    later = [waits(f"red.sms.{n}", Action.SMS, DUE - n * MINUTE) for n in range(1, NEXT_SHOWN + 2)]
    visit = waits("red.visit", Action.VISIT, DUE + MINUTE, state=StepState.SENT)
    over = Step(id="red.done", action=Action.SMS, state=StepState.DONE, due=None)
    coming = coming_steps(case(Level.RED, steps=[visit, over, *later]))
    assert coming.shown == [*later[::-1][:NEXT_SHOWN], visit]
    assert coming.later == later[::-1][NEXT_SHOWN:]


def test_no_time_runs_for_a_stop_that_the_bank_may_not_be_asked_for_again() -> None:
    twice = Stop(state=StopState.EXPIRED, times=2)
    paid = [payment("bank:1").model_copy(update={"stop": twice}), payment("bank:2")]
    stop = waits("stop.1", Action.STOP_PAYMENT, NOON, transfer="bank:2")
    texts = [waits(f"red.sms.{n}", Action.SMS, DUE + n * MINUTE) for n in range(NEXT_SHOWN)]
    given = case(Level.RED, steps=[stop, *texts], payments=paid)
    assert goes_no_more(given, stop)
    assert due_at(given) == DUE
    assert coming_steps(given) == (texts, [stop])
    once = [paid[0].model_copy(update={"stop": twice.model_copy(update={"times": 1})}), paid[1]]
    assert due_at(case(Level.RED, steps=[stop, *texts], payments=once)) == NOON


@pytest.mark.parametrize("more", [{"state": StepState.SENT}, {"attempt": 2}])
def test_the_second_request_itself_is_awaited_and_repeated_until_its_time(more: dict[str, object]) -> None:
    paid = payment("bank:1").model_copy(update={"stop": Stop(state=StopState.ASKED, times=2)})
    stop = waits("stop.0", Action.STOP_PAYMENT, NOON, **{"transfer": "bank:1", **more})
    assert due_at(case(Level.RED, steps=[stop], payments=[paid])) == NOON
