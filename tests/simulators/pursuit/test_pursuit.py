"""The study of stops: no fen is lost, banks are asked only after approvals, and following the money holds more."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.policy import load
from schemas.casework.inputs import BankState
from schemas.casework.objections import WrongfulCause
from simulators.assumptions.chance import stream
from simulators.assumptions.stolen_money import VARIATIONS, StolenMoney, Variation
from simulators.lab.agenda import Agenda
from simulators.pursuit import figures
from simulators.pursuit.banks import Banks
from simulators.pursuit.effects import as_report, parameter_effects, with_rules
from simulators.pursuit.money import MoneyTruth, MuleGang
from simulators.pursuit.oracle import Oracle
from simulators.pursuit.reports import ReportKind, reports
from simulators.pursuit.reviews import ReviewDesk
from simulators.pursuit.run import Pursuit, ReportOutcome, Way
from simulators.world.province import START
from tests.domain.builders import policy_text

POLICY = policy_text()
DAYS = 2
SURE = StolenMoney(refuses=0, errs=0, twice=0, by_machine=1, wrong=0, malicious=0)


def moved(seed: int, assumed: StolenMoney, stops: tuple[int, ...] = ()) -> tuple[MoneyTruth, list[int]]:
    """One theft of ¥100,000 whose accounts are stopped after so many minutes; and the balances of its places then."""
    agenda, seen = Agenda(START), []
    money = MoneyTruth(seed, assumed, agenda)
    gang = MuleGang(stream(seed, "a gang"), "gang", assumed)

    def steal() -> None:
        money.steal("t", gang, 10_000_000)

    def stop() -> None:
        seen.append(sum(money.balance(place) for place in money.places("t")))
        for place in money.places("t"):
            money.stop(place)

    agenda.at(START, steal)
    for minutes in stops:
        agenda.at(START + timedelta(minutes=minutes), stop)
    while agenda.next_at < START + timedelta(days=30):
        agenda.step()
    return money, seen


@given(seed=st.integers(0, 10**6), stops=st.lists(st.integers(0, 600), max_size=4).map(tuple))
@settings(max_examples=60)
def test_every_fen_is_in_an_account_or_gone(seed: int, stops: tuple[int, ...]) -> None:
    money, seen = moved(seed, StolenMoney(), stops)
    assert money.missing() == 0
    assert money.held("t") + money.gone["t"] == money.stolen["t"] == 10_000_000
    assert all(before >= after for before, after in pairwise(seen))


def test_money_that_nobody_stops_is_gone_and_what_is_stopped_at_once_stays_whole() -> None:
    nobody, _ = moved(1, StolenMoney())
    at_once, _ = moved(1, StolenMoney(), stops=(0,))
    assert (nobody.in_accounts("t"), nobody.gone["t"]) == (0, 10_000_000)
    assert (at_once.held("t"), at_once.gone["t"]) == (10_000_000, 0)


def test_an_account_is_emptied_within_ten_minutes_but_for_a_fifth() -> None:
    money = MoneyTruth(1, StolenMoney(), agenda := Agenda(START))
    account = money.steal("t", MuleGang(stream(1, "a gang"), "gang", StolenMoney()), 10_000_000)
    while agenda.next_at <= START + timedelta(minutes=10):
        agenda.step()
    assert 1_000_000 <= money.balance(account) <= 2_000_000
    out = money.onward(account, START)
    assert sum(each.amount_fen for each in out) + money.balance(account) == 10_000_000
    assert [each.sequence for each in out] == sorted({each.sequence for each in out})


def test_a_gang_uses_no_account_that_was_stopped() -> None:
    gang = MuleGang(stream(1, "a gang"), "gang", StolenMoney())
    chance = stream(1, "chosen")
    first = {gang.account(chance, 0, ()) for _ in range(50)}
    assert len(first) == StolenMoney().layer_accounts
    assert not first & {gang.account(chance, 0, first) for _ in range(50)}


def test_a_bank_states_what_is_there_and_where_the_rest_went() -> None:
    money = MoneyTruth(1, SURE, agenda := Agenda(START))
    account = money.steal("t", MuleGang(stream(1, "a gang"), "gang", SURE), 10_000_000)
    while agenda.next_at <= START + timedelta(minutes=8):
        agenda.step()
    in_force, frozen = Banks(1, SURE, money).decide(account, "an order", 10_000_000, START)
    assert (in_force.state, frozen.state) == (BankState.IN_FORCE, BankState.FROZEN)
    assert in_force.amount_fen == frozen.amount_fen == money.balance(account)
    assert sum(each.amount_fen for each in in_force.onward) == 10_000_000 - money.balance(account)
    (refused,) = Banks(1, replace(SURE, refuses=1), money).decide(account, "an order", 10_000_000, START)
    assert (refused.state, refused.amount_fen, refused.onward) == (BankState.REFUSED, 0, ())


def test_an_account_is_stopped_when_the_bank_decides_even_if_nobody_reads_the_answers() -> None:
    money = MoneyTruth(1, SURE, Agenda(START))
    account = money.steal("t", MuleGang(stream(1, "a gang"), "gang", SURE), 10_000_000)
    Banks(1, SURE, money).decide(account, "an order", 10_000_000, START)
    assert money.held("t") == 10_000_000


def test_a_staffed_desk_is_slower_at_night() -> None:
    banks = Banks(
        1, replace(StolenMoney(), by_machine=0, desk_spread=0.01), MoneyTruth(1, StolenMoney(), Agenda(START))
    )
    at_nine, at_midnight = (banks.delay("bank-1", "an order", START + timedelta(hours=hours)) for hours in (0, 15))
    assert timedelta(minutes=3) < at_nine < timedelta(minutes=5)
    assert timedelta(minutes=15) < at_midnight < timedelta(minutes=25)


def test_a_seed_has_as_many_thefts_as_the_province_and_is_the_same_again() -> None:
    found = list(reports(1, StolenMoney(), START, 10))
    assert found == list(reports(1, StolenMoney(), START, 10))
    assert sum(each.kind is ReportKind.TRUE for each in found) == 205
    assert {each.kind for each in found} == set(ReportKind)
    mean = sum(each.amount_fen for seed in range(20) for each in reports(seed, StolenMoney(), START, 10)) / 20 / 217
    assert 4_000_000 < mean < 6_500_000  # Jilin: ¥52,000


def test_an_order_that_a_bank_refuses_is_no_stop_of_the_oracle() -> None:
    told = Oracle(1, replace(SURE, refuses=1), DAYS).run()
    assert any(each.orders for each in told)
    assert {(each.held_fen, each.stop_after) for each in told} == {(0, None)}


@pytest.fixture(scope="module")
def found() -> list[dict[str, list[ReportOutcome]]]:
    return list(figures.compare_ways(POLICY, StolenMoney(), range(1, 5), DAYS, processes=1))


def test_following_the_money_holds_more_than_one_hop_and_the_oracle_more_than_that(
    found: list[dict[str, list[ReportOutcome]]],
) -> None:
    told = figures.summaries(found)
    held = [told[way].held_of_all.mean for way in (figures.FED, figures.ONE_HOP, figures.FOLLOWED, figures.ORACLE)]
    assert held == sorted(held)
    assert told[figures.FOLLOWED].orders > told[figures.ONE_HOP].orders
    assert told[figures.ONE_HOP].held_of_there.mean < told[figures.FOLLOWED].held_of_there.mean
    assert 0 < told[figures.FOLLOWED].p50 < told[figures.FOLLOWED].p95
    assert as_report(told, [], range(1, 5), DAYS)["missed"] == figures.missed_bars(told[figures.FOLLOWED])


def test_no_bank_is_asked_without_a_persons_approval() -> None:
    never = replace(StolenMoney(), approval_seconds=10**9, approval_spread=0.01)
    told = Pursuit(1, load(POLICY), never, Way(), DAYS).run()
    assert len(told) > 40
    assert {(each.orders, each.held_fen, each.stop_after) for each in told} == {(0, 0, None)}


def test_a_person_who_declines_every_wrong_report_stops_no_honest_account() -> None:
    wrong = replace(StolenMoney(), wrong=1, malicious=1)
    for declines in (0, 1):
        checked = replace(wrong, refused_wrong=declines, refused_malicious=declines)
        told = Pursuit(1, load(POLICY), checked, Way(), DAYS).run()
        stopped = [each for each in told if each.honest_stopped]
        assert bool(stopped) is not bool(declines)
        assert not [each for each in stopped if each.kind is ReportKind.TRUE]


def test_slower_approvals_hold_less_and_the_assumed_ones_stand_first() -> None:
    told = [Variation("approval", str(seconds), {"approval_seconds": seconds}) for seconds in (4, 800)]
    usual, fast, slow = parameter_effects(POLICY, range(1, 3), DAYS, 1, told)
    assert (usual.parameter, usual.more_of_all.mean, usual.more_of_all.half) == ("as assumed", 0, 0)
    assert fast.held_of_all > usual.held_of_all > slow.held_of_all
    assert fast.p50 < usual.p50 < slow.p50
    assert fast.more_of_all.mean == pytest.approx(fast.held_of_all - usual.held_of_all)


def test_a_policy_without_further_orders_holds_less() -> None:
    usual, near = parameter_effects(POLICY, [1], DAYS, 1, [Variation("orders", "0", {}, {"trace.orders": "0"})])
    assert near.held_of_all < usual.held_of_all


@pytest.mark.parametrize("each", VARIATIONS, ids=lambda each: f"{each.parameter}, {each.value}")
def test_each_variation_changes_something_and_is_allowed(each: Variation) -> None:
    assert replace(StolenMoney(), **each.assumed) != StolenMoney() or load(with_rules(POLICY, each.policy)) != load(
        POLICY
    )


def test_a_lifted_account_lets_its_money_go_again_and_no_fen_is_lost() -> None:
    agenda = Agenda(START)
    money = MoneyTruth(1, StolenMoney(), agenda)
    account = money.steal("t", MuleGang(stream(1, "a gang"), "gang", StolenMoney()), 10_000_000)
    money.stop(account)
    agenda.run_until(START + timedelta(hours=5))
    assert money.held("t") == 10_000_000
    money.release(account)
    agenda.run_until(START + timedelta(days=30))
    assert (money.held("t"), money.in_accounts("t"), money.gone["t"], money.missing()) == (0, 0, 10_000_000, 0)


def test_wrongful_stops_are_told_by_cause_and_lifted_once_an_objection_is_upheld() -> None:
    sure = replace(StolenMoney(), wrong=1, malicious=1, refused_wrong=0, refused_malicious=0, objects=1)
    told = Pursuit(1, load(POLICY), replace(sure, upholds_honest=1, objects_mule=0, sells=0.2), Way(), DAYS).run()
    reviews = [review for outcome in told for review in outcome.reviews]
    assert {review.cause for review in reviews} == {
        WrongfulCause.FALSE_REPORT,
        WrongfulCause.MISTAKEN_REPORT,
        WrongfulCause.LAWFUL_PAYMENT,
    }
    lifted = [review for review in reviews if review.lifted_at is not None]
    assert len(lifted) > len(reviews) * 0.8
    assert all(
        review.objected_at and review.lifted_at and review.stopped_at < review.objected_at < review.lifted_at
        for review in lifted
    )
    assert any(review.unread for review in reviews)


def test_a_person_reads_each_order_where_nobody_uses_standing_approvals(
    found: list[dict[str, list[ReportOutcome]]],
) -> None:
    told = figures.summaries(found)
    assert (told[figures.EACH_HOP].under, told[figures.EACH_HOP].unread) == (0, 0)
    assert 0 < told[figures.FOLLOWED].under < told[figures.FOLLOWED].orders


def test_few_reviewers_take_one_objection_at_a_time() -> None:
    desk = ReviewDesk(1, replace(StolenMoney(), reviewers_day=1, review_spread=0.01))
    first, second = (desk.schedule_review(name, START) for name in ("one", "two"))
    assert timedelta(minutes=24) < first - START < timedelta(minutes=26)
    assert timedelta(minutes=24) < second - first < timedelta(minutes=26)
