"""Whittle's index of a case that waits for a call."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.casework.ordering
from domain.casework.ordering.beliefs import CallBeliefs, believed
from domain.casework.ordering.call_index import by_index, call_index
from schemas.casework.cases import Case, CaseState, Step, StepState
from schemas.levels import Action, Level, Result
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, payment, policy

POLICY = policy()
MINUTE = timedelta(minutes=1)
BELIEFS = CallBeliefs(0.6, 0.4, 0.8, {}, {Level.YELLOW: 0.01, Level.RED: 0.5})


def case(level: Level, *steps: Step, amount: int = 0, letter: str = "a", **more: object) -> Case:
    line = Line()
    line.alert(level, *([payment(amount=amount)] if amount else []))
    who = "r" + letter * 16
    feared = line.here.danger.model_copy(update={"scam_type": "brushing", "exposure_fen": 5_000_000})
    about = {"resident": who, "id": f"{who}-1", "danger": feared}
    return line.here.model_copy(update={**about, "steps": list(steps), **more})


def call(*results: Result, state: StepState = StepState.SENT) -> Step:
    return Step(id="red.operator", action=Action.OPERATOR_CALL, state=state, due=None, results=list(results))


def visit(minutes: int) -> Step:
    return Step(id="red.visit", action=Action.VISIT, state=StepState.PENDING, due=NOON + minutes * MINUTE)


def index(given: Case, beliefs: CallBeliefs = BELIEFS) -> float:
    return call_index(given, POLICY, beliefs).at(NOON)


def test_the_index_is_what_a_minute_of_a_call_adds_to_the_rest_of_the_plan() -> None:
    found = call_index(case(Level.RED, call(), amount=1_000_000), POLICY, BELIEFS)
    assert found.minutes == pytest.approx(0.6 * 3 + 0.4 * 25 / 60)
    assert found.at(NOON) == pytest.approx(found.stake_fen * found.reached * found.persuaded / found.minutes)


def test_an_officer_who_comes_soon_leaves_a_call_less_to_add() -> None:
    soon, later = case(Level.RED, call(), visit(5)), case(Level.RED, call(), visit(600))
    assert index(soon) < index(later) < index(case(Level.RED, call()))


def test_a_level_at_which_few_pay_comes_after_one_at_which_half_do() -> None:
    yellow, red = case(Level.YELLOW, call(), letter="b"), case(Level.RED, call(), letter="c")
    assert by_index(POLICY, BELIEFS)([yellow, red], NOON) == [red, yellow]


def test_each_unanswered_call_lowers_the_chance_to_reach() -> None:
    assert index(case(Level.RED, call(Result.NO_ANSWER))) < index(case(Level.RED, call()))


@given(st.integers(0, 600), st.integers(0, 600), st.integers(0, 600))
def test_a_case_without_news_is_never_worth_more_later(due: int, one: int, other: int) -> None:
    """So a case that is left at a price is left for ever at that price: it is indexable."""
    found = call_index(case(Level.RED, call(), visit(due), amount=1_000_000), POLICY, BELIEFS)
    sooner, later = sorted((one, other))
    assert found.at(NOON + sooner * MINUTE) >= found.at(NOON + later * MINUTE)


def ended(state: CaseState, *results: Result, level: Level = Level.YELLOW, settled: bool = False) -> Case:
    made = case(level, call(*results, state=StepState.DONE), amount=100 if settled else 0, state=state)
    paid = [each.model_copy(update={"state": TransferState.SETTLED}) for each in made.payments]
    return made.model_copy(update={"payments": paid})


def test_beliefs_come_from_past_cases_and_begin_with_the_policys_figures() -> None:
    assert believed([], POLICY).reached == pytest.approx(POLICY.triage.reached)
    never = believed([ended(CaseState.UNREACHABLE, *[Result.NO_ANSWER] * 5)] * 400, POLICY)
    assert never.reached < 0.02
    scam = ended(CaseState.DISSUADED).danger.scam_type
    always = believed([ended(CaseState.DISSUADED, Result.ACKNOWLEDGED)] * 400, POLICY)
    assert always.persuaded[scam] > 0.9


def test_the_share_who_pay_is_learnt_from_those_whom_nobody_dissuaded() -> None:
    unpaid = [ended(CaseState.FALSE_ALARM, Result.DELIVERED)] * 2_000
    paid = [ended(CaseState.ALREADY_DEFRAUDED, level=Level.RED, settled=True)] * 100
    found = believed([*unpaid, *paid, ended(CaseState.DISSUADED, level=Level.RED)], POLICY)
    assert found.pays[Level.YELLOW] < 0.01
    assert found.pays[Level.RED] > 0.9


def test_a_false_alarm_says_nothing_about_persuasion() -> None:
    alarms = [ended(CaseState.FALSE_ALARM, Result.DELIVERED)] * 100
    assert believed(alarms, POLICY).persuaded == believed([], POLICY).persuaded


def test_the_index_imports_no_truth() -> None:
    for path in Path(domain.casework.ordering.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("simulators") for name in names), path
