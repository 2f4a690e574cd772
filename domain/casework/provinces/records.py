"""The offers of a case as they stand: which one waits, what it holds back, and what is owed by when."""

from datetime import datetime, timedelta

from domain.casework.draft import CLOCK
from domain.policy.approval import HandoverRules
from domain.policy.plan import Plan
from domain.policy.schedule import AFTER_PLAN, CONTACTS_NOBODY, quiet_begins
from schemas.casework.cases import Case, Step
from schemas.casework.provinces import CaseOffer, OfferRefusal, OfferState, TakenCase
from schemas.levels import Action

OFFER_CLOCK = f"{CLOCK}offer."  # ids of the timers of offers: the offer's position in the case follows
BEFORE_QUIET = timedelta(minutes=5)  # assumed: deadlines and channels may be late by this much
ASKS = ".ask"  # ends the id of the step that asks whether an unanswered offer was taken
TELLS_END = f"{ASKS}.ended"  # ends the id of the step that tells that this province has ended its part


def offer_of(case: Case, name: str) -> CaseOffer | None:
    """Return the case's offer with the id `name`, or None if it has none."""
    return next((each for each in case.offers if each.id == name), None)


def offer_name(case: Case, offer: CaseOffer) -> str:
    """Return the name of an offer to the other province: no other offer of any province has it."""
    return f"{case.id}:{offer.id}"


def crossing_offer(case: Case | None, province: str, known: TakenCase | None, *, asks: bool) -> CaseOffer | None:
    """Return the case's waiting offer to `province` that crosses a hand-over from there, or None. A hand-over that was
    taken before (`known`) and a question about one (`asks`) cross nothing.
    """
    own = offer_waiting(case) if case and known is None and not asks else None
    return own if own and own.province == province else None


def gives_way(case: Case, own: CaseOffer, other: str) -> bool:
    """Return True if the offer `own` gives way to the one with the name `other` that crosses it: the lesser name goes
    before, so both provinces decide alike, though neither knows how the other is called. An offer of a settled case
    always gives way, because it is not made again.
    """
    return case.settled or other < offer_name(case, own)


def offer_of_step(case: Case, step: str) -> CaseOffer | None:
    """Return the offer to which the step with this id belongs, because it makes the offer or asks about it; None if it
    belongs to none.
    """
    found = [each for each in case.offers if step == each.id or step.startswith(f"{each.id}{ASKS}")]
    return found[0] if found else None


def offer_waiting(case: Case) -> CaseOffer | None:
    """Return the case's offer that is neither answered nor past its deadline, or None. There is at most one."""
    return next((each for each in case.offers if each.waits), None)


def offer_clock(case: Case, offer: CaseOffer) -> str:
    """Return the step id of an offer's timer. Raises ValueError if the case does not have the offer."""
    return f"{OFFER_CLOCK}{[each.id for each in case.offers].index(offer.id)}"


def holding_offer(case: Case, step: Step, plan: Plan, now: datetime) -> CaseOffer | None:
    """Return the offer that holds a step back at `now`, or None if none does.

    An offer holds back every contact until `hold_end`, but only while the case's level is not above that of the
    offer: the deadline would be too long for a graver level. Steps for banks, and contacts after the plan, go on.
    """
    offer = offer_waiting(case)
    if offer is None or case.level.rank > offer.level.rank or now >= hold_end(case, offer, step, plan, now):
        return None
    return offer if step.action not in CONTACTS_NOBODY | AFTER_PLAN else None


def hold_end(case: Case, offer: CaseOffer, step: Step, plan: Plan, now: datetime) -> datetime:
    """Return until when an offer holds a contact back that could go out at `now`: until its deadline, or until 5
    minutes before quiet hours begin for this contact if that is earlier, because the contact would wait until they end.
    """
    quiet = quiet_begins(now, plan, plan.levels[case.level], step.action)
    return offer.until if quiet is None else min(offer.until, quiet - BEFORE_QUIET)


def tells_end(offer: CaseOffer, step: str) -> bool:
    """Return True if the step with this id tells the other province that this one has ended its part of the case."""
    return step.startswith(f"{offer.id}{TELLS_END}")


def answer_due(case: Case, step: Step) -> datetime | None:
    """Return the time by which the other province must answer a step: for the step that makes an offer, the offer's
    deadline; for one that asks about it, the end of asking. None for a step of no offer.
    """
    offer = offer_of_step(case, step.id) if step.action is Action.HAND_OVER else None
    if offer is None:
        return None
    return offer.until if step.id == offer.id else offer.asks_until


def late_offer(case: Case) -> CaseOffer | None:
    """Return the case's latest offer that was acknowledged late, so that both provinces handle the resident; None if
    there is none, or the case is settled.

    An offer before the latest hand-over to this case is ignored: the other province may have handed the case back.
    """
    back = max((each.at for each in case.taken), default=None)
    late = (each for each in reversed(case.offers) if each.state is OfferState.LATE)
    return None if case.settled else next((each for each in late if back is None or each.at > back), None)


def also_there(case: Case) -> list[TakenCase]:
    """Return the hand-overs by which the case was taken while their senders go on, so that both provinces handle the
    resident, in the case's order: of each province the latest, unless it has ended its part since. Empty if the case is
    settled.
    """
    latest = {each.province: each for each in case.taken}
    return [] if case.settled else [each for each in latest.values() if each.both and not each.ended]


def stuck_offer(case: Case) -> CaseOffer | None:
    """Return the case's latest offer that was acknowledged late and after which the same province handed the resident
    over to here, so that both handle the resident and neither may end its part by itself; None if there is none.

    The other one cannot know which hand-over was applied first here, so a new offer, which is acknowledged, decides.
    """
    back = {each.province for each in also_there(case)}
    if late_offer(case) is not None or offer_waiting(case) is not None:
        return None
    late = (each for each in reversed(case.offers) if each.state is OfferState.LATE and each.province in back)
    return next(late, None)


def risen_since(case: Case, offer: CaseOffer) -> bool:
    """Return True if the case has a higher level or more payments than when the offer was made. The province that took
    the offer may not know of that, because its acknowledgement does not say which attempt it answers.
    """
    return case.level.rank > offer.level.rank or offer.told_since > 1 or len(case.payments) > offer.told_payments


def failed_offer(case: Case) -> CaseOffer | None:
    """Return the case's latest offer if it was refused or not answered in time, so that a supervisor must decide; None
    if it was not, if there is no offer, if the case is settled, or if it has taken the other province's crossing offer.
    """
    latest = case.offers[-1] if case.offers and not case.settled else None
    if latest is None or latest.state not in (OfferState.REFUSED, OfferState.UNANSWERED):
        return None
    crossed = latest.refusal is OfferRefusal.CROSSING or latest.crossed
    return None if crossed and _taken_since(case, latest) else latest


def crossed_offer(case: Case) -> CaseOffer | None:
    """Return the case's latest offer if it crossed one of the same province and neither was taken, so that both
    provinces handle the resident; None if not, or while this province's offer still waits.
    """
    latest = failed_offer(case)
    return latest if latest and (latest.crossed or latest.refusal is OfferRefusal.CROSSING) else None


def _taken_since(case: Case, offer: CaseOffer) -> bool:
    return any(each.province == offer.province and each.at >= offer.at for each in case.taken)


def suggested_province(case: Case, rules: HandoverRules | None) -> str | None:
    """Return the province where the resident lives by the register, for a person to hand the case over to it. None if
    `rules` name no province for the resident's division, the case is settled or was offered already, or that province
    handed it over to this one.
    """
    province = rules.home_province(case.profile.division) if rules else None
    if case.settled or case.offers or any(each.province == province for each in case.taken):
        return None
    return province


def asked_before_it_went(case: Case, province: str, at: datetime) -> bool:
    """Return True if a request of `at` from `province` was written before that province acknowledged the case. Its own
    offer has given way since; or it waits, and comes again.
    """
    accepted = (each for each in case.offers if each.province == province and each.state is OfferState.ACCEPTED)
    return any(each.answered_at and at < each.answered_at for each in accepted)


def taken_from(case: Case, province: str, offer: str) -> TakenCase | None:
    """Return the hand-over that the case took from `province` by the offer with the id `offer`, or None if it took
    none.
    """
    return next((each for each in case.taken if (each.province, each.offer) == (province, offer)), None)
