"""The payments of a case and the accounts that their money reached: their progress, and which can still be stopped."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from domain.casework.draft import DecisionBuilder
from domain.identity.personal import WITHHELD
from domain.payments.accounts import find, of_same_account, times_asked, with_traced
from domain.payments.freezes import freeze_in_force, with_freeze_anew
from domain.payments.ledger import safe
from domain.payments.same_payment import aliases, corrected, joined, pairs
from schemas.casework.acts import Act, AskStopAct, OutcomeAct, ReleaseStopAct
from schemas.casework.cases import Case, Payment, Step, Stop, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import (
    BankFeedback,
    CaseInput,
    OfficerReport,
    OperatorReport,
    PlaceReport,
    VictimReport,
)
from schemas.casework.orders import Freezing
from schemas.codes.danger import CombinedEvidence, OwnReport
from schemas.codes.money import BankAsked
from schemas.codes.refusals import AccountFrozen, CannotBeStopped, MostStops, NotOfThisCase, RefusalCode
from schemas.levels import NEVER_SENT, Action
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState


def by_own_names(case: Case, given: CaseInput) -> CaseInput:
    """Return the input with the transfers that it names replaced by the case's names for them, because its sender may
    have used the name that the feed gives a payment. Unknown names, and inputs that name no transfer, are unchanged.
    """
    names = aliases(case.payments)
    if len(names) == len(case.payments):  # nearly always: no payment has a second name
        return given
    match given:
        case BankFeedback() | VictimReport():
            return given.model_copy(update={"transfer": names.get(given.transfer or "", given.transfer)})
        case OperatorReport():
            return given.model_copy(update={"act": _act(given.act, names)})
        case OfficerReport(outcome=OutcomeAct() as outcome) | PlaceReport(outcome=OutcomeAct() as outcome):
            return given.model_copy(update={"outcome": _act(outcome, names)})
        case _:
            return given


def _act(act: Act, names: Mapping[str, str]) -> Act:
    match act:
        case AskStopAct() | ReleaseStopAct():
            return act.model_copy(update={"transfer": names.get(act.transfer, act.transfer)})
        case OutcomeAct():
            kept = [each.model_copy(update={"transfer": names.get(each.transfer, each.transfer)}) for each in act.kept]
            return act.model_copy(update={"kept": kept})
        case _:
            return act


FIRST, AGAIN = "stop", "again"
"""The kinds of ids of the steps that ask for a stop, and for its extension."""


def stop_id(case: Case, transfer: str, kind: str = FIRST) -> str:
    """Return the id of the step that asks for a stop of a payment: "stop.0", or "stop.t0" for a traced account.

    `kind`: the word before the dot. The number is the index in the case, so the id reveals nothing about the account.
    Raises ValueError if the transfer is not in the case.
    """
    traced = [account.transfer for account in case.traced]
    if transfer in traced:
        return f"{kind}.t{traced.index(transfer)}"
    return f"{kind}.{[payment.transfer for payment in case.payments].index(transfer)}"


def merged(known: Sequence[Payment], told: Sequence[Payment], within: timedelta) -> list[Payment]:
    """Return the payments of `known`, updated by those of `told`, in their order, and after them the new ones. `told`
    may be in any order.

    A payment's state only advances, and a confirmed payee does not become a reported one again. A payment that a person
    reported and a feed delivers stays one payment if their times differ by at most `within`. A new payment has no stop.
    """
    known, told = corrected(known, told)
    payments = {payment.transfer: payment for payment in known}
    names, same = aliases(known), pairs(known, told, within)
    for payment in told:
        old = payments.get(same.get(payment.transfer) or names.get(payment.transfer, payment.transfer))
        if old is None:
            payments[payment.transfer] = payment.model_copy(update={"stop": None})
            continue
        if payment.transfer in same:
            old = payments[old.transfer] = joined(old, payment)
        if news := _news(old, payment):
            payments[old.transfer] = old.model_copy(update=news)
    return list(payments.values())


def _news(old: Payment, told: Payment) -> dict[str, object]:
    state = {"state": told.state} if told.state.stage > old.state.stage else {}
    watched = {"watched": told.watched} if _WATCHED.index(told.watched) > _WATCHED.index(old.watched) else {}
    payee = {"payee": told.payee} if old.payee == WITHHELD else {}  # erased, and now in danger again
    return {**state, **watched, **payee}


_WATCHED = (None, WatchStatus.LIFTED, WatchStatus.REPORTED, WatchStatus.CONFIRMED)


def only_reported(case: Case, payment: Payment) -> bool:
    """Return True if another person's report of the account is the only evidence against a payment's payee."""
    if payment.reported is not None:  # the resident's own payment, or told for them
        return False
    own = any(isinstance(reason, OwnReport | CombinedEvidence) for reason in case.danger.reasons)
    return not own and payment.watched is WatchStatus.REPORTED


def can_be_stopped(draft: DecisionBuilder, payment: Payment) -> bool:
    """Return True if a stop may still help.

    That is so if no bank holds or has returned the money already, the payee is known (after an erasure it is not), and
    the payment is not settled or was made at most the policy's `stop.settled_within` ago. While a stop is in force, the
    age does not matter, because the money has then not left the account.
    """
    young = draft.now - payment.at <= draft.plan.stop.settled_within
    stopped = payment.stop is not None and payment.stop.in_force
    there = payment.state is not TransferState.SETTLED or young or stopped
    return there and payment.payee != WITHHELD and not safe(draft.case, payment.transfer)


def money_at_risk(draft: DecisionBuilder) -> bool:
    """Return True if at least one payment of the case can still be stopped (`can_be_stopped`). Traced accounts are not
    considered.
    """
    return any(can_be_stopped(draft, payment) for payment in draft.case.payments)


def may_not_ask(draft: DecisionBuilder, transfer: str | None) -> RefusalCode | None:
    """Return the first reason why the bank may not be asked (again) to stop the payee of a transfer, or None if it may
    be asked.

    NotOfThisCase: the case lacks the transfer. AccountFrozen: an authority has frozen the account. MostStops: the
    policy's number of requests is used up. CannotBeStopped: a bank froze the account, or a stop can no longer help.
    """
    payment = find(draft.case, transfer)
    if payment is None:
        return NotOfThisCase()
    if freeze := account_freeze(draft.case, payment.transfer):
        return AccountFrozen(freeze.authority, freeze.decision)
    same = of_same_account(draft.case, payment.transfer)
    stops = [other.stop for other in with_traced(draft.case) if other.stop and other.transfer in same]
    if any(stop.state is StopState.FROZEN for stop in stops):
        return CannotBeStopped()
    asked = times_asked(draft.case, payment)
    if asked >= draft.plan.stop.times:
        return MostStops(asked)
    if not can_be_stopped(draft, payment):
        return CannotBeStopped()
    return None


def account_freeze(case: Case, transfer: str) -> Freezing | None:
    """Return the recorded freeze of a transfer's account that has not ended, or None if there is none."""
    same = of_same_account(case, transfer)
    made = [freeze for order in case.orders if order.transfer in same and (freeze := freeze_in_force(order))]
    return made[-1] if made else None


def asks_for(case: Case, transfer: str) -> tuple[Action, str]:
    """Return (action, kind): the action that asks for a stop of a transfer, and the kind of the step's id (see
    `stop_id`).

    (STOP_AGAIN, "again"), an extension, while a stop is in force; else (STOP_PAYMENT, "stop").
    """
    payment = find(case, transfer)
    runs = payment is not None and payment.stop is not None and payment.stop.in_force
    return (Action.STOP_AGAIN, AGAIN) if runs else (Action.STOP_PAYMENT, FIRST)


_NO_REQUEST = frozenset({Action.STOP_RELEASE, Action.STOP_STATUS})  # of a stop: they are about one that was requested


def not_asked(draft: DecisionBuilder, step: Step) -> None:
    """Undo the record of a requested stop if none of the step's requests reached the bank, so that it can be requested
    again. No effect otherwise, nor for a step that lifts a stop or asks about an order.
    """
    payment = find(draft.case, step.transfer)
    if step.action in _NO_REQUEST or payment is None or payment.stop is None:
        return
    if payment.stop.state is not StopState.ASKED:
        return
    if step.attempts_sent and nothing_sent(step):
        draft.pay(payment.model_copy(update={"stop": _before(draft, payment.transfer, payment.stop)}))


def nothing_sent(step: Step) -> bool:
    """Return True if none of a step's requests reached the bank, because there was none or the channel reported for
    each that nothing was sent.
    """
    return sum(result in NEVER_SENT for result in step.results) >= step.attempts_sent


def _before(draft: DecisionBuilder, transfer: str, stop: Stop) -> Stop | None:
    """Return the stop as it was before its latest request; None if that was the first request."""
    if stop.times == 1 and not stop.in_force:
        return None
    state = StopState.IN_FORCE if stop.in_force else _ended(draft, transfer)
    return stop.model_copy(update={"state": state, "times": stop.times - 1})


def _ended(draft: DecisionBuilder, transfer: str) -> StopState:
    """Return the end state of a payment's first stop, as far as its orders show: REFUSED, EXPIRED or RELEASED."""
    orders = [order for order in draft.case.orders if order.transfer == transfer]
    ends = [order.carried_out.until for order in orders if order.carried_out is not None]
    if not ends:
        return StopState.REFUSED
    return StopState.EXPIRED if max(ends) <= draft.now else StopState.RELEASED


def asked(draft: DecisionBuilder, step: Step) -> None:
    """Record in the case, with a fact, that a bank is asked now for the stop of a step's payment. No effect for a
    repeated attempt, a step that lifts a stop or asks about an order, or an unknown payment.

    A freeze that has ended is over then: the bank may freeze the money anew by this order, also by an extension.
    """
    payment = find(draft.case, step.transfer)
    if payment is None or step.action in _NO_REQUEST or step.attempt > 1:
        return
    times = payment.stop.times + 1 if payment.stop else 1
    # it goes on while its extension is asked for
    runs = payment.stop if payment.stop and payment.stop.in_force else None
    until, there = (runs.until, runs.there_fen) if runs else (None, None)
    stop = Stop(state=StopState.ASKED, times=times, until=until, there_fen=there)
    draft.pay(payment.model_copy(update={"stop": stop}))
    draft.case = with_freeze_anew(draft.case, payment.transfer)
    draft.note(FactKind.STOP, BankAsked(times, draft.plan.stop.times), step)
