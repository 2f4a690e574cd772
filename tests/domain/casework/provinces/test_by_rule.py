"""The policy's rule offers the cases of residents who live in another province to that province."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.casework.provinces.records import offer_waiting
from domain.policy.approval import HandoverRules
from schemas.casework.cases import CaseState, StepState
from schemas.casework.events import Dispatch, FactKind
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import MOST_OFFERS, OfferState, ProvinceGround
from schemas.codes.provinces import CaseOfferedByRule
from schemas.levels import Action, Level, Outcome, Result
from tests.domain.builders import NOON, RESIDENT, Line, danger, payment, profile
from tests.domain.casework.provinces.provinceworld import (
    DEADLINE,
    RULES,
    THERE,
    THERE_RESIDENT,
    Receiver,
    answered,
    handles,
    received,
    taken,
    with_rules,
)

AWAY = profile(contacts=1, division="210102")  # Heping in Shenyang
BY_RULE = RULES.model_copy(update={"lives": {THERE: ("21",)}})


def of_who_lives_there(level: Level = Level.RED, rules: HandoverRules = BY_RULE) -> Line:
    line = with_rules(Line(), rules)
    line.alert(level, payment(), of=AWAY)
    return line


def offers_sent(line: Line) -> list[Dispatch]:
    return [out for out in line.sent() if out.action is Action.HAND_OVER]


@pytest.mark.parametrize("level", list(Level))
def test_a_new_case_of_who_lives_there_is_offered_at_once_and_its_contacts_wait_for_the_deadline(level: Level) -> None:
    line = of_who_lives_there(level)
    until = NOON + timedelta(seconds=DEADLINE[level])
    assert [(out.offer.province, out.offer.until) for out in offers_sent(line) if out.offer] == [(THERE, until)]
    assert line.facts(FactKind.OFFERED) == [CaseOfferedByRule(THERE, ProvinceGround.LIVES, until)]
    assert line.here.offers[0].by is None
    before = len(line.sent())
    line.pass_to(until)
    assert offer_waiting(line.here) is None
    assert handles(line)
    assert all(step.state is not StepState.HELD for step in line.here.steps)
    assert any(out.action is Action.HAND_OVER for out in line.sent()[before:]), "it is asked whether it has the case"


def test_the_other_province_takes_it_and_the_case_ends_here() -> None:
    line, there = of_who_lives_there(), Receiver()
    out = offers_sent(line)[0]
    answered(line, out, received(there, out, line.now), Result.DELIVERED)
    assert line.state() is CaseState.HANDED_OVER
    assert handles(there)


@pytest.mark.parametrize(
    ("division", "lives", "province"),
    [
        ("220104", {THERE: ("21",)}, None),
        ("210102", {}, None),
        ("210102007", {THERE: ("2101",)}, THERE),
        ("210202", {THERE: ("2101",)}, None),
        ("210102", {THERE: ("21",), "shenyang": ("2101",)}, "shenyang"),
    ],
)
def test_the_longest_prefix_of_the_residents_division_says_which_province(
    division: str, lives: dict[str, tuple[str, ...]], province: str | None
) -> None:
    rules = RULES.model_copy(update={"provinces": (THERE, "shenyang"), "lives": lives})
    assert rules.home_province(division) == province
    line = with_rules(Line(), rules)
    line.alert(Level.RED, of=profile(contacts=1, division=division))
    assert [each.province for each in line.here.offers] == ([province] if province else [])


def test_more_danger_while_the_offer_waits_is_not_offered_a_second_time() -> None:
    line = of_who_lives_there(Level.BLUE)
    line.alert(Level.RED, payment("bank:2"), of=AWAY)
    assert len(line.here.offers) == 1


def test_a_refused_case_stays_and_later_alerts_do_not_offer_it_again() -> None:
    line = of_who_lives_there()
    line.pass_to(timedelta(minutes=2))
    line.alert(Level.RED, payment("bank:2"), of=AWAY)
    assert [each.state for each in line.here.offers] == [OfferState.UNANSWERED]


def test_a_case_that_was_taken_there_and_is_reopened_here_is_offered_again() -> None:
    line = of_who_lives_there(Level.ORANGE)
    taken(line, offers_sent(line)[0])
    assert line.state() is CaseState.HANDED_OVER
    line.now += timedelta(hours=1)
    line.alert(Level.RED, payment("bank:2"), of=AWAY)
    assert [each.state for each in line.here.offers] == [OfferState.ACCEPTED, OfferState.OFFERED]
    assert len(offers_sent(line)) == 2


def test_a_case_whose_resident_was_cleared_here_and_is_reopened_stays() -> None:
    line = of_who_lives_there()
    line.pass_to(timedelta(minutes=2))
    line.outcome(Outcome.FALSE_ALARM)
    line.now += timedelta(hours=1)
    line.alert(Level.RED, payment("bank:2"), of=AWAY)
    assert [each.state for each in line.here.offers] == [OfferState.UNANSWERED]


def test_an_offer_is_made_eight_times_for_one_case_at_most() -> None:
    line = of_who_lives_there(Level.RED)
    for number in range(2 * MOST_OFFERS):
        if line.here.offers[-1].waits:
            taken(line, offers_sent(line)[-1])
        line.now += timedelta(hours=1)
        line.alert(Level.RED, payment(f"bank:{number + 2}"), of=AWAY)
    assert len(line.here.offers) == MOST_OFFERS
    assert handles(line)


def test_what_the_home_province_handed_over_to_this_one_stays_here() -> None:
    line = with_rules(Line(), BY_RULE)
    line.give(
        TakeOver(
            id="from there",
            at=NOON,
            resident=RESIDENT,
            province=THERE,
            offer="o",
            other_case=f"{THERE_RESIDENT}-1",
            ground=ProvinceGround.IS,
            danger=danger(Level.ORANGE),
            profile=AWAY,
        )
    )
    assert line.here.offers == []
    line.alert(Level.RED, payment(), of=AWAY)
    line.outcome(Outcome.FALSE_ALARM)
    line.now += line.rules.policy.plan.reopen_within * 3
    line.pass_to(line.now)
    line.alert(Level.RED, payment("bank:2"), of=AWAY)
    assert line.here.number == 2
    assert line.here.offers == []


@pytest.mark.parametrize(
    ("lives", "wrong"),
    [
        ({"hebei": ["13"]}, "not_choice"),
        ({THERE: ["21"], "jilin": ["21"]}, "stands_twice"),
        ({THERE: ["2"]}, "string_pattern_mismatch"),
        ({THERE: []}, "too_short"),
    ],
)
def test_a_rule_for_a_province_without_hand_over_or_with_a_wrong_division_is_refused(
    lives: dict[str, list[str]], wrong: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        HandoverRules.model_validate({**RULES.model_dump(), "lives": lives})
    assert refused.value.errors()[0]["type"] == wrong


def test_the_rule_changes_with_the_policy() -> None:
    line = with_rules(Line(), BY_RULE)
    line.rules = replace(line.rules, policy=line.rules.policy.model_copy(update={"handover": None}))
    line.alert(Level.RED, of=AWAY)
    assert line.here.offers == []
