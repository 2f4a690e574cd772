"""The law of stop orders, by the banks' own book: no bank is asked before persons have approved, each order or, within
limits that they signed, those that follow it.
"""

from collections.abc import Iterator
from datetime import timedelta

from domain.dispatches.ids import parse
from schemas.casework.acts import AskStopAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OperatorReport, PaymentReport
from schemas.casework.orders import ApproveStopAct
from schemas.levels import Action, Channel
from tests.simulation.laws.known import Expected, Known, known
from tests.simulation.laws.observed import Contact, Observed

ASKING = (Action.STOP_PAYMENT, Action.STOP_AGAIN)


def no_stop_unapproved(observed: Observed) -> Iterator[str]:
    """No stop reaches a bank without its approvers, whose acts are inputs, or the automatic rule that cites a law.

    Who approved is read from the inputs, and who must from the policy: not from the order, which the product made.
    """
    here = known(observed)
    for name, contacts in sorted(here.requests.items()):
        expected = here.expected.get(name)
        if contacts[0].channel != Channel.PAYMENT or expected is None or expected.dispatch.action not in ASKING:
            continue
        needed, approvers = _needed(here, expected), _approvers(here, expected, contacts[0])
        if len(approvers) < needed:
            yield (
                f"{expected.words}: the bank was asked at {here.times(contacts[:1])}, approved by "
                f"{', '.join(sorted(approvers)) or 'nobody'}; the policy wants {needed}"
            )


def _needed(here: Known, expected: Expected) -> int:
    payment = expected.dispatch.payment
    assert payment is not None
    rules = here.observed.policies[expected.event.case.policy].plan.stop.approval
    rule = rules.of(payment, extension=expected.dispatch.action is Action.STOP_AGAIN)
    return 0 if rule.persons == 0 and rule.law else max(1, rule.persons)


def _approvers(here: Known, expected: Expected, contact: Contact) -> set[str]:
    """The persons whose approval of this order, or of later orders within limits, lay in the log before the bank was
    asked.
    """
    return _read(here, expected, contact) or _signed_before(here, expected, contact)


def _read(here: Known, expected: Expected, contact: Contact | None) -> set[str]:
    """The persons who approved this very order; `contact`: before the bank was asked, None: at any time."""
    dispatch = expected.dispatch
    step = parse(dispatch.id).step
    transfer = dispatch.payment.transfer if dispatch.payment else ""
    found = set()
    for given in here.given:
        act = given.what.act if isinstance(given.what, OperatorReport) and given.what.case == dispatch.case else None
        approves = isinstance(act, ApproveStopAct) and act.order == step
        asks = isinstance(act, AskStopAct) and act.transfer == transfer
        in_time = contact is None or given.at <= contact.at
        if (approves or asks) and in_time and isinstance(given.what, OperatorReport):
            found |= {given.what.by} if given.what.role is not None else set()
        if isinstance(given.what, PaymentReport) and in_time and _of_payment(given.what, expected):
            found |= {given.what.by} if given.what.role is not None else set()
    return found


def _of_payment(given: PaymentReport, expected: Expected) -> bool:
    """Whether a victim's report is about the order's account: who wrote it down asks for the order, and so approves."""
    ordered = expected.dispatch.payment
    if given.payment is None or ordered is None:
        return False
    return given.resident == expected.event.case.resident and given.payment.payee == ordered.payee


def _signed_before(here: Known, expected: Expected, contact: Contact) -> set[str]:
    """The persons who had signed later orders of the case, if the order is about an account beyond the payees', and the
    case's orders that nobody read stay within the accounts, the money and the hours that they signed.
    """
    payment, case = expected.dispatch.payment, expected.dispatch.case
    signed = [
        (given.what, later)
        for given in here.given
        if isinstance(given.what, OperatorReport) and given.what.case == case and given.at <= contact.at
        if given.what.role is not None and (later := getattr(given.what.act, "later", None)) is not None
    ]
    valid = {told.by for told, later in signed if expected.event.at <= told.at + timedelta(hours=later.hours)}
    if payment is None or payment.movement is None or expected.dispatch.action is Action.STOP_AGAIN or not valid:
        return set()
    unread = [each.payment for each in _unread(here, case) if each.payment is not None]
    accounts, money = {each.payee for each in unread}, sum(each.amount_fen for each in unread)
    limits = {told.act.order: later for told, later in signed if isinstance(told.act, ApproveStopAct)}.values()
    within = len(accounts) <= sum(each.accounts for each in limits)
    return valid if within and money <= sum(each.amount_fen for each in limits) else set()


def _unread(here: Known, case: str) -> Iterator[Dispatch]:
    """Yield the first stop requests of a case about accounts beyond the payees' whose order no person read."""
    for each in here.expected.values():
        traced = each.dispatch.payment is not None and each.dispatch.payment.movement is not None
        first = each.dispatch.action is Action.STOP_PAYMENT and each.dispatch.attempt == 1
        if each.dispatch.case == case and traced and first and not _read(here, each, None):
            yield each.dispatch
