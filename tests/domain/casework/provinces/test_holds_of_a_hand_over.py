"""What a hand-over to another province leaves of holds on the resident's own account: the money stays protected."""

from datetime import timedelta

from schemas.casework.cases import CaseState
from schemas.casework.own_account import OwnHoldAnswerState, OwnHoldState
from schemas.codes.own_account import OwnHoldNotNeeded
from schemas.levels import Action
from tests.domain.builders import Line
from tests.domain.casework.own_account.holdworld import (
    answer,
    asked,
    enabled,
    hold,
    in_danger,
    ordered,
    propose,
    talked,
)
from tests.domain.casework.provinces.provinceworld import RULES, offered, taken, with_rules


def handed_over(line: Line) -> None:
    out = offered(with_rules(line))
    assert out is not None
    taken(line, out)
    assert line.state() is CaseState.HANDED_OVER


def said(line: Line) -> bool:
    return any(isinstance(fact.what, OwnHoldNotNeeded) for decision in line.decisions for fact in decision.facts)


def test_a_hold_that_a_bank_has_runs_on_after_a_hand_over() -> None:
    line = ordered()
    answer(line, OwnHoldAnswerState.IN_FORCE, days=1)
    handed_over(line)
    line.pass_to(timedelta(hours=12))
    assert (asked(line, Action.LIFT_HOLD), hold(line).state, said(line)) == ([], OwnHoldState.IN_FORCE, False)


def test_a_hold_that_the_bank_has_not_answered_yet_is_not_taken_back_by_a_hand_over() -> None:
    line = ordered()
    handed_over(line)
    assert (asked(line, Action.LIFT_HOLD), hold(line).state) == ([], OwnHoldState.ASKED)


def test_a_hold_that_nobody_has_approved_ends_with_a_hand_over() -> None:
    line = talked(in_danger(policy=enabled()))
    propose(line)
    handed_over(line)
    assert hold(line).state is OwnHoldState.WITHDRAWN
    assert line.rules.policy.handover == RULES
