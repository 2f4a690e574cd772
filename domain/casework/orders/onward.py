"""Stop orders about accounts beyond the payees': a bank's answer says that the payments' money has reached them.

Each such account gets one order, which waits for persons like every other: the policy's automatic rules are about
payees that the watchlist has confirmed.
"""

from collections import Counter

from domain.casework import payments
from domain.casework.draft import DecisionBuilder
from domain.casework.steps import plan_step, withdraw
from domain.casework.trail.movements import VICTIM, name_of, take_movements, traced
from domain.tracing.facts import TracedAccount
from domain.tracing.tree import MoneyTrace, Onward, in_accounts
from schemas.casework.cases import Case, Payment
from schemas.casework.inputs import BankFeedback
from schemas.codes.money import MoneyTracedHere, MoneyWentOn
from schemas.levels import Action
from schemas.risk.signals import TransferState


def follow_money(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Add the movements of a bank's answer to the case, and propose a stop of each account that then has traced money
    and no order, within the policy's amount and number; those with the most money first.

    Orders that wait for an account which the money has left are withdrawn. A settled case gets none: nobody asks banks
    for it any more. No effect without movements.
    """
    take_movements(draft, given, payment)
    if draft.case.settled or not given.movements:
        return
    trace = traced(draft.case, draft.rules.policy.trace)
    _withdraw_left(draft, trace)
    bounds = draft.rules.policy.trace
    for account, fen in _candidates(draft.case, trace, bounds.order_least_fen)[: _room(draft)]:
        _propose(draft, _arrival(trace, account), account, fen)


def _room(draft: DecisionBuilder) -> int:
    """Return about how many further accounts orders may be proposed."""
    return max(0, draft.rules.policy.trace.orders - len(draft.case.traced))


def _candidates(case: Case, trace: MoneyTrace, least_fen: int) -> list[tuple[TracedAccount, int]]:
    """Return the accounts without an order that have at least so much traced money (fen), the most first.

    Only money that the trace follows counts: where a bound has ended it, the money may be anywhere.
    """
    known = {payment.payee for payment in payments.with_traced(case)}
    found = []
    for account, lots in trace.remaining.items():
        fen = sum(lot.amount_fen for lot in lots if lot.origin is not None)
        if account != VICTIM and account.token not in known and fen >= least_fen:
            found.append((account, fen))
    return sorted(found, key=lambda each: (-each[1], each[0].token))


def _arrival(trace: MoneyTrace, account: TracedAccount) -> Onward:
    """Return the latest movement that brought traced money into an account."""
    return max((step for step in trace.steps if step.payee == account), key=lambda step: (step.at, step.movement))


def _propose(draft: DecisionBuilder, came: Onward, account: TracedAccount, fen: int) -> None:
    case = draft.case
    reached = Payment(
        transfer=f"{account.bank}:traced-{case.number}-{len(case.traced)}",  # its bank first, as of every transfer
        payee=account.token,
        amount_fen=fen,
        at=came.at,
        state=TransferState.SETTLED,
        institution=account.bank,
        movement=came.movement,
    )
    draft.set(traced=[*case.traced, reached])
    ground = MoneyTracedHere(_who_said(case, came.movement), came.hops)
    stem = payments.stop_id(draft.case, reached.transfer)
    plan_step(draft, stem, Action.STOP_PAYMENT, draft.now, ground, transfer=reached.transfer)


def _who_said(case: Case, movement: str) -> str:
    """Return the bank that stated a movement last; the payer's if the answer does not name it."""
    told = [each for each in case.movements if name_of(each.movement) == movement]
    latest = max(told, key=lambda each: (each.told_at, each.by or ""))
    return latest.by or latest.movement.payer.bank


def _withdraw_left(draft: DecisionBuilder, trace: MoneyTrace) -> None:
    """Withdraw the orders that no bank has yet, about accounts in which too little of the money is left."""
    left: Counter[str] = Counter()
    for (account, _), fen in in_accounts(trace).items():
        left[account.token] += fen
    for each in draft.case.traced:
        if left[each.payee] < draft.rules.policy.trace.order_least_fen:
            withdraw(draft, draft.live_for(each.transfer, Action.STOP_PAYMENT), MoneyWentOn())
