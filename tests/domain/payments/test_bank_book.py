"""The bank book has the latest state of each stop, and no stop whose request never reached the bank."""

from collections.abc import Iterable
from datetime import timedelta

from domain.payments.bank_book import BankBook
from schemas.casework.cases import StopState
from schemas.casework.events import CaseEvent
from schemas.levels import Action, Result
from tests.domain.casework.journal import Journal, red_with_money


def book_of(events: Iterable[CaseEvent]) -> BankBook:
    book = BankBook()
    for event in events:
        book.add(event)
    return book


def never_sent() -> Journal:
    """A case whose stop-payment was handed to the channel but never reached the bank."""
    line = red_with_money()
    line.pass_to(timedelta(minutes=2))
    line.dissuaded()
    line.result(Result.NOT_SENT, of=line.last(Action.STOP_PAYMENT))
    return line


def test_a_stop_that_no_bank_was_asked_for_has_no_line_any_more() -> None:
    line = never_sent()
    asked = [event for event in line.events if event.case.payments[0].stop is not None]
    assert [each.stop.state for each in book_of(asked).stops.values()] == [StopState.ASKED]
    assert line.here.payments[0].stop is None
    assert not book_of(line.events).stops


def test_an_older_event_again_or_late_does_not_bring_such_a_stop_back() -> None:
    events = never_sent().events
    assert not book_of([*events, *events]).stops
    assert not book_of(reversed(events)).stops
