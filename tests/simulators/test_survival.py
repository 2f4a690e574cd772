"""Who is defrauded after a warning, as a curve."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.levels import Action, Channel, Level, Result
from simulators.studies.survival import Followed, by_channel, by_each, by_level, curve, followed, survival
from simulators.world.truth import Contact
from tests.simulators.truths import LATER, NOON, VICTIM, case, life, pay, truth


def row(days: float, *, defrauded: bool, level: Level = Level.ORANGE, channel: Channel = Channel.SMS) -> Followed:
    return Followed(NOON, NOON + timedelta(days=days), defrauded, level, channel, "220102")


def test_a_curve_is_that_of_an_example_worked_by_hand() -> None:
    pytest.importorskip("lifelines")
    found = curve([row(1, defrauded=True), row(2, defrauded=False), row(3, defrauded=True), row(4, defrauded=False)])
    assert [found.at(days).share for days in (0, 1, 2.5, 3, 9)] == pytest.approx([1, 0.75, 0.75, 0.375, 0.375])
    assert all(point.low <= point.share <= point.high for point in found.points[1:])
    assert (found.people, found.defrauded) == (4, 2)


def test_each_group_has_a_curve_of_its_own() -> None:
    pytest.importorskip("lifelines")
    safe = [row(30, defrauded=False, level=Level.RED, channel=Channel.VISIT) for _ in range(5)]
    rows = [*safe, *(row(day, defrauded=True) for day in (1, 2, 3))]
    by = survival(rows, by_level)
    assert (by["red"].at(30).share, by["orange"].at(30).share) == (1.0, 0.0)
    assert set(survival(rows, by_channel)) == {"visit", "sms"}


def test_who_was_reached_twice_is_one_of_his_level_and_of_his_station_and_one_of_each_channel() -> None:
    pytest.importorskip("lifelines")
    sms = row(3, defrauded=True)
    found = by_each([sms, replace(sms, channel=Channel.PHONE, first=False), row(5, defrauded=False, level=Level.RED)])
    assert [(name, curve.people) for name, curve in found["level"].items()] == [("red", 1), ("orange", 1)]
    assert {name: curve.people for name, curve in found["channel"].items()} == {"sms": 2, "phone": 1}
    assert {name: curve.people for name, curve in found["station"].items()} == {"南关区": 2}


def test_that_nobody_of_a_few_was_defrauded_does_not_mean_that_nobody_will_be() -> None:
    pytest.importorskip("lifelines")
    few, many = (curve([row(9, defrauded=False) for _ in range(count)]).at(9) for count in (5, 500))
    assert (few.share, few.high) == (many.share, many.high) == (1, 1)
    assert few.low == pytest.approx(0.478, abs=0.001)  # Clopper and Pearson, none of 5
    assert many.low > 0.99


def test_nobody_has_no_curve_and_none_before_the_warning() -> None:
    pytest.importorskip("lifelines")
    with pytest.raises(ValueError, match="nobody"):
        curve([])
    with pytest.raises(ValueError, match="before the warning"):
        curve([row(1, defrauded=True)]).at(-1)


def contact(minutes: float, action: Action, result: str) -> Contact:
    return Contact(VICTIM, NOON + timedelta(minutes=minutes), action, result, "d")


def test_who_is_followed_is_warned_from_the_first_contact_of_each_channel_that_reached_him() -> None:
    here = truth(life(pay("1", 5, 30_000), pay("2", 60, 90_000)))
    here.contacts += [
        contact(1, Action.ROBOT_CALL, Result.NO_ANSWER),
        contact(2, Action.CONTACT_SMS, Result.DELIVERED),
        contact(3, Action.SMS, Result.DELIVERED),
        contact(70, Action.ROBOT_CALL, Result.HUNG_UP),
    ]
    sms, phone = followed([case({})], here, LATER)
    assert (sms.channel, sms.first, sms.defrauded) == (Channel.SMS, True, True)
    assert sms.until == NOON + timedelta(minutes=6)
    assert (phone.channel, phone.first, phone.defrauded, phone.until) == (Channel.PHONE, False, False, LATER)


def test_a_payment_that_was_made_before_the_warning_does_not_count_against_it() -> None:
    here = truth(life(pay("1", 5, 30_000)))
    here.contacts.append(contact(5.5, Action.SMS, Result.DELIVERED))
    (only,) = followed([case({}, level=Level.RED)], here, LATER)
    assert (only.defrauded, only.level) == (False, Level.RED)


def test_who_was_not_reached_is_not_followed() -> None:
    assert list(followed([case({})], truth(life(pay("1", 5, 30_000))), LATER)) == []
