"""Orders to banks: none without its approvers, none again that its bank has answered; by the order of the inputs."""

from collections.abc import Iterator
from typing import NamedTuple

from domain.dispatches.ids import parse
from schemas.casework.acts import AskStopAct
from schemas.casework.events import CaseEvent, Dispatch
from schemas.casework.inputs import BankFeedback, BankState, OperatorReport, PaymentReport
from schemas.casework.orders import ApproveStopAct
from schemas.levels import Action
from tests.tools.chaos.judging.books import Books

ASKING = frozenset({Action.STOP_PAYMENT, Action.STOP_AGAIN})


class _Order(NamedTuple):
    """A request for a stop that its bank got, with the event that decided on it."""

    dispatch: Dispatch
    event: CaseEvent


def no_order_unapproved(books: Books) -> Iterator[str]:
    """No bank got an order that fewer persons had approved than it needs, at least one. An approval counts if its input
    lies before the one that sent the order: both are of one partition, so no clock has a say.
    """
    for order in _received(books):
        step = parse(order.dispatch.id).step
        known = next((each for each in order.event.case.orders if each.step == step), None)
        approvers = set(_approvers(books, order, step))
        if known is None or len(approvers) < max(1, known.persons):
            yield f"{order.dispatch.id}: a bank has it, approved by {', '.join(sorted(approvers)) or 'nobody'}"


def no_order_twice(books: Books) -> Iterator[str]:
    """No order reached a bank again once the bank had answered it. That each request reaches it once is another law."""
    for order in _received(books):
        own = parse(order.dispatch.id)
        for each in books.seen.inputs:
            if not isinstance(each.what, BankFeedback) or not _before(each.partition, each.offset, order.event):
                continue
            answered = parse(each.what.dispatch) if each.what.case == order.dispatch.case else None
            decided = each.what.state not in (BankState.PENDING, BankState.UNFROZEN)
            if answered and decided and answered.step == own.step and answered.attempt < own.attempt:
                yield f"{order.dispatch.id}: sent again after its bank had answered {each.what.state.value}"


def _received(books: Books) -> Iterator[_Order]:
    """Yield the requests for stops in the banks' books, by id."""
    events = {out.id: each.what for each in books.seen.events for out in each.what.dispatches}
    for name in sorted({contact.dispatch for contact in books.contacts} & events.keys()):
        dispatch = next(out for out in events[name].dispatches if out.id == name)
        if dispatch.action in ASKING:
            yield _Order(dispatch, events[name])


def _approvers(books: Books, order: _Order, step: str) -> Iterator[str]:
    for each in books.seen.inputs:
        given = each.what
        if isinstance(given, OperatorReport | PaymentReport) and _before(each.partition, each.offset, order.event):
            own = _signed(given, order, step) if isinstance(given, OperatorReport) else _reported(given, order)
            if own:
                yield given.by


def _signed(given: OperatorReport, order: _Order, step: str) -> bool:
    """Whether a person approved this order, asked for it, or had signed later orders of its case."""
    payment, act = order.dispatch.payment, given.act
    if given.case != order.dispatch.case or payment is None:
        return False
    if isinstance(act, ApproveStopAct):
        return act.order == step or (act.later is not None and payment.movement is not None)
    return isinstance(act, AskStopAct) and act.transfer == payment.transfer


def _reported(given: PaymentReport, order: _Order) -> bool:
    """Whether a victim's report is about the order's account: who wrote it down asks for the order."""
    told, ordered = given.payment, order.dispatch.payment
    same = told is not None and ordered is not None and told.payee == ordered.payee
    return same and given.resident == order.event.case.resident


def _before(partition: int, offset: int, event: CaseEvent) -> bool:
    return partition == event.partition and offset <= event.offset
