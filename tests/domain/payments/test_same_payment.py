"""A payment that a person reports and one that a feed delivers: when they are one, and when they are two."""

from datetime import timedelta
from itertools import permutations

import pytest

from domain.casework.payments import merged
from domain.payments.same_payment import pairs
from schemas.casework.cases import Payment
from schemas.casework.reported import ReportedPayment
from schemas.people.residents import ReportSource
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, payment

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def told(
    name: str = "reported:1", at: int = 0, call: str = "c1", reference: str = "", amount: int = 1_000_000
) -> Payment:
    """A payment that somebody reports, `at` minutes past noon."""
    said = ReportedPayment(source=ReportSource.HOTLINE, report=name, told_in=call, reference=reference)
    known = payment(name, amount, TransferState.SETTLED, at=NOON + at * MINUTE, watched=WatchStatus.REPORTED)
    return known.model_copy(update={"reported": said})


def fed(name: str = "bank:1", at: int = 10, amount: int = 1_000_000, payee: str = "a1") -> Payment:
    """A payment that a feed delivers, `at` minutes past noon."""
    return payment(name, amount, TransferState.PENDING, payee, NOON + at * MINUTE)


def in_turn(*records: Payment) -> list[Payment]:
    known: list[Payment] = []
    for record in records:
        known = merged(known, [record], HOUR)
    return known


def names(known: list[Payment]) -> list[tuple[str, str | None]]:
    return [(each.transfer, each.feed) for each in known]


def test_a_payment_reported_first_and_delivered_later_is_one_with_the_banks_facts() -> None:
    [one] = in_turn(told(), fed())
    assert (one.transfer, one.feed) == ("reported:1", "bank:1")
    assert (one.at, one.state) == (NOON + 10 * MINUTE, TransferState.PENDING)
    assert one.watched is WatchStatus.REPORTED
    assert one.reported is not None


def test_a_payment_delivered_first_and_reported_later_is_one_under_the_feeds_name() -> None:
    [one] = in_turn(fed(), told())
    assert (one.transfer, one.feed, one.at) == ("bank:1", "bank:1", NOON + 10 * MINUTE)
    assert one.reported is not None


@pytest.mark.parametrize("first", [told(), fed()])
def test_the_feeds_later_records_are_of_the_same_payment(first: Payment) -> None:
    second = fed() if first.reported else told()
    settled = fed().model_copy(update={"state": TransferState.SETTLED})
    [one] = in_turn(first, second, settled, fed(), told())
    assert one.state is TransferState.SETTLED


def test_the_end_to_end_id_tells_more_than_amount_and_time() -> None:
    [one] = in_turn(told(reference="77", amount=900_000), fed("bank:77", at=600))
    assert (one.feed, one.amount_fen) == ("bank:77", 1_000_000)
    [other] = in_turn(fed("bank:77", at=600), told(reference="77", amount=900_000))
    assert (other.transfer, other.amount_fen) == ("bank:77", 1_000_000)


@pytest.mark.parametrize(
    "other", [fed(at=61), fed(at=-61), fed(amount=1_000_001), fed(payee="a2"), fed("bank:77", payee="a2")]
)
def test_a_near_miss_is_another_payment(other: Payment) -> None:
    report = told(reference="77")
    assert len(in_turn(report, other)) == 2
    assert len(in_turn(other, report)) == 2


def test_the_bound_itself_still_fits() -> None:
    assert len(in_turn(told(), fed(at=60))) == 1


def test_of_two_equal_payments_one_was_reported_and_the_other_stays_alone() -> None:
    for first, second, third in permutations([told(), fed("bank:1", at=10), fed("bank:2", at=2)]):
        known = in_turn(first, second, third)
        assert len(known) == 2
        assert sum(each.amount_fen for each in known) == 2_000_000
        assert [each.reported is not None for each in known].count(True) == 1


def test_delivered_together_the_nearest_in_time_is_the_reported_one() -> None:
    known = merged([told()], [fed("bank:1", at=10), fed("bank:2", at=2)], HOUR)
    assert names(known) == [("reported:1", "bank:2"), ("bank:1", None)]


def test_two_equal_payments_told_in_one_call_are_two_and_each_has_its_record() -> None:
    known = in_turn(told("reported:1", at=0), told("reported:2", at=20))
    known = merged(known, [fed("bank:1", at=19), fed("bank:2", at=1)], HOUR)
    assert names(known) == [("reported:1", "bank:2"), ("reported:2", "bank:1")]


def test_a_second_report_from_elsewhere_is_about_the_same_payment() -> None:
    [one] = in_turn(told(), told("reported:2", at=25, call="c2"))
    assert one.transfer == "reported:1"
    [other] = in_turn(told(), fed(), told("reported:2", at=25, call="c2"))
    assert names([other]) == [("reported:1", "bank:1")]


def test_a_second_report_may_know_the_institution() -> None:
    more = told("reported:2", call="c2").model_copy(update={"institution": "icbc"})
    [one] = in_turn(told(), more)
    assert one.institution == "icbc"


def test_payments_of_feeds_are_never_paired_with_one_another() -> None:
    assert pairs([fed("bank:1")], [fed("bank:2")], HOUR) == {}
    assert len(in_turn(fed("bank:1"), fed("bank:2"))) == 2


def test_two_reports_with_different_ids_are_of_two_payments() -> None:
    assert len(in_turn(told(reference="E1"), told("reported:2", at=30, call="c2", reference="E2"))) == 2
    joined = in_turn(told(reference="E1"), fed("bank:E1"), told("reported:2", at=30, call="c2", reference="E2"))
    assert names(joined) == [("reported:1", "bank:E1"), ("reported:2", None)]


def test_a_mistyped_id_does_not_part_a_report_from_its_record() -> None:
    [one] = in_turn(told(reference="E1"), fed("bank:E9"))
    assert names([one]) == [("reported:1", "bank:E9")]


def test_delivered_together_the_record_of_the_reports_id_is_the_reported_one() -> None:
    known = merged([told(reference="E1")], [fed("bank:E9", at=0), fed("bank:E1", at=30)], HOUR)
    assert names(known) == [("reported:1", "bank:E1"), ("bank:E9", None)]


def test_of_two_reports_a_record_is_that_of_the_one_whose_id_does_not_contradict() -> None:
    known = in_turn(told(at=30), told("reported:2", at=10, reference="E1"), fed("bank:E9"))
    assert names(known) == [("reported:1", "bank:E9"), ("reported:2", None)]


def test_the_record_of_the_reports_id_takes_the_report_from_one_that_only_looked_like_it() -> None:
    known = in_turn(told(reference="E1"), fed("bank:E9", at=10), fed("bank:E1", at=2), fed("bank:E9", at=10))
    assert names(known) == [("reported:1", "bank:E1"), ("bank:E9", None)]
    assert [each.at for each in known] == [NOON + 2 * MINUTE, NOON + 10 * MINUTE]
    assert [each.reported is not None for each in known] == [True, False]
    other = in_turn(fed("bank:E9"), told(reference="E1"), fed("bank:E1", at=2), fed("bank:E9"), told(reference="E1"))
    assert names(other) == [("bank:E9", None), ("bank:E1", "bank:E1")]
    assert [each.reported is not None for each in other] == [False, True]
