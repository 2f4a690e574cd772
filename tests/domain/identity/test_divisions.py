"""Divisions by validity: what a code meant on a day, and what it is today."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.divisions import counties, current_code, division, known, name_of, prefectures, streets

TODAY = date(2026, 3, 1)
DAYS = st.dates(date(1980, 1, 1), date(2030, 12, 31))
CODES = st.sampled_from(
    [county.code for day in (date(1986, 1, 1), date(1999, 1, 1), TODAY) for county in counties(day)]
)


def test_gongzhuling_is_kept_under_siping_until_the_end_of_2019_and_under_changchun_since() -> None:
    before, after = division("220381", date(2019, 12, 31)), division("220184", date(2020, 1, 1))
    assert before is not None
    assert after is not None
    assert (before.name, before.prefecture, before.successor) == ("公主岭市", "220300", "220184")
    assert (after.name, after.prefecture, after.successor) == ("公主岭市", "220100", None)
    assert division("220381", date(2020, 1, 1)) is None
    assert division("220184", date(2019, 12, 31)) is None


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("220381", date(2019, 6, 1), "220381"),
        ("220381", TODAY, "220184"),
        ("220381001", TODAY, "220184001"),
        ("229001", TODAY, "220184"),  # 公主岭 while the province ruled it
        ("220123", TODAY, "220113"),  # 九台县, then 九台市 twice, now 九台区
        ("222221", TODAY, None),  # 海龙县 became 梅河口市: no register of names can tell
        ("220211", TODAY, "220211"),
        ("229999", TODAY, None),
    ],
)
def test_an_old_code_is_followed_to_the_one_in_force_where_that_is_beyond_doubt(
    code: str, on: date, expected: str | None
) -> None:
    assert current_code(code, on) == expected


def test_a_code_that_meant_two_places_is_followed_by_the_day_it_was_noted() -> None:
    assert current_code("220302", TODAY) == "220302"  # 铁西区
    assert current_code("220302", TODAY, noted=date(1983, 5, 1)) == "220303"  # 铁东区, for a year
    assert current_code("220211", date(1995, 1, 1), noted=date(1990, 1, 1)) == "220211"  # 吉林's 郊区, not 长春's


def test_a_county_that_was_renamed_keeps_its_code_and_changes_its_name() -> None:
    assert name_of("220602", date(2009, 6, 1)) == "八道江区"
    assert name_of("220602", date(2010, 6, 1)) == "浑江区"


def test_jilin_has_nine_prefectures_sixty_counties_and_nine_zones() -> None:
    everywhere = counties(TODAY)
    assert [place.name for place in prefectures(TODAY)][-1] == "延边朝鲜族自治州"
    assert len(prefectures(TODAY)) == 9
    assert sum(not county.zone for county in everywhere) == 60
    assert sum(county.zone for county in everywhere) == 9
    assert all(county.prefecture for county in everywhere)


def test_a_statistical_zone_is_accepted_and_marked_as_such() -> None:
    zone = division("220171", TODAY)
    assert zone is not None
    assert (zone.name, zone.zone, zone.prefecture) == ("长春经济技术开发区", True, "220100")


def test_a_street_lies_in_its_county_and_is_in_force_as_long_as_that() -> None:
    street = division("220184001", TODAY)
    assert street is not None
    assert street.prefecture == "220100"
    assert division("220184001", date(2019, 1, 1)) is None
    assert division("220184999", TODAY) is None


def test_every_street_of_the_province_belongs_to_a_county_in_force() -> None:
    assert sum(len(streets(county.code)) for county in counties(TODAY)) == 1075


def test_a_code_out_of_force_is_still_shown_by_its_last_name_and_an_unknown_one_by_itself() -> None:
    assert name_of("220381", TODAY) == "公主岭市"
    assert name_of("999999", TODAY) == "999999"
    assert known("220381")
    assert not known("999999")


@given(code=CODES, on=DAYS)
def test_a_code_once_brought_up_to_date_stays_as_it_is(code: str, on: date) -> None:
    current = current_code(code, on)
    assert current is None or (division(current, on) is not None and current_code(current, on) == current)
