"""Banks' statements: one set gives one history."""

from random import Random

import pytest

from domain.tracing.facts import FindingKind, Movement, Stated, TraceFinding, history_of
from tests.domain.tracing.statements import account, by, moment, opened, paid


def ids(*statements: Stated) -> list[str]:
    return [movement.id for movement in history_of(statements).movements]


def test_the_payers_bank_knows_a_movement_best_though_another_spoke_later() -> None:
    own, other = paid("a", "b", 700, 1), by(paid("a", "b", 700, 1), "B", 60, 500)
    found = history_of([other, own])
    assert [movement.amount_fen for movement in found.movements] == [700]
    assert found.findings == (TraceFinding(FindingKind.CONTRADICTION, "a>b@1", 200),)


def test_the_payees_bank_is_believed_before_a_victims_report() -> None:
    told = paid("a", "b", 700, 1)
    assert history_of([by(told, "", 90, 900), by(told, "B", 5, 600)]).movements[0].amount_fen == 600


def test_a_later_statement_of_the_accounts_own_bank_replaces_its_earlier_one() -> None:
    refused = by(paid("a", "b", 700, 1, executed=False), "A", 30)
    found = history_of([refused, paid("a", "b", 700, 1)])
    assert (found.movements, list(found.refused)) == ((), ["a>b@1"])
    assert [finding.kind for finding in found.findings] == [FindingKind.CONTRADICTION]


def test_an_accounts_own_bank_states_its_opening_balance() -> None:
    found = history_of([by(opened("a", 500), "B", 90, 900), opened("a", 500)])
    assert found.openings == {account("a"): 500}
    assert found.findings == (TraceFinding(FindingKind.CONTRADICTION, "a", 400),)


def test_clocks_that_differ_are_no_contradiction() -> None:
    told = paid("a", "b", 700, 1)
    assert isinstance(told.told, Movement)
    later = Stated("B", moment(2), told.told._replace(at=moment(3), sequence=9))
    assert history_of([told, later]).findings == ()
    assert history_of([later, told]).movements[0].at == moment(1)


def test_movements_come_by_time_and_within_a_moment_by_the_banks_own_sequence() -> None:
    first, second = paid("a1", "b", 1, 5), paid("a2", "b", 1, 5)
    assert isinstance(second.told, Movement)
    before = second._replace(told=second.told._replace(sequence=1))
    assert ids(first, before, paid("a", "b", 1, 2)) == ["a>b@2", "a2>b@5", "a1>b@5"]


def test_within_a_moment_credits_come_before_the_debits_that_another_bank_numbers() -> None:
    assert ids(paid("b", "c", 1, 5), paid("c", "a", 1, 5), paid("z", "b", 1, 5)) == ["z>b@5", "b>c@5", "c>a@5"]


def test_money_in_a_circle_within_a_moment_still_has_an_order() -> None:
    circle = [paid("a", "b", 1, 5), paid("b", "c", 1, 5), paid("c", "a", 1, 5)]
    orders = set()
    for seed in range(20):
        Random(seed).shuffle(circle)
        orders.add(tuple(ids(*circle)))
    assert orders == {("a>b@5", "b>c@5", "c>a@5")}


def test_two_statements_of_one_moment_are_decided_by_their_content() -> None:
    for fen in range(100, 130):
        one, other = paid("a", "b", fen, 1), paid("a", "b", fen + 200, 1)
        assert {history_of(said).movements[0].amount_fen for said in ([one, other], [other, one])} == {fen + 200}


def test_an_amount_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        history_of([paid("a", "b", -1, 1)])
