"""The laws of losses and of hand-overs stay silent when all goes well, and tell each thing that breaks them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.policy.approval import HandoverRules
from schemas.casework.cases import CaseState
from schemas.casework.inputs import ContactResult, OperatorReport, VictimReport
from schemas.casework.provinces import OfferCaseAct, OfferState, ProvinceGround
from schemas.codes.channels import TakenThere as ToldTaken
from schemas.levels import Action, Level, Result
from schemas.people.staff import StaffRole
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import SMS, contact, events, laws_broken, words
from tests.simulation.laws.handmade import BEGAN, IN_DANGER, moment
from tests.simulation.laws.observed import Observed, Promise, TakenThere, ToldThere

CASE, STEP = f"{IN_DANGER}-1", "province.1"
OFFER, DISPATCH = f"{CASE}:{STEP}", f"{CASE}:{STEP}:1:province"
THERE = TakenThere(OFFER, "rzzzzzzzzzzzzzzzz-1", BEGAN + 5.2)
TOLD = ToldThere(DISPATCH, OFFER, BEGAN + 5.2, "red", 0, asks=False)


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> Observed:
    """A red case that an operator offers after 5 s, and that the other province takes at once."""
    rules = HandoverRules(provinces=("north",), deadline=dict.fromkeys(Level, timedelta(seconds=30)))
    monkeypatch.setattr(handmade, "POLICY", handmade.POLICY.model_copy(update={"handover": rules}))
    told = {"resident": IN_DANGER, "case": CASE, "by": "operator li", "role": StaffRole.OPERATOR, "seen": 999}
    act = OfferCaseAct(province="north", ground=ProvinceGround.LIVES)
    offered = OperatorReport.model_validate({"id": "form:9", "at": moment(5), **told, "act": act})
    taken = ContactResult(
        id=f"{DISPATCH}:delivered",
        at=moment(5.5),
        resident=IN_DANGER,
        case=CASE,
        dispatch=DISPATCH,
        step=STEP,
        attempt=1,
        action=Action.HAND_OVER,
        result=Result.DELIVERED,
        why=ToldTaken(THERE.case),
    )
    alert = handmade.alert(IN_DANGER, Level.RED, 2)
    made = handmade.observed({0: [(2, alert), (5, offered), (5.5, taken)], 1: handmade.usual()[1]})
    kinds = {**made.kinds, "province": Promise.IDEMPOTENT}
    return replace(made, kinds=kinds, told_there=[TOLD], taken_there={OFFER: THERE})


def test_a_case_that_the_other_province_has_is_handed_over_and_breaks_no_law(handed_over: Observed) -> None:
    latest = events(handed_over, CASE)[-1].case
    assert (latest.state, latest.offers[0].state) == (CaseState.HANDED_OVER, OfferState.ACCEPTED)
    assert not laws_broken(handed_over) & {"somebody_handles", "offered_once", "only_what_follows_a_loss", "no_fork"}


def test_a_case_that_nobody_took_and_that_ends_here_is_told(handed_over: Observed) -> None:
    nowhere = replace(handed_over, taken_there={})
    assert "with case rzzzzzzzzzzzzzzzz-1; the other province has no case" in words(nowhere, "somebody_handles")
    assert "it was not, by then" in words(nowhere, "offered_once")


def test_a_case_that_was_taken_under_another_number_is_told(handed_over: Observed) -> None:
    other = replace(handed_over, taken_there={OFFER: replace(THERE, case="rzzzzzzzzzzzzzzzz-2")})
    assert "the other province has rzzzzzzzzzzzzzzzz-2" in words(other, "somebody_handles")


def test_a_case_that_ends_here_at_a_level_that_the_other_province_does_not_know_is_told(handed_over: Observed) -> None:
    less = replace(handed_over, told_there=[replace(TOLD, level="yellow")])
    assert "as red: the other province was told less" in words(less, "somebody_handles")


def test_an_offer_with_two_names_is_told(handed_over: Observed) -> None:
    again = replace(TOLD, offer=f"{OFFER}:2")
    told = words(replace(handed_over, told_there=[TOLD, again]), "offered_once")
    assert f"was told to the other province as {OFFER} and as {OFFER}:2" in told


def test_a_case_that_was_taken_without_an_offer_is_told(handed_over: Observed) -> None:
    unasked = {**handed_over.taken_there, f"{CASE}:province.2": THERE}
    assert "no case here has that offer" in words(replace(handed_over, taken_there=unasked), "offered_once")


def test_a_warning_after_a_loss_is_told() -> None:
    lost = VictimReport(id="v1", at=moment(100), resident=IN_DANGER, amount_fen=100_000)
    made = handmade.observed({0: [(2, handmade.alert(IN_DANGER, Level.RED, 2)), (100, lost)], 1: handmade.usual()[1]})
    assert not laws_broken(made)
    late = [each for each in made.contacts if each.dispatch != SMS]
    told = words(replace(made, contacts=[*late, contact(SMS, 300)]), "only_what_follows_a_loss")
    assert "was carried out at 300.000 s, but the resident stands as defrauded since 100.010 s" in told
