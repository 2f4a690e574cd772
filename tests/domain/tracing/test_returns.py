"""Article 8: whose the held money is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import SinkKind, Stated, history_of
from domain.tracing.ledgers import follow_history
from domain.tracing.lots import Standing, TracingRule
from domain.tracing.returns import NOTICE_DAYS, ReturnGround, ReturnProposal, propose_return
from tests.domain.tracing.soup import ACCOUNTS, SOUPS, Soup
from tests.domain.tracing.statements import FAR, account, opened, paid

ONE, TWO = "v>m@0", "w>m@5"
PAID = (paid("v", "m", 6000, 0), paid("w", "m", 3000, 5))


def proposed(held: int, *statements: Stated, bounds: TraceBounds = FAR) -> ReturnProposal:
    past = history_of(statements)
    first, last = (follow_history(past, [ONE, TWO], rule, bounds) for rule in (TracingRule.FIFO, TracingRule.LIFO))
    return propose_return(first, last, account("m"), held)


def test_a_single_deposit_goes_straight_back() -> None:
    found = proposed(6000, PAID[0])
    assert (found.ground, found.shares, found.rest_fen) == (ReturnGround.DIRECT, {ONE: 6000}, 0)
    assert (found.notice_days, found.standing) == (0, Standing.LEGAL)


def test_deposits_that_time_tells_apart_go_straight_back() -> None:
    """The first victim's money had gone before the second's came, so what is there is the second's."""
    found = proposed(3000, *PAID, paid("m", SinkKind.CASH, 6000, 3))
    assert (found.ground, found.shares) == (ReturnGround.DIRECT, {TWO: 3000})


def test_mixed_deposits_are_shared_in_proportion_after_thirty_days() -> None:
    found = proposed(1000, *PAID, paid("m", SinkKind.CASH, 8000, 9))
    assert (found.ground, found.shares) == (ReturnGround.PRO_RATA, {ONE: 667, TWO: 333})
    assert (found.rest_fen, found.notice_days) == (0, NOTICE_DAYS)


def test_no_victim_gets_more_than_the_victims_money_and_the_rest_stays_frozen() -> None:
    found = proposed(9900, opened("m", 1000), *PAID, paid("m", SinkKind.CASH, 100, 9))
    assert (found.ground, found.shares, found.rest_fen) == (ReturnGround.PRO_RATA, {ONE: 6000, TWO: 3000}, 900)


def test_time_tells_nothing_where_the_trace_ended() -> None:
    found = proposed(6000, PAID[0], paid("m", "n", 1000, 3), paid("n", "m", 600, 6), bounds=FAR._replace(hops=2))
    assert found.ground is ReturnGround.PRO_RATA


def test_less_held_than_the_trace_expects_is_shared_and_never_more_than_held() -> None:
    found = proposed(1000, PAID[0])
    assert (found.ground, found.shares, found.rest_fen) == (ReturnGround.PRO_RATA, {ONE: 1000}, 0)


def test_a_return_is_refused_on_any_other_rule() -> None:
    trace = follow_history(history_of(PAID), [ONE], TracingRule.PRO_RATA, FAR)
    with pytest.raises(ValueError, match="by FIFO"):
        propose_return(trace, trace, account("m"), 1)


@given(SOUPS, st.sampled_from([each.token for each in ACCOUNTS]), st.integers(0, 80))
def test_a_return_gives_out_the_held_money_at_most_and_no_victim_more_than_came_in(
    soup: Soup, name: str, held: int
) -> None:
    past = history_of(soup.statements)
    first, last = (follow_history(past, soup.thefts, rule, FAR) for rule in (TracingRule.FIFO, TracingRule.LIFO))
    found = propose_return(first, last, account(name), held)
    assert sum(found.shares.values()) + found.rest_fen == held
    assert found.rest_fen >= 0
    for theft, share in found.shares.items():
        came = sum(s.amount_fen for s in first.steps if s.payee == account(name) and s.theft == theft)
        assert 0 < share <= came
