"""Decides which orders a standing approval covers: on accounts that, by banks' answers, the money of the approved order
reached, within the rest of its limits.

Only money of payments counts for which there is more evidence than another person's report: after a payment to a merely
reported account, a person decides on each order.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from domain.casework import payments
from domain.casework.draft import DecisionBuilder
from domain.casework.orders.open_orders import stands
from domain.casework.trail.movements import traced
from domain.payments.accounts import find
from domain.policy.approval import ApprovalRule, LaterStopRules
from domain.policy.trace import TraceRules
from domain.tracing.facts import TracedAccount
from domain.tracing.tree import MoneyTrace
from schemas.casework.cases import Case, Payment, Step
from schemas.casework.orders import LaterLimits, OrderState, StandingApproval, StopOrder
from schemas.codes.refusals import (
    AccountOnlyReported,
    LaterStopsDecided,
    LaterStopsNotOffered,
    LaterStopsTooWide,
    RefusalCode,
)
from schemas.levels import Action


def may_not_approve_later(
    case: Case, order: StopOrder, limits: LaterLimits | None, rules: LaterStopRules | None, trace: TraceRules
) -> RefusalCode | None:
    """Return the first reason why nobody may sign a standing approval with an order, or None if somebody may.

    LaterStopsNotOffered: the policy has none (`rules` None), or the order is no first stop. LaterStopsDecided: one is
    in force or has ended. LaterStopsTooWide: `limits` exceed the policy's. AccountOnlyReported: the only evidence is
    another person's report. `limits`: the limits to sign; None: any limits.
    """
    if rules is None or order.action is not Action.STOP_PAYMENT:
        return LaterStopsNotOffered()
    if order.later is not None and not order.later.waits:
        return LaterStopsDecided()
    if limits is not None and not limits.within(rules.most):
        most = rules.most
        return LaterStopsTooWide(most.hops, most.accounts, most.amount_fen, most.hours)
    return None if _well_founded(case, order, trace) else AccountOnlyReported()


def _well_founded(case: Case, order: StopOrder, rules: TraceRules) -> bool:
    payment = find(case, order.transfer)
    if payment is None or payment.movement is None:
        return payment is not None and not payments.only_reported(case, payment)
    founded = founded_payments(case)
    return any(
        isinstance(step.payee, TracedAccount) and step.payee.token == payment.payee and step.theft in founded
        for step in traced(case, rules).steps
    )


def founded_payments(case: Case) -> set[str]:
    """Return the transfers (names) of the case's payments whose payee has more evidence against it than another
    person's report.
    """
    return {each.transfer for each in case.payments if not payments.only_reported(case, each)}


def hops_from(trace: MoneyTrace, token: str, thefts: Collection[str]) -> dict[str, int]:
    """Return how many transfers lie between the account `token` and each account that its money of these thefts
    (transfers of payments) reached: the lowest number, from 1, by account token. `token` itself is left out.

    Transfers are followed in order of time.
    """
    found = {token: 0}
    for step in trace.steps:
        if step.theft in thefts and isinstance(step.payee, TracedAccount) and step.payer.token in found:
            hops = found[step.payer.token] + 1
            found[step.payee.token] = min(hops, found.get(step.payee.token, hops))
    del found[token]
    return found


def standing_approval(case: Case, order: StopOrder, steps: Iterable[Step], now: datetime) -> StandingApproval | None:
    """Return the standing approval that was signed together with `order` (its `later`) if it is in force at `now`, else
    None. An order that was approved by another order's standing approval gives None, unless it has one of its own.
    `steps`: the case's, as they are now.

    It is in force only while `order` is approved and still has an effect: not, for example, after the bank has not
    answered within all attempts.
    """
    if order.state is not OrderState.APPROVED or order.later is None or not order.later.in_force(now):
        return None
    return order.later if stands(case, order, steps) else None


def under(case: Case, number: str) -> Iterator[StopOrder]:
    """Yield the case's orders that were approved by the standing approval of the order with this document number, in
    the case's order.
    """
    return (order for order in case.orders if order.under == number)


def remaining(case: Case, order: StopOrder) -> tuple[int, int]:
    """Return (accounts, fen): how many further accounts, and how much further money, the standing approval of an order
    may cover; (0, 0) if the order has none. Whether it is in force is not checked.
    """
    if order.later is None:
        return 0, 0
    made, limits = list(under(case, order.number)), order.later.limits
    left = limits.amount_fen - sum(each.amount_fen for each in made)
    return limits.accounts - len({each.payee for each in made}), left


def covering(draft: DecisionBuilder, payment: Payment, rule: ApprovalRule) -> tuple[StopOrder, StandingApproval] | None:
    """Return (order, standing approval): the order whose standing approval approves an order on the traced account
    `payment` now; None if there is none, or if `payment` is no traced account.

    `rule`: the policy's rule for the account's order, whose number of persons must have signed. Of several, the order
    that was made first.
    """
    if payment.movement is None:
        return None
    case, rules, steps = draft.case, draft.rules.policy.trace, draft.steps.values()
    signed = [
        (each, later) for each in case.orders if (later := standing_approval(case, each, steps, draft.now)) is not None
    ]
    ready = [(order, later) for order, later in signed if _enough(later, rule) and _fits(case, order, payment)]
    if not ready:  # nearly always: the money is not traced once more
        return None
    trace, founded = traced(case, rules), founded_payments(case)
    if _founded_fen(trace, payment.payee, founded) < rules.order_least_fen:
        return None
    for order, later in ready:
        hops = hops_from(trace, order.payee, founded).get(payment.payee)
        if hops is not None and hops <= later.limits.hops:
            return order, later
    return None


def _enough(later: StandingApproval, rule: ApprovalRule) -> bool:
    """Return True if enough persons of the rule's roles have signed a standing approval."""
    return rule.persons <= sum(each.role in rule.roles for each in later.approvals)


def _fits(case: Case, order: StopOrder, payment: Payment) -> bool:
    """Return True if an order about the account is within the accounts and the money that remain."""
    accounts, fen = remaining(case, order)
    known = any(each.payee == payment.payee for each in under(case, order.number))
    return (accounts > 0 or known) and payment.amount_fen <= fen


def _founded_fen(trace: MoneyTrace, token: str, founded: Collection[str]) -> int:
    """Return how much money (fen) of these payments is in an account, as far as it is traced."""
    lots = (lot for account, each in trace.remaining.items() if account.token == token for lot in each)
    return sum(lot.amount_fen for lot in lots if lot.origin in founded)
