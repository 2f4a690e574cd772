"""The trace: by time order, in any order of the answers, within bounds."""

import time
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tracing.bounds import BoundKind, TraceBounds
from domain.tracing.conservation import Whereabouts, whereabouts
from domain.tracing.facts import FindingKind, SinkKind, Stated, TraceFinding
from domain.tracing.ledgers import trace_money
from domain.tracing.lots import Lot, Standing, TracingRule
from domain.tracing.tree import MoneyTrace
from tests.domain.tracing.planted import many_lots
from tests.domain.tracing.soup import BOUNDS, SOUPS, Soup, soup
from tests.domain.tracing.statements import FAR, account, by, opened, paid

FIFO = TracingRule.FIFO
THEFT = "v>m@0"


def traced(*statements: Stated, rule: TracingRule = FIFO, bounds: TraceBounds = FAR) -> MoneyTrace:
    return trace_money(statements, [THEFT], rule, bounds)


def where(*statements: Stated, rule: TracingRule = FIFO, bounds: TraceBounds = FAR) -> Whereabouts:
    return whereabouts(traced(*statements, rule=rule, bounds=bounds))[THEFT]


def test_stolen_money_is_followed_through_a_split_to_cash_and_a_fee() -> None:
    found = traced(
        paid("v", "m", 1000, 0),
        paid("m", "n", 600, 4),
        paid("m", "o", 300, 5),
        paid("m", SinkKind.FEE, 2, 5),
        paid("n", SinkKind.CASH, 550, 9),
    )
    assert whereabouts(found) == {THEFT: Whereabouts(1000, 0, 98 + 50 + 300, 550, 2)}
    assert found.remaining[account("n")] == (Lot(THEFT, 50, 2),)
    assert [(step.payee, step.hops) for step in found.steps][:2] == [(account("m"), 1), (account("n"), 2)]
    assert (found.standing, found.findings) == (Standing.LEGAL, ())


def test_money_that_goes_back_to_the_victim_is_with_the_victim_and_is_not_followed_on() -> None:
    found = where(paid("v", "m", 1000, 0), paid("m", "v", 400, 5), paid("v", "x", 400, 9))
    assert found == Whereabouts(1000, with_victim=400, in_accounts=600, cashed_out=0, fees=0)


def test_a_refused_payment_never_left_the_victim() -> None:
    found = where(paid("v", "m", 1000, 0), by(paid("v", "m", 1000, 0, executed=False), "V", 3), paid("m", "n", 9, 4))
    assert found == Whereabouts(1000, with_victim=1000, in_accounts=0, cashed_out=0, fees=0)


def test_by_time_order_the_mules_own_older_money_goes_out_first() -> None:
    facts = (opened("m", 600), paid("v", "m", 1000, 0), paid("m", "n", 700, 4))
    assert traced(*facts).remaining == {account("m"): (Lot(THEFT, 900, 1),), account("n"): (Lot(THEFT, 100, 2),)}
    assert traced(*facts, rule=TracingRule.LIFO).remaining[account("n")] == (Lot(THEFT, 700, 2),)


def test_more_out_than_in_is_flagged_and_what_is_missing_is_nobodys_stolen_money() -> None:
    found = traced(paid("v", "m", 1000, 0), paid("m", "n", 1500, 4))
    assert found.findings == (TraceFinding(FindingKind.OVERDRAFT, "m>n@4", 500),)
    assert found.remaining == {account("n"): (Lot(THEFT, 1000, 2),)}


def test_what_an_overdrawn_account_paid_lies_before_the_payees_later_money() -> None:
    found = traced(paid("x", "m", 500, -5), paid("v", "m", 1000, 0), paid("m", "n", 500, 4))
    assert found.remaining == {account("m"): (Lot(THEFT, 1000, 1),)}


def test_a_step_counts_the_shortest_way_of_the_money_that_it_carries() -> None:
    found = traced(paid("v", "m", 900, 0), paid("m", "n", 300, 2), paid("n", "m", 300, 4), paid("m", "o", 900, 6))
    assert (found.steps[-1].amount_fen, found.steps[-1].hops) == (900, 2)
    assert found.remaining == {account("o"): (Lot(THEFT, 600, 2), Lot(THEFT, 300, 4))}


def test_a_late_answer_settles_the_overdraft() -> None:
    found = traced(paid("v", "m", 1000, 0), paid("m", "n", 1500, 4), paid("x", "m", 500, -3), opened("x", 500))
    assert found.findings == ()
    assert found.remaining == {account("n"): (Lot(THEFT, 1000, 2),)}


def test_a_victim_who_pays_on_another_victims_money_is_a_finding_and_the_first_origin_stays() -> None:
    facts = [paid("v", "m", 1000, 0), paid("m", "w", 1000, 3), paid("w", "n", 1200, 6), opened("w", 0)]
    found = trace_money(facts, [THEFT, "w>n@6"], FIFO, FAR)
    assert found.findings == (TraceFinding(FindingKind.OVERLAP, "w>n@6", 1000),)
    assert {theft: one.amount_fen for theft, one in found.thefts.items()} == {THEFT: 1000, "w>n@6": 200}
    assert found.remaining[account("n")] == (Lot(THEFT, 1000, 3), Lot("w>n@6", 200, 1))


def test_a_theft_that_nobody_states_is_a_finding() -> None:
    assert traced().findings == (TraceFinding(FindingKind.UNKNOWN, THEFT, 0),)


@pytest.mark.parametrize(
    ("bounds", "bound"),
    [
        (FAR._replace(hops=1), BoundKind.HOPS),
        (FAR._replace(within=timedelta(minutes=3)), BoundKind.HOURS),
        (FAR._replace(least_fen=601), BoundKind.AMOUNT),
        (FAR._replace(accounts=1), BoundKind.ACCOUNTS),
    ],
)
def test_money_beyond_a_bound_counts_where_it_was_last_seen(bounds: TraceBounds, bound: BoundKind) -> None:
    facts = (paid("v", "m", 1000, 0), paid("m", "n", 600, 4), paid("n", SinkKind.CASH, 600, 9))
    found = traced(*facts, bounds=bounds)
    assert [(end.account, end.amount_fen, end.bound) for end in found.ends] == [(account("n"), 600, bound)]
    assert whereabouts(found)[THEFT] == Whereabouts(1000, 0, in_accounts=1000, cashed_out=0, fees=0)


def test_a_bound_includes_its_own_value() -> None:
    facts = (paid("v", "m", 1000, 0), paid("m", "n", 600, 3), paid("m", "n", 400, 4), paid("n", "m", 800, 4))
    bounds = TraceBounds(least_fen=400, hops=3, within=timedelta(minutes=4), accounts=2)
    assert traced(*facts, bounds=bounds).ends == ()


def test_the_account_that_the_victim_paid_is_always_within() -> None:
    nothing = TraceBounds(least_fen=5000, hops=0, within=timedelta(0), accounts=0)
    assert traced(paid("v", "m", 1000, 0), bounds=nothing).ends == ()


def test_an_account_that_is_followed_already_is_followed_when_the_bound_of_accounts_is_reached() -> None:
    facts = (paid("v", "m", 1000, 0), paid("m", "n", 600, 4), paid("m", "n", 400, 6), paid("n", "o", 1000, 8))
    found = traced(*facts, bounds=FAR._replace(accounts=2))
    assert [(end.account, end.amount_fen) for end in found.ends] == [(account("o"), 1000)]


def test_money_that_an_account_pays_to_itself_stays_where_it_is() -> None:
    found = traced(opened("m", 500), paid("v", "m", 1000, 0), paid("m", "m", 500, 2), paid("m", "n", 500, 4))
    assert found.remaining == {account("m"): (Lot(THEFT, 1000, 1),)}


def test_the_soup_of_the_properties_has_everything() -> None:
    """Otherwise the properties would hold of nothing."""
    bounds = TraceBounds(least_fen=3, hops=2, within=timedelta(minutes=4), accounts=2)
    seen: Counter[str] = Counter()
    for seed in range(200):
        found = trace_money(*soup(seed), FIFO, bounds)
        seen.update({finding.kind.value for finding in found.findings} | {end.bound.value for end in found.ends})
        seen["far"] += any(step.hops > 2 for step in found.steps)
        seen["back"] += any(one.with_victim for one in whereabouts(found).values())
        seen["out"] += any(one.cashed_out for one in whereabouts(found).values())
    assert all(seen[kind] >= 10 for kind in (*FindingKind, *BoundKind, "far", "back", "out")), seen


def test_a_wholesalers_account_does_not_pull_in_a_city() -> None:
    """A theft of ¥500 into an account that turns over a thousand times as much."""
    city = [paid("w", f"c{number}", 50_000, 10 + number) for number in range(1000)]
    facts = [opened("w", 50_000_000), paid("v", "w", 50_000, 0), *city]
    bounds = TraceBounds(least_fen=10_000, hops=6, within=timedelta(hours=72), accounts=50)
    for rule in TracingRule:
        found = trace_money(facts, ["v>w@0"], rule, bounds)
        assert len(found.remaining) <= 2


@given(SOUPS, st.sampled_from(TracingRule), BOUNDS, st.integers())
def test_the_same_set_of_statements_in_any_order_gives_the_same_tree(
    case: Soup, rule: TracingRule, bounds: TraceBounds, seed: int
) -> None:
    shuffled = [*case.statements, *case.statements[::2]]
    Random(seed).shuffle(shuffled)
    expected = trace_money(case.statements, case.thefts, rule, bounds)
    assert trace_money(shuffled, case.thefts[::-1], rule, bounds) == expected


@given(SOUPS, st.sampled_from(TracingRule), BOUNDS)
def test_no_theft_is_followed_beyond_its_bounds(case: Soup, rule: TracingRule, bounds: TraceBounds) -> None:
    found = trace_money(case.statements, case.thefts, rule, bounds)
    for theft in found.thefts:
        held = {where for where, lots in found.remaining.items() if any(lot.origin == theft for lot in lots)}
        assert len(held) <= bounds.accounts
    assert all(lot.hops <= bounds.hops for lots in found.remaining.values() for lot in lots)


@pytest.mark.parametrize("rule", TracingRule)
def test_ten_thousand_lots_in_one_account_take_bounded_time_and_carry_few_parts(rule: TracingRule) -> None:
    """A payment splits one lot at most by time order; pro rata keeps one lot a theft."""
    facts, thefts = many_lots(lots=10_000, thefts=20)
    began = time.process_time()
    found = trace_money(facts, thefts, rule, FAR)
    assert time.process_time() - began < 30
    parts = 20 if rule is TracingRule.PRO_RATA else 3
    assert len(found.steps) <= 20 + 10_000 + parts * 10_000
