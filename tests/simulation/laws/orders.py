"""The law of stop orders, by the banks' own book: no bank is asked before persons have approved."""

from collections.abc import Iterator

from domain.dispatches.ids import parse
from schemas.casework.inputs import AskStopAct, OperatorReport
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
    """The persons whose approval of this order lay in the log before the bank was asked."""
    dispatch = expected.dispatch
    step = parse(dispatch.id).step
    transfer = dispatch.payment.transfer if dispatch.payment else ""
    found = set()
    for given in here.given:
        act = given.what.act if isinstance(given.what, OperatorReport) and given.what.case == dispatch.case else None
        approves = isinstance(act, ApproveStopAct) and act.order == step
        asks = isinstance(act, AskStopAct) and act.transfer == transfer
        if (approves or asks) and given.at <= contact.at and isinstance(given.what, OperatorReport):
            found |= {given.what.by} if given.what.role is not None else set()
    return found
