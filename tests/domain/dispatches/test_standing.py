"""Whether a dispatch still stands when its turn comes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dispatches.ids import parse
from domain.dispatches.validity import NotYetApplied, ObsoleteDispatch, validity
from schemas.casework.cases import Case, CaseState, StepState
from schemas.codes.channels import StepEnded, TimeOver
from schemas.codes.refusals import PlanContacts
from schemas.levels import Action, Channel
from tests.dispatched import NOW, case_of, dispatch_for

WHO = "r" + "a" * 16
SECOND = timedelta(seconds=1)


def with_step(case: Case, **changes: Any) -> Case:  # noqa: ANN401 - any field of a step
    return case.model_copy(update={"steps": [case.steps[0].model_copy(update=changes)]})


def test_it_stands_while_its_case_is_open_and_its_step_waits_for_this_attempt() -> None:
    dispatch = dispatch_for(WHO)
    assert validity(dispatch, case_of(dispatch), NOW) is None


@pytest.mark.parametrize("state", [StepState.DONE, StepState.WITHDRAWN, StepState.SKIPPED, StepState.FAILED])
def test_it_falls_with_its_step(state: StepState) -> None:
    dispatch = dispatch_for(WHO)
    assert validity(dispatch, with_step(case_of(dispatch), state=state), NOW) == ObsoleteDispatch(StepEnded())


def test_it_falls_when_another_attempt_or_another_case_has_followed() -> None:
    dispatch = dispatch_for(WHO)
    case = case_of(dispatch)
    assert isinstance(validity(dispatch, with_step(case, attempt=2), NOW), ObsoleteDispatch)
    assert isinstance(
        validity(dispatch, case.model_copy(update={"id": f"{WHO}-2", "number": 2}), NOW), ObsoleteDispatch
    )


@pytest.mark.parametrize("action", [Action.FOLLOW_UP, Action.STOP_RELEASE, Action.LIFT_HOLD, Action.HAND_OVER])
def test_a_follow_up_a_release_and_an_answer_about_a_hand_over_are_owed_to_who_is_dissuaded(action: Action) -> None:
    dispatch = dispatch_for(WHO, action)
    assert validity(dispatch, case_of(dispatch, state=CaseState.DISSUADED), NOW) is None


@given(st.sampled_from(Action), st.sampled_from([CaseState.DISSUADED, CaseState.FALSE_ALARM, CaseState.CLOSED]))
def test_nothing_else_of_the_plan_stands_once_the_case_is_settled(action: Action, state: CaseState) -> None:
    dispatch = dispatch_for(WHO, action)
    outlives = action in (Action.STOP_RELEASE, Action.LIFT_HOLD, Action.SUPPORT_CALL)
    owed = outlives or (action in (Action.FOLLOW_UP, Action.HAND_OVER) and state is not CaseState.CLOSED)
    assert (validity(dispatch, case_of(dispatch, state=state), NOW) is None) == owed


@pytest.mark.parametrize("state", [CaseState.RAISED, CaseState.CONTACTING, CaseState.NOT_PERSUADED])
def test_a_support_call_falls_while_a_plan_contacts_the_resident(state: CaseState) -> None:
    dispatch = dispatch_for(WHO, Action.SUPPORT_CALL)
    assert validity(dispatch, case_of(dispatch, state=state), NOW) == ObsoleteDispatch(PlanContacts())


def test_a_support_call_falls_with_its_step_in_a_closed_case_too() -> None:
    dispatch = dispatch_for(WHO, Action.SUPPORT_CALL)
    closed = with_step(case_of(dispatch, state=CaseState.CLOSED), state=StepState.WITHDRAWN)
    assert validity(dispatch, closed, NOW) == ObsoleteDispatch(StepEnded())


def test_money_may_still_be_stopped_for_who_is_defrauded_already() -> None:
    stop, sms = dispatch_for(WHO, Action.STOP_PAYMENT), dispatch_for(WHO)
    assert validity(stop, case_of(stop, state=CaseState.ALREADY_DEFRAUDED), NOW) is None
    assert isinstance(validity(sms, case_of(sms, state=CaseState.ALREADY_DEFRAUDED), NOW), ObsoleteDispatch)


def test_a_store_that_does_not_know_the_decision_yet_is_behind() -> None:
    dispatch = dispatch_for(WHO, attempt=2)
    case = case_of(dispatch)
    older = case.model_copy(update={"updated_at": NOW - SECOND, "steps": []})
    for known in (None, older, with_step(case, attempt=1), with_step(case, state=StepState.PENDING)):
        assert isinstance(validity(dispatch, known, NOW), NotYetApplied)


def test_it_stands_until_its_time_is_over_and_not_after() -> None:
    dispatch = dispatch_for(WHO, not_after=NOW)
    assert validity(dispatch, case_of(dispatch), NOW) is None
    assert validity(dispatch, case_of(dispatch), NOW + SECOND) == ObsoleteDispatch(TimeOver())


def test_a_dispatchs_id_tells_its_case_step_attempt_and_channel() -> None:
    found = parse(dispatch_for(WHO, Action.VISIT, 3).id)
    assert found[1:] == (f"{WHO}-1", WHO, "red.visit", 3, Channel.VISIT)


@pytest.mark.parametrize("text", ["", "x", f"{WHO}-1:red.sms:1:fax", f"{WHO}-0:a:1:sms", f"{WHO}-1:red.sms:1:sms "])
def test_anything_else_is_no_dispatchs_id(text: str) -> None:
    with pytest.raises(ValueError, match="case:step:attempt:channel"):
        parse(text)
