"""Applies screening's alerts: they open a case, update its danger, raise its level, or reopen a settled case."""

from datetime import datetime

from domain.casework import fatigue, money, payments
from domain.casework.draft import DecisionBuilder, Rules
from domain.casework.endings import reopen
from domain.casework.orders import records as orders
from domain.casework.planning import begin, plan_stops
from domain.casework.shield.shielding import keep_support
from domain.casework.steps import bring_forward
from domain.dispatches.warnings import still_kept
from domain.payments import ledger
from domain.payments.freezes import freeze_runs
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import FactKind
from schemas.casework.inputs import Alert
from schemas.codes.any_code import AnyCode
from schemas.codes.danger import (
    CaseOpenedAt,
    DangerAfterPlan,
    DangerAgain,
    DangerCode,
    DangerSeen,
    LevelRaised,
    NewEvidence,
    OldEvidence,
)
from schemas.codes.plan import CaseOpened, EvidenceAfterPlan, LevelRose
from schemas.codes.stop_orders import ReportConfirmed
from schemas.levels import Action, Level

News = tuple[DangerCode, ...]


def opens_anew(case: Case | None, rules: Rules, now: datetime) -> bool:
    """Return True if an alert must open a new case: the resident has no case (None), or the latest one was closed
    longer ago than the policy's `plan.reopen_within`.

    False for a case in which an objection waits, or money is still frozen (`freeze_runs`): it is always reopened,
    because nobody could decide on the objection, or learn of the freeze's end, in an earlier case.
    """
    if case is None:
        return True
    if any(each.waits for each in case.objections) or freeze_runs(case, now):
        return False
    return case.closed_at is not None and now - case.closed_at > rules.policy.plan.reopen_within


def begin_case(earlier: Case | None, given: Alert, rules: Rules, now: datetime) -> DecisionBuilder:
    """Return a builder with a new case that an alert opens, its first steps planned and its opening recorded as a fact.

    `earlier`: the resident's latest case, or None. Sums that are booked in it are not booked again. Its support calls
    that are still to be made go on in the new case.
    """
    number = max(earlier.number if earlier else 0, rules.last_number) + 1
    case = Case(
        id=f"{given.resident}-{number}",
        resident=given.resident,
        number=number,
        version=1,
        policy=rules.policy.hash,
        state=CaseState.RAISED,
        level=given.danger.level,
        danger=given.danger,
        raised_by=given.policy,
        profile=given.profile,
        accounts=given.accounts,
        household=given.household,
        opened_at=now,
        updated_at=now,
        payments=payments.merged([], given.payments, rules.policy.plan.stop.same_within),
        booked_before=ledger.booked_transfers(earlier) if earlier else [],
        contacted=fatigue.recent(earlier, now) if earlier else [],
        warned_at=earlier.warned_at if earlier else None,
        warnings=still_kept(earlier, now) if earlier else [],
        frauds=earlier.frauds if earlier else [],
        danger_at=now,
        prior_loss=earlier.prior_loss if earlier else None,
        wants_no_messages=earlier.wants_no_messages if earlier else False,
    )
    draft = DecisionBuilder(case, rules, now, version=1, signal_at=given.signal_at)
    draft.note(FactKind.OPENED, CaseOpenedAt(case.level, tuple(case.danger.reasons)))
    begin(draft, CaseOpened())
    if earlier is not None:
        keep_support(draft, earlier)
    return draft


def alert(draft: DecisionBuilder, given: Alert) -> None:
    """Apply an alert to its existing case, in `draft`, with facts. The level only rises: an alert of a lower level
    counts as evidence.

    A settled case is reopened if the danger is graver, or if the signal arrived after the case was settled. Stops are
    planned for new payments.
    """
    before, draft.signal_at = draft.case, given.signal_at
    _update(draft, given)
    news = _news(before, given)
    changed = draft.case is not before
    graver = given.danger.level.rank > before.level.rank
    if before.settled and (graver or not _knew(before, given)):
        draft.set(raised_by=given.policy)
        reopen(draft, DangerAgain(news), given.danger.level)
    elif before.settled:
        _evidence(draft, OldEvidence(news), changed=changed)
    elif graver:
        draft.set(level=given.danger.level, raised_by=given.policy)
        draft.note(FactKind.LEVEL_RAISED, LevelRaised(before.level, given.danger.level, news))
        _start_again(draft, LevelRose())
    else:
        _evidence(draft, DangerSeen(news), changed=changed)
        if changed:
            _goes_on(draft, before, given, news)
    again = before.settled and not draft.case.settled
    if graver or again or len(draft.case.payments) > len(before.payments):
        draft.set(danger_at=draft.now)
    if changed and not draft.case.settled:
        plan_stops(draft)


def _goes_on(draft: DecisionBuilder, before: Case, given: Alert, news: News) -> None:
    """Start the plan of a case that was reopened for a talk only. Restart a plan that has run out, at the new danger's
    level; bring forward a call that was postponed.
    """
    level = given.danger.level
    if before.talk_from and given.signal_at > before.updated_at:  # so far no plan runs
        _start_again(draft, EvidenceAfterPlan())
    elif not draft.contacts():
        if level is before.level:
            _start_again(draft, EvidenceAfterPlan())
        elif given.signal_at > before.updated_at or len(draft.case.payments) > len(before.payments):  # not a repetition
            reopen(draft, DangerAfterPlan(news), level)
    elif level is before.level and level.rank >= Level.ORANGE.rank:
        soon = draft.now + draft.plan.talk_within
        if all(step.due and step.due > soon for step in draft.contacts()):
            bring_forward(draft, [Action.OPERATOR_CALL], NewEvidence(news))


def _news(before: Case, given: Alert) -> News:
    """Return the alert's reasons that the case does not have yet; if it has all, the alert's first three."""
    found = [reason for reason in given.danger.reasons if reason not in before.danger.reasons]
    return tuple(found or given.danger.reasons[:3])


def _knew(case: Case, given: Alert) -> bool:
    """Return True if the signal had arrived before the case was settled, so that it was known then."""
    return case.settled_at is not None and given.signal_at <= case.settled_at


def _update(draft: DecisionBuilder, given: Alert) -> None:
    case = draft.case
    known = payments.merged(case.payments, given.payments, draft.plan.stop.same_within)
    own = given.accounts or case.accounts
    told = {"danger": given.danger, "profile": given.profile, "payments": known, "accounts": own}
    told["household"] = given.household or case.household
    if any(getattr(case, name) != value for name, value in told.items()):
        draft.set(**told)
        orders.propose_changed(draft)
        money.limit_to_payments(draft)
    feeds = {payment.transfer: payment.feed for payment in case.payments}
    for payment in known:
        if payment.feed and payment.feed != feeds.get(payment.transfer):
            draft.note(FactKind.NOTE, ReportConfirmed(), amount_fen=payment.amount_fen)


def _evidence(draft: DecisionBuilder, what: AnyCode, *, changed: bool) -> None:
    if changed:
        draft.note(FactKind.EVIDENCE, what)
        money.balance(draft)


def _start_again(draft: DecisionBuilder, because: AnyCode) -> None:
    ended = draft.case.state in (CaseState.UNREACHABLE, CaseState.ALREADY_DEFRAUDED, CaseState.NOT_PERSUADED)
    if ended or draft.case.talk_from:
        draft.set(outcome=None, settled_at=None, ground=None)
        draft.enter(CaseState.RAISED, because)
    begin(draft, because)
