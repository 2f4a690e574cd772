"""The receiver's side of a hand-over: the resident's case is opened, raised or joined, and remembers where it is from.

The same hand-over counts once, however often it comes.
"""

from datetime import datetime, timedelta

from domain.casework import alerts
from domain.casework.draft import DecisionBuilder, Rules
from domain.casework.provinces.offers import cross
from domain.casework.provinces.records import (
    asked_before_it_went,
    crossing_offer,
    gives_way,
    offer_waiting,
    taken_from,
)
from domain.casework.shield.shielding import know_loss
from domain.identity.own_words import told_elsewhere
from domain.policy.approval import HandoverRules
from schemas.casework.cases import MOST_REASONS, Case, CaseState, Danger
from schemas.casework.events import FactKind
from schemas.casework.inputs import Alert, TakeOver
from schemas.casework.provinces import MOST_TAKEN, OfferRefusal, TakenCase
from schemas.codes.provinces import BothHandle, OtherEnded, TakenFrom, TriedThere
from schemas.levels import Level

_NEXT = timedelta(milliseconds=1)


def may_not_take(
    rules: HandoverRules | None,
    province: str,
    until: datetime,
    known: TakenCase | None,
    now: datetime,
    *,
    asks: bool,
) -> OfferRefusal | None:
    """Return why a hand-over is not taken at `now`: NOT_TAKING if the policy names no hand-over from this province,
    TOO_LATE from its deadline `until` on; None if it is taken.

    One that was taken before (`known`) is never refused. After the deadline, the sender goes on by itself, so nobody
    needs to begin: a question whether an unknown one was taken (`asks`) is answered with TOO_LATE.
    """
    if known is not None:
        return None
    if asks:
        return OfferRefusal.TOO_LATE
    if rules is None or province not in rules.provinces:
        return OfferRefusal.NOT_TAKING
    return OfferRefusal.TOO_LATE if now >= until else None


def crossing_refusal(
    case: Case | None, province: str, offer: str, known: TakenCase | None, *, asks: bool
) -> OfferRefusal | None:
    """Return CROSSING if the hand-over `offer` from `province` crosses an offer of the case to there that goes before
    it; None if it crosses none, or one that gives way.
    """
    own = crossing_offer(case, province, known, asks=asks)
    return OfferRefusal.CROSSING if case and own and not gives_way(case, own, offer) else None


def may_end_too(case: Case | None, province: str, known: TakenCase | None, *, asks: bool) -> bool:
    """Return True if a hand-over from `province` gets no answer now, because the case here may be handed over as well:
    its own offer waits, or it was handed over after it took this one (`known`). If both provinces acknowledged, both
    would stop. False without a case, or if the hand-over crosses the waiting offer: one of the two gives way.
    """
    if case is None or crossing_offer(case, province, known, asks=asks):
        return False
    return offer_waiting(case) is not None or (known is not None and case.state is CaseState.HANDED_OVER)


def acknowledged(
    case: Case | None, known: TakenCase | None, level: Level, payments: int, *, asks: bool, ended: bool = False
) -> bool:
    """Return True if a hand-over, or a question about one (`asks`), can be answered with the case's number, so that the
    sender stops.

    A hand-over: if the case took it (`known`), and knows its `level` and its number of `payments`. A question: if the
    case knows that both provinces handle the resident, or that the sender has ended its part; one that tells the end
    (`ended`): if it knows the end. False while the case here may be handed over as well (`may_end_too`).
    """
    if case is None or known is None or may_end_too(case, known.province, known, asks=asks):
        return False
    if ended:
        return known.ended
    return known.both or known.ended if asks else not _tells_more(known, level, payments)


def _tells_more(known: TakenCase, level: Level, payments: int) -> bool:
    return level.rank > known.level.rank or payments > known.payments


def open_taken(earlier: Case | None, given: TakeOver, rules: Rules, now: datetime) -> DecisionBuilder:
    """Return a builder with a new case at the level handed over, its first steps planned. `earlier`: the resident's
    latest case, or None.
    """
    draft = alerts.begin_case(earlier, _alert(earlier, given), rules, now)
    _remember(draft, given)
    return draft


def take_over(draft: DecisionBuilder, given: TakeOver) -> None:
    """Apply a hand-over to the resident's existing case: its level rises, and a settled case is reopened.

    No effect while an offer of the case waits: the sender gets no answer, and goes on. But if that offer goes to the
    sender, the two cross: the case's own offer gives way and the hand-over is taken, or it goes before, which is noted.

    A request that was written before the sender acknowledged this case has no effect either: the sender repeats it if
    it still wants that.

    A hand-over that the case took before has an effect only if it has a higher level or more payments (which does not
    reopen a settled case if the sender goes on too), if both provinces may now handle the resident, or if the sender
    has ended its part since. A question about a hand-over that the case did not take has no effect, nor has one that
    was refused as crossing (`crosses`), but to be noted.
    """
    known = taken_from(draft.case, given.province, given.offer)
    if own := crossing_offer(draft.case, given.province, known, asks=given.both):
        cross(draft, own, gives_way=not given.crosses and gives_way(draft.case, own, given.offer))
    if given.crosses or offer_waiting(draft.case) is not None:
        return
    if known is not None:
        _take_again(draft, known, given)
    if known is not None or given.both:  # nobody need take a case about which the sender only asks
        return
    if asked_before_it_went(draft.case, given.province, given.at):
        return
    alerts.alert(draft, _alert(draft.case, given))
    _remember(draft, given)


def _take_again(draft: DecisionBuilder, known: TakenCase, given: TakeOver) -> None:
    more = _tells_more(known, given.danger.level, len(given.payments))
    if more and not (given.both and draft.case.settled):
        alerts.alert(draft, _alert(draft.case, given))
        level = max(known.level, given.danger.level, key=lambda each: each.rank)
        known = known.model_copy(update={"level": level, "payments": max(known.payments, len(given.payments))})
        _put(draft, known)
        draft.note(FactKind.NOTE, TakenFrom(given.province, given.other_case, given.ground))
    if given.ended:
        if not known.ended:
            _put(draft, known.model_copy(update={"both": False, "ended": True}))
            draft.note(FactKind.NOTE, OtherEnded(given.province))
    elif given.both and not known.both and not known.ended:
        _put(draft, known.model_copy(update={"both": True}))
        draft.note(FactKind.NOTE, BothHandle(given.province))


def _alert(case: Case | None, given: TakeOver) -> Alert:
    """Return the alert that a hand-over amounts to. It is news to a case that is settled: what the sender knows now
    was not known here.
    """
    settled = case.settled_at + _NEXT if case and case.settled_at else given.at
    return Alert(
        id=given.id,
        at=given.at,
        resident=given.resident,
        danger=_danger(None if case is None or case.settled else case, given.danger),
        payments=given.payments,
        profile=given.profile,
        accounts=given.accounts,
        signal_at=max(given.at, settled),
    )


def _danger(case: Case | None, told: Danger) -> Danger:
    """Return the danger of a case that goes on (None: there is none) together with what the sender tells, at the told
    level. What is known here stays: only a level above the case's brings its own type of scam and puts its reasons
    first. A campaign of the sender means nothing here, and numbers in its texts are masked.
    """
    told = told.model_copy(update={"reasons": [*map(told_elsewhere, told.reasons)]})
    if case is None:
        return told.model_copy(update={"campaign": None})
    known = case.danger
    first, second = (told, known) if told.level.rank > case.level.rank else (known, told)
    more = [reason for reason in second.reasons if reason not in first.reasons]
    return first.model_copy(
        update={
            "level": told.level,
            "probability": max(known.probability, told.probability),
            "exposure_fen": max(known.exposure_fen, told.exposure_fen),
            "reasons": [*first.reasons, *more][:MOST_REASONS],
            "campaign": known.campaign,
            "call_since": known.call_since or told.call_since,
        }
    )


def _remember(draft: DecisionBuilder, given: TakeOver) -> None:
    taken = TakenCase(
        province=given.province,
        offer=given.offer,
        other_case=given.other_case,
        ground=given.ground,
        level=given.danger.level,
        payments=len(given.payments),
        at=draft.now,
        both=given.both,
    )
    draft.set(taken=[*draft.case.taken, taken][-MOST_TAKEN:])
    know_loss(draft, given.prior_loss)
    draft.note(FactKind.TAKEN_OVER, TakenFrom(given.province, given.other_case, given.ground))
    for contact in given.contacts:
        if contact.results:
            draft.note(FactKind.NOTE, TriedThere(contact.action, contact.results[-1]))


def _put(draft: DecisionBuilder, changed: TakenCase) -> None:
    taken = [
        changed if (each.province, each.offer) == (changed.province, changed.offer) else each
        for each in draft.case.taken
    ]
    draft.set(taken=taken)
