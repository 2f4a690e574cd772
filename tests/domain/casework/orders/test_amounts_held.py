"""One amount of a stop: what the bank holds, wherever its extension, its release and objections show or send it."""

from datetime import timedelta

from domain.payments import releases
from domain.payments.bank_book import BankBook, order_line
from domain.payments.books import standing
from domain.payments.releases import FIRST_TRACED
from schemas.casework.books import BookLine
from schemas.casework.cases import Stop
from schemas.casework.inputs import BankState
from schemas.casework.orders import OrderState
from schemas.channels.releases import ReleaseRequest
from schemas.codes.money import BankStopped
from schemas.levels import Action, Level
from schemas.risk.evidence import WatchStatus
from tests.domain.builders import Line, payment
from tests.domain.casework.journal import Journal
from tests.domain.casework.orders.onward import B1, FIRST_HOP, onward, paid, told
from tests.domain.casework.test_movements import answer
from tests.domain.casework.test_payment_reports import ORDERED, report

PAID, HELD = 1_000_000, 250_000


def partly_held() -> Journal:
    """A bank has stopped the account in which a quarter of the payment was left."""
    line = Journal()
    line.alert(Level.RED, payment(amount=PAID, watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, amount=HELD)
    return line


def stop_of(line: Line) -> Stop:
    found = line.here.payments[0].stop
    assert found is not None
    return found


def asks(line: Line, number: int = 0) -> ReleaseRequest:
    found = releases.asked(
        line.here, number, [], name="request", by="anna", reason="the rent is due", evidence="", now=line.now
    )
    assert isinstance(found, ReleaseRequest)
    return found


def test_a_request_to_lift_a_stop_names_what_the_stop_holds() -> None:
    line = partly_held()
    assert asks(line).amount_fen == HELD
    whole = Journal()
    whole.alert(Level.RED, payment(amount=PAID, watched=WatchStatus.CONFIRMED))
    whole.pass_to(timedelta(minutes=2))
    assert asks(whole).amount_fen == PAID, "no bank has stated what it holds"


def test_the_extension_is_ordered_for_what_the_stop_holds_and_its_first_order_keeps_its_amount() -> None:
    line = partly_held()
    line.pass_to(timedelta(hours=44))
    assert [(order.action, order.amount_fen) for order in line.here.orders] == [
        (Action.STOP_PAYMENT, PAID),
        (Action.STOP_AGAIN, HELD),
    ]


def test_the_extension_of_a_traced_accounts_stop_is_ordered_for_what_it_holds() -> None:
    line = paid()
    line.give(answer(line, FIRST_HOP))
    line.approve()
    line.give(told(line, B1, BankState.IN_FORCE, fen=150_000, step="stop.t0"))
    line.pass_to(timedelta(hours=47))
    (again,) = (order for order in onward(line.here) if order.action is Action.STOP_AGAIN)
    assert (again.amount_fen, again.state) == (150_000, OrderState.PROPOSED)
    assert asks(line, FIRST_TRACED).amount_fen == 150_000


def test_a_bank_that_counts_the_money_after_it_has_stopped_the_account_is_heard() -> None:
    line = Journal()
    line.alert(Level.RED, payment(amount=PAID, watched=WatchStatus.CONFIRMED))
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE)
    until = stop_of(line).until
    assert line.bank(BankState.IN_FORCE).facts == []
    line.bank(BankState.IN_FORCE, amount=HELD)
    assert (stop_of(line).there_fen, stop_of(line).until) == (HELD, until)
    assert line.bank(BankState.IN_FORCE, amount=HELD).facts == []
    (fact,) = line.bank(BankState.IN_FORCE, amount=100_000).facts
    assert (fact.what, fact.amount_fen) == (BankStopped(), 100_000)
    assert standing(line.here)[BookLine.STOPPED] == 100_000, "once, and by its latest word"


def test_what_a_bank_said_of_the_first_order_changes_nothing_after_the_extension() -> None:
    line = partly_held()
    first = line.sent()[-1].id
    line.pass_to(timedelta(hours=44))
    line.bank(BankState.IN_FORCE, amount=200_000)
    assert stop_of(line).there_fen == 200_000
    assert line.bank(BankState.IN_FORCE, amount=HELD, dispatch=first).facts == []
    assert stop_of(line).there_fen == 200_000


def test_the_desks_lists_show_what_is_held() -> None:
    line, book = partly_held(), BankBook()
    for event in line.events:
        book.add(event)
    (stop,) = book.shown(lambda _: True)
    assert stop.amount_fen == HELD
    line.pass_to(timedelta(hours=44))
    (first, again) = line.here.orders
    lines = [order_line(line.here, each) for each in (first, again)]
    assert [each.amount_fen for each in lines if each] == [PAID, HELD]


def test_requests_to_extend_and_to_lift_are_reconciled_with_what_is_held() -> None:
    line, book = partly_held(), BankBook()
    line.pass_to(timedelta(hours=44))
    line.act(releases.act_of(asks(line)), by="bert")
    for event in line.events:
        book.add(event)
    assert [(each.action, each.amount_fen) for each in book.sent.values()] == [
        (Action.STOP_PAYMENT, PAID),
        (Action.STOP_AGAIN, HELD),
        (Action.STOP_RELEASE, HELD),
    ]


def test_an_order_says_that_the_bank_carried_it_out_that_got_it() -> None:
    """Of a payment that nobody but a person has reported, no feed is known whose name could stand for a bank."""
    line = Line()
    report(line, ORDERED)
    line.bank(BankState.IN_FORCE, transfer=ORDERED.transfer)
    (order,) = line.here.orders
    assert order.carried_out is not None
    assert order.carried_out.bank == "icbc"
