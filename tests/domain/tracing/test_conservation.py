"""The law: stolen = with the victim + still in an account + cashed out + fees, to the fen, whatever banks state."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracing import ledgers
from domain.tracing.bounds import TraceBounds
from domain.tracing.conservation import checked_trace, violations, whereabouts
from domain.tracing.facts import SinkKind, history_of
from domain.tracing.ledgers import trace_money
from domain.tracing.lots import TracingRule
from tests.domain.tracing.soup import BOUNDS, SOUPS, Soup
from tests.domain.tracing.statements import FAR, account, paid


@given(SOUPS, st.sampled_from(TracingRule), BOUNDS)
def test_no_fen_is_lost_or_made_whatever_banks_state(soup: Soup, rule: TracingRule, bounds: TraceBounds) -> None:
    found = trace_money(soup.statements, soup.thefts, rule, bounds)
    assert violations(found) == []
    assert all(one.error == 0 and min(one) >= 0 for one in whereabouts(found).values())


@given(SOUPS, st.sampled_from(TracingRule))
def test_a_movement_carries_no_more_stolen_money_than_its_amount(soup: Soup, rule: TracingRule) -> None:
    found = trace_money(soup.statements, soup.thefts, rule, FAR)
    carried = Counter[str]()
    for step in found.steps:
        assert step.amount_fen > 0
        carried[step.movement] += step.amount_fen
    moved = {movement.id: movement.amount_fen for movement in history_of(soup.statements).movements}
    assert all(fen <= moved[id_] for id_, fen in carried.items())


def test_a_lot_that_is_lost_is_noticed_in_the_whole_and_in_its_account() -> None:
    found = trace_money([paid("v", "m", 1000, 0), paid("m", SinkKind.CASH, 300, 4)], ["v>m@0"], TracingRule.FIFO, FAR)
    broken = replace(found, remaining={})
    assert [(each.account, each.missing_fen) for each in violations(broken)] == [(None, 700), (account("m"), 700)]
    with pytest.raises(ArithmeticError, match="loses money"):
        checked_trace(broken)


def test_no_trace_is_returned_that_loses_a_fen(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ledgers._Ledger.trace
    monkeypatch.setattr(ledgers._Ledger, "trace", lambda ledger: replace(whole(ledger), remaining={}))
    with pytest.raises(ArithmeticError, match="loses money"):
        trace_money([paid("v", "m", 1000, 0)], ["v>m@0"], TracingRule.FIFO, FAR)
