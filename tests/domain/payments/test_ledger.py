"""The ledger: each yuan once, in whatever order the feedback comes."""

from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.estimate import estimate_of
from domain.payments.ledger import (
    EXPOSURE,
    Totals,
    added,
    balanced,
    fold,
    of_case,
    total,
    with_frozen,
    with_loss,
    with_loss_avoided,
)
from schemas.casework.acts import CloseAct
from schemas.casework.cases import Case, CaseState, LossAvoided
from schemas.casework.inputs import BankState
from schemas.levels import EvidenceClass, Level, Outcome
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, Line, danger, event, payment

A, B, C, D = EvidenceClass
Booking = Callable[[Case], Case]
NAMES = st.sampled_from(["bank:1", "bank:2", "bank:3", "bank:unknown"])
AMOUNTS = st.integers(1, 1_500_000)


def case(exposure: int = 0, state: TransferState = TransferState.PENDING) -> Case:
    """A red case of three payments of ¥10,000."""
    line = Line()
    payments = [payment(f"bank:{number}", state=state) for number in (1, 2, 3)]
    line.alert(Level.RED, *payments, found=danger(Level.RED, exposure=exposure))
    return line.here


def dissuaded(exposure: int) -> Case:
    return balanced(case(exposure).model_copy(update={"outcome": Outcome.DISSUADED}))


def kept(name: str, evidence: EvidenceClass, amount: int) -> Booking:
    return lambda before: with_loss_avoided(before, name, evidence, amount)


def frozen(name: str, amount: int) -> Booking:
    return lambda before: with_frozen(before, name, amount)


def lost(name: str | None, amount: int) -> Booking:
    return lambda before: with_loss(before, name, amount, NOON)


BOOKINGS = st.lists(
    st.builds(kept, NAMES, st.sampled_from(EvidenceClass), AMOUNTS)
    | st.builds(frozen, NAMES, AMOUNTS)
    | st.builds(lost, st.none() | NAMES, AMOUNTS),
    max_size=8,
)


def booked(start: Case, bookings: list[Booking]) -> Case:
    for book in bookings:
        start = book(start)
    return start


@given(BOOKINGS, st.randoms(use_true_random=False), st.integers(0, 4_000_000))
def test_the_books_are_the_same_in_any_order_of_feedback_and_however_often_it_comes(
    bookings: list[Booking], chance: Random, exposure: int
) -> None:
    again = [*bookings, *bookings]
    chance.shuffle(again)
    one, other = booked(dissuaded(exposure), bookings), booked(dissuaded(exposure), again)
    assert (one.kept, one.frozen, one.losses) == (other.kept, other.frozen, other.losses)


@given(BOOKINGS, st.integers(0, 4_000_000))
def test_no_yuan_is_kept_twice_nor_kept_and_lost_by_the_residents_decision(
    bookings: list[Booking], exposure: int
) -> None:
    after = booked(dissuaded(exposure), bookings)
    named = {name: entry for name, entry in after.kept.items() if name != EXPOSURE}
    assert all(0 < entry.amount_fen <= 1_000_000 for entry in named.values())
    gone = {loss.id for loss in after.losses}
    assert not gone & {name for name, entry in named.items() if entry.evidence in (C, D)}
    totals = of_case(after)
    assert totals.kept_d <= max(0, exposure - totals.kept_a - totals.kept_b - totals.kept_c) + sum(
        entry.amount_fen for entry in named.values() if entry.evidence is D
    )
    assert all(value >= 0 for value in totals)


def test_a_transfer_stands_under_its_best_evidence() -> None:
    after = booked(case(), [kept("bank:1", C, 900_000), kept("bank:1", A, 400_000), kept("bank:1", B, 1_000_000)])
    assert after.kept == {"bank:1": LossAvoided(evidence=A, amount_fen=400_000)}


def test_no_more_is_kept_than_the_payment() -> None:
    assert of_case(booked(case(), [kept("bank:1", B, 9_000_000)])).avoided_by_class["B"] == 1_000_000


def test_a_payment_that_went_through_was_not_kept_by_the_residents_word() -> None:
    settled = case(state=TransferState.SETTLED)
    assert booked(settled, [kept("bank:1", C, 1_000)]).kept == {}
    assert booked(settled, [kept("bank:1", A, 1_000)]).kept["bank:1"].amount_fen == 1_000


def test_a_loss_takes_back_what_was_thought_kept_of_the_same_transfer() -> None:
    after = booked(case(), [kept("bank:1", C, 1_000_000), lost("bank:1", 1_000_000)])
    assert after.kept == {}
    assert of_case(after).lost == 1_000_000


def test_what_a_bank_returned_of_a_loss_is_not_lost() -> None:
    after = booked(case(), [lost("bank:1", 1_000_000), kept("bank:1", A, 300_000)])
    assert (of_case(after).lost, of_case(after).kept_a) == (700_000, 300_000)


def test_a_loss_told_in_one_sum_and_by_transfer_is_the_same_money() -> None:
    assert of_case(booked(case(), [lost(None, 1_500_000), lost("bank:1", 1_000_000)])).lost == 1_500_000


def test_the_estimate_is_what_a_dissuaded_resident_was_expected_to_lose_beyond_what_is_booked() -> None:
    """Here a scam is as likely as not."""
    assert dissuaded(3_000_000).kept[EXPOSURE] == LossAvoided(evidence=D, amount_fen=1_500_000)
    assert booked(dissuaded(3_000_000), [kept("bank:1", B, 1_000_000)]).kept[EXPOSURE].amount_fen == 1_000_000
    assert EXPOSURE not in booked(dissuaded(500_000), [kept("bank:1", B, 1_000_000)]).kept


def test_who_would_hardly_have_lost_anything_adds_little_to_the_estimate_however_rich_he_is() -> None:
    rich = case(200_000_000)
    unlikely = rich.danger.model_copy(update={"probability": 0.003})
    after = balanced(rich.model_copy(update={"outcome": Outcome.DISSUADED, "danger": unlikely}))
    assert after.kept[EXPOSURE].amount_fen == 600_000


def test_the_estimate_is_never_added_to_what_is_known() -> None:
    totals = of_case(dissuaded(3_000_000))
    assert totals.avoided_by_class == {"A": 0, "B": 0, "C": 0}
    assert totals.estimate == estimate_of(1_500_000)


def test_no_estimate_stands_once_the_resident_is_in_danger_again() -> None:
    line = Line()
    line.alert(Level.RED, found=danger(Level.RED, exposure=1_000))
    line.dissuaded()
    assert EXPOSURE in line.here.kept
    line.pass_to(timedelta(hours=1))
    line.alert(Level.RED, found=danger(Level.RED, "a new call", exposure=2_000))
    assert line.here.kept == {}


def test_a_person_can_claim_no_better_evidence_than_the_residents_word() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.dissuaded(kept=[{"transfer": "bank:1", "evidence": "A", "amount_fen": 1_000}])
    assert line.here.kept["bank:1"] == LossAvoided(evidence=C, amount_fen=1_000)


def test_what_an_earlier_case_booked_is_not_booked_again() -> None:
    line = Line()
    line.alert(Level.RED, payment())
    line.bank(BankState.CANCELLED)
    line.act(CloseAct(reason="done with"))
    line.pass_to(timedelta(days=31))
    line.alert(Level.RED, payment(), payment("bank:2"))
    assert line.here.booked_before == ["bank:1"]
    line.bank(BankState.RETURNED, amount=1_000)
    line.bank(BankState.RETURNED, "bank:2", amount=2_000)
    assert {name: entry.amount_fen for name, entry in line.here.kept.items()} == {"bank:2": 2_000}


@pytest.mark.parametrize(("days", "counted"), [(29, (1, 1)), (31, (0, 1)), (91, (0, 0))])
def test_a_fraud_after_a_warning_counts_against_it_for_30_and_90_days(days: int, counted: tuple[int, int]) -> None:
    warned = case().model_copy(update={"warned_at": NOON})
    totals = of_case(with_loss(warned, "bank:1", 1, NOON + timedelta(days=days)))
    assert (totals.defrauded_after_warning_30d, totals.defrauded_after_warning_90d) == counted


def test_a_fraud_without_a_warning_counts_against_none() -> None:
    assert of_case(booked(case(), [lost("bank:1", 5)])).defrauded_after_warning_90d == 0


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5), AMOUNTS), max_size=8), st.randoms())
def test_the_journal_folds_to_the_same_books_in_any_order(told: list[tuple[int, int, int]], chance: Random) -> None:
    versions = {(number, version): amount for number, version, amount in told}
    standing = case()
    events = [
        event(
            booked(standing, [kept("bank:1", A, amount)]).model_copy(
                update={"id": f"{standing.resident}-{number}", "number": number, "version": version}
            )
        )
        for (number, version), amount in versions.items()
    ]
    shuffled = [*events, *events]
    chance.shuffle(shuffled)
    assert fold(shuffled) == fold(events)
    assert fold(events).cases == len({name for name, _ in versions})


@given(BOOKINGS)
def test_sums_kept_by_differences_agree_with_the_fold_to_the_fen(bookings: list[Booking]) -> None:
    sums = dict.fromkeys(Totals._fields, 0)
    before = None
    states = list(accumulate(bookings, lambda state, book: book(state), initial=dissuaded(3_000_000)))
    for state in states:
        for name, amount in added(before, state).items():
            sums[name] += amount
        before = state
    assert Totals(**sums) == fold([event(state) for state in states[-1:]])


def test_totals_of_nothing_are_nothing() -> None:
    assert total([]) == fold([]) == Totals()


def test_a_closed_case_keeps_its_books() -> None:
    line = Line()
    line.alert(Level.RED, payment(), found=danger(Level.RED, exposure=1_000))
    line.dissuaded()
    line.pass_to(timedelta(days=10))
    assert line.here.state is CaseState.CLOSED
    assert (of_case(line.here).dissuaded_evidenced, of_case(line.here).kept_d) == (1, 500)
