"""The end of a freeze (解除冻结): by the bank's word, by the authority's decision, or because its period is over.

The account's money is then free: it is frozen no more, and no loss avoided. An authority's freeze lasts six months, or
up to a year in a grave case (公安机关办理刑事案件程序规定, article 243). The authority that approved it renews it
before its end, or it ends by itself (article 240); the same authority approves an earlier end and tells the bank
(article 241). So this centre orders no end of a freeze: a person records the authority's decision. Another one than who
recorded the freeze: so a freeze that one person recorded as shorter than the usual six months ends by itself only after
these.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from operator import attrgetter

from domain.calendar import JILIN, local_date, months_after
from domain.casework import money
from domain.casework.draft import CLOCK, DecisionBuilder
from domain.casework.orders import records as orders
from domain.payments.accounts import find, of_same_account
from domain.payments.freezes import MOST_MONTHS, REMINDED, USUAL_MONTHS, freed_wholly, freeze_in_force
from domain.payments.status import frozen_fen, said_of, whole_fen
from schemas.casework.cases import Case, Payment, Step, StopState
from schemas.casework.events import FactKind
from schemas.casework.orders import EndFreezeAct, FreezeEnd, FreezeEndKind, Freezing, HandOverStopAct, StopOrder
from schemas.codes.any_code import AnyCode
from schemas.codes.freezes import (
    AnotherPersonEnds,
    FormerFreezeEnded,
    FreezeEndsLater,
    FreezeLifted,
    FreezeOver,
    FreezePeriod,
    FreezeRenewed,
    FreezeRunsOut,
    NoFreeze,
    UnclearFreezeEnd,
)
from schemas.codes.money import BankFroze, BankUnfroze
from schemas.codes.refusals import RefusalCode, RoleMayNotApprove
from schemas.levels import Action
from schemas.people.staff import StaffRole

FREEZE_CLOCK = f"{CLOCK}freeze."


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
    """Record that the authority has renewed the freeze of an order's account until `act.until` (None: six months from
    the known end). Return None if it is done, else the reason: RoleMayNotApprove, or FreezePeriod if no freeze is in
    force, or the new end is not later than the known one, or over a year later: a renewal begins where the former
    period ends.
    """
    known = freeze_in_force(order)
    until = period_of(act, known.until) if known is not None else None
    if role not in order.roles:
        return RoleMayNotApprove()
    if known is None or until is None:
        return FreezePeriod()
    more = {"decision": act.decision, "authority": act.authority, "by": by, "until": until, "unclear_at": None}
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
    itself, or, if that is sooner than six months after it was recorded, note that another person must record the end,
    and wait for that time. No effect if the freeze has ended before.
    """
    draft.steps.pop(timer.id, None)
    order = orders.order_of(draft.case, timer.id.removeprefix(FREEZE_CLOCK))
    freezing = freeze_in_force(order) if order is not None else None
    if order is None or freezing is None:
        return
    if (last := ends_by_itself_at(freezing)) > draft.now:
        soon = FreezeRunsOut(freezing.authority, freezing.until)
        over = FreezeEndsLater(freezing.authority, freezing.until, last)
        draft.note(FactKind.STOP_REMINDER, soon if freezing.until > draft.now else over)
        draft.timer(timer.id, Action.STOP_AGAIN, freezing.until if freezing.until > draft.now else last, order.transfer)
        return
    end = FreezeEnd(kind=FreezeEndKind.PERIOD, at=draft.now)
    _end(draft, order.transfer, end, FreezeOver(freezing.authority, freezing.decision))


def ends_by_itself_at(freezing: Freezing) -> datetime:
    """Return when a freeze ends by itself: at the end of its period, but not before the day in Jilin six months after
    it was recorded, because who recorded it may not end it alone.
    """
    usual = local_date(months_after(freezing.at, USUAL_MONTHS))
    return max(freezing.until, datetime.combine(usual, time(), JILIN))


def frozen_by_bank(draft: DecisionBuilder, payment: Payment, amount_fen: int, *, earlier: bool) -> bool:
    """Book `amount_fen` (fen) of a payment as frozen by its bank's word. Return False, without effect, if the bank only
    repeats its word on a freeze that has ended since: it answers an earlier order than the latest one (`earlier`), and
    no freeze of the account is recorded.
    """
    ended = payment.transfer in draft.case.former_freezes
    if earlier and ended and not _frozen_orders(draft.case, payment.transfer):
        return False
    if not earlier and _set_unclear(draft, payment.transfer, None):
        draft.note(FactKind.STOP, BankFroze(), amount_fen=amount_fen)
    money.freeze(draft, payment.transfer, amount_fen)
    _end_if_free(draft, payment.transfer)
    return True


def unfrozen_by_bank(
    draft: DecisionBuilder, payment: Payment, amount_fen: int, *, earlier: bool, ended: datetime | None = None
) -> None:
    """Apply a bank's answer that the freeze has ended for `amount_fen` (fen) of a payment or traced account; 0, or all
    of the only payment to the account: for the whole account, so that a recorded freeze of it ends too. So it does once
    all payments to the account are free.

    `earlier`: True if the bank answers an earlier order than the latest one. No effect if it said as much before that.
    `ended`: when the freeze ended, as the bank names it, or None. An answer that may only repeat the end of a former
    freeze of the account does not end a later one that is recorded: one that names an earlier time than that of the
    record is noted, and of one that names none, a person asks the bank.
    """
    if not earlier and _about_former(draft, payment, amount_fen, ended):
        return
    same, told = of_same_account(draft.case, payment.transfer), len(draft.facts)
    former = draft.case.former_freezes.get(payment.transfer)
    if earlier and former is not None and (amount_fen or whole_fen(payment)) <= former.freed_fen:
        return
    if len(same) == 1 and amount_fen >= whole_fen(payment):
        amount_fen = 0
    changed = [_confirm_end(draft, payment.transfer, same if amount_fen == 0 else [payment.transfer])]
    if amount_fen == 0 and _frozen_orders(draft.case, payment.transfer):
        _end(draft, payment.transfer, FreezeEnd(kind=FreezeEndKind.BANK, at=draft.now), BankUnfroze())
        return
    freed = [payment.transfer] if amount_fen or earlier else same
    changed += [money.unfreeze(draft, each, amount_fen, earlier=earlier) for each in freed]
    if amount_fen == 0:
        changed.append(_free(draft, freed))
    _end_if_free(draft, payment.transfer)
    if any(changed) and len(draft.facts) == told:  # nothing was known to be frozen
        draft.note(FactKind.NOTE, BankUnfroze())


def _about_former(draft: DecisionBuilder, payment: Payment, amount_fen: int, ended: datetime | None) -> bool:
    """Return True, with a fact, if a bank's answer that a freeze has ended (at `ended`; None: not named) is or may be
    about a former freeze, although a later one is in force: the bank has said as much of the former one. If that is not
    known, the later freeze is marked as unclear, until its bank names a time or says that the account is frozen.
    """
    frozen, former = _frozen_orders(draft.case, payment.transfer), draft.case.former_freezes.get(payment.transfer)
    known = [order.freezing for order in frozen if order.freezing is not None and order.freezing.after_told_end]
    since = max((freezing.at for freezing in known), default=None)
    if since is None or former is None or (amount_fen or whole_fen(payment)) > former.freed_fen:
        return False
    if ended is not None:
        if ended <= since:
            draft.note(FactKind.NOTE, FormerFreezeEnded(ended))
        return ended <= since
    draft.note(FactKind.STOP_REMINDER, UnclearFreezeEnd())
    _set_unclear(draft, payment.transfer, draft.now)
    return True


def _set_unclear(draft: DecisionBuilder, transfer: str, at: datetime | None) -> bool:
    """Store since when it is unclear whether the freeze of a transfer's account has ended; None: it is not unclear.
    Return True if that changed.
    """
    before = draft.case
    for order in _frozen_orders(draft.case, transfer):
        if order.freezing is not None and (order.freezing.unclear_at is None) is not (at is None):
            unclear = order.freezing.model_copy(update={"unclear_at": at})
            orders.put_order(draft, order.model_copy(update={"freezing": unclear}))
    return draft.case is not before


def freeze_lapsed_again(draft: DecisionBuilder, lapsed: Mapping[str, int]) -> None:
    """Book money (fen, by transfer) as frozen again whose freeze ended here only because its period was over, as
    `lapsed_amounts` returned it: its bank has never said that it is free.
    """
    for transfer, fen in lapsed.items():
        money.freeze(draft, transfer, fen)


def lapsed_amounts(case: Case, transfer: str) -> dict[str, int]:
    """Return how much (fen) was frozen of each payment to a transfer's account, by the bank's word, when its latest
    freeze ended because its period was over; empty if it has not ended so, or the bank has freed it since.
    """
    freezings = [order.freezing for order in _orders_of_account(case, transfer) if order.freezing is not None]
    latest = max(freezings, key=attrgetter("at"), default=None)
    return latest.ended.freed if latest is not None and latest.ended is not None else {}


def _confirm_end(draft: DecisionBuilder, transfer: str, freed: Collection[str]) -> bool:
    """Store in the freezes of a transfer's account that have ended that the bank has said so too, and in those that
    ended because their period was over, that it has freed the transfers `freed`. Return True if that is new.
    """
    before = draft.case
    for order in _orders_of_account(before, transfer):
        freezing = order.freezing
        if freezing is None or freezing.ended is None:
            continue
        left = {name: fen for name, fen in freezing.ended.freed.items() if name not in freed}
        ended = freezing.ended.model_copy(update={"freed": left, "told": True})
        if ended != freezing.ended:
            orders.put_order(draft, order.model_copy(update={"freezing": freezing.model_copy(update={"ended": ended})}))
    return draft.case is not before


def told_end(case: Case, transfer: str) -> bool:
    """Return True if the bank of a transfer's account has said that a freeze of it has ended: the latest recorded one,
    or if none is recorded, one that only the bank knew.
    """
    freezings = [order.freezing for order in _orders_of_account(case, transfer) if order.freezing is not None]
    if latest := max(freezings, key=attrgetter("at"), default=None):
        return latest.ended is not None and (latest.ended.told or latest.ended.kind is FreezeEndKind.BANK)
    found = [find(case, each) for each in of_same_account(case, transfer)]
    return any(said_of(case, each).freed_fen for each in found if each is not None)


def _end_if_free(draft: DecisionBuilder, transfer: str) -> None:
    """Set a payment whose money the bank has freed wholly free, and end the recorded freeze of its account if the other
    payments to it are free too. No effect if the bank has freed nothing.
    """
    payment = find(draft.case, transfer)
    if payment is None or not freed_wholly(draft.case, payment):
        return
    _free(draft, [transfer])
    found = [find(draft.case, each) for each in of_same_account(draft.case, transfer)]
    held = [each for each in found if each and (_is_frozen(each) or frozen_fen(draft.case, each))]
    if not held and _frozen_orders(draft.case, transfer):
        _end(draft, transfer, FreezeEnd(kind=FreezeEndKind.BANK, at=draft.now), BankUnfroze())


def _end(draft: DecisionBuilder, transfer: str, end: FreezeEnd, what: AnyCode, by: str | None = None) -> None:
    """End the recorded freeze of a transfer's account: all of its money in this case is free."""
    draft.note(FactKind.STOP, what, by=by)
    frozen = _frozen_orders(draft.case, transfer)
    same = {*of_same_account(draft.case, transfer), *(order.transfer for order in frozen)}
    if end.kind is FreezeEndKind.PERIOD:
        held = {each: find(draft.case, each) for each in sorted(same)}
        fens = {name: frozen_fen(draft.case, each) for name, each in held.items() if each is not None}
        end = end.model_copy(update={"freed": {name: fen for name, fen in fens.items() if fen}})
    for order in frozen:
        freezing = order.freezing.model_copy(update={"ended": end}) if order.freezing else None
        orders.put_order(draft, order.model_copy(update={"freezing": freezing}))
        draft.steps.pop(f"{FREEZE_CLOCK}{order.step}", None)
    for each in sorted(same):
        money.unfreeze(draft, each, 0)
    _free(draft, sorted(same))


def _free(draft: DecisionBuilder, transfers: Collection[str]) -> bool:
    """Set the stops of frozen accounts to RELEASED, and return whether there was one: nothing holds their money."""
    held = [find(draft.case, transfer) for transfer in transfers]
    found = [each for each in held if each is not None and _is_frozen(each)]
    for payment in found:
        stop = payment.stop.model_copy(update={"state": StopState.RELEASED}) if payment.stop else None
        draft.pay(payment.model_copy(update={"stop": stop}))
    return bool(found)


def _is_frozen(payment: Payment) -> bool:
    return payment.stop is not None and payment.stop.state is StopState.FROZEN


def _frozen_orders(case: Case, transfer: str) -> list[StopOrder]:
    """Return the case's orders for the transfer's account in which a freeze is recorded that has not ended. After an
    erasure, when equal accounts cannot be recognized, the orders whose freeze was recorded at the same time.
    """
    own = {each.at for order in _orders_of_account(case, transfer) if (each := freeze_in_force(order))}
    return [order for order in case.orders if (each := freeze_in_force(order)) and each.at in own]


def _orders_of_account(case: Case, transfer: str) -> list[StopOrder]:
    """Return the case's orders for the account of a transfer."""
    same = of_same_account(case, transfer)
    return [order for order in case.orders if order.transfer in same]
