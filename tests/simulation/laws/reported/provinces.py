"""Laws of hand-overs, by the other province's book: somebody handles the resident, and an offer is one case there."""

from collections import defaultdict
from collections.abc import Iterator

from domain.dispatches.ids import parse
from schemas.casework.cases import CaseState
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import ContactResult
from schemas.casework.provinces import CaseOffer, OfferState
from schemas.codes.channels import TakenThere
from schemas.levels import Level, Result
from tests.simulation.laws.known import Arrived, Known, known
from tests.simulation.laws.observed import Observed

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
    """
    here = known(observed)
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for told in observed.told_there:
        dispatch = parse(told.dispatch)
        step = dispatch.step.partition(".ask")[0]
        names[dispatch.case, step].add(told.offer)
    for (case, step), offers in sorted(names.items()):
        if offers != {f"{case}:{step}"}:
            yield f"offer {step} of case {case} was told to the other province as {' and as '.join(sorted(offers))}"
    yield from _unknown_here(here)
    yield from _told_of(here)


def _unknown_here(here: Known) -> Iterator[str]:
    offers = {
        f"{case}:{offer.id}": offer for case, story in here.stories.items() for offer in story[-1].what.case.offers
    }
    for name, taken in sorted(here.observed.taken_there.items()):
        offer = offers.get(name)
        if offer is None:
            yield f"the other province took {name} at {here.time(taken.at)}, and no case here has that offer"
        elif offer.state is OfferState.REFUSED and name not in here.observed.denied_there:
            yield f"offer {name} stands as refused, and the other province took it and never refused it"
        elif offer.waits and here.observed.ended_at > max(offer.until.timestamp(), here.observed.whole_at) + 2.0:
            yield f"offer {name} was taken at {here.time(taken.at)}, is past its deadline, and still waits here"


def _told_of(here: Known) -> Iterator[str]:
    """A channel says that a case was taken only if the other province has taken it, under that number."""
    for given in here.given:
        what = given.what
        if isinstance(what, ContactResult) and what.result is Result.DELIVERED and isinstance(what.why, TakenThere):
            dispatch = parse(what.dispatch)
            name = f"{dispatch.case}:{dispatch.step.partition('.ask')[0]}"
            taken = here.observed.taken_there.get(name)
            if taken is None or taken.case != what.why.other_case or taken.at > given.at:
                yield f"{given.place} says that offer {name} was taken as {what.why.other_case}: it was not, by then"
