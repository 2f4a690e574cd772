"""Stop orders on accounts beyond the payees': accounts that the payments' money reached, as banks' answers state.

Such an order always waits for persons, because the policy's automatic rules are only for payees that the watchlist has
confirmed. An account has one open order at a time. After an order has ended, the account gets another one only for
money that has come in since, because persons decided about the earlier money. After a withdrawn order, on which nobody
decided, the account may get another one at once.
"""

from collections import Counter

from domain.casework import payments
from domain.casework.draft import DecisionBuilder
from domain.casework.orders.open_orders import has_open_order
from domain.casework.orders.records import latest_order, overturned
from domain.casework.steps import plan_step, withdraw
from domain.casework.trail.movements import VICTIM, take_movements, traced
from domain.tracing.facts import TracedAccount
from domain.tracing.tree import MoneyTrace, Onward, in_accounts
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import BankFeedback
from schemas.casework.orders import OrderState
from schemas.codes.money import MoneyTracedHere, MoneyWentOn
from schemas.levels import Action
from schemas.risk.signals import TransferState

MOST_WITHDRAWN = 3
"""Withdrawn orders on an account after which only new money leads to another: a bank that corrects a movement back and
forth would make orders without end. Assumed: one mistake and its correction make two.
"""


def follow_money(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Add the movements in a bank's answer to the case, and propose stop orders on further accounts that hold traced
    money, with facts.

    An account gets an order if it has no open one, within the policy's amount and number, the accounts with the most
    money first. Orders on accounts that the money has left are withdrawn if no bank has got them. A settled case gets
    no orders. No effect if the answer has no movements.
    """
    take_movements(draft, given, payment)
    if draft.case.settled or not given.movements:
        return
    trace = traced(draft.case, draft.rules.policy.trace)
    came = _came(trace)
    _keep_count(draft, came)
    _withdraw_left(draft, trace)
    for account, fen in _candidates(draft, trace, came):
        _propose(draft, _arrival(trace, account), account, fen, came[account.token])


def _came(trace: MoneyTrace) -> Counter[str]:
    """Return how much traced money (fen) has ever come into each account, by token."""
    came: Counter[str] = Counter()
    for step in trace.steps:
        if isinstance(step.payee, TracedAccount):
            came[step.payee.token] += step.amount_fen
    return came


def _keep_count(draft: DecisionBuilder, came: Counter[str]) -> None:
    """Store in each account with an open order how much money has come in, so that only later money can lead to another
    order. A correction does not reduce it, else the next one would count as later money.
    """
    for each in draft.case.traced:
        if has_open_order(draft, each.transfer):
            draft.pay(each.model_copy(update={"came_fen": max(each.came_fen or 0, came[each.payee])}))


def _candidates(draft: DecisionBuilder, trace: MoneyTrace, came: Counter[str]) -> list[tuple[TracedAccount, int]]:
    """Return the accounts beyond the payees' that may get an order, with their traced money (fen), the largest first.

    Only money that the trace could follow counts; where a limit ended the trace, the money may be in any account.
    """
    payees = {payment.payee for payment in draft.case.payments}
    found = []
    for account, lots in trace.remaining.items():
        fen = sum(lot.amount_fen for lot in lots if lot.origin is not None)
        if account == VICTIM or account.token in payees or fen < draft.rules.policy.trace.order_least_fen:
            continue
        known = _known(draft.case, account)
        if known is None or _again(draft, known, came[account.token]):
            found.append((account, fen))
    return sorted(found, key=lambda each: (-each[1], each[0].token))


def _known(case: Case, account: TracedAccount) -> Payment | None:
    return next((each for each in case.traced if each.payee == account.token), None)


def _again(draft: DecisionBuilder, known: Payment, came_fen: int) -> bool:
    """Return True if an account that has had an order may get another one. `came_fen`: money that has ever come in."""
    if has_open_order(draft, known.transfer) or overturned(draft.case, known.transfer):
        return False
    latest = latest_order(draft.case, known.transfer)
    withdrawn = sum(
        order.transfer == known.transfer and order.state is OrderState.WITHDRAWN for order in draft.case.orders
    )
    if latest is not None and latest.state is OrderState.WITHDRAWN and withdrawn < MOST_WITHDRAWN:
        return True
    return came_fen - (known.came_fen or 0) >= draft.rules.policy.trace.order_least_fen


def _arrival(trace: MoneyTrace, account: TracedAccount) -> Onward:
    """Return the latest movement that brought traced money into the account."""
    return max((step for step in trace.steps if step.payee == account), key=lambda step: (step.at, step.movement))


def _propose(draft: DecisionBuilder, arrival: Onward, account: TracedAccount, fen: int, came_fen: int) -> None:
    """Plan the step of an order on an account. No effect if the policy's number of accounts is reached, or if the bank
    may not be asked.
    """
    case, known = draft.case, _known(draft.case, account)
    place = case.traced.index(known) if known else len(case.traced)
    if place >= draft.rules.policy.trace.orders:
        return
    reached = known or Payment(
        transfer=f"{account.bank}:traced-{case.number}-{place}",  # its bank first, as of every transfer
        payee=account.token,
        amount_fen=fen,
        at=arrival.at,
        state=TransferState.SETTLED,
        institution=account.bank,
        movement=arrival.movement,
    )
    now = {"amount_fen": fen, "at": arrival.at, "movement": arrival.movement, "came_fen": came_fen}
    draft.set(traced=[*case.traced[:place], reached.model_copy(update=now), *case.traced[place + 1 :]])
    if payments.may_not_ask(draft, reached.transfer):
        draft.case = case
        return
    ground = MoneyTracedHere(_who_said(case, arrival), arrival.hops)
    stem = payments.stop_id(draft.case, reached.transfer)
    plan_step(draft, stem, Action.STOP_PAYMENT, draft.now, ground, transfer=reached.transfer)


def _who_said(case: Case, arrival: Onward) -> str:
    """Return the bank that stated a movement last; the payer's bank if that answer does not name its bank.

    The movement is found by the payer's account and the movement's number, because banks may name the payer's bank
    differently.
    """
    number = int(arrival.movement.rpartition("#")[2])
    told = [
        each
        for each in case.movements
        if (each.movement.payer.token, each.movement.sequence) == (arrival.payer.token, number)
    ]
    latest = max(told, key=lambda each: (each.told_at, each.by or ""))
    return latest.by or arrival.payer.bank


def _withdraw_left(draft: DecisionBuilder, trace: MoneyTrace) -> None:
    """Withdraw the orders that no bank has got yet, on accounts in which too little of the traced money is left."""
    left: Counter[str] = Counter()
    for (account, _), fen in in_accounts(trace).items():
        left[account.token] += fen
    for each in draft.case.traced:
        if left[each.payee] < draft.rules.policy.trace.order_least_fen:
            withdraw(draft, draft.live_for(each.transfer, Action.STOP_PAYMENT), MoneyWentOn())
