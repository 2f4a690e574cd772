"""The day's reconciliation with a bank: what was asked against what was answered."""

import csv
import hashlib
import io
from datetime import timedelta

from domain.calendar import day_of
from domain.payments.bank_book import BankBook
from domain.payments.reconciliation import Difference, Line, as_csv, reconcile, totals
from schemas.casework.acts import ReleaseStopAct
from schemas.casework.cases import StopState
from schemas.casework.inputs import BankState
from schemas.levels import Action, Result
from tests.domain.builders import NOON
from tests.domain.casework.journal import Journal, red_with_money

TODAY = day_of(NOON)


def everywhere(division: str) -> bool:
    return True


def book_of(*lines: Journal) -> BankBook:
    """The book of what some lines' journals and banks tell."""
    book = BankBook()
    for line in lines:
        for event in line.events:
            book.add(event)
        for message in line.messages:
            book.message(message)
    return book


def asked() -> Journal:
    line = red_with_money()
    line.pass_to(timedelta(minutes=2))
    line.result(Result.SENT, Action.STOP_PAYMENT)
    return line


def differences(*lines: Journal) -> list[list[Difference]]:
    return [list(line.differences) for line in today(*lines)]


def today(*lines: Journal) -> list[Line]:
    return reconcile(book_of(*lines), "bank", TODAY, everywhere)


def test_a_stop_that_was_answered_agrees() -> None:
    line = asked()
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    line.bank(BankState.FROZEN, amount=1_000_000)
    (found,) = today(line)
    assert (found.differences, found.answered_fen, found.how) == ((), 1_000_000, "sent")


def test_a_stop_without_an_answer_is_a_difference() -> None:
    assert differences(asked()) == [[Difference.NO_ANSWER]]


def test_what_the_bank_never_got_needs_no_answer() -> None:
    line = red_with_money()
    line.pass_to(timedelta(minutes=2))
    line.result(Result.FAILED, Action.STOP_PAYMENT)
    (found,) = today(line)
    assert (found.differences, found.how) == ((), "failed")


def test_another_amount_than_ours_is_a_difference() -> None:
    line = asked()
    line.bank(BankState.FROZEN, amount=400_000)
    assert differences(line) == [[Difference.AMOUNT]]


def test_an_answer_to_nothing_is_a_difference() -> None:
    line = asked()
    line.bank(BankState.IN_FORCE)
    line.bank(BankState.FROZEN, amount=5, dispatch="raaaaaaaaaaaaaaaa-9:stop.0:1:payment")
    assert differences(line) == [[], [Difference.NOT_ASKED]]


def test_an_answer_of_a_later_day_counts_to_the_day_it_was_asked_on_and_stands_on_its_own_day_too() -> None:
    line = asked()
    line.now += timedelta(days=1)
    line.bank(BankState.IN_FORCE)
    book = book_of(line)
    tomorrow = day_of(line.now)
    for day in (TODAY, tomorrow):
        assert [each.differences for each in reconcile(book, "bank", day, everywhere)] == [()]
    assert book.days(everywhere) == [("bank", tomorrow), ("bank", TODAY)]


def test_nobody_sees_the_stops_of_another_area() -> None:
    book = book_of(asked())
    assert reconcile(book, "bank", TODAY, lambda division: division.startswith("2224")) == []
    assert book.shown(lambda division: division.startswith("2224")) == []
    assert len(book.shown(lambda division: division.startswith("2201"))) == 1


def test_the_file_ends_with_totals_and_the_digest_of_all_before() -> None:
    lines = today(asked())
    text, digest = as_csv("bank", TODAY, lines, {"a1": "******0001"})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["differences"] == "asked_without_answer"
    assert (rows[0]["account"], rows[0]["asked_fen"]) == ("******0001", "1000000")
    assert {row["case"]: row["transfer"] for row in rows if row["kind"] == "total"}["asked_without_answer"] == "1"
    body, _, last = text.rstrip("\r\n").rpartition("\r\n")
    assert last == f"sha256,bank,{TODAY},{digest}"
    assert hashlib.sha256(f"{body}\r\n".encode()).hexdigest() == digest


def test_a_stop_stands_in_the_book_as_its_case_left_it_however_often_and_in_which_order_it_is_told() -> None:
    line = asked()
    line.bank(BankState.IN_FORCE)
    book = BankBook()
    for event in (*reversed(line.events), *line.events):
        book.add(event)
    (found,) = book.shown(everywhere)
    assert (found.stop.state, found.bank, found.number) == (StopState.IN_FORCE, "bank", 0)
    assert [each.action for each in book.of(found.case, found.transfer)[0]] == [Action.STOP_PAYMENT]


def test_what_is_asked_to_be_lifted_is_not_added_to_what_is_asked_to_be_stopped() -> None:
    line = asked()
    line.bank(BankState.IN_FORCE)
    line.act(ReleaseStopAct(transfer="bank:1", reason="the rent is due", asked_by="anna"))
    found = totals(today(line))
    assert (found["asked"], found["asked_fen"]) == (2, 1_000_000)
