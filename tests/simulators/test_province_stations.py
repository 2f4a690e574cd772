from datetime import timedelta

from domain.divisions import counties, division
from schemas.residents import Language
from schemas.rosters import Role
from simulators.province import START
from simulators.stations import rosters


def test_every_county_has_a_station_with_somebody_of_each_role_on_duty_at_any_hour() -> None:
    found = rosters(7, START)
    assert len(found) == len(counties(START.date()))
    for roster in found:
        for hours in (0, 5, 11, 14, 23):
            now = START + timedelta(hours=hours)
            on_duty = {one.role for one in roster.officers if any(s.start <= now < s.end for s in one.shifts)}
            assert on_duty == set(Role)


def test_the_same_seed_gives_the_same_officers() -> None:
    assert rosters(7, START) == rosters(7, START)
    assert rosters(7, START) != rosters(8, START)


def test_everybody_works_from_a_division_in_force_and_some_in_yanbian_speak_korean() -> None:
    officers = [one for roster in rosters(7, START) for one in roster.officers]
    assert all(division(one.division, START.date()) for one in officers)
    assert any(Language.KOREAN in one.languages for one in officers if one.division.startswith("2224"))
    assert len({one.id for one in officers}) == len(officers)
