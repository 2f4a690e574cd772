"""Two residents at one address: whose visit joins whose, and what its result says for the other."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dispatches.ids import parse
from domain.visits.officers import load_of
from domain.visits.one_visit import household, joins, report_for_joined
from schemas.casework.acts import LossAvoidedClaim, OutcomeAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.levels import Action, EvidenceClass, Level, Outcome
from schemas.people.rosters import Task, TaskState
from tests.dispatched import NOW, dispatch_for

ONE, OTHER = "r" + "a" * 16, "r" + "b" * 16
WITHIN = timedelta(hours=4)


def visit(level: Level = Level.ORANGE, resident: str = OTHER) -> Dispatch:
    return dispatch_for(resident, Action.VISIT, level=level)


def task(**fields: object) -> Task:
    first = visit(resident=ONE)
    usual = {"dispatch": first.id, "case": first.case, "resident": ONE, "officer": "p-1", "at": NOW}
    return Task.model_validate(usual | {"level": Level.ORANGE} | fields)


def test_an_address_is_the_same_however_it_was_typed() -> None:
    assert household("220102001", "示例路１２号 3-401") == household("220102001", "示例路12号3—401")
    assert household("220102001", "示例路12号") != household("220102002", "示例路12号")


def test_an_address_without_a_number_names_no_door() -> None:
    assert household("220102001", "示例村") is None


def test_a_visit_joins_one_that_is_under_way_to_the_same_address() -> None:
    assert joins(visit(), task(), [], WITHIN, NOW + timedelta(hours=1))


@pytest.mark.parametrize("state", [TaskState.REFUSED, TaskState.LATE])
def test_a_visit_that_does_not_come_about_is_not_joined(state: TaskState) -> None:
    assert not joins(visit(), task(state=state), [], WITHIN, NOW)


@given(st.sampled_from(Level), st.sampled_from(Level))
def test_nobody_joins_a_visit_that_is_less_urgent_than_his_own(own: Level, lead: Level) -> None:
    assert joins(visit(own), task(level=lead), [], WITHIN, NOW) == (lead.rank >= own.rank)


@given(st.sampled_from(Level))
def test_a_visit_that_was_made_is_joined_by_all_but_red(level: Level) -> None:
    made = task(state=TaskState.ENDED, stage=VisitStage.DONE)
    assert joins(visit(level), made, [], WITHIN, NOW) == (level is not Level.RED)


def test_nobody_at_home_is_no_visit_to_join() -> None:
    assert not joins(visit(), task(state=TaskState.ENDED, stage=VisitStage.NOT_AT_HOME), [], WITHIN, NOW)


def test_a_visit_of_long_ago_is_not_joined() -> None:
    assert not joins(visit(), task(), [], WITHIN, NOW + WITHIN)


def test_a_case_does_not_join_its_own_visit_nor_the_same_one_twice() -> None:
    assert not joins(visit(resident=ONE), task(), [], WITHIN, NOW)
    tried = task(dispatch=visit().id, case=visit().case, resident=OTHER, joins=task().dispatch)
    assert not joins(visit(), task(), [tried], WITHIN, NOW)


def test_a_visit_for_two_is_one_visit_of_the_officer() -> None:
    both = [task(), task(dispatch=visit().id, joins=task().dispatch)]
    assert load_of(both) == {"p-1": frozenset({task().dispatch})}


@given(st.sampled_from(Outcome), st.integers(0, 10**6))
def test_what_an_officer_reports_counts_for_both_and_its_money_for_one(outcome: Outcome, lost: int) -> None:
    kept = LossAvoidedClaim(transfer="bank:1", evidence=EvidenceClass.C, amount_fen=5)
    report = OfficerReport(
        id=f"{task().dispatch}:done:7",
        at=NOW,
        resident=ONE,
        case=task().case,
        by="p-1",
        dispatch=task().dispatch,
        step="red.visit",
        attempt=1,
        stage=VisitStage.DONE,
        outcome=OutcomeAct(outcome=outcome, kept=[kept], lost_fen=lost),
    )
    told = report_for_joined(parse(visit().id), report)
    assert (told.id, told.resident, told.case) == (f"{visit().id}:done:7", OTHER, visit().case)
    spared = outcome in (Outcome.ALREADY_DEFRAUDED, Outcome.FALSE_ALARM)
    assert told.outcome == (None if spared else OutcomeAct(outcome=outcome))
