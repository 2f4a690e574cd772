"""Travel times between divisions: plausible speeds, on streets, county roads and from village to village."""

from datetime import date, timedelta

import pytest

from console.web.overview.shapes import county_shapes, prefecture_shapes, source
from domain.identity.divisions import counties, middle_of
from domain.policy.visits import VisitRules
from domain.visits.travel import DETOUR, drive_between, kilometres_apart

TODAY = date(2026, 3, 1)
RULES = VisitRules()
MINUTE = timedelta(minutes=1)
NANGUAN, CHAOYANG, SHUANGYANG, YITONG, YANJI, HUNCHUN, BAICHENG = (
    *("220102", "220104", "220112", "220323", "222401", "222404", "220802"),
)
MAPPED = [each.code for each in counties(TODAY) if middle_of(each.code) and not each.zone]


def minutes(one: str, other: str) -> float:
    return drive_between(one, other, TODAY, RULES) / MINUTE


def test_within_a_street_and_a_county_the_policy_s_times_count() -> None:
    assert minutes("220102001", "220102001") == 10
    assert minutes("220102001", "220102002") == 25
    assert minutes(NANGUAN, "220102002") == 25


def test_a_neighbouring_county_is_as_near_across_a_prefecture_s_border_as_within_it() -> None:
    assert kilometres_apart(SHUANGYANG, YITONG, TODAY) == pytest.approx(49, abs=1), "Changchun's and Siping's"
    assert minutes(SHUANGYANG, YITONG) == 71


def test_twice_as_far_takes_longer() -> None:
    assert minutes(NANGUAN, CHAOYANG) < minutes(NANGUAN, YITONG) < minutes(NANGUAN, YANJI) < minutes(BAICHENG, HUNCHUN)


@pytest.mark.parametrize("here", MAPPED)
def test_the_speed_between_two_counties_is_a_car_s(here: str) -> None:
    for there in MAPPED:
        apart = kilometres_apart(here, there, TODAY)
        if apart is None:
            assert here == there
            continue
        road, hours = apart * DETOUR, minutes(here, there) / 60
        # On streets, on county roads, on expressways.
        least, most = (8, 40) if road < 25 else (25, 60) if road < 90 else (45, 80)
        assert least <= road / hours <= most, (here, there, road, hours)
        assert drive_between(here, there, TODAY, RULES) == drive_between(there, here, TODAY, RULES)
        assert minutes(here, there) >= minutes(here, here)


def test_a_zone_that_the_map_lacks_is_in_its_city() -> None:
    zone = "220171"
    assert 25 < minutes(zone, NANGUAN) < 50
    assert minutes(zone, YANJI) == pytest.approx(minutes(NANGUAN, YANJI), abs=20)


def test_a_place_without_a_middle_is_as_far_as_the_policy_says() -> None:
    assert kilometres_apart("220000", NANGUAN, TODAY) is None
    assert (minutes("220100", NANGUAN), minutes("220000", NANGUAN)) == (90, 240)


def test_the_middles_of_the_counties_are_those_of_the_map() -> None:
    shapes = [each for whole in prefecture_shapes() for each in county_shapes(whole.code)]
    unit = source().unit_metres / 1000
    for each in shapes:
        assert middle_of(each.code) == pytest.approx((each.x * unit, each.y * unit), abs=0.06)
    assert len(shapes) == 60
