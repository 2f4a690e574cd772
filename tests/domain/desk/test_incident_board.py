"""A major incident: what stands on its board, how it begins and ends."""

from datetime import timedelta

import pytest

from domain.desk.incidents import EndedError, board, campaigns, ended, outline, reworded, touches
from schemas.casework.cases import Case, CaseState
from schemas.casework.inputs import BankState
from schemas.levels import Level
from schemas.people.incidents import Incident
from tests.domain.builders import NOON, Line, danger, payment, profile


def case(campaign: str | None = "k-1", level: Level = Level.RED, division: str = "220104") -> Line:
    line = Line()
    found = danger(level).model_copy(update={"campaign": campaign})
    line.alert(level, payment(), of=profile(division=division), found=found)
    return line


def cases(*lines: Line) -> list[Case]:
    return [line.here for line in lines]


def incident(area: str = "2201") -> Incident:
    return Incident(id=f"m{1:020x}", campaign="k-1", area=area, at=NOON, by="chief", reason="many at once")


def test_a_campaign_is_listed_from_so_many_open_cases_on() -> None:
    found = cases(case(), case(), case("k-2"), case(None))
    assert [(name, each.cases) for name, each in campaigns(found, 2)] == [("k-1", 2)]
    assert [name for name, _ in campaigns(found, 1)] == ["k-1", "k-2"]


def test_the_board_counts_by_level_state_and_county() -> None:
    calm = case(division="220102001")
    calm.dissuaded()
    found = board(cases(case(), case(level=Level.ORANGE), calm))
    assert (found.cases, found.in_danger) == (3, 2)
    assert found.levels == {Level.RED: 2, Level.ORANGE: 1}
    assert found.states[CaseState.DISSUADED] == 1
    assert found.counties == {"220104": 2, "220102": 1}


def test_a_campaign_is_told_by_the_scam_of_most_of_its_cases() -> None:
    found = [line.here for line in (case(), case(), case())]
    other = found[2].danger.model_copy(update={"scam_type": "loan"})
    found[2] = found[2].model_copy(update={"danger": other})
    assert board(found).scam_type == found[0].danger.scam_type != "loan"
    assert board([]).scam_type == ""


def test_a_campaign_is_outlined_by_its_scam_its_counties_and_its_first_case() -> None:
    found = cases(case(division="220104001"), case(division="220102001"), case(division="220104002"))
    found[1] = found[1].model_copy(update={"opened_at": NOON - timedelta(hours=1)})
    seen = outline(found)
    assert seen == (found[0].danger.scam_type, ["220104", "220102"], NOON - timedelta(hours=1))
    with pytest.raises(ValueError, match="empty"):
        outline([])


def test_money_is_at_stake_until_it_is_caught_or_its_resident_dissuaded() -> None:
    line = case()
    assert board(cases(line)).at_stake == 1_000_000
    line.bank(BankState.CANCELLED, "bank:1", 1_000_000)
    caught = board(cases(line))
    assert (caught.at_stake, caught.kept["B"]) == (0, 1_000_000)
    calm = case()
    calm.dissuaded()
    assert board(cases(calm)).at_stake == 0


def test_an_empty_board_is_all_zero() -> None:
    assert (board([]).cases, board([]).at_stake, board([]).kept) == (0, 0, {"A": 0, "B": 0, "C": 0})


def test_an_incident_ends_once_and_is_not_reworded_after() -> None:
    over = ended(incident(), "chief", "all warned", NOON)
    assert not over.in_force
    with pytest.raises(EndedError):
        ended(over, "chief", "again", NOON)
    with pytest.raises(EndedError):
        reworded(over, "say this")
    assert reworded(incident(), "say this").script == "say this"


@pytest.mark.parametrize(("area", "seen"), [("2201", True), ("", True), ("220104", True), ("2224", False)])
def test_an_incident_touches_the_areas_around_and_inside_of_its_own(area: str, seen: bool) -> None:
    assert touches(incident("2201"), area) == seen
