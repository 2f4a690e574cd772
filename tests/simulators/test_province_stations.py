from datetime import timedelta

from domain.calendar import JILIN
from domain.identity.divisions import counties, division
from domain.policy import load
from domain.visits.coverage import gaps, monday
from domain.visits.officers import ELIGIBLE
from domain.visits.rostering import clashes
from schemas.levels import Level
from schemas.people.residents import Language
from schemas.people.rosters import Role
from simulators.population.stations import GUEST, left_to_guest, rosters
from simulators.providers.station import Errand
from simulators.world.answers import Answers
from simulators.world.province import START, Province
from streams.runtime.settings import POLICY


def test_every_county_has_a_station_with_somebody_of_each_role_on_duty_at_any_hour() -> None:
    found = rosters(7, START)
    assert len(found) == len(counties(START.date()))
    for roster in found:
        for hours in (0, 5, 11, 14, 23):
            now = START + timedelta(hours=hours)
            on_duty = {one.role for one in roster.officers if any(s.start <= now < s.end for s in one.shifts)}
            assert on_duty == set(Role)


def test_no_station_lacks_anybody_in_the_week_a_demo_begins_in_or_the_next() -> None:
    duty = load(POLICY.read_text("utf-8")).duty
    assert duty is not None
    end = monday(START, JILIN) + timedelta(days=14)
    for roster in rosters(7, START):
        assert gaps(roster.officers, duty.needs, START, end, JILIN) == [], roster.station
        assert clashes(roster) == [], roster.station


def test_the_same_seed_gives_the_same_officers() -> None:
    assert rosters(7, START) == rosters(7, START)
    assert rosters(7, START) != rosters(8, START)


def test_everybody_works_from_a_division_in_force_and_some_in_yanbian_speak_korean() -> None:
    officers = [one for roster in rosters(7, START) for one in roster.officers]
    assert all(division(one.division, START.date()) for one in officers)
    assert any(Language.KOREAN in one.languages for one in officers if one.division.startswith("2224"))
    assert len({one.id for one in officers}) == len(officers)


def test_every_station_has_a_name_of_its_own() -> None:
    names = [roster.station for roster in rosters(7, START)]
    assert len(set(names)) == len(names)


def test_of_a_guests_prefecture_only_his_station_can_be_sent_to_a_red_case() -> None:
    stations = left_to_guest(rosters(7, START))
    on_duty = {
        one.id: one
        for roster in stations
        for one in roster.officers
        if one.shifts and one.role in ELIGIBLE[Level.RED] and one.division.startswith(GUEST[:4])
    }
    assert GUEST in on_duty
    assert {one.division for one in on_duty.values()} == {GUEST[:6]}
    assert min(on_duty) == GUEST  # of two who are as near the lower id goes
    assert all(one.shifts for roster in stations for one in roster.officers if not one.division.startswith(GUEST[:4]))


async def test_a_guest_tells_himself_what_he_does() -> None:
    province = Province(7, residents=50)
    answers = Answers(province.contacts, GUEST)

    def errand(number: int, officer: str) -> Errand:
        resident = province.people[number].id
        return Errand(f"{resident}-1/visit/1/visit", officer, resident, "220104", "red")

    assert await answers.visit(errand(0, GUEST), START) == []
    assert any([await answers.visit(errand(number, "220104-officer-2"), START) for number in range(20)])
