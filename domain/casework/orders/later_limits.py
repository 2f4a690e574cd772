"""What a standing approval covers: accounts that banks' answers say the approved order's money reached, within what
remains of its limits.

Only the money of payments counts that more speaks against than another person's report: from a merely reported account
no order goes on without a person.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from domain.casework import payments
from domain.casework.trail.movements import traced
from domain.policy.approval import ApprovalRule, LaterStopRules
from domain.policy.trace import TraceRules
from domain.tracing.facts import TracedAccount
from domain.tracing.tree import MoneyTrace
from schemas.casework.cases import Case, Payment
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
    """Return why nobody may sign a standing approval with an order, or None. `limits`: None asks about any at all."""
    if rules is None or order.action is not Action.STOP_PAYMENT:
        return LaterStopsNotOffered()
    if order.later is not None and not order.later.waits:
        return LaterStopsDecided()
    if limits is not None and not limits.within(rules.most):
        most = rules.most
        return LaterStopsTooWide(most.hops, most.accounts, most.amount_fen, most.hours)
    return None if _well_founded(case, order, trace) else AccountOnlyReported()


def _well_founded(case: Case, order: StopOrder, rules: TraceRules) -> bool:
    payment = payments.find(case, order.transfer)
    if payment is None or payment.movement is None:
        return payment is not None and not payments.only_reported(case, payment)
    founded = founded_payments(case)
    return any(
        isinstance(step.payee, TracedAccount) and step.payee.token == payment.payee and step.theft in founded
        for step in traced(case, rules).steps
    )


def founded_payments(case: Case) -> set[str]:
    """Return the case's payments, by transfer, that more speaks against than another person's report of the account."""
    return {each.transfer for each in case.payments if not payments.only_reported(case, each)}


def hops_from(trace: MoneyTrace, token: str, thefts: Collection[str]) -> dict[str, int]:
    """Return how many transfers, in the order of time, lead from an account to each account that the money of these
    thefts went on to from there; the fewest, by token.
    """
    found = {token: 0}
    for step in trace.steps:
        if step.theft in thefts and isinstance(step.payee, TracedAccount) and step.payer.token in found:
            hops = found[step.payer.token] + 1
            found[step.payee.token] = min(hops, found.get(step.payee.token, hops))
    del found[token]
    return found


def standing_approval(order: StopOrder, now: datetime) -> StandingApproval | None:
    """Return an order's standing approval if it approves orders now, else None."""
    ready = order.state is OrderState.APPROVED and order.later is not None and order.later.in_force(now)
    return order.later if ready else None


def under(case: Case, number: str) -> Iterator[StopOrder]:
    """Yield the orders that the standing approval of the order with this number approved."""
    return (order for order in case.orders if order.under == number)


def remaining(case: Case, order: StopOrder) -> tuple[int, int]:
    """Return how many more accounts, and how much more money (fen), the order's standing approval covers; (0, 0)
    without one.
    """
    if order.later is None:
        return 0, 0
    made, limits = list(under(case, order.number)), order.later.limits
    left = limits.amount_fen - sum(each.amount_fen for each in made)
    return limits.accounts - len({each.payee for each in made}), left


def covering(
    case: Case, payment: Payment, rule: ApprovalRule, rules: TraceRules, now: datetime
) -> tuple[StopOrder, StandingApproval] | None:
    """Return the order whose standing approval covers an order about a traced account now, with that approval; None if
    none does. `rule`: the policy's for the account's order: as many persons as it wants must have signed.

    The first order that was made counts where several cover the account.
    """
    if payment.movement is None:
        return None
    signed = [(each, later) for each in case.orders if (later := standing_approval(each, now)) is not None]
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
    """Return whether enough persons of the rule's roles have signed a standing approval."""
    return rule.persons <= sum(each.role in rule.roles for each in later.approvals)


def _fits(case: Case, order: StopOrder, payment: Payment) -> bool:
    """Return whether an order about the account is within the accounts and the money that remain."""
    accounts, fen = remaining(case, order)
    known = any(each.payee == payment.payee for each in under(case, order.number))
    return (accounts > 0 or known) and payment.amount_fen <= fen


def _founded_fen(trace: MoneyTrace, token: str, founded: Collection[str]) -> int:
    """Return how much money (fen) of these payments is in an account, as far as it is traced."""
    lots = (lot for account, each in trace.remaining.items() if account.token == token for lot in each)
    return sum(lot.amount_fen for lot in lots if lot.origin in founded)
