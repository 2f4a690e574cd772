"""Stop-payments: the bank's feedback, the reminder before a stop runs out, the second one, the end."""

from datetime import datetime, timedelta

from domain.casework import money
from domain.casework.draft import CLOCK, LIVE, DecisionBuilder
from domain.casework.payments import find, may_not_ask, stop_id
from domain.casework.steps import end, plan_step, withdraw
from domain.policy.schedule import LATEST
from schemas.casework.cases import Payment, Step, StepState, Stop, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankFeedback, BankState
from schemas.levels import Action, EvidenceClass
from schemas.risk.signals import TransferState


def bank_feedback(draft: DecisionBuilder, given: BankFeedback) -> None:
    """Take a bank's feedback in: the stop's state, and the money it confirms."""
    payment = find(draft.case, given.transfer)
    if payment is None:
        draft.say(FactKind.REFUSED, f"{given.state.value}: the payment is not one of this case")
        return
    before = draft.case
    match given.state:
        case BankState.IN_FORCE:
            _in_force(draft, given, payment)
        case BankState.REFUSED:
            _state(draft, payment, StopState.REFUSED, "the bank refused the stop")
        case BankState.RELEASED:
            _state(draft, payment, StopState.RELEASED, "the stop is lifted")
        case BankState.CANCELLED:
            _cancelled(draft, given, payment)
        case BankState.FROZEN:
            money.keep(draft, given.transfer, EvidenceClass.A, given.amount_fen)
            money.freeze(draft, given.transfer, given.amount_fen)
            _in_force(draft, given, payment)  # though the bank's word of it was lost on the way
        case BankState.RETURNED:
            _returned(draft, given, payment)
    _answered(draft, given, meant=draft.case is not before)


def _in_force(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    stop = payment.stop or Stop(state=StopState.ASKED)
    if stop.state is not StopState.ASKED:
        return
    until = min(given.until or draft.now + draft.plan.stop.lasts, LATEST)
    draft.pay(
        payment.model_copy(update={"stop": stop.model_copy(update={"state": StopState.IN_FORCE, "until": until})})
    )
    draft.say(FactKind.STOP, f"stopped until {until:%Y-%m-%d %H:%M %Z}", amount_fen=given.amount_fen)
    clock = Step(
        id=f"{CLOCK}{stop_id(draft.case, payment.transfer)}",
        action=Action.STOP_AGAIN,
        state=StepState.PENDING,
        due=None,
        transfer=payment.transfer,
    )
    soonest = draft.now + timedelta(seconds=1)
    draft.change(clock, due=max(soonest, until - draft.plan.stop.remind_before))


def _state(draft: DecisionBuilder, payment: Payment, state: StopState, words: str) -> None:
    stop = payment.stop or Stop(state=StopState.ASKED)
    if stop.state is state:
        return
    draft.pay(payment.model_copy(update={"stop": stop.model_copy(update={"state": state, "until": None})}))
    draft.say(FactKind.STOP, words)
    draft.steps.pop(f"{CLOCK}{stop_id(draft.case, payment.transfer)}", None)


def _returned(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """The money is back with the resident, and is not held anywhere: nothing of it is left to stop."""
    money.keep(draft, given.transfer, EvidenceClass.A, given.amount_fen)
    if payment.stop:
        _state(draft, payment, StopState.RETURNED, "the money came back: nothing is left to stop")


def _cancelled(draft: DecisionBuilder, given: BankFeedback, payment: Payment) -> None:
    """Caught in flight: it never arrived, so it is attempted and no more, and nothing of it is left to stop."""
    if payment.stop and payment.stop.state is not StopState.RELEASED:
        _state(draft, payment, StopState.RELEASED, "the payment was cancelled in flight")
    payment = find(draft.case, given.transfer) or payment
    if payment.state is not TransferState.ATTEMPTED:
        draft.pay(payment.model_copy(update={"state": TransferState.ATTEMPTED}))
        draft.say(FactKind.STOP, "the payment did not go through")
    money.keep(draft, given.transfer, EvidenceClass.B, given.amount_fen or payment.amount_fen)


def _answered(draft: DecisionBuilder, given: BankFeedback, *, meant: bool) -> None:
    """End the step the bank answers, and what is no longer wanted of this payment's others."""
    name = given.dispatch.partition(":")[2].partition(":")[0]
    step = draft.steps.get(name)
    if step is not None and step.state in LIVE and step.transfer == given.transfer:
        refused = given.state is BankState.REFUSED
        end(draft, step, StepState.FAILED if refused else StepState.DONE, f"the bank: {given.state.value}")
    if meant and given.state in (BankState.CANCELLED, BankState.RETURNED, BankState.RELEASED):
        others = draft.live(Action.STOP_PAYMENT, Action.STOP_AGAIN)
        withdraw(
            draft, [other for other in others if other.transfer == given.transfer], f"the bank: {given.state.value}"
        )


def stop_clock(draft: DecisionBuilder, step: Step) -> None:
    """A stop is about to run out (first), or has run out (second)."""
    payment = find(draft.case, step.transfer)
    if payment is None or payment.stop is None or payment.stop.until is None:
        draft.change(step, state=StepState.DONE, due=None)
        draft.say(FactKind.NOTE, "no stop is in force any more")
    elif payment.stop.until <= draft.now:
        _state(draft, payment, StopState.EXPIRED, "the stop has run out")
    else:
        _remind(draft, step, payment.transfer, payment.stop.until)


def _remind(draft: DecisionBuilder, step: Step, transfer: str, ends: datetime) -> None:
    draft.change(step, due=ends, attempt=step.attempt + 1)
    why = may_not_ask(draft, transfer) or ("the resident is safe" if draft.case.settled else None)
    until = f"the stop runs out at {ends:%Y-%m-%d %H:%M %Z}"
    draft.say(
        FactKind.STOP_REMINDER, f"{until}; not asked again: {why}" if why else f"{until}; it is asked again", step
    )
    if why is None:
        stem = stop_id(draft.case, transfer, "again")
        plan_step(draft, stem, Action.STOP_AGAIN, draft.now, until, transfer=transfer)
