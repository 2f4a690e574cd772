"""Laws of hand-overs, by the other province's book: somebody handles the resident, and an offer is one case there."""

from collections import defaultdict
from collections.abc import Iterator

from domain.dispatches.ids import parse
from schemas.casework.cases import Case, CaseState
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import ContactResult
from schemas.casework.provinces import CaseOffer, OfferRefusal, OfferState
from schemas.codes.channels import TakenThere
from schemas.levels import Level, Result
from tests.simulation.laws.known import Arrived, Known, known
from tests.simulation.laws.model import Given
from tests.simulation.laws.observed import Observed

ASKS = ".ask"  # ends the id of the step that asks whether an offer was taken
_THERE = (OfferState.ACCEPTED, OfferState.LATE, OfferState.ENDED)


def somebody_handles(observed: Observed) -> Iterator[str]:
    """A case that ends here because of a hand-over is open there first, and knows the level of the case here.

    A case whose offer is over goes on here: nothing is kept back by an offer that no longer waits.
    """
    here = known(observed)
    for story in here.stories.values():
        before: dict[str, OfferState] = {}
        for each in story:
            for offer in each.what.case.offers:
                yield from _of_offer(here, each, offer, before.get(offer.id))
            before = {offer.id: offer.state for offer in each.what.case.offers}
            if each.what.case.state is CaseState.HANDED_OVER and not set(before.values()) & set(_THERE):
                yield f"case {each.what.case.id} stands as handed over at {each.place}, and no offer of it was taken"


def _of_offer(here: Known, each: Arrived[CaseEvent], offer: CaseOffer, before: OfferState | None) -> Iterator[str]:
    """What is wrong with an offer that an event states as taken, or anew as taken."""
    if offer.state not in _THERE or before in _THERE:
        return
    case, name = each.what.case, f"{each.what.case.id}:{offer.id}"
    taken = here.observed.taken_there.get(name)
    if taken is None or taken.at > each.at or taken.case != offer.other_case:
        known_there = f"{taken.case} since {here.time(taken.at)}" if taken else "no case"
        yield (
            f"offer {name} stands as {offer.state.value} at {each.place} ({here.time(each.at)}) with case "
            f"{offer.other_case}; the other province has {known_there}"
        )
        return
    told = [Level(told.level).rank for told in here.observed.told_there if told.offer == name and told.at <= each.at]
    ends_here = offer.state is OfferState.ACCEPTED and case.state is CaseState.HANDED_OVER
    if ends_here and max(told, default=0) < case.level.rank:
        yield f"case {case.id} ends here at {each.place} as {case.level.value}: the other province was told less"


def offered_once(observed: Observed) -> Iterator[str]:
    """An offer has one name there, however often it is told, and follows from an act of a person here. What the other
    province took is known here in the end, or counts as not answered or in doubt.

    An offer that gave way to the other province's own is not refused by that one: this province decides it alone, goes
    on with the resident, and asks whether the offer was taken. So it may stand as refused for as long as no answer says
    that it was. The question ends without an answer when its time is over, and when the case is settled while it
    waits, just as the question about an offer that was not answered in time: then whoever took a later offer handles
    the resident, or nothing is left to do. An offer that gave way and was never asked about is still told, and so is
    one whose answer came.
    """
    here = known(observed)
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for told in observed.told_there:
        dispatch = parse(told.dispatch)
        step = dispatch.step.partition(ASKS)[0]
        names[dispatch.case, step].add(told.offer)
    for (case, step), offers in sorted(names.items()):
        if offers != {f"{case}:{step}"}:
            yield f"offer {step} of case {case} was told to the other province as {' and as '.join(sorted(offers))}"
    yield from _unknown_here(here)
    yield from _told_of(here)


def _unknown_here(here: Known) -> Iterator[str]:
    cases = [story[-1].what.case for story in here.stories.values()]
    offers = {f"{case.id}:{offer.id}": (case, offer) for case in cases for offer in case.offers}
    said = {name for name, _ in _said_to_be_taken(here)}
    for name, taken in sorted(here.observed.taken_there.items()):
        case, offer = offers.get(name, (None, None))
        if case is None or offer is None:
            yield f"the other province took {name} at {here.time(taken.at)}, and no case here has that offer"
        elif offer.state is OfferState.REFUSED and name not in here.observed.denied_there:
            if name in said or not _gave_way_and_asks(case, offer):
                yield f"offer {name} stands as refused, and the other province took it and never refused it"
        elif offer.waits and here.observed.ended_at > max(offer.until.timestamp(), here.observed.whole_at) + 2.0:
            yield f"offer {name} was taken at {here.time(taken.at)}, is past its deadline, and still waits here"


def _gave_way_and_asks(case: Case, offer: CaseOffer) -> bool:
    """Whether an offer gave way to the other province's own, and the question whether it was taken was planned."""
    return offer.refusal is OfferRefusal.CROSSING and f"{offer.id}{ASKS}" in {step.id for step in case.steps}


def _told_of(here: Known) -> Iterator[str]:
    """A channel says that a case was taken only if the other province has taken it, under that number."""
    for name, (given, case) in _said_to_be_taken(here):
        taken = here.observed.taken_there.get(name)
        if taken is None or taken.case != case or taken.at > given.at:
            yield f"{given.place} says that offer {name} was taken as {case}: it was not, by then"


def _said_to_be_taken(here: Known) -> Iterator[tuple[str, tuple[Given, str]]]:
    """Yield the inputs that say that an offer was taken: the offer's name, the input, and the number of the case
    there.
    """
    for given in here.given:
        what = given.what
        if isinstance(what, ContactResult) and what.result is Result.DELIVERED and isinstance(what.why, TakenThere):
            dispatch = parse(what.dispatch)
            yield f"{dispatch.case}:{dispatch.step.partition(ASKS)[0]}", (given, what.why.other_case)
