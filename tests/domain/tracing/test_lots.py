"""Lots: each rule against a purse that holds single fen, and shares to the fen."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracing.lots import STANDING, Lot, Standing, TracingRule, purse, shares_of

ORIGINS = st.sampled_from([None, "t1", "t2", "t3"])
MOVES = st.lists(st.one_of(st.tuples(ORIGINS, st.integers(0, 12)), st.integers(0, 30)), max_size=30)


def test_first_in_first_out() -> None:
    account = purse(TracingRule.FIFO)
    for lot in (Lot("t1", 500), Lot(None, 300), Lot("t2", 200)):
        account.add(lot)
    assert account.take(600) == [Lot("t1", 500), Lot(None, 100)]
    assert list(account) == [Lot(None, 200), Lot("t2", 200)]


def test_last_in_first_out() -> None:
    account = purse(TracingRule.LIFO)
    for lot in (Lot("t1", 500), Lot(None, 300), Lot("t2", 200)):
        account.add(lot)
    assert account.take(600) == [Lot("t2", 200), Lot(None, 300), Lot("t1", 100)]


def test_pro_rata_takes_of_every_origin_and_the_largest_remainder_gets_the_last_fen() -> None:
    account = purse(TracingRule.PRO_RATA)
    for lot in (Lot("t1", 500), Lot(None, 300), Lot("t2", 200)):
        account.add(lot)
    assert account.take(101) == [Lot("t1", 51), Lot(None, 30), Lot("t2", 20)]


def test_pro_rata_counts_the_shortest_way_of_a_theft() -> None:
    account = purse(TracingRule.PRO_RATA)
    account.add(Lot("t1", 500, hops=4))
    account.add(Lot("t1", 500, hops=2))
    assert list(account) == [Lot("t1", 1000, hops=2)]


def test_what_was_paid_out_does_not_come_back_with_later_money() -> None:
    """The lowest intermediate balance: the account was empty once, so its later money is its own."""
    account = purse(TracingRule.FIFO)
    account.add(Lot("t1", 500))
    account.take(500)
    account.add(Lot(None, 500))
    assert list(account) == [Lot(None, 500)]


@given(MOVES, st.sampled_from([TracingRule.FIFO, TracingRule.LIFO]))
def test_time_order_agrees_with_single_fen_in_a_row(
    moves: list[tuple[str | None, int] | int], rule: TracingRule
) -> None:
    account, row = purse(rule), list[str | None]()
    for move in moves:
        if isinstance(move, tuple):
            account.add(Lot(*move))
            row += [move[0]] * move[1]
            continue
        taken = [lot.origin for lot in account.take(move) for _ in range(lot.amount_fen)]
        if rule is TracingRule.FIFO:
            expected, row = row[:move], row[move:]
        else:
            expected, row = row[::-1][:move], row[: max(0, len(row) - move)]
        assert taken == expected
    assert [lot.origin for lot in account for _ in range(lot.amount_fen)] == row


@given(MOVES, st.sampled_from(TracingRule))
def test_no_rule_makes_or_loses_a_fen_of_any_origin(
    moves: list[tuple[str | None, int] | int], rule: TracingRule
) -> None:
    account, held = purse(rule), Counter[str | None]()
    for move in moves:
        if isinstance(move, tuple):
            account.add(Lot(*move))
            held[move[0]] += move[1]
            continue
        taken = account.take(move)
        assert sum(lot.amount_fen for lot in taken) == min(move, held.total())
        for lot in taken:
            held[lot.origin] -= lot.amount_fen
    left: Counter[str | None] = Counter()
    for lot in account:
        left[lot.origin] += lot.amount_fen
    assert +left == +held


@given(st.lists(st.integers(0, 10**12), max_size=12), st.integers(0, 10**12))
def test_shares_add_up_and_are_within_one_fen_of_the_exact_share(weights: list[int], amount: int) -> None:
    shares = shares_of(amount, weights)
    whole = sum(weights)
    assert sum(shares) == (amount if whole else 0)
    for share, weight in zip(shares, weights, strict=True):
        assert not whole or abs(share - Fraction(amount * weight, whole)) < 1
        assert share <= weight or amount > whole


def test_of_equal_remainders_the_earlier_comes_first() -> None:
    assert shares_of(2, [1, 1, 1]) == [1, 1, 0]


@pytest.mark.parametrize("rule", TracingRule)
def test_only_time_order_is_legal_on_the_way(rule: TracingRule) -> None:
    assert (STANDING[rule] is Standing.LEGAL) == (rule is TracingRule.FIFO)
