"""A journal that forks, lacks a version, or tells of a level that falls by itself is told."""

from schemas.casework.acts import LowerAct
from schemas.levels import Level
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import appended, changed, events, laws_broken, report, without, words
from tests.simulation.laws.handmade import CAREFUL, ENDED, IN_DANGER
from tests.simulation.laws.observed import Observed


def test_two_events_of_one_version_are_a_fork(good: Observed) -> None:
    fork = changed(good, f"{IN_DANGER}-1", 3)
    told = words(appended(good, "case-events", 0, fork), "no_fork")
    assert f"case {IN_DANGER}-1 has 2 events of version 3" in told
    assert "event another of case" in told


def test_an_event_that_says_something_else_than_its_input_gives_is_told(good: Observed) -> None:
    event = events(good, f"{IN_DANGER}-1")[2]
    other = event.model_copy(update={"case": event.case.model_copy(update={"level": Level.BLUE})})
    told = words(appended(good, "case-events", 0, other), "no_fork")
    assert f"event {event.id} of case {IN_DANGER}-1 (version 3) at case-events/0/" in told
    assert "differs from what case-inputs/0/" in told
    assert told.endswith("case")


def test_an_event_that_is_published_twice_is_no_fork(good: Observed) -> None:
    again = appended(good, "case-events", 0, *events(good, f"{IN_DANGER}-1")[2:5], at=ENDED)
    assert laws_broken(again) == set()


def test_a_version_that_is_missing_is_told(good: Observed) -> None:
    third = events(good, f"{IN_DANGER}-1")[2]
    assert "but has no event of 3" in words(without(good, "case-events", 0, f'"{third.id}"'), "no_fork")


def test_a_level_that_falls_by_itself_is_told(good: Observed) -> None:
    last = len(events(good, f"{IN_DANGER}-1"))
    fallen = changed(good, f"{IN_DANGER}-1", last, level=Level.BLUE, version=last + 1)
    told = words(appended(good, "case-events", 0, fallen), "level_only_rises")
    assert f"case {IN_DANGER}-1 fell from red to blue in version {last + 1}" in told


def test_a_level_that_somebody_lowers_by_name_may_fall() -> None:
    inputs = handmade.usual()
    inputs[0].append((500, report(IN_DANGER, LowerAct(level=Level.BLUE, reason="a mistake"), 500, 8)))
    assert laws_broken(handmade.observed(inputs)) == set()


def test_a_second_open_case_of_a_resident_is_told(good: Observed) -> None:
    opened = changed(good, f"{CAREFUL}-1", 1, id=f"{CAREFUL}-2", number=2).model_copy(update={"offset": 2})
    told = words(appended(good, "case-events", 1, opened), "one_open_case")
    assert f"resident {CAREFUL} has two open cases: {CAREFUL}-2 was opened by input case-inputs/1/2" in told
