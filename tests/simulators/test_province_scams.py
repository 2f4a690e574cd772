from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest

from schemas.risk.signals import NumberClass
from simulators.assumptions.figures import LARGEST_YUAN, SCAMS
from simulators.assumptions.pace import COMPRESSED, REAL
from simulators.population.people import people
from simulators.scams.schedule import hours
from simulators.scams.story import Message, Pay, Phase, Ring, Story
from simulators.world.province import START

SECRET = b"sixteen bytes and more"
ORDER = [Phase.HOOK, Phase.TRUST, Phase.PRESSURE, Phase.TRANSFER, Phase.AFTER]


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    residents = people(3, 8000, START.date(), SECRET)
    return [story for hour in islice(hours(3, residents, START, COMPRESSED), 25) for story in hour.stories]


def test_a_resident_is_in_one_story_at_most(stories: list[Story]) -> None:
    assert max(Counter(story.victim.id for story in stories).values()) == 1


def test_a_story_goes_from_hook_to_transfers(stories: list[Story]) -> None:
    for story in stories:
        firsts = [min((beat.at for beat in story.events if beat.phase is phase), default=None) for phase in ORDER]
        known = [at for at in firsts if at is not None]
        assert known == sorted(known)
        assert story.events[0].phase is Phase.HOOK


def test_amounts_are_positive_and_grow_and_none_is_larger_than_the_largest_case(stories: list[Story]) -> None:
    for story in stories:
        amounts = [payment.amount_fen for payment in story.payments]
        assert all(amount > 0 for amount in amounts)
        assert amounts == sorted(amounts)
        assert story.asked_fen <= LARGEST_YUAN * 100 * 1.01


def test_money_goes_to_the_gang_and_a_payment_settles_after_it_was_attempted(stories: list[Story]) -> None:
    for story in stories:
        for payment in story.payments:
            assert payment.payee in story.gang.mules
            assert payment.settles > payment.at


def test_the_shares_of_the_types_are_those_of_the_reference(stories: list[Story]) -> None:
    share = {name: count / len(stories) for name, count in Counter(story.scam_type for story in stories).items()}
    assert set(share) == set(SCAMS)
    assert sum(share[name] for name in ("brushing", "loan", "investment", "shopping", "police")) > 0.77
    assert sum(share[name] for name in ("brushing", "loan", "romance", "police")) > 0.67


def test_victims_are_men_to_women_as_six_to_four_and_mostly_from_the_three_prefectures(stories: list[Story]) -> None:
    men = sum(story.victim.sex == "male" for story in stories) / len(stories)
    hard_hit = sum(story.victim.division[:4] in ("2201", "2202", "2224") for story in stories) / len(stories)
    assert men == pytest.approx(0.6, abs=0.04)
    assert 0.58 < hard_hit < 0.75


def test_brushing_hits_young_women_and_loans_hit_men(stories: list[Story]) -> None:
    brushing = [story.victim for story in stories if story.scam_type == "brushing"]
    loans = [story.victim for story in stories if story.scam_type == "loan"]
    year = START.year
    assert sum(one.sex == "female" for one in brushing) / len(brushing) > 0.65
    assert sum(18 <= year - one.birth_year <= 40 for one in brushing) / len(brushing) > 0.7
    assert sum(one.sex == "male" for one in loans) / len(loans) > 0.8


def test_the_police_that_calls_holds_the_line_while_the_victim_pays(stories: list[Story]) -> None:
    paying = [story for story in stories if story.scam_type == "police" and story.payments]
    held = [story for story in paying if any(_covers(beat, story.payments[-1]) for beat in story.events)]
    assert len(held) > len(paying) / 2


def _covers(beat: object, payment: Pay) -> bool:
    return isinstance(beat, Ring) and beat.at <= payment.at < beat.ends


def test_scammers_call_from_abroad_over_gateways_and_under_false_numbers(stories: list[Story]) -> None:
    shown = {beat.shown for story in stories for beat in story.events if isinstance(beat, Ring | Message)}
    assert {NumberClass.OVERSEAS, NumberClass.GOIP, NumberClass.SPOOFED} <= shown


def test_at_the_real_pace_a_romance_or_an_investment_takes_weeks() -> None:
    residents = people(3, 2000, START.date(), SECRET)
    quiet = replace(REAL, ordinary=lambda residents: 0, stories=lambda residents: 0.2, depths={"pays": 1})
    chosen = [story for hour in islice(hours(3, residents, START, quiet), 24 * 30) for story in hour.stories]
    long = [story for story in chosen if story.scam_type in ("romance", "investment") and story.payments]
    assert long
    assert max(story.ends - story.begins for story in long) > timedelta(days=7)
