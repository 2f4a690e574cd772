"""Two provinces offer the same resident to each other: one offer gives way at once, and one province handles them.

Which one is the same for both, whatever comes first. Should a cut hide an offer, both go on, and the pages say so.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from domain.casework.provinces.records import crossed_offer, failed_offer, offer_waiting
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import OfferRefusal, OfferState, ProvinceGround
from schemas.codes.channels import ChannelCode, NotTakenThere, TakenThere
from schemas.codes.provinces import OfferCrosses
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, danger, profile
from tests.domain.casework.provinces.provinceworld import (
    AGAIN,
    BEFORE,
    HERE,
    THERE,
    THERE_RESIDENT,
    Receiver,
    answered,
    handles,
    offered,
    offered_back,
    received,
    sender,
)

CROSSING = NotTakenThere(OfferRefusal.CROSSING)


class Crossing:
    """Both provinces have a case of the resident, and each has offered it to the other."""

    def __init__(self, resident: str, level: Level = Level.BLUE) -> None:
        self.here, self.there = sender(level), Receiver(resident)
        self.there.finds(level)
        out, back = offered(self.here), offered_back(self.there)
        assert out is not None
        assert back is not None
        goes_before = resident == THERE_RESIDENT  # its case's name is the greater one
        self.first: Line = self.here if goes_before else self.there
        self.second: Line = self.there if goes_before else self.here
        self.out, self.back = (out, back) if goes_before else (back, out)
        self.answers: dict[str, ChannelCode] = {}

    def out_arrives(self) -> None:
        """The offer that goes before reaches the province whose offer gives way."""
        self._arrives("out", self.first, self.second)

    def back_arrives(self) -> None:
        self._arrives("back", self.second, self.first)

    def _arrives(self, name: str, by: Line, to: Line) -> None:
        if offer_waiting(by.here) is not None:  # else the channel drops the dispatch as obsolete
            self.answers[name] = received(to, by.last(Action.HAND_OVER), self.now)

    def out_answered(self) -> None:
        self._answered("out", self.first)

    def back_answered(self) -> None:
        self._answered("back", self.second)

    def _answered(self, name: str, line: Line) -> None:
        if (why := self.answers.pop(name, None)) is not None:
            result = Result.DELIVERED if isinstance(why, TakenThere) else Result.REFUSED
            answered(line, line.last(Action.HAND_OVER), why, result, at=self.now)

    def first_s_deadline(self) -> None:
        self.first.pass_to(timedelta(hours=1))

    def second_s_deadline(self) -> None:
        self.second.pass_to(timedelta(hours=1))

    @property
    def now(self) -> datetime:
        return max(self.here.now, self.there.now)

    @property
    def handling(self) -> list[Line]:
        return [line for line in (self.first, self.second) if handles(line)]


EVENTS = (Crossing.out_arrives, Crossing.back_arrives, Crossing.out_answered, Crossing.back_answered)
DEADLINES = (Crossing.first_s_deadline, Crossing.second_s_deadline)


def names(events: tuple[Callable[[Crossing], None], ...]) -> str:
    return ", ".join(each.__name__ for each in events)


@pytest.mark.parametrize("resident", [THERE_RESIDENT, BEFORE], ids=["from here", "from there"])
@pytest.mark.parametrize("events", list(permutations(EVENTS)), ids=names)
def test_whatever_comes_first_the_same_province_handles_the_resident_once_all_have_arrived(
    resident: str, events: tuple[Callable[[Crossing], None], ...]
) -> None:
    crossing = Crossing(resident)
    for event in (*events, *EVENTS):  # the second time, each has come after what it answers
        event(crossing)
        assert crossing.handling
    assert crossing.handling == [crossing.second]
    assert crossing.first.state() is CaseState.HANDED_OVER
    assert all(step.state is not StepState.HELD for step in crossing.second.here.steps), "its contacts go on at once"
    assert failed_offer(crossing.second.here) is None, "a supervisor has nothing to decide"


@pytest.mark.parametrize("resident", [THERE_RESIDENT, BEFORE], ids=["from here", "from there"])
def test_in_every_order_with_deadlines_and_losses_one_province_handles_the_resident(resident: str) -> None:
    for count in range(1, len(EVENTS + DEADLINES) + 1):
        for events in permutations(EVENTS + DEADLINES, count):  # what is not among them is lost
            crossing = Crossing(resident)
            for event in events:
                event(crossing)
                assert crossing.handling, events


def test_an_offer_that_goes_before_is_taken_and_the_other_one_cannot_end_the_case_any_more() -> None:
    crossing = Crossing(THERE_RESIDENT)
    crossing.out_arrives()
    assert isinstance(crossing.answers["out"], TakenThere)
    own = crossing.there.here.offers[0]
    assert (own.state, own.refusal) == (OfferState.REFUSED, OfferRefusal.CROSSING)
    answered(crossing.there, crossing.back, TakenThere(crossing.here.here.id), Result.DELIVERED)
    assert handles(crossing.there)
    assert crossing.there.here.offers[0].state is OfferState.LATE


def test_an_offer_that_gives_way_is_refused_at_once_and_its_contacts_go_on() -> None:
    crossing = Crossing(THERE_RESIDENT)
    crossing.back_arrives()
    assert crossing.answers["back"] == CROSSING
    assert crossing.here.facts(FactKind.NOTE)[-1] == OfferCrosses(THERE)
    assert offer_waiting(crossing.here.here) is not None
    crossing.back_answered()
    assert all(step.state is not StepState.HELD for step in crossing.there.here.steps)
    crossing.out_arrives()
    crossing.out_answered()
    assert crossing.handling == [crossing.there]


def test_when_a_cut_hides_the_offer_that_goes_before_both_go_on_and_both_know() -> None:
    crossing = Crossing(THERE_RESIDENT)
    crossing.back_arrives()
    crossing.back_answered()
    crossing.here.pass_to(timedelta(hours=1))
    assert crossing.handling == [crossing.here, crossing.there]
    for line, other in ((crossing.here, THERE), (crossing.there, HERE)):
        found = crossed_offer(line.here)
        assert found is not None
        assert found.province == other
        assert failed_offer(line.here) == found, "a supervisor must see it"


def test_a_refused_repetition_is_asked_about_because_an_earlier_request_may_still_be_applied() -> None:
    crossing = Crossing(THERE_RESIDENT)
    answered(crossing.there, crossing.back, AGAIN, Result.FAILED)
    crossing.there.pass_to(timedelta(seconds=30))
    again = crossing.there.last(Action.HAND_OVER)
    assert again.attempt > 1
    answered(crossing.there, again, CROSSING, Result.REFUSED)
    assert [step.id for step in crossing.there.here.steps if step.id.endswith(".ask")] == ["province.1.ask"]


def test_a_crossing_hand_over_that_was_refused_is_only_noted_whatever_became_of_the_own_offer() -> None:
    crossing = Crossing(THERE_RESIDENT)
    given = take_over(crossing.back, crosses=True)
    crossing.out_arrives()
    crossing.out_answered()
    before = crossing.here.case
    crossing.here.give(given)
    assert crossing.here.case == before
    assert crossing.handling == [crossing.there]


def test_a_question_crosses_nothing_and_an_offer_to_a_third_province_gives_no_way() -> None:
    crossing = Crossing(BEFORE)
    before = crossing.here.case
    crossing.here.give(take_over(crossing.out, both=True))
    crossing.here.give(take_over(crossing.out, province="hebei"))
    assert crossing.here.case == before


def test_a_hand_over_that_was_on_its_way_when_the_case_was_offered_is_taken_if_it_goes_before() -> None:
    crossing = Crossing(THERE_RESIDENT)
    crossing.there.give(take_over(crossing.out, province=HERE, other=crossing.here.here.id))
    assert [each.province for each in crossing.there.here.taken] == [HERE]
    assert offer_waiting(crossing.there.here) is None


def take_over(out: Dispatch, province: str = THERE, other: str = "", **more: bool) -> TakeOver:
    assert out.offer is not None
    return TakeOver(
        id="on its way",
        at=NOON,
        resident=THERE_RESIDENT,
        province=province,
        offer=f"{out.case}:{out.offer.id}",
        other_case=other or out.case,
        ground=ProvinceGround.LIVES,
        danger=danger(Level.BLUE),
        profile=profile(),
        **more,
    )
