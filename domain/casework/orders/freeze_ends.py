"""The end of a freeze (解除冻结): by the bank's word, by the authority's decision, or because its period is over.

The account's money is then free: it is frozen no more, and no loss avoided. An authority's freeze lasts six months, or
up to a year in a grave case (公安机关办理刑事案件程序规定, article 243). The authority that approved it renews it
before its end, or it ends by itself (article 240); the same authority approves an earlier end and tells the bank
(article 241). So this centre orders no end of a freeze: a person records the authority's decision.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from domain.calendar import JILIN, local_date, months_after
from domain.casework import money, payments
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders import records as orders
from schemas.casework.cases import Case, Payment, Step, StopState
from schemas.casework.events import FactKind
from schemas.casework.orders import EndFreezeAct, FreezeEnd, FreezeEndKind, Freezing, HandOverStopAct, StopOrder
from schemas.codes.any_code import AnyCode
from schemas.codes.freezes import (
    AnotherPersonEnds,
    FreezeLifted,
    FreezeOver,
    FreezePeriod,
    FreezeRenewed,
    FreezeRunsOut,
    NoFreeze,
)
from schemas.codes.money import BankUnfroze
from schemas.codes.refusals import RefusalCode, RoleMayNotApprove
from schemas.levels import Action
from schemas.people.staff import StaffRole

FREEZE_CLOCK = f"{CLOCK}freeze."
USUAL_MONTHS, MOST_MONTHS = 6, 12  # of a freeze, by article 243
REMINDED = timedelta(days=7)  # before the end of a freeze: assumed, enough for the authority to renew it


def freeze_in_force(order: StopOrder) -> Freezing | None:
    """Return the freeze that is recorded in an order and has not ended, or None."""
    return order.freezing if order.freezing is not None and order.freezing.ended is None else None


def period_of(act: HandOverStopAct, begins: datetime) -> datetime | None:
    """Return the end of the period of a freeze, or of its renewal, that begins at `begins`: the one that the act names,
    else six months later. None if it is not later than `begins`, or after the day in Jilin a year later.
    """
    until = act.until or months_after(begins, USUAL_MONTHS)
    most = datetime.combine(local_date(months_after(begins, MOST_MONTHS)) + timedelta(days=1), time(), JILIN)
    return until if begins < until <= most else None


def set_freeze_clock(draft: DecisionBuilder, order: StopOrder, until: datetime) -> None:
    """Set the timer of the freeze that an order records: a week before its end, or at its end if that is sooner."""
    due = until - REMINDED if until - REMINDED > draft.now else until
    draft.timer(f"{FREEZE_CLOCK}{order.step}", Action.STOP_AGAIN, due, order.transfer)


def renew_freeze(
    draft: DecisionBuilder, order: StopOrder, act: HandOverStopAct, by: str, role: StaffRole | None
) -> RefusalCode | None:
    """Record that the authority has renewed the freeze of an order's account until `act.until`. Return None if it is
    done, else the reason: RoleMayNotApprove, or FreezePeriod if the new end is not later than the known one, or over a
    year later: a renewal begins where the former period ends.
    """
    known = freeze_in_force(order)
    until = period_of(act, known.until) if known is not None else None
    if role not in order.roles:
        return RoleMayNotApprove()
    if known is None or until is None:
        return FreezePeriod()
    more = {"decision": act.decision, "authority": act.authority, "by": by, "until": until}
    for each in _frozen_orders(draft.case, order.transfer):
        orders.put_order(draft, each.model_copy(update={"freezing": known.model_copy(update=more)}))
        draft.steps.pop(f"{FREEZE_CLOCK}{each.step}", None)
    set_freeze_clock(draft, order, until)
    draft.note(FactKind.STOP, FreezeRenewed(by, act.authority, act.decision, until), by=by)
    return None


def end_freeze(draft: DecisionBuilder, act: EndFreezeAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Record that the authority has ended its freeze of an order's account, as the person `by` reports: all money that
    is frozen there is free. Return None if it is done, else a reason of `may_not_end_freeze`.
    """
    order = orders.order_of(draft.case, act.order)
    if order is None:
        return NoFreeze()
    if why := may_not_end_freeze(order, by, role):
        return why
    freezing = freeze_in_force(order)
    authority = freezing.authority if freezing else ""
    end = FreezeEnd(kind=FreezeEndKind.DECISION, at=draft.now, decision=act.decision, by=by)
    _end(draft, order.transfer, end, FreezeLifted(by, authority, act.decision), by)
    return None


def may_not_end_freeze(order: StopOrder, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Return the reason why a person (login `by`) with this role may not record the end of the freeze of an order's
    account, or None if they may.

    NoFreeze: no freeze is in force. RoleMayNotApprove: the role may not decide on the order. AnotherPersonEnds: the
    person recorded the freeze themselves; it takes two, so that a single bribed one cannot record both.
    """
    freezing = freeze_in_force(order)
    if freezing is None:
        return NoFreeze()
    if role not in order.roles:
        return RoleMayNotApprove()
    return AnotherPersonEnds() if by == freezing.by else None


def freeze_clock(draft: DecisionBuilder, timer: Step) -> None:
    """Process the timer of a freeze: a week before its end, note that it ends soon; at its end, the freeze has ended by
    itself. No effect if the freeze has ended before.
    """
    draft.steps.pop(timer.id, None)
    order = orders.order_of(draft.case, timer.id.removeprefix(FREEZE_CLOCK))
    freezing = freeze_in_force(order) if order is not None else None
    if order is None or freezing is None:
        return
    if freezing.until > draft.now:
        draft.note(FactKind.STOP_REMINDER, FreezeRunsOut(freezing.authority, freezing.until))
        draft.timer(timer.id, Action.STOP_AGAIN, freezing.until, order.transfer)
        return
    end = FreezeEnd(kind=FreezeEndKind.PERIOD, at=draft.now)
    _end(draft, order.transfer, end, FreezeOver(freezing.authority, freezing.decision))


def unfrozen_by_bank(draft: DecisionBuilder, payment: Payment, amount_fen: int) -> None:
    """Apply a bank's answer that the freeze has ended for `amount_fen` (fen) of a payment or traced account; 0, or all
    of the only payment to the account: for the whole account, so that a recorded freeze of it ends too.
    """
    alone = len(payments.of_same_account(draft.case, payment.transfer)) == 1
    if alone and amount_fen >= max(payment.amount_fen, payment.came_fen or 0):
        amount_fen = 0
    if amount_fen == 0 and _frozen_orders(draft.case, payment.transfer):
        _end(draft, payment.transfer, FreezeEnd(kind=FreezeEndKind.BANK, at=draft.now), BankUnfroze())
        return
    told = len(draft.facts)
    changed = money.unfreeze(draft, payment.transfer, amount_fen)
    if amount_fen == 0:
        changed = _free(draft, [payment.transfer]) or changed
    if changed and len(draft.facts) == told:  # nothing was known to be frozen
        draft.note(FactKind.NOTE, BankUnfroze())


def _end(draft: DecisionBuilder, transfer: str, end: FreezeEnd, what: AnyCode, by: str | None = None) -> None:
    """End the recorded freeze of a transfer's account: all of its money in this case is free."""
    draft.note(FactKind.STOP, what, by=by)
    for order in _frozen_orders(draft.case, transfer):
        freezing = order.freezing.model_copy(update={"ended": end}) if order.freezing else None
        orders.put_order(draft, order.model_copy(update={"freezing": freezing}))
        draft.steps.pop(f"{FREEZE_CLOCK}{order.step}", None)
    same = payments.of_same_account(draft.case, transfer)
    for each in same:
        money.unfreeze(draft, each, 0)
    _free(draft, same)


def _free(draft: DecisionBuilder, transfers: Sequence[str]) -> bool:
    """Set the stops of frozen accounts to RELEASED, and return whether there was one: nothing holds their money."""
    frozen = [payments.find(draft.case, transfer) for transfer in transfers]
    found = [each for each in frozen if each and each.stop and each.stop.state is StopState.FROZEN]
    for payment in found:
        stop = payment.stop.model_copy(update={"state": StopState.RELEASED}) if payment.stop else None
        draft.pay(payment.model_copy(update={"stop": stop}))
    return bool(found)


def _frozen_orders(case: Case, transfer: str) -> list[StopOrder]:
    """Return the case's orders for the transfer's account in which a freeze is recorded that has not ended."""
    same = payments.of_same_account(case, transfer)
    return [order for order in case.orders if order.transfer in same and freeze_in_force(order)]
