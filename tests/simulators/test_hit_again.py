from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.levels import Action
from schemas.risk.signals import App
from simulators.assumptions import figures
from simulators.assumptions.pace import REAL, Pace
from simulators.population.people import people
from simulators.scams.schedule import hours
from simulators.scams.story import Opened, Pay, Phase, Story, Tell
from simulators.studies.year import crimes
from simulators.world.province import START
from simulators.world.traces import trace
from simulators.world.truth import Fate, Life, Truth

DAY = timedelta(days=1)
RESIDENTS = people(3, 600, START.date(), b"sixteen bytes and more")
QUIET = replace(REAL, ordinary=lambda residents: 0, stories=lambda residents: 2, depths={"pays": 1})


def stories(pace: Pace, count_of_hours: int) -> list[Story]:
    return [story for hour in islice(hours(3, RESIDENTS, START, pace), count_of_hours) for story in hour.stories]


@pytest.fixture(scope="module")
def hit_again() -> list[Story]:
    return stories(replace(QUIET, hit_again=1.0), 60)


STORIES = stories(QUIET, 60)


def first(story: Story) -> list[Pay]:
    return [payment for payment in story.payments if payment.phase is Phase.TRANSFER]


def test_who_is_hit_again_pays_less_a_second_time_within_ninety_days(hit_again: list[Story]) -> None:
    for story in hit_again:
        (again,) = (payment for payment in story.payments if payment.phase is Phase.AFTER)
        assert timedelta(0) < again.at - first(story)[-1].at <= 90 * DAY
        assert (
            again.amount_fen <= max(0.4 * sum(payment.amount_fen for payment in first(story)), figures.FEN_STEP) * 1.5
        )


def test_few_are_hit_again_and_nobody_in_a_teaching_hour() -> None:
    again = sum(len(first(story)) < len(story.payments) for story in STORIES)
    assert again < len(STORIES) * 0.15
    assert Pace(REAL.ordinary, REAL.stories, REAL.begins, REAL.life).hit_again == 0


def test_a_crime_is_what_was_paid_since_the_report_before(hit_again: list[Story]) -> None:
    for story in (*hit_again, *STORIES):
        found = list(crimes(story))
        tells = [beat for beat in story.events if isinstance(beat, Tell)]
        assert len(found) <= len(tells)
        assert sum(crime.lost_fen for crime in found) <= story.asked_fen
        if tells and tells[-1] is story.events[-1]:
            assert sum(crime.lost_fen for crime in found) == story.asked_fen


def test_who_reports_nothing_is_no_crime_of_the_police() -> None:
    silent = [story for story in STORIES if not any(isinstance(beat, Tell) for beat in story.events)]
    assert silent
    assert not [crime for story in silent for crime in crimes(story)]


def longest() -> Story:
    """A story whose payments lie days apart."""
    return max(STORIES, key=lambda story: first(story)[-1].at - first(story)[0].at)


def fates(life: Life) -> list[Fate]:
    return [fate for _, fate in Truth().fates(life, life.story.ends + 400 * DAY)]


def relapsing(after: timedelta | None) -> Life:
    """Somebody persuaded a moment before the first payment."""
    story = replace(longest(), relapses_after=after)
    life = Life(story)
    life.persuade(first(story)[0].at - timedelta(minutes=1), Action.VISIT)
    return life


def test_who_stays_persuaded_pays_nothing_more() -> None:
    life = relapsing(None)
    assert set(fates(life)) == {Fate.NOT_MADE}


def test_who_relapses_pays_what_is_asked_from_then_on() -> None:
    life = relapsing(2 * DAY)
    pays = list(zip(life.story.payments, fates(life), strict=True))
    until = first(life.story)[0].at - timedelta(minutes=1) + 2 * DAY
    assert {fate for payment, fate in pays if payment.at < until} == {Fate.NOT_MADE}
    assert {fate for payment, fate in pays if payment.at >= until} == {Fate.SETTLED}
    assert life.persuaded(until - DAY)
    assert not life.persuaded(until)


def test_who_is_persuaded_again_after_a_relapse_stays_so() -> None:
    life = relapsing(DAY)
    last = first(life.story)[-1].at
    life.persuade(last - timedelta(minutes=1), Action.OPERATOR_CALL)
    assert fates(life)[-1] is Fate.NOT_MADE
    assert life.persuaded(last + 300 * DAY)


@given(st.integers(0, 59), st.integers(-3, 100), st.integers(-3, 100), st.integers(0, 60))
def test_whatever_persuades_and_relapses_all_that_was_asked_is_in_one_fate(
    which: int, early: int, late: int, now: int
) -> None:
    life = Life(replace(STORIES[which], relapses_after=2 * DAY))
    life.persuade(START + early * DAY, Action.SMS)
    life.persuade(START + late * DAY, Action.VISIT)
    assert sum(Truth().sum_of(life, START + now * DAY, fate) for fate in Fate) == life.story.asked_fen


def test_a_site_that_the_watch_does_not_know_leaves_no_signal() -> None:
    story = next(
        story for story in STORIES if any(isinstance(beat, Opened) and not beat.known for beat in story.events)
    )
    life, truth = Life(story), Truth()
    sites = [beat for beat in story.events if isinstance(beat, Opened)]
    assert [trace(life, beat, beat.at, truth) for beat in sites] == [None] * len(sites)
    known = trace(life, replace(sites[0], known=True), sites[0].at, truth)
    assert isinstance(known, App)
