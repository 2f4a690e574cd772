"""Scorecards of institutions: times to the first answer, late and refused, by part of the day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.payments.bank_book import BankBook, BankReply, Sent
from domain.payments.scorecards import Scorecard, scorecards
from schemas.casework.inputs import BankState
from schemas.channels.bank_messages import BankMessage
from schemas.levels import Action, Result
from tests.domain.builders import RESIDENT

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 9:00 in Jilin
MINUTE, LIMIT = timedelta(minutes=1), timedelta(minutes=10)
CASE = f"{RESIDENT}-1"


def asked(
    book: BankBook,
    name: str,
    at: datetime = NINE,
    institution: str = "icbc",
    action: Action = Action.STOP_PAYMENT,
) -> None:
    book.sent[name] = Sent(name, at, CASE, "220104", action, f"abc:{name}", "a1", 100, institution)


def answered(
    book: BankBook, name: str, after: timedelta, state: BankState = BankState.IN_FORCE, number: str = "1"
) -> None:
    book.message(
        BankMessage(
            id=f"{name}#{number}",
            at=book.sent[name].at + after,
            resident=RESIDENT,
            case=CASE,
            dispatch=name,
            receipt=number,
            transfer=f"abc:{name}",
            state=state,
        )
    )


def cards(book: BankBook, now: datetime = NINE + timedelta(hours=1), area: str = "") -> list[Scorecard]:
    return scorecards(book, lambda division: division.startswith(area), now, LIMIT)


def test_the_time_to_the_first_answer_counts_and_later_ones_do_not() -> None:
    book = BankBook()
    for number, minutes in enumerate((1, 2, 3, 40)):
        asked(book, f"d{number}")
        answered(book, f"d{number}", minutes * MINUTE)
        answered(book, f"d{number}", 100 * MINUTE, BankState.FROZEN, "2")
    (card,) = cards(book)
    assert (card.institution, card.asked, card.answered, card.p50, card.p95) == ("icbc", 4, 4, 2 * MINUTE, 40 * MINUTE)
    assert (card.late, card.waits, card.refused) == (1, 0, 0)


def test_an_order_without_an_answer_waits_and_is_late_after_the_limit() -> None:
    book = BankBook()
    asked(book, "d")
    (at_limit,), (after,) = cards(book, NINE + LIMIT), cards(book, NINE + LIMIT + MINUTE)
    assert (at_limit.waits, at_limit.late, at_limit.p50) == (1, 0, None)
    assert (after.waits, after.late, after.p95) == (0, 1, None)


def test_what_never_reached_a_bank_is_not_its_fault_and_what_failed_once_is_counted() -> None:
    book = BankBook()
    for name, results in (("never", [Result.FAILED]), ("once", [Result.FAILED, Result.SENT])):
        asked(book, name)
        book.told[name] = [BankReply(NINE, result) for result in results]
    (card,) = cards(book)
    assert card.asked == 1


def test_refusals_are_counted_and_releases_are_not_asked_for_in_a_hurry() -> None:
    book = BankBook()
    asked(book, "d")
    answered(book, "d", MINUTE, BankState.REFUSED)
    asked(book, "r", action=Action.STOP_RELEASE)
    (card,) = cards(book)
    assert (card.asked, card.refused) == (1, 1)


def test_the_day_in_jilin_is_split_and_institutions_with_most_orders_come_first() -> None:
    book = BankBook()
    asked(book, "morning")
    asked(book, "night", at=NINE + timedelta(hours=16))  # 1:00
    answered(book, "night", 20 * MINUTE)
    asked(book, "other", institution="abc")
    first, second = cards(book)
    assert (first.institution, second.institution) == ("icbc", "abc")
    assert [(part.begins, part.asked) for part in first.day if part.asked] == [(0, 1), (8, 1)]
    assert [part.median for part in first.day] == [20 * MINUTE, None, None, None, None, None]


def test_nobody_sees_the_orders_of_another_area() -> None:
    book = BankBook()
    asked(book, "d")
    assert (len(cards(book, area="2201")), cards(book, area="2224")) == (1, [])


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.one_of(st.none(), st.integers(-5, 3000)), st.sampled_from(["icbc", "abc"])),
        max_size=30,
    )
)
def test_each_order_is_in_one_card_and_one_part_of_the_day(orders: list[tuple[int, int | None, str]]) -> None:
    book = BankBook()
    for number, (at, after, institution) in enumerate(orders):
        asked(book, f"d{number}", NINE + at * MINUTE, institution)
        if after is not None:
            answered(book, f"d{number}", after * MINUTE)
    found = cards(book, NINE + 6000 * MINUTE)
    assert sum(card.asked for card in found) == len(orders)
    for card in found:
        assert sum(part.asked for part in card.day) == card.asked
        assert card.answered + card.waits <= card.asked
        assert card.p50 is None or card.p95 is None or timedelta(0) <= card.p50 <= card.p95
