"""Poison: where to look, and no amounts."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.tracing.facts import SinkKind, TracedAccount, history_of
from domain.tracing.ledgers import follow_history
from domain.tracing.lots import Standing, TracingRule
from domain.tracing.poison import Taint, suspects
from tests.domain.tracing.judging import reached
from tests.domain.tracing.soup import SOUPS, Soup
from tests.domain.tracing.statements import FAR, account, moment, opened, paid


def test_every_account_that_a_tainted_account_pays_later_is_tainted_and_the_victim_is_not() -> None:
    facts = [
        opened("m", 9000),
        paid("m", "early", 100, -1),
        paid("v", "m", 1000, 0),
        paid("m", "n", 100, 4),
        paid("n", "o", 900, 6),
        paid("n", "v", 100, 7),
        paid("v", "shop", 100, 8),
        paid("o", SinkKind.POS, 900, 9),
    ]
    found = suspects(history_of(facts), ["v>m@0"], FAR)
    assert {where.token: taint for (_, where), taint in found.tainted.items()} == {
        "m": Taint(1, moment(0)),
        "n": Taint(2, moment(4)),
        "o": Taint(3, moment(6)),
    }
    assert found.standing is Standing.INVESTIGATIVE


def test_a_shorter_way_counts_and_the_first_time_stays() -> None:
    facts = [paid("v", "m", 900, 0), paid("m", "n", 300, 2), paid("n", "o", 300, 3), paid("m", "o", 300, 5)]
    found = suspects(history_of(facts), ["v>m@0"], FAR)
    assert found.tainted["v>m@0", account("o")] == Taint(2, moment(3))


@given(SOUPS, st.sampled_from(TracingRule), st.integers(1, 5), st.integers(0, 6))
def test_poison_finds_every_account_that_an_amount_is_followed_to(
    soup: Soup, rule: TracingRule, hops: int, minutes: int
) -> None:
    bounds = FAR._replace(least_fen=0, hops=hops, within=timedelta(minutes=minutes))
    past = history_of(soup.statements)
    found = suspects(past, soup.thefts, bounds).tainted
    trace = follow_history(past, soup.thefts, rule, bounds)
    ended = {(end.theft, end.account) for end in trace.ends}
    kept: set[tuple[str | None, TracedAccount]] = {
        (lot.origin, where) for where, lots in trace.remaining.items() for lot in lots
    }
    assert kept | (set(reached(trace)) - ended) <= found.keys()  # also accounts that were emptied again
