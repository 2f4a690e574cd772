"""A request that is still under way when its offer gives way: it reopens no case, or both provinces know of it."""

from datetime import timedelta

import pytest

from domain.casework.provinces.records import crossed_offer, late_offer
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import OfferRefusal, OfferState
from schemas.codes.channels import TakenThere
from schemas.levels import Action, Level, Result
from tests.domain.builders import NOON, Line, danger, profile
from tests.domain.casework.provinces.provinceworld import (
    AGAIN,
    THERE,
    THERE_RESIDENT,
    Receiver,
    answered,
    ended_here,
    handles,
    offered,
    received,
    refused,
    sender,
    taken,
)
from tests.domain.casework.provinces.test_crossing import CROSSING, Crossing


def asks(line: Line) -> list[StepState]:
    return [step.state for step in line.here.steps if step.id.endswith(".ask")]


def gave_way() -> Crossing:
    """The offer from there has given way, and the case here is handed over a second later."""
    crossing = Crossing(THERE_RESIDENT)
    crossing.out_arrives()
    crossing.here.now = NOON + timedelta(seconds=1)
    crossing.out_answered()
    assert crossing.handling == [crossing.there]
    return crossing


def request_back(crossing: Crossing) -> TakeOver:
    """The request of the offer that gives way, as intake here writes it at noon."""
    offer = crossing.back.offer
    assert offer is not None
    return TakeOver(
        id="under way",
        at=NOON,
        resident=crossing.out.resident,
        province=THERE,
        offer=f"{crossing.back.case}:{offer.id}",
        other_case=crossing.back.case,
        ground=offer.ground,
        danger=danger(Level.BLUE),
        profile=profile(),
    )


def test_a_request_from_before_the_hand_over_that_is_applied_after_it_reopens_nothing() -> None:
    crossing = gave_way()
    before = crossing.here.case
    crossing.here.give(request_back(crossing))
    assert crossing.here.case == before
    assert crossing.handling == [crossing.there]


def test_a_case_that_is_handed_back_after_it_was_acknowledged_is_taken() -> None:
    crossing = gave_way()
    crossing.there.pass_to(timedelta(minutes=1))
    back = offered(crossing.there, "jilin")
    assert back is not None
    answered(crossing.there, back, received(crossing.here, back, crossing.now), Result.DELIVERED, at=crossing.now)
    assert crossing.handling == [crossing.here]


def test_when_a_request_arrives_after_its_offer_gave_way_the_case_that_took_it_says_that_both_handle_it() -> None:
    crossing = gave_way()
    answer = received(crossing.here, crossing.back, crossing.now)
    assert isinstance(answer, TakenThere)
    answered(crossing.there, crossing.back, answer, Result.DELIVERED, at=crossing.now)
    crossing.there.pass_to(timedelta(seconds=5))
    asked = crossing.there.last(Action.HAND_OVER)
    assert asked.step == "province.1.ask"
    answered(crossing.there, asked, received(crossing.here, asked, crossing.now), Result.DELIVERED, at=crossing.now)
    assert crossing.handling == [crossing.here, crossing.there]
    assert [each.both for each in crossing.here.here.taken] == [True]
    assert asks(crossing.there) == [StepState.DONE], "it is not asked again"


def test_the_refusal_of_its_only_request_ends_the_question_of_an_offer_that_gave_way() -> None:
    crossing = Crossing(THERE_RESIDENT)
    crossing.back_arrives()
    crossing.out_arrives()
    assert asks(crossing.there) == [StepState.PENDING]
    crossing.back_answered()
    assert asks(crossing.there) == [StepState.DONE]


def test_after_an_earlier_request_the_question_of_an_offer_that_gave_way_goes_on() -> None:
    crossing = Crossing(THERE_RESIDENT)
    answered(crossing.there, crossing.back, AGAIN, Result.FAILED)
    crossing.there.pass_to(timedelta(seconds=5))
    again = crossing.there.last(Action.HAND_OVER)
    crossing.out_arrives()
    answered(crossing.there, again, CROSSING, Result.REFUSED)
    assert asks(crossing.there) == [StepState.PENDING]


def test_a_late_acknowledgement_of_the_request_does_not_end_the_question_that_tells_the_receiver() -> None:
    line, there = sender(), Receiver()
    out = offered(line)
    assert out is not None
    there.receive(out, line.now)
    line.pass_to(timedelta(seconds=61))
    asked = line.last(Action.HAND_OVER)
    taken(line, out)
    assert late_offer(line.here) is not None
    assert asks(line) == [StepState.SENT], "else the channel drops the question as obsolete"
    answered(line, asked, received(there, asked, line.now), Result.DELIVERED)
    assert (there.here.taken[0].both, asks(line)) == (True, [StepState.DONE])


def test_once_the_sender_has_ended_its_part_it_tells_nobody_any_more_that_both_handle_the_resident() -> None:
    line = sender()
    out = offered(line)
    assert out is not None
    line.pass_to(timedelta(seconds=61))
    taken(line, out)
    ended_here(line)
    assert asks(line) == [StepState.DONE]


def test_a_repeated_refusal_as_too_late_does_not_end_the_question() -> None:
    line = sender()
    out = offered(line)
    assert out is not None
    refused(line, out, OfferRefusal.TOO_LATE)
    refused(line, out, OfferRefusal.TOO_LATE)
    assert asks(line) == [StepState.SENT]


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "dissuaded"])
def test_an_offer_of_a_settled_case_gives_way_because_it_is_not_made_again(closed: bool) -> None:
    crossing = Crossing(THERE_RESIDENT)
    if closed:
        crossing.here.act(CloseAct(reason="a mistake"))
    else:
        crossing.here.dissuaded()
    crossing.back_arrives()
    crossing.back_answered()
    assert crossing.handling == [crossing.here]
    assert crossing.there.state() is CaseState.HANDED_OVER
    assert crossed_offer(crossing.there.here) is None
    assert crossing.here.here.offers[0].state is OfferState.REFUSED
    assert handles(crossing.here)
