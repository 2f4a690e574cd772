"""A thousand planted graphs with known truth: what each rule finds. A trace that lost a fen would raise."""

import pytest

from domain.tracing.conservation import whereabouts
from domain.tracing.facts import FindingKind, history_of
from domain.tracing.ledgers import follow_history
from domain.tracing.lots import TracingRule
from tests.domain.tracing.judging import BOUNDS, FLOORS, POISON, Score, judge
from tests.domain.tracing.planted import planted

FIFO, LIFO = TracingRule.FIFO, TracingRule.LIFO


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return judge(map(planted, range(1000)))[0]


def test_time_order_finds_the_hops_and_places_the_money(scores: dict[str, Score]) -> None:
    found = scores[FIFO]
    assert found.found >= 0.98 * found.hops
    assert found.placed >= 0.99 * found.fen


def test_false_stops_are_counted_and_few_where_the_money_is(scores: dict[str, Score]) -> None:
    large = scores[FIFO].stops[FLOORS[1]]
    assert large.wrong <= 0.08 * large.proposed
    assert large.missed <= 0.001 * large.proposed


def test_poison_misses_no_hop_and_suspects_more_accounts_than_any_amount(scores: dict[str, Score]) -> None:
    poison = scores[POISON]
    assert poison.found == poison.hops
    assert poison.extra >= max(scores[rule].extra for rule in TracingRule)


def test_time_order_is_the_truth_where_mules_have_nothing_of_their_own() -> None:
    found = judge(planted(seed, own_money=0) for seed in range(200))[0][FIFO]
    assert (found.found, found.extra, found.placed) == (found.hops, 0, found.fen)
    assert [(stops.wrong, stops.missed) for stops in found.stops.values()] == [(0, 0), (0, 0)]


def test_last_in_first_out_is_better_where_mules_pass_on_what_just_came() -> None:
    scores = judge(planted(seed, latest_first=True) for seed in range(200))[0]
    assert scores[LIFO].placed > scores[FIFO].placed


def test_the_planted_truth_agrees_with_what_banks_state() -> None:
    """No mule pays more than it has, and the victims got back what the statements show."""
    for seed in range(100):
        graph = planted(seed, own_money=0)
        trace = follow_history(history_of(graph.statements), graph.thefts, FIFO, BOUNDS)
        assert {finding.kind for finding in trace.findings} <= {FindingKind.CONTRADICTION}
        assert {theft: one.with_victim for theft, one in whereabouts(trace).items()} == {
            theft: graph.back[theft] for theft in graph.thefts
        }
