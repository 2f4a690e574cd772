"""A case passes to another province once that one has it; until then, and if it does not, it stays."""

from datetime import timedelta

import pytest

from domain.casework.provinces.records import also_there, failed_offer, late_offer, offer_waiting, stuck_offer
from domain.desk.attention import hand_overs_failed
from domain.dispatches.validity import ObsoleteDispatch, validity
from domain.payments.ledger import of_case
from schemas.casework.acts import CloseAct
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.provinces import OfferRefusal, OfferState
from schemas.codes.channels import NotTakenThere, ProviderAway, TakenThere
from schemas.codes.provinces import (
    CaseHandedOver,
    MayNotOffer,
    NoOffers,
    NotBoth,
    OfferGoesOn,
    OtherEnded,
    OtherKnowsLess,
)
from schemas.codes.refusals import CaseSettled
from schemas.levels import Action, Level, Outcome, Result
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, Line, payment, profile
from tests.domain.casework.provinces.provinceworld import (
    AGAIN,
    DEADLINE,
    HERE,
    THERE,
    THERE_RESIDENT,
    Receiver,
    answered,
    ended_here,
    handles,
    offered,
    offered_back,
    received,
    refused,
    sender,
    taken,
    with_rules,
)

CONTACTS = {Action.SMS, Action.FLASH_SMS, Action.ROBOT_CALL, Action.OPERATOR_CALL, Action.VISIT}


def out_of(line: Line) -> Dispatch:
    found = offered(line)
    assert found is not None
    return found


def contacts(sent: list[Dispatch]) -> list[Action]:
    return [out.action for out in sent if out.action in CONTACTS]


@pytest.mark.parametrize("level", list(Level))
def test_an_offer_has_the_deadline_of_its_level_and_goes_out_at_once(level: Level) -> None:
    line = sender(level)
    out = out_of(line)
    assert out.offer is not None
    until = line.now + timedelta(seconds=DEADLINE[level])
    assert (out.offer.until, out.not_after, out.offer.province) == (until, until, THERE)


def test_contacts_wait_until_the_deadline_and_go_on_at_once_when_nobody_answers() -> None:
    line = sender()
    out_of(line)
    assert contacts(line.pass_to(timedelta(seconds=59))) == []
    assert any(step.state is StepState.HELD for step in line.here.steps)
    assert contacts(line.pass_to(timedelta(seconds=1))) != []
    assert failed_offer(line.here) is not None, "a supervisor must see it"
    assert len(line.facts(FactKind.OFFER_UNANSWERED)) == 1


def test_contacts_do_not_wait_for_an_offer_of_a_lower_level() -> None:
    line = sender(Level.BLUE)
    out_of(line)
    assert contacts(line.pass_to(timedelta(minutes=2))) == []
    before = len(line.sent())
    line.alert(Level.RED, payment("bank:2"), of=profile(contacts=1))
    line.pass_to(timedelta(seconds=30))
    assert contacts(line.sent()[before:]) != []
    assert all(step.state is not StepState.HELD for step in line.here.steps)


def test_an_offer_that_is_taken_in_time_ends_the_senders_case_without_an_outcome() -> None:
    line = sender()
    taken(line, out_of(line))
    offer = line.here.offers[0]
    assert (line.state(), line.here.outcome, offer.state) == (CaseState.HANDED_OVER, None, OfferState.ACCEPTED)
    assert offer.other_case == f"{THERE_RESIDENT}-1"
    assert contacts(line.pass_to(timedelta(days=3))) == []
    assert line.state() is CaseState.CLOSED
    counted = of_case(line.here)
    assert (counted.dissuaded_evidenced, counted.dissuaded_stated, counted.false_alarms, counted.lost) == (0, 0, 0, 0)


def test_a_rise_that_the_acknowledgement_does_not_cover_is_told_before_the_case_ends() -> None:
    line, there = sender(Level.BLUE), Receiver()
    out = out_of(line)
    first = there.receive(out, line.now)
    line.alert(Level.RED, payment("bank:2", payee="a2"), of=profile(contacts=1))
    answered(line, out, first, Result.DELIVERED)
    again = line.last(Action.HAND_OVER)
    assert (again.attempt, again.level, handles(line)) == (2, Level.RED, True)
    taken(line, out)
    assert handles(line), "the earlier attempt told of no red danger"
    answered(line, again, received(there, again, line.now, payments=2), Result.DELIVERED)
    assert line.state() is CaseState.HANDED_OVER
    assert (there.here.level, len(there.here.payments)) == (Level.RED, 2)
    assert there.here.taken[0].level is Level.RED


def test_a_repeated_hand_over_that_tells_of_another_payment_adds_it() -> None:
    line, there = sender(), Receiver()
    out = out_of(line)
    received(there, out, line.now)
    assert received(there, out, line.now, payments=2) == TakenThere(there.here.id)
    assert [each.payee for each in there.here.payments] == ["a0", "a1"]
    assert len(there.facts(FactKind.TAKEN_OVER)) == 1


def test_a_case_whose_resident_is_safe_is_not_offered_again() -> None:
    line = sender(Level.BLUE)
    out = out_of(line)
    assert validity(out, line.here, line.now) is None
    line.outcome(Outcome.FALSE_ALARM)
    assert validity(out, line.here, line.now) == ObsoleteDispatch(CaseSettled(Outcome.FALSE_ALARM))
    answered(line, out, ProviderAway("ConnectError"), Result.FAILED)
    later = [each for each in line.pass_to(timedelta(minutes=30)) if each.action is Action.HAND_OVER]
    assert {each.step for each in [*later, line.last(Action.HAND_OVER)]} == {"province.1.ask"}
    assert line.here.offers[0].state is OfferState.UNANSWERED
    assert validity(line.last(Action.HAND_OVER), line.here, line.now) is None, "was it taken meanwhile?"


def test_an_act_on_a_case_that_was_handed_over_is_refused_with_that_reason() -> None:
    line = sender()
    taken(line, out_of(line))
    assert offered(line) is None
    assert line.facts(FactKind.REFUSED)[-1] == CaseHandedOver()


def test_a_refused_offer_releases_the_contacts_at_once() -> None:
    line = sender()
    out = out_of(line)
    line.pass_to(timedelta(seconds=40))
    before = len(line.sent())
    refused(line, out, OfferRefusal.NO_TELEPHONE)
    assert contacts(line.sent()[before:]) != []
    assert line.here.offers[0].refusal is OfferRefusal.NO_TELEPHONE
    assert failed_offer(line.here) is not None


def test_an_answer_after_the_deadline_leaves_both_and_only_the_senders_supervisor_ends_one() -> None:
    line = sender()
    out = out_of(line)
    line.pass_to(timedelta(seconds=61))
    taken(line, out)
    assert handles(line)
    assert late_offer(line.here) is not None
    ended_here(line, role=StaffRole.OPERATOR)
    assert line.facts(FactKind.REFUSED)[-1] == MayNotOffer()
    ended_here(line)
    assert (line.state(), late_offer(line.here)) == (CaseState.HANDED_OVER, None)


def test_after_the_deadline_the_other_province_is_asked_until_it_answers() -> None:
    line = sender()
    out_of(line)
    asked = [out for out in line.pass_to(timedelta(seconds=61)) if out.action is Action.HAND_OVER]
    assert [out.step for out in asked] == ["province.1.ask"]
    answered(line, asked[0], ProviderAway("ConnectError"), Result.FAILED)
    again = [out for out in line.pass_to(timedelta(minutes=10)) if out.action is Action.HAND_OVER]
    assert [out.attempt for out in again] == [2]
    taken(line, again[0])
    assert line.here.offers[0].state is OfferState.LATE


def test_a_gateway_that_is_away_is_tried_again_every_five_seconds_until_the_deadline() -> None:
    line = sender()
    out: Dispatch | None = out_of(line)
    tries = 0
    while out is not None and out.step == "province.1":
        tries += 1
        answered(line, out, ProviderAway("ConnectError"), Result.FAILED)
        sent = line.pass_to(timedelta(seconds=5))
        out = next((each for each in sent if each.action is Action.HAND_OVER), None)
    assert tries == 12
    assert line.here.offers[0].state is OfferState.UNANSWERED


def test_an_offer_of_an_hour_is_tried_ever_less_often_and_once_more_before_its_deadline() -> None:
    line = sender(Level.BLUE)
    out: Dispatch | None = out_of(line)
    times = []
    while out is not None and out.step == "province.1":
        times.append(out.at)
        answered(line, out, ProviderAway("ConnectError"), Result.FAILED)
        sent = line.pass_to(timedelta(minutes=5))
        out = next((each for each in sent if each.action is Action.HAND_OVER), None)
        line.now = out.at if out else line.now
    assert len(times) < 35
    assert NOON + timedelta(hours=1) - times[-1] == timedelta(seconds=5)


def test_a_question_that_is_refused_is_asked_again_because_an_earlier_request_may_be_applied_later() -> None:
    line = sender()
    out_of(line)
    line.pass_to(timedelta(seconds=61))
    asked = line.last(Action.HAND_OVER)
    refused(line, asked, OfferRefusal.TOO_LATE)
    line.pass_to(timedelta(minutes=30))
    again = line.last(Action.HAND_OVER)
    assert (again.step, again.attempt) == ("province.1.ask", 2)
    taken(line, again)
    assert late_offer(line.here) is not None


def test_after_a_refusal_as_too_late_the_other_province_is_asked() -> None:
    line = sender()
    refused(line, out_of(line), OfferRefusal.TOO_LATE)
    assert line.last(Action.HAND_OVER).step == "province.1.ask"
    taken(line, line.last(Action.HAND_OVER))
    assert line.here.offers[0].state is OfferState.LATE


def test_a_question_opens_no_case_and_reopens_none() -> None:
    line, there = sender(), Receiver()
    out = out_of(line)
    received(there, out, line.now)
    there.act(CloseAct(reason="a mistake"))
    within = there.rules.policy.plan.reopen_within
    line.pass_to(timedelta(seconds=61))
    assert received(there, line.last(Action.HAND_OVER), line.now + within * 2) == TakenThere(there.here.id)
    assert (there.here.number, there.state(), there.here.taken[0].both) == (1, CaseState.CLOSED, True)


def test_the_policy_says_to_whom_and_by_whom_a_case_is_handed_over() -> None:
    line = sender()
    assert offered(line, "hebei") is None
    assert line.facts(FactKind.REFUSED)[-1] == NoOffers()
    assert offered(line, role=StaffRole.OFFICER) is None
    assert line.facts(FactKind.REFUSED)[-1] == MayNotOffer()
    out_of(line)
    assert offered(line) is None
    assert line.facts(FactKind.REFUSED)[-1] == OfferGoesOn()
    ended_here(line)
    assert line.facts(FactKind.REFUSED)[-1] == NotBoth()
    off = with_rules(sender(), None)
    assert offered(off) is None
    assert off.facts(FactKind.REFUSED)[-1] == NoOffers()


@pytest.mark.parametrize("again", ["bank:1", "bank:2"], ids=["a higher level", "another payment"])
def test_a_part_is_not_ended_if_the_other_province_may_not_know_how_grave_the_case_is_now(again: str) -> None:
    here, there = sender(Level.BLUE), Receiver()
    out = out_of(here)
    answer = received(there, out, NOON)  # on its way for an hour
    here.pass_to(timedelta(hours=1))
    here.alert(Level.RED if again == "bank:1" else Level.BLUE, payment(again), of=profile(contacts=1))
    answered(here, out, answer, Result.DELIVERED, at=here.now)
    assert late_offer(here.here)
    ended_here(here)
    assert here.facts(FactKind.REFUSED)[-1] == OtherKnowsLess(THERE)
    assert (handles(here), there.here.level) == (True, Level.BLUE)


def test_a_case_that_was_closed_meanwhile_asks_nobody() -> None:
    line = sender()
    out_of(line)
    line.act(CloseAct(reason="a mistake"))
    assert [out for out in line.pass_to(timedelta(minutes=5)) if out.action is Action.HAND_OVER] == []
    assert offer_waiting(line.here) is None


def test_a_case_that_was_handed_back_meanwhile_is_not_acknowledged() -> None:
    here, there = sender(Level.BLUE), Receiver()
    out = out_of(here)
    received(there, out, NOON)  # the answer is lost
    there.pass_to(timedelta(minutes=10))
    back = offered_back(there)
    assert back is not None
    here.pass_to(timedelta(hours=1))
    assert received(there, out, here.now) == AGAIN, "its own offer waits"
    answered(there, back, received(here, back, here.now), Result.DELIVERED, at=here.now)
    assert there.state() is CaseState.HANDED_OVER
    asked = [each for each in here.sent() if each.step == "province.1.ask"][-1]
    assert received(there, asked, here.now) == AGAIN
    taken(here, asked)
    ended_here(here)
    assert here.facts(FactKind.REFUSED)[-1] == NotBoth()
    assert handles(here)


def both_know() -> tuple[Line, Receiver]:
    """Both provinces handle the resident, and both cases say so."""
    here, there = sender(), Receiver()
    out = out_of(here)
    received(there, out, here.now)
    here.pass_to(timedelta(seconds=61))
    asked = here.last(Action.HAND_OVER)
    answered(here, asked, received(there, asked, here.now), Result.DELIVERED)
    assert [each.province for each in also_there(there.here)] == [HERE]
    return here, there


def test_once_the_sender_has_ended_its_part_the_receiver_s_case_says_no_longer_that_both_handle_it() -> None:
    here, there = both_know()
    asked = here.last(Action.HAND_OVER)
    ended_here(here)
    told = here.last(Action.HAND_OVER)
    assert validity(told, here.here, here.now) is None
    answered(here, told, AGAIN, Result.FAILED)
    here.pass_to(timedelta(hours=1))
    again = here.last(Action.HAND_OVER)
    assert (again.step, again.attempt) == (told.step, 2), "told again until the other one has heard of it"
    answered(here, again, received(there, again, here.now), Result.DELIVERED, at=here.now)
    assert also_there(there.here) == []
    assert there.facts(FactKind.NOTE)[-1] == OtherEnded(HERE)
    assert here.step(told.step).state is StepState.DONE
    before = there.case
    assert received(there, asked, here.now) == TakenThere(there.here.id), "a question that was still under way"
    assert received(there, again, here.now) == TakenThere(there.here.id)
    assert there.case == before
    assert handles(there)


def test_the_end_of_the_sender_s_part_opens_no_case_and_is_told_until_it_has_been_heard() -> None:
    here, there = both_know()
    ended_here(here)
    told = here.last(Action.HAND_OVER)
    fresh = Receiver()
    assert received(fresh, told, here.now) == NotTakenThere(OfferRefusal.TOO_LATE)
    assert fresh.case is None
    there.dissuaded()
    assert also_there(there.here) == [], "a settled case is handled by nobody here"
    assert received(there, told, here.now) == TakenThere(there.here.id)
    assert not handles(there), "it is not reopened"


def test_a_case_that_is_handed_over_once_more_says_that_both_handle_it_only_if_that_came_late_too() -> None:
    here, there = both_know()
    here.alert(Level.RED, payment("bank:2", payee="a2"), of=profile(contacts=1))
    there.pass_to(here.now)
    back = offered_back(there)
    assert back is not None
    answered(there, back, received(here, back, here.now), Result.DELIVERED, at=here.now)
    assert (there.state(), handles(here)) == (CaseState.HANDED_OVER, True)
    again = out_of(here)
    answered(here, again, received(there, again, here.now, payments=2), Result.DELIVERED)
    assert (here.state(), handles(there), also_there(there.here)) == (CaseState.HANDED_OVER, True, [])


def test_after_a_hand_back_that_came_late_either_province_s_part_can_end_by_another_hand_over() -> None:
    """Both have taken the other's case, and neither knows which came first: a new offer is acknowledged and decides."""
    here, there = both_know()
    here.pass_to(timedelta(minutes=1))
    there.pass_to(here.now)
    back = offered_back(there)
    assert back is not None
    received(here, back, here.now)  # the answer is lost
    for line in (here, there):
        line.pass_to(timedelta(minutes=2))
    asked = there.last(Action.HAND_OVER)
    answered(there, asked, received(here, asked, here.now), Result.DELIVERED, at=here.now)
    assert handles(here)
    assert handles(there)
    stuck = stuck_offer(here.here)
    assert stuck is not None
    assert (stuck, late_offer(here.here)) == (here.here.offers[0], None)
    assert hand_overs_failed([here.here]) != [], "a supervisor must see it"
    again = out_of(here)
    assert stuck_offer(here.here) is None
    answered(here, again, received(there, again, here.now), Result.DELIVERED)
    assert (here.state(), handles(there)) == (CaseState.HANDED_OVER, True)
    ended_here(there)
    assert there.facts(FactKind.REFUSED)[-1] == NotBoth()
    assert handles(there)
