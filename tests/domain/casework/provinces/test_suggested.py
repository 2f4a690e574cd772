"""The pages suggest the province where a resident lives; a person decides."""

import pytest
from pydantic import ValidationError

from domain.casework.provinces.records import suggested_province
from domain.policy.approval import HandoverRules
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import ProvinceGround
from schemas.levels import Level, Outcome
from tests.domain.builders import NOON, RESIDENT, Line, danger, payment, profile
from tests.domain.casework.provinces.provinceworld import RULES, THERE, THERE_RESIDENT, offered, with_rules

AWAY = profile(contacts=1, division="210102")  # Heping in Shenyang
LIVES = RULES.model_copy(update={"lives": {THERE: ("21",)}})


def of_who_lives_there() -> Line:
    line = with_rules(Line(), LIVES)
    line.alert(Level.RED, payment(), of=AWAY)
    return line


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


def test_a_new_case_of_who_lives_there_is_suggested_and_nothing_is_sent_by_itself() -> None:
    line = of_who_lives_there()
    assert suggested_province(line.here, LIVES) == THERE
    assert line.here.offers == []
    assert suggested_province(line.here, RULES) is None
    assert suggested_province(line.here, None) is None


def test_a_case_that_was_offered_or_settled_is_suggested_no_more() -> None:
    line = of_who_lives_there()
    assert offered(line) is not None
    assert suggested_province(line.here, LIVES) is None
    cleared = of_who_lives_there()
    cleared.outcome(Outcome.FALSE_ALARM)
    assert suggested_province(cleared.here, LIVES) is None


def test_a_case_from_the_province_where_the_resident_lives_is_not_suggested_back() -> None:
    line = with_rules(Line(), LIVES)
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
    assert suggested_province(line.here, LIVES) is None


@pytest.mark.parametrize(
    ("lives", "wrong"),
    [
        ({"hebei": ["13"]}, "not_choice"),
        ({THERE: ["21"], "jilin": ["21"]}, "stands_twice"),
        ({THERE: ["2"]}, "string_pattern_mismatch"),
        ({THERE: []}, "too_short"),
    ],
)
def test_divisions_of_a_province_without_hand_over_twice_or_misspelt_are_refused(
    lives: dict[str, list[str]], wrong: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        HandoverRules.model_validate({**RULES.model_dump(), "lives": lives})
    assert refused.value.errors()[0]["type"] == wrong
