"""The ledger's claims beside the truth."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.ledger import EXPOSURE
from schemas.levels import Action, EvidenceClass
from simulators.studies.honesty import Figure, Ratio, honesty_of, judge, learnt
from simulators.world.truth import AccountStop
from tests.simulators.truths import LATER, NOON, case, life, pay, truth

A, B, C, D = EvidenceClass


def test_a_payment_that_its_bank_cancelled_is_truly_kept() -> None:
    caught = life(pay("1", 5, 30_000))
    caught.caught["bank:1"] = NOON + timedelta(minutes=5, seconds=20)
    found = judge([case({"bank:1": (B, 30_000)})], truth(caught), LATER)
    assert found[B] == Figure(30_000, 30_000, 0)


def test_of_money_that_settled_only_what_the_bank_holds_is_kept() -> None:
    frozen = life(pay("1", 5, 30_000))
    frozen.frozen["bank:1"] = 12_000
    assert judge([case({"bank:1": (A, 12_000)})], truth(frozen), LATER)[A] == Figure(12_000, 12_000, 0)
    assert judge([case({"bank:1": (A, 30_000)})], truth(frozen), LATER)[A].over == 18_000


def test_a_payment_that_came_back_from_a_stopped_account_is_kept() -> None:
    here = truth(life(pay("1", 5, 30_000)))
    here.stops["999000000000"] = [AccountStop(NOON, LATER)]
    assert judge([case({"bank:1": (A, 30_000)})], here, LATER)[A].over == 0


def test_a_claim_on_a_payment_that_was_made_is_seen() -> None:
    found = judge([case({"bank:1": (C, 30_000)})], truth(life(pay("1", 5, 30_000))), LATER)
    assert found[C] == Figure(30_000, 0, 30_000, 30_000)


def test_what_one_claim_is_under_does_not_make_up_for_anothers_being_over() -> None:
    persuaded = life(pay("1", 5, 30_000), pay("2", 60, 90_000))
    persuaded.persuade(NOON + timedelta(minutes=30), Action.OPERATOR_CALL)
    found = judge([case({"bank:1": (C, 30_000), "bank:2": (C, 40_000)})], truth(persuaded), LATER)
    assert found[C] == Figure(70_000, 90_000, 30_000, 30_000)


def test_an_estimate_is_compared_with_what_was_kept_beyond_the_named_transfers() -> None:
    persuaded = life(pay("1", 30, 10_000), pay("2", 60, 50_000), pay("3", 90, 70_000))
    persuaded.persuade(NOON + timedelta(minutes=10), Action.VISIT)
    found = judge([case({"bank:1": (C, 10_000), EXPOSURE: (D, 900_000)})], truth(persuaded), LATER)
    assert found[D] == Figure(900_000, 120_000, 780_000)


def test_who_would_have_paid_nothing_anyway_kept_nothing_by_the_estimate() -> None:
    touched = life()
    touched.persuade(NOON, Action.SMS)
    assert judge([case({EXPOSURE: (D, 900_000)})], truth(touched), LATER)[D].true == 0
    assert judge([case({EXPOSURE: (D, 900_000)})], truth(), LATER)[D].true == 0


def test_what_is_still_under_way_is_not_kept_yet() -> None:
    persuaded = life(pay("1", 30, 10_000))
    found = judge([case({"bank:1": (C, 10_000)})], truth(persuaded), NOON + timedelta(minutes=20))
    assert found[C].over == 10_000


amounts = st.integers(1, 10**6)


@given(st.lists(amounts, min_size=1, max_size=5), st.integers(0, 60), st.data())
def test_banks_that_tell_the_truth_are_never_over_it(fen: list[int], stopped: int, data: st.DataObject) -> None:
    """A: as much as the truth has frozen; B: what was cancelled before it settled."""
    one = life(*(pay(str(number), 10 * number, amount) for number, amount in enumerate(fen)))
    claims = {}
    for number, payment in enumerate(one.story.payments):
        if number % 2:
            one.frozen[payment.uid] = data.draw(st.integers(0, payment.amount_fen))
            claims[payment.uid] = (A, one.frozen[payment.uid])
        else:
            one.caught[payment.uid] = payment.at + timedelta(seconds=min(stopped, 59))
            claims[payment.uid] = (B, payment.amount_fen)
    found = judge([case(claims)], truth(one), LATER)
    assert (found[A].over, found[B].over) == (0, 0)


def test_an_interval_holds_the_truth_of_others_in_the_same_proportion() -> None:
    others = [Figure(100, true) for true in range(1, 100)]
    assert learnt(others, 0.9) == Ratio(0.05, 0.5, 0.95)
    assert learnt(others[:3]) == Ratio(0.01, 0.02, 0.03)
    assert learnt([Figure(), *others[:1]]).covers(Figure(1000, 10))
    with pytest.raises(ValueError, match="no claim"):
        learnt([Figure()])


def test_of_a_hundred_seeds_the_interval_covers_at_least_ninety_however_much_they_scatter() -> None:
    chance = Random(3)
    found = honesty_of([{D: Figure(1000, round(1000 * chance.lognormvariate(-2, 0.7)))} for _ in range(100)], D)
    assert found.coverage is not None
    assert 0.9 <= found.coverage < 1
    assert found.honest
    assert found.counted == pytest.approx(found.true, rel=0.2)


def test_a_class_whose_truth_is_elsewhere_in_half_of_the_seeds_is_not_honest() -> None:
    """An interval that is learnt from the seeds themselves would cover them all the same."""
    mild, wild = [{C: Figure(1000, 900 + number)} for number in range(10)], [{C: Figure(1000, 10)} for _ in range(10)]
    mixed = [one for both in zip(mild, wild, strict=True) for one in both]
    found = honesty_of(mixed, C)
    assert (found.coverage, found.honest) == (0, False)


def test_a_bank_that_is_over_the_truth_once_is_not_honest_though_the_mean_is_under_it() -> None:
    under, over = {A: Figure(1000, 9000)}, {A: Figure(1000, 900, 100)}
    assert not honesty_of([under, over, under], A).honest
    honest = honesty_of([under], A)
    assert (honest.honest, honest.over, honest.counted, honest.true) == (True, 0, 1000, 9000)


def test_a_class_that_claims_nothing_or_once_is_not_shown_to_be_honest() -> None:
    nothing = {each: Figure() for each in EvidenceClass}
    assert not any(honesty_of([nothing], each).honest for each in EvidenceClass)
    once = honesty_of([nothing, {**nothing, C: Figure(1000, 1000)}], C)
    assert (once.claims, once.coverage, once.honest) == (1, None, False)


def test_what_is_claimed_where_nothing_was_kept_is_told_apart() -> None:
    stopped = life(pay("1", 30, 10_000))
    stopped.persuade(NOON, Action.SMS)
    other = life(who="rbbbbbbbbbbbbbbbb")
    cases = [case({EXPOSURE: (D, 40_000)}), case({EXPOSURE: (D, 5_000)}, who="rbbbbbbbbbbbbbbbb")]
    assert judge(cases, truth(stopped, other), LATER)[D] == Figure(45_000, 10_000, 35_000, 5_000)
