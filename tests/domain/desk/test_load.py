"""The load of a centre: who handles its cases, the visits under way, and the operators on duty."""

from datetime import timedelta

from domain.desk.load import Handling, Staffing, handling, load_of, staffing_of, visits_by_officer, visits_under_way
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import Action, Level
from tests.domain.builders import NOON
from tests.domain.casework.test_triage import case, on_desk

VISIT = Step(id="red.visit", action=Action.VISIT, state=StepState.SENT, due=NOON + timedelta(hours=1))


def visited(letter: str, **more: object) -> Case:
    """A red case to which an officer is on the way, besides all else."""
    return case(Level.RED, letter=letter).model_copy(update={"steps": [VISIT], **more})


def test_a_visit_counts_whoever_handles_the_case_besides_and_whatever_its_state_is() -> None:
    alone = visited("a", officer="o-1", state=CaseState.VISIT_UNDER_WAY)
    waits = visited("b", officer="o-1", steps=[VISIT, *on_desk()])
    talks = visited("c", officer="o-2", claimed_by="op1", state=CaseState.IN_CONVERSATION)
    without = case(Level.RED, letter="d", steps=on_desk())
    cases = [alone, waits, talks, without]
    load = load_of(((each, bool(each.steps and each.steps[-1].action is Action.OPERATOR_CALL)) for each in cases), NOON)
    assert visits_under_way(cases) == [alone, waits, talks]
    assert (load.visits, load.officers) == ({Level.RED: 3}, {Level.RED: 1})
    assert visits_by_officer(cases) == {"o-1": 2, "o-2": 1}
    assert visits_by_officer(cases).total() == load.visits.total()
    assert handling(waits, waits=True) is Handling.WAITING


def test_each_case_has_one_handler_so_the_columns_add_up() -> None:
    cases = [visited("a"), visited("b", claimed_by="op1"), case(Level.RED, letter="c"), case(Level.BLUE, letter="d")]
    load = load_of(((each, False) for each in cases), NOON)
    by_handler = (load.waiting, load.claimed, load.officers, load.automatic)
    assert sum(each.total() for each in by_handler) == load.open.total() == len(cases)


def test_a_visit_that_nobody_has_yet_is_counted_under_no_name() -> None:
    assert visits_by_officer([visited("a"), visited("b", officer="o-1")]) == {"": 1, "o-1": 1}


def test_who_has_claimed_no_case_is_free() -> None:
    assert staffing_of([0, 2, 0, 1]) == Staffing(on_duty=4, free=2)
    assert staffing_of([]) == Staffing(on_duty=0, free=0)
