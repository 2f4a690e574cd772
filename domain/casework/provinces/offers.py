"""The sender's side of a hand-over: a case is offered to another province, accepted, refused, or not answered in time.

Answers may come late, more than once and in any order. Until the receiver's case is known to be open, this province
handles the resident, but for its contacts until the offer's deadline.
"""

from datetime import timedelta
from itertools import count

from domain.casework.draft import DecisionBuilder
from domain.casework.endings import settle_elsewhere
from domain.casework.holds import holding, release
from domain.casework.provinces.records import (
    ASKS,
    TELLS_END,
    answer_due,
    late_offer,
    offer_clock,
    offer_of_step,
    offer_waiting,
    risen_since,
)
from domain.casework.steps import Ended, end, plan_step
from schemas.casework.cases import Case, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.inputs import ContactResult
from schemas.casework.provinces import (
    MOST_OFFERS,
    CaseOffer,
    EndHereAct,
    OfferCaseAct,
    OfferRefusal,
    OfferState,
)
from schemas.codes.any_code import AnyCode, ResultNoted, TriedAgain
from schemas.codes.channels import NotTakenThere, TakenThere
from schemas.codes.plan import LevelRose, NoResultInTime, ResultCame
from schemas.codes.provinces import (
    AskedWhetherTaken,
    CaseOffered,
    EndedHere,
    GoesToProvince,
    MayNotOffer,
    MostOffersMade,
    NoOffers,
    NotBoth,
    OfferAccepted,
    OfferAcceptedLate,
    OfferCrosses,
    OfferGoesOn,
    OfferOver,
    OfferRefused,
    OfferUnanswered,
    OtherKnowsLess,
)
from schemas.codes.refusals import RefusalCode
from schemas.levels import Action
from schemas.people.staff import StaffRole

SOON = timedelta(seconds=5)  # between two attempts to make an offer: a red one has a minute
OFTEN = 12  # attempts SOON after each other: for a minute; then each wait is twice as long
SELDOM = timedelta(minutes=5)  # at most, between two attempts to make an offer
LATER = timedelta(minutes=30)  # at most, between two questions about an unanswered offer
_NOT_ALWAYS = (OfferRefusal.NOT_TAKING, OfferRefusal.CROSSING, OfferRefusal.TOO_MANY)
"""Refusals of an attempt, an earlier one of which may have been taken."""


def offer_case(draft: DecisionBuilder, act: OfferCaseAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """Offer the case to another province, in `draft`, with a fact and the timer of its deadline. Return None if it is
    done, else the reason for the refusal.

    NoOffers: the policy names no hand-over to this province. MayNotOffer: the role may not offer. OfferGoesOn: another
    offer waits or was acknowledged late. MostOffersMade: the case has had 8 offers.
    """
    rules = draft.rules.policy.handover
    if rules is None or act.province not in rules.provinces:
        return NoOffers()
    if role not in rules.roles:
        return MayNotOffer()
    if offer_waiting(draft.case) is not None or late_offer(draft.case) is not None:
        return OfferGoesOn()
    if len(draft.case.offers) >= MOST_OFFERS:
        return MostOffersMade(MOST_OFFERS)
    step = plan_step(draft, _stem(draft), Action.HAND_OVER, draft.now, GoesToProvince(act.province))
    until = draft.after(rules.deadline[draft.case.level])
    offer = CaseOffer(
        id=step.id,
        province=act.province,
        ground=act.ground,
        by=by,
        at=draft.now,
        level=draft.case.level,
        told_level=draft.case.level,
        told_payments=len(draft.case.payments),
        until=until,
        asks_until=until + rules.asks_for,
    )
    draft.set(offers=[*draft.case.offers, offer])
    draft.timer(offer_clock(draft.case, offer), Action.HAND_OVER, until)
    draft.note(FactKind.OFFERED, CaseOffered(by, act.province, act.ground, until), step, by=by)
    return None


def end_here(draft: DecisionBuilder, act: EndHereAct, by: str, role: StaffRole | None) -> RefusalCode | None:
    """End this province's part of a case that both provinces handle, and tell the other one. Return None if it is done,
    MayNotOffer if the person is no supervisor, NotBoth if the offer is not one after which both handle it, or
    OtherKnowsLess if the case has become graver since, of which the other province may not know.

    Only the sender may do this: if either could, both might, and nobody would handle the resident.
    """
    offer = late_offer(draft.case)
    if role is not StaffRole.SUPERVISOR:
        return MayNotOffer()
    if offer is None or offer.id != act.offer:
        return NotBoth()
    if risen_since(draft.case, offer):
        return OtherKnowsLess(offer.province)
    asks_until = draft.after(offer.asks_until - offer.until)
    _put(draft, offer, state=OfferState.ENDED, asks_until=asks_until)
    _end_steps(draft, offer, StepState.DONE, OfferAcceptedLate(offer.province, offer.other_case or ""))
    ended = EndedHere(by, offer.province, offer.other_case or "")
    settle_elsewhere(draft, ended)
    plan_step(draft, f"{offer.id}{TELLS_END}", Action.HAND_OVER, draft.now, ended)
    return None


def province_result(draft: DecisionBuilder, step: Step, given: ContactResult) -> None:
    """Apply the result of a step that makes an offer to another province or asks about it. Taken before the deadline:
    the case ends here, or is offered again at once if its level or payments have risen since. Taken later, or after a
    refusal: both provinces handle it. After this province has ended its part: the other one has heard of it. Refused:
    the contacts that the offer held back are due now. Any other result: the offer or question is repeated later.

    No effect if the step belongs to no offer or the answer is known.
    """
    offer = offer_of_step(draft.case, step.id)
    if offer is None:
        return
    match given.why:
        case TakenThere(other_case=other) if offer.state is OfferState.ENDED:
            if step.state is StepState.SENT:
                end(draft, step, StepState.DONE, OfferAccepted(offer.province, other))
        case TakenThere(other_case=other):
            _taken(draft, offer, other, step, given)
        case NotTakenThere(refusal=why):
            _refused(draft, offer, step, why, given)
        case _ if step.state is StepState.SENT and step.attempt == given.attempt:
            step = _noted(draft, step, given)
            _again(draft, step, ResultCame(given.result), _wait(draft, step))


def offer_overdue(draft: DecisionBuilder, step: Step) -> None:
    """Process the deadline of an offer, when its timer or its step (`step`) is due. The case stays here, its contacts
    go on at once, and the other province is asked whether it has taken the case. When the time for asking is over, the
    step that asks ends as FAILED.
    """
    offer = next((each for each in draft.case.offers if offer_clock(draft.case, each) == step.id), None)
    offer = offer or offer_of_step(draft.case, step.id)
    if offer is None:
        return
    if offer.waits:
        _unanswered(draft, offer, NoResultInTime())
    elif step.id in draft.steps and step.state is StepState.SENT:
        end(draft, step, StepState.FAILED, NoResultInTime())


def go_on_if_graver(draft: DecisionBuilder) -> None:
    """Release the contacts that an offer holds back, with facts, if the case's level is above that of the offer; no
    effect otherwise. They are due now.
    """
    offer = offer_waiting(draft.case)
    if offer is not None and draft.case.level.rank > offer.level.rank:
        _go_on(draft, LevelRose())


def cross(draft: DecisionBuilder, own: CaseOffer, *, gives_way: bool) -> None:
    """Process a hand-over from the province to which the waiting offer `own` offers the case. If `own` gives way, it
    counts as refused, and the contacts that it held back are due now: its acknowledgement cannot end the case any more.
    The other province is asked about it, because a request may still be under way. Else it waits on, with a fact.
    """
    if gives_way:
        _refuse(draft, own, OfferRefusal.CROSSING)
        _ask(draft, own, SOON)  # usually, the request's own refusal comes before and ends the question
    elif not own.crossed:
        _put(draft, own, crossed=True)
        draft.note(FactKind.NOTE, OfferCrosses(own.province))


def _unanswered(draft: DecisionBuilder, offer: CaseOffer, why: AnyCode) -> None:
    _put(draft, offer, state=OfferState.UNANSWERED)
    _end_steps(draft, offer, StepState.FAILED, why)
    draft.note(FactKind.OFFER_UNANSWERED, OfferUnanswered(offer.province))
    _go_on(draft, OfferOver())
    _ask(draft, offer)


def _ask(draft: DecisionBuilder, offer: CaseOffer, wait: timedelta = timedelta(0)) -> None:
    """Ask the other province after `wait` whether it has taken the case. No effect if the case is closed here, or if a
    question goes on.
    """
    if draft.case.open and not _live_steps(draft, offer):
        why = AskedWhetherTaken(offer.province)
        plan_step(draft, f"{offer.id}{ASKS}", Action.HAND_OVER, draft.after(wait), why)


def _stem(draft: DecisionBuilder) -> str:
    numbers = (f"province.{number}" for number in count(len(draft.case.offers) + 1))
    return next(each for each in numbers if each not in draft.steps)


def _noted(draft: DecisionBuilder, step: Step, given: ContactResult) -> Step:
    noted = ResultNoted(step.action, given.attempt, given.result, given.why)
    draft.note(FactKind.RESULT, noted, step, result=given.result)
    return draft.change(step, results=[*step.results, given.result])


def _taken(draft: DecisionBuilder, offer: CaseOffer, other: str, step: Step, given: ContactResult) -> None:
    """Apply an acknowledgement. One that comes before the deadline ends the case here only if the other province knows
    the level and the payments of now; else the case is offered once more, at once. After one that comes too late, the
    question goes on until it is answered: it tells the other province that both handle the resident.
    """
    if offer.waits and not draft.case.settled and not _told(draft.case, offer, given.attempt):
        if step.state is StepState.SENT and step.attempt == given.attempt:
            _again(draft, _noted(draft, step, given), ResultCame(given.result), timedelta(0))
    elif offer.waits:
        _put(draft, offer, state=OfferState.ACCEPTED, other_case=other, answered_at=draft.now)
        _end_steps(draft, offer, StepState.DONE, OfferAccepted(offer.province, other))
        draft.note(FactKind.OFFER_ACCEPTED, OfferAccepted(offer.province, other))
        if draft.case.open and not draft.case.settled:
            settle_elsewhere(draft, OfferAccepted(offer.province, other))
    elif offer.state in (OfferState.UNANSWERED, OfferState.REFUSED):
        _put(draft, offer, state=OfferState.LATE, other_case=other, answered_at=draft.now)
        if step.id == offer.id:
            _ask(draft, offer)
        else:
            _end_steps(draft, offer, StepState.DONE, OfferAcceptedLate(offer.province, other))
        draft.note(FactKind.OFFER_LATE, OfferAcceptedLate(offer.province, other))
    elif step.id != offer.id:
        _end_steps(draft, offer, StepState.DONE, OfferAcceptedLate(offer.province, other))


def _refused(draft: DecisionBuilder, offer: CaseOffer, step: Step, why: OfferRefusal, given: ContactResult) -> None:
    """Apply a refusal. It does not prove that the case was not taken: an earlier request may only be applied later, so
    the other province is asked. A refused question is asked again, and the offer counts as unanswered. If the offer
    gave way meanwhile, the refusal of its only request ends the question.
    """
    if offer.waits:
        _refuse(draft, offer, why)
        earlier = why in _NOT_ALWAYS and step.attempt > 1
        if why is OfferRefusal.TOO_LATE or earlier:
            _ask(draft, offer)
    elif step.id != offer.id and step.state is StepState.SENT and step.attempt == given.attempt:
        step = _noted(draft, step, given)
        _again(draft, step, OfferRefused(offer.province, why), _wait(draft, step))
    elif step.id == offer.id and step.attempt == 1 and offer.refusal is why is OfferRefusal.CROSSING:
        _end_steps(draft, offer, StepState.DONE, OfferRefused(offer.province, why))


def _refuse(draft: DecisionBuilder, offer: CaseOffer, why: OfferRefusal) -> None:
    told = OfferRefused(offer.province, why)
    _put(draft, offer, state=OfferState.REFUSED, refusal=why, answered_at=draft.now)
    _end_steps(draft, offer, StepState.FAILED, told)
    draft.note(FactKind.OFFER_REFUSED, told)
    _go_on(draft, OfferOver())


def _told(case: Case, offer: CaseOffer, attempt: int) -> bool:
    """Return True if the attempt told the other province the level and the payments that the case has now."""
    risen = case.level.rank > offer.told_level.rank or len(case.payments) > offer.told_payments
    return attempt >= offer.told_since and not risen


def _again(draft: DecisionBuilder, step: Step, because: AnyCode, wait: timedelta) -> None:
    """Plan another attempt before the time for an answer is over; else leave the step to its deadline. A settled case
    is not offered again: the resident is safe, or the case is closed.
    """
    offer, due, until = offer_of_step(draft.case, step.id), draft.after(wait), answer_due(draft.case, step)
    if offer is not None and offer.waits and draft.case.settled:
        _unanswered(draft, offer, because)
    elif offer is not None and until is not None and due < until:
        if step.id == offer.id and not _told(draft.case, offer, step.attempt + 1):
            told = {"told_level": draft.case.level, "told_payments": len(draft.case.payments)}
            _put(draft, offer, **told, told_since=step.attempt + 1)
        draft.change(step, state=StepState.PENDING, attempt=step.attempt + 1, due=due)
        draft.note(FactKind.NOTE, TriedAgain(step.id, because), step)


def _wait(draft: DecisionBuilder, step: Step) -> timedelta:
    offer = offer_of_step(draft.case, step.id)
    tries = len(step.results)
    if offer is not None and step.id == offer.id:
        wait = min(SELDOM, SOON * 2 ** min(max(tries + 1 - OFTEN, 0), 10))
        last = offer.until - SOON - draft.now  # the attempt just before the deadline
        return last if timedelta(0) < last < wait else wait
    longer: timedelta = draft.plan.retry * 2 ** min(tries, 10)
    return min(LATER, longer)


def _end_steps(draft: DecisionBuilder, offer: CaseOffer, state: Ended, why: AnyCode) -> None:
    """End the offer's timer, and its steps that have not ended."""
    draft.steps.pop(offer_clock(draft.case, offer), None)
    for step in _live_steps(draft, offer):
        end(draft, step, state, why)


def _live_steps(draft: DecisionBuilder, offer: CaseOffer) -> list[Step]:
    of = offer_of_step(draft.case, offer.id)
    return [step for step in draft.live(Action.HAND_OVER) if offer_of_step(draft.case, step.id) == of]


def _go_on(draft: DecisionBuilder, why: AnyCode) -> None:
    """Release the contacts that only the offer held back: they are due now."""
    for step in draft.live():
        if step.state is StepState.HELD and holding(draft, step) is None:
            release(draft, step, why)


def _put(draft: DecisionBuilder, offer: CaseOffer, **changes: object) -> None:
    changed = offer.model_copy(update=changes)
    draft.set(offers=[changed if each.id == offer.id else each for each in draft.case.offers])
