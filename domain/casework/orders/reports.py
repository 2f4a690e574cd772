"""Applies a victim's report: the case becomes red, and a stop order for the reported payment is proposed at once."""

from datetime import datetime, timedelta

from domain.casework import alerts, stops
from domain.casework.draft import DecisionBuilder, Rules
from domain.casework.orders import records as orders
from domain.casework.orders.open_orders import stands, traced_before
from domain.payments.accounts import find
from domain.payments.same_payment import pairs
from domain.risk import reported
from schemas.casework.cases import MOST_REASONS, Case, Danger, Payment
from schemas.casework.events import FactKind
from schemas.casework.inputs import Alert, PaymentReport
from schemas.codes.people import AskedBy, CallerReported
from schemas.codes.refusals import AccountOrdered
from schemas.codes.stop_orders import PaymentReported

MOMENT = timedelta(microseconds=1)


def open_by_report(earlier: Case | None, given: PaymentReport, rules: Rules, now: datetime) -> DecisionBuilder:
    """Return a builder with a new, red case that a victim's report opens, and the stop order for the reported payment
    proposed, if the report names one.

    `earlier`: the resident's previous case, or None.
    """
    draft = alerts.begin_case(earlier, _as_alert(given, _danger(given, rules, now), now, now), rules, now)
    _told(draft, given, given.payment.transfer if given.payment else None)
    return draft


def payment_report(draft: DecisionBuilder, given: PaymentReport) -> None:
    """Apply a victim's report to an existing case, in `draft`: the case becomes red, is reopened if it is settled, and
    a stop order for the reported payment is proposed.

    No order is proposed if one is open for the payment or its account, or if the bank may not be asked; of all but an
    open order for the payment, a note tells.
    """
    payment = given.payment
    same = pairs(draft.case.payments, [payment], draft.plan.stop.same_within) if payment else {}
    found = _joined(draft.case.danger, _danger(given, draft.rules, draft.now))
    settled = draft.case.settled_at
    new = draft.now if settled is None else max(draft.now, settled + MOMENT)  # nobody knew it when the case was settled
    alerts.alert(draft, _as_alert(given, found, draft.now, new))
    _told(draft, given, same.get(payment.transfer, payment.transfer) if payment else None)


def _danger(given: PaymentReport, rules: Rules, now: datetime) -> Danger:
    return reported(given.profile, _paid(given), rules.policy.risk, now)


def _joined(known: Danger, found: Danger) -> Danger:
    """Return the danger that screening found, raised to the report's level; its campaign, scam type
    and reasons stay.
    """
    reasons = [*found.reasons, *(reason for reason in known.reasons if reason not in found.reasons)]
    more: dict[str, object] = {
        "level": found.level,
        "probability": max(known.probability, found.probability),
        "exposure_fen": max(known.exposure_fen, found.exposure_fen),
        "reasons": reasons[:MOST_REASONS],
    }
    return known.model_copy(update=more)


def _as_alert(given: PaymentReport, danger: Danger, now: datetime, signal_at: datetime) -> Alert:
    """Return an alert made of the report, without a policy, because a person found the danger. `signal_at`: the time
    from which the danger counts as known.
    """
    return Alert(
        id=given.id,
        at=now,
        resident=given.resident,
        danger=danger,
        payments=_paid(given),
        profile=given.profile,
        accounts=given.accounts,
        signal_at=signal_at,
    )


def _paid(given: PaymentReport) -> list[Payment]:
    return [given.payment] if given.payment else []


def _told(draft: DecisionBuilder, given: PaymentReport, transfer: str | None) -> None:
    """Record the report's facts, and draft a stop order for the payment `transfer`.

    No order is drafted without a payment (None), if an order for it waits, is on its way or has an effect, or if the
    payee's account has an order already because of other payments.
    """
    draft.role = given.role
    if given.note:
        draft.note(FactKind.NOTE, CallerReported(given.note), by=given.by)
    if given.payment is None or given.payment.reported is None or transfer is None:
        return
    told = PaymentReported(given.payment.reported.source, given.payment.amount_fen)
    draft.note(FactKind.NOTE, told, by=given.by)
    order = orders.latest_order(draft.case, transfer)
    if order is not None and stands(draft.case, order, draft.steps.values()):
        return
    payment = find(draft.case, transfer)
    if payment is not None and traced_before(draft, payment):
        draft.note(FactKind.NOTE, AccountOrdered(), by=given.by)
    elif why := stops.propose_stop(draft, transfer, AskedBy(given.by), given.by):
        draft.note(FactKind.NOTE, why, by=given.by)
