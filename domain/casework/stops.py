"""Stop-payments: applies banks' feedback, plans stops, extensions and releases, and processes the end of a stop."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.casework import money
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders import later, unanswered
from domain.casework.orders import records as orders
from domain.casework.orders.freeze_ends import frozen_by_bank, unfrozen_by_bank
from domain.casework.orders.late_answers import answers_unsent, before_latest, comes_late, end_of, step_of, unwanted
from domain.casework.orders.onward import follow_money
from domain.casework.payments import AGAIN, asks_for, may_not_ask, stop_id
from domain.casework.steps import end, plan_step, withdraw
from domain.payments.accounts import find
from schemas.casework.cases import LIVE_STEPS, Case, Payment, Step, StepState, Stop, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback, BankState
from schemas.codes.any_code import AnyCode, BankNotAsked, BankOnOtherPayment, StopNotExtended
from schemas.codes.money import (
    BankCancelled,
    BankEndPassed,
    BankFroze,
    BankRefused,
    BankReleased,
    BankReturned,
    BankSilent,
    BankStopped,
    BankUndecided,
    BankUnfroze,
    CancelledInFlight,
    MoneyReturned,
    NoStopInForce,
    PaymentFailed,
    ResidentSafe,
    StopExpired,
    StopExtended,
    StopLifted,
    StoppedUntil,
    StopRefused,
    StopRunsOut,
)
from schemas.codes.people import StopAskedFor
from schemas.codes.refusals import BankAskedAlready, LiftAskedAlready, NoStop, RefusalCode, UpheldAlready
from schemas.levels import Action, EvidenceClass
from schemas.risk.signals import TransferState

_ANSWERS: Mapping[BankState, AnyCode] = {
    BankState.PENDING: BankUndecided(),
    BankState.IN_FORCE: BankStopped(),
    BankState.REFUSED: BankRefused(),
    BankState.CANCELLED: BankCancelled(),
    BankState.FROZEN: BankFroze(),
    BankState.RETURNED: BankReturned(),
    BankState.RELEASED: BankReleased(),
    BankState.UNFROZEN: BankUnfroze(),
}
_NO_ANSWER = frozenset({BankState.PENDING, BankState.UNFROZEN})  # to what was asked: a freeze is no stop
_LAST = frozenset({StopState.FROZEN, StopState.RETURNED})


def bank_feedback(draft: DecisionBuilder, given: BankFeedback) -> None:
    """Apply a bank's feedback to the case: the state of the stop, the money that it confirms, and the movements of the
    money.

    For accounts that the money has reached, stop orders are proposed, which persons must approve. Feedback on a payment
    that the case does not have, or on an order that was not sent, is only recorded as a fact REFUSED.
    """
    payment = find(draft.case, given.transfer)
    if payment is None:
        draft.note(FactKind.REFUSED, BankOnOtherPayment(_ANSWERS[given.state]))
        return
    if answers_unsent(draft, given.dispatch):
        draft.note(FactKind.REFUSED, BankNotAsked(_ANSWERS[given.state]))
        return
    given = _of_order(draft, given)
    before = draft.case
    if not _of_earlier_stop(draft, given):
        _apply(draft, given, payment)
    _answered(draft, given, meant=draft.case is not before)
    follow_money(draft, given, payment)


def _apply(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    match given.state:
        case BankState.PENDING:
            draft.note(FactKind.STOP, BankUndecided())
        case BankState.IN_FORCE:
            _in_force(draft, given, payment)
        case BankState.REFUSED:
            _refused(draft, given, payment)
        case BankState.RELEASED:
            set_state(draft, payment, StopState.RELEASED, StopLifted())
        case BankState.CANCELLED:
            _cancelled(draft, given, payment)
        case BankState.FROZEN | BankState.UNFROZEN:
            _frozen_or_not(draft, given, payment)
        case BankState.RETURNED:
            _returned(draft, given, payment)


def _frozen_or_not(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    before, earlier = draft.case, before_latest(draft, given, extensions=True)
    if given.state is BankState.UNFROZEN:
        unfrozen_by_bank(draft, payment, given.amount_fen, earlier=earlier, ended=given.until)
    elif frozen_by_bank(draft, payment, given.amount_fen, earlier=earlier):
        _in_force(draft, given, payment)  # in case the bank's earlier confirmation was lost
        _counted(draft, given, before)


def _in_force(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    stop = payment.stop or Stop(state=StopState.ASKED, times=0)
    if not comes_late(draft, given, stop) and (stop.state is not StopState.ASKED or _earlier(given, stop)):
        return _restated(draft, given, payment)
    _no_second(draft, given)
    payment = find(draft.case, given.transfer) or payment
    stop = payment.stop or Stop(state=StopState.ASKED, times=0)
    if given.until is not None and given.until <= draft.now:
        draft.note(FactKind.NOTE, BankEndPassed())
    until = end_of(draft, given)
    said = {"state": StopState.IN_FORCE, "until": until, "there_fen": given.amount_fen or stop.there_fen}
    draft.pay(payment.model_copy(update={"stop": stop.model_copy(update=said)}))
    draft.note(FactKind.STOP, StoppedUntil(until), amount_fen=given.amount_fen)
    orders.record_execution(draft, payment.transfer, until, given.bank)
    due = max(draft.now + timedelta(seconds=1), until - draft.plan.stop.remind_before)
    draft.timer(f"{CLOCK}{stop_id(draft.case, payment.transfer)}", Action.STOP_AGAIN, due, payment.transfer)
    return _lift_unwanted(draft, payment.transfer)


def _restated(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Keep another amount that the bank states of a stop that runs, with a fact: it may count the money only after it
    has stopped the account. An amount of 0, and an answer about an earlier order, change nothing.
    """
    stop = payment.stop
    if stop is None or stop.state is not StopState.IN_FORCE or given.state is not BankState.IN_FORCE:
        return
    if given.amount_fen in (0, stop.there_fen) or before_latest(draft, given, extensions=True):
        return
    draft.pay(payment.model_copy(update={"stop": stop.model_copy(update={"there_fen": given.amount_fen})}))
    draft.note(FactKind.STOP, BankStopped(), amount_fen=given.amount_fen)


def _of_order(draft: DecisionBuilder, given: BankFeedback) -> BankFeedback:
    """Return an answer to a status request as an answer to the order that the request is about."""
    about = unanswered.request_asked_about(draft, step) if (step := draft.steps.get(step_of(given))) else None
    return given if about is None else given.model_copy(update={"dispatch": about})


def ask_about_order(draft: DecisionBuilder, timer: Step) -> None:
    """Process the timer of an order that the bank has not answered in time: plan the step, due now, that asks what
    became of the order, with a fact. If the order no longer waits for an answer, only a note is recorded.
    """
    draft.steps.pop(timer.id, None)
    found = unanswered.silent_order(draft, timer)
    if found is None or found[0].state is not StepState.SENT:
        return draft.note(FactKind.NOTE, NoStopInForce())
    step, order = found
    minutes = (draft.plan.stop.status_after or timedelta(0)) // timedelta(minutes=1)
    silent = BankSilent(order.number, minutes)
    stem = unanswered.question_stem(step)
    plan_step(draft, stem, Action.STOP_STATUS, draft.now, silent, transfer=step.transfer)
    return draft.note(FactKind.STOP, silent, step)


def _lift_unwanted(draft: DecisionBuilder, transfer: str) -> None:
    """Ask the bank to lift a stop that it has confirmed only after its order had lapsed, was declined or overturned, or
    after persons had decided to lift it: then there was no stop to lift.
    """
    why = unwanted(draft, transfer)
    if why is not None and may_not_lift(draft, transfer) is None:
        plan_release(draft, transfer, why)


def _counted(draft: DecisionBuilder, given: BankFeedback, before: Case) -> None:
    """Keep how much a bank has frozen in an account beyond the payees' with its stop, by which the trace follows it,
    and note it. `before`: the case before the answer.
    """
    payment = find(draft.case, given.transfer)
    if payment is None or payment.movement is None or payment.stop is None:
        return
    changed = not draft.case.same_objects(before, "frozen_beyond")
    if given.amount_fen not in (0, payment.stop.there_fen):
        draft.pay(payment.model_copy(update={"stop": payment.stop.model_copy(update={"there_fen": given.amount_fen})}))
        changed = True
    if changed:
        draft.note(FactKind.STOP, BankFroze(), amount_fen=given.amount_fen)


def _no_second(draft: DecisionBuilder, given: BankFeedback) -> None:
    """Withdraw the waiting steps that would ask the bank for a stop that it has just confirmed, except the step that
    this answer is for.
    """
    waiting = [step for step in draft.live_for(given.transfer, Action.STOP_PAYMENT) if step.id != step_of(given)]
    withdraw(draft, waiting, _ANSWERS[given.state])


def _of_earlier_stop(draft: DecisionBuilder, given: BankFeedback) -> bool:
    """Return True if a bank's answer is about the end of an earlier stop than the transfer's latest one, as a bank may
    repeat an answer. Such an answer only ends the step of the earlier stop.
    """
    return given.state in (BankState.REFUSED, BankState.RELEASED) and before_latest(draft, given)


def _earlier(given: BankFeedback, stop: Stop) -> bool:
    """Return True if the bank answers the first request again while the extension is asked for. Such an answer changes
    nothing.
    """
    return stop.in_force and not step_of(given).startswith(f"{AGAIN}.")


def propose_stop(draft: DecisionBuilder, transfer: str, because: AnyCode, by: str) -> RefusalCode | None:
    """Propose the order to stop a payment at the payee's bank now, with a fact. Return None if it is done,
    BankAskedAlready if the request was sent and has no result, or a reason of `payments.may_not_ask`.

    If the person who asks may approve the order, that counts as their approval.
    """
    if why := may_not_ask(draft, transfer):
        return why
    action, kind = asks_for(draft.case, transfer)
    live = draft.live_for(transfer, action)
    if any(step.state is StepState.SENT for step in live):
        return BankAskedAlready()
    draft.note(FactKind.NOTE, StopAskedFor(), by=by)
    stem = stop_id(draft.case, transfer, kind)
    for step in live or [plan_step(draft, stem, action, draft.now, because, transfer=transfer)]:
        if step.state is not StepState.PROPOSED:
            draft.change(step, state=StepState.PENDING, due=draft.now)
        orders.ask_for_order(draft, step, because, by, draft.role)
    return None


def _refused(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Apply a bank's refusal. A stop that runs goes on, even if the bank refuses its extension; and so does a request
    for a stop if the bank refuses to lift it.
    """
    stop, step = payment.stop, draft.steps.get(step_of(given))
    if step is not None and step.action is Action.STOP_RELEASE:
        return None
    if stop is None or not stop.in_force:
        return set_state(draft, payment, StopState.REFUSED, StopRefused())
    if stop.state is not StopState.ASKED or _earlier(given, stop):
        return None
    draft.pay(payment.model_copy(update={"stop": stop.model_copy(update={"state": StopState.IN_FORCE})}))
    return draft.note(FactKind.STOP, StopRefused())


def may_not_lift(draft: DecisionBuilder, transfer: str) -> RefusalCode | None:
    """Return the reason why the bank cannot be asked to lift the stop of a transfer, or None if it can be asked.

    NoStop: no stop is in force or requested. LiftAskedAlready: a step that lifts it is unfinished.
    """
    payment = find(draft.case, transfer)
    if payment is None or payment.stop is None or not payment.stop.state.open:
        return NoStop()
    return LiftAskedAlready() if draft.live_for(transfer, Action.STOP_RELEASE) else None


def plan_release(draft: DecisionBuilder, transfer: str, why: AnyCode) -> None:
    """Plan a step, due now, that asks the bank to lift the stop of a transfer. `why`: the recorded reason.

    Raises ValueError if the transfer is not in the case.
    """
    stem = stop_id(draft.case, transfer, "release")
    plan_step(draft, stem, Action.STOP_RELEASE, draft.now, why, transfer=transfer)


def set_state(draft: DecisionBuilder, payment: Payment, state: StopState, what: AnyCode) -> None:
    """Set a payment's stop to a state in which it does not run, with the fact `what`, and end its timer and its
    standing approvals. No effect if it has that state. A frozen account stays frozen until its money is returned, and
    money that was returned stays so whatever the bank does with the stop.

    `payment`: a payment or traced account of the case. Raises ValueError if the case does not have it.
    """
    stop = payment.stop or Stop(state=StopState.ASKED, times=0)
    if stop.state is state or (stop.state in _LAST and state is not StopState.RETURNED):
        return
    draft.pay(payment.model_copy(update={"stop": stop.model_copy(update={"state": state, "until": None})}))
    draft.note(FactKind.STOP, what)
    draft.steps.pop(f"{CLOCK}{stop_id(draft.case, payment.transfer)}", None)
    if state is StopState.RELEASED:
        later.end_later(draft, payment.transfer)
    else:
        later.end_own_later(draft, payment.transfer)


def _returned(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Book returned money as loss avoided and end the stop: nothing is left to stop."""
    before, told = draft.case, len(draft.facts)
    money.keep(draft, given.transfer, EvidenceClass.A, given.amount_fen)
    money.book_return(draft, given.transfer, given.amount_fen)
    if payment.stop:
        set_state(draft, payment, StopState.RETURNED, MoneyReturned())
    back = not draft.case.same_objects(before, "returned", "returned_beyond")
    if back and len(draft.facts) == told:  # more of money that is known to be held
        amounts = {**draft.case.returned_beyond, **draft.case.returned}
        draft.note(FactKind.NOTE, MoneyReturned(), amount_fen=amounts[given.transfer])


def _cancelled(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Book a payment that was cancelled before it arrived: it becomes an attempt, and its stop ends."""
    if payment.stop and payment.stop.state is not StopState.RELEASED:
        set_state(draft, payment, StopState.RELEASED, CancelledInFlight())
    payment = find(draft.case, given.transfer) or payment
    if payment.state is not TransferState.ATTEMPTED and payment.movement is None:
        draft.pay(payment.model_copy(update={"state": TransferState.ATTEMPTED}))
        draft.note(FactKind.STOP, PaymentFailed())
    money.keep(draft, given.transfer, EvidenceClass.B, given.amount_fen or payment.amount_fen)


def _answered(draft: DecisionBuilder, given: BankFeedback, *, meant: bool) -> None:
    """End the step that the bank answers and the questions that it settles, and withdraw the payment's steps that are
    no longer needed. An answer that changed the stop settles all questions about the payment.
    """
    changed = meant and given.state not in _NO_ANSWER
    asking = draft.live_for(given.transfer, Action.STOP_STATUS)
    for asked in asking if changed else unanswered.questions_answered(draft, given.dispatch):
        end(draft, asked, StepState.DONE, _ANSWERS[given.state])
    step = draft.steps.get(step_of(given))
    if given.state in _NO_ANSWER:
        return
    if step is not None and step.state in LIVE_STEPS and step.transfer == given.transfer:
        refused = given.state is BankState.REFUSED
        end(draft, step, StepState.FAILED if refused else StepState.DONE, _ANSWERS[given.state])
    if meant and given.state in (BankState.CANCELLED, BankState.RETURNED, BankState.RELEASED):
        for asked in draft.live_for(given.transfer, *orders.ASKING):  # one that is out too: it would be sent again
            end(draft, asked, StepState.WITHDRAWN, _ANSWERS[given.state])


def stop_clock(draft: DecisionBuilder, step: Step) -> None:
    """Process a stop's timer: if the stop still lasts, record a reminder and plan the extension if it is needed; once
    it is over, set it to EXPIRED, and withdraw a request to lift it that is not sent yet. A timer of no stop is only
    ended, with a note.
    """
    payment = find(draft.case, step.transfer)
    if payment is None or payment.stop is None or payment.stop.until is None:
        draft.change(step, state=StepState.DONE, due=None)
        draft.note(FactKind.NOTE, NoStopInForce())
    elif payment.stop.until <= draft.now:
        set_state(draft, payment, StopState.EXPIRED, StopExpired())
        withdraw(draft, draft.live_for(payment.transfer, Action.STOP_RELEASE), StopExpired())
    else:
        _remind(draft, step, payment.transfer, payment.stop.until)


def _not_needed(draft: DecisionBuilder, transfer: str) -> AnyCode | None:
    """Return why a stop that ends soon is not extended although the bank may be asked, or None."""
    if draft.case.settled:
        return ResidentSafe()
    return UpheldAlready() if orders.overturned(draft.case, transfer) else unwanted(draft, transfer)


def _remind(draft: DecisionBuilder, step: Step, transfer: str, ends: datetime) -> None:
    draft.change(step, due=ends, attempt=step.attempt + 1)
    why = may_not_ask(draft, transfer) or _not_needed(draft, transfer)
    draft.note(FactKind.STOP_REMINDER, StopNotExtended(ends, why) if why else StopExtended(ends), step)
    if why is None and not draft.live_for(transfer, Action.STOP_AGAIN):  # no person was earlier
        stem = stop_id(draft.case, transfer, AGAIN)
        plan_step(draft, stem, Action.STOP_AGAIN, draft.now, StopRunsOut(ends), transfer=transfer)
