"""How many offers of one province are taken in an hour."""

from datetime import timedelta

from streams.channels.provinces.receiving import OffersOfAnHour
from tests.domain.builders import NOON

MINUTE = timedelta(minutes=1)


def test_above_the_limit_a_province_waits_until_an_hour_has_passed_and_the_others_do_not() -> None:
    offers = OffersOfAnHour(most=2)
    assert offers.allowed("liaoning", "a", NOON)
    assert offers.allowed("liaoning", "b", NOON + MINUTE)
    assert not offers.allowed("liaoning", "c", NOON + 2 * MINUTE)
    assert offers.allowed("heilongjiang", "c", NOON + 2 * MINUTE)
    assert not offers.allowed("liaoning", "c", NOON + 59 * MINUTE)
    assert offers.allowed("liaoning", "c", NOON + 60 * MINUTE)
    assert not offers.allowed("liaoning", "d", NOON + 60 * MINUTE), "b still counts"


def test_an_offer_that_comes_again_counts_once() -> None:
    offers = OffersOfAnHour(most=1)
    assert all(offers.allowed("liaoning", "a", NOON + number * MINUTE) for number in range(5))
