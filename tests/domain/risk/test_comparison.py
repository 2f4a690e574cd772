"""Two policies over the same signals: what one raises otherwise than the other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk.backtest import CaseDifference, Comparison, Course, Courses, Name, Rise, compare, difference
from schemas.codes.danger import CombinedEvidence
from schemas.levels import Level
from tests.domain.builders import RESIDENT, alert

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NAME: Name = (RESIDENT, 0)


def course(*rises: tuple[float, Level], division: str = "220102") -> Course:
    """Levels with the minutes after noon at which they came."""
    told = (Rise(NOON + timedelta(minutes=at), level, (CombinedEvidence(f"became {level}"),)) for at, level in rises)
    return Course(division, tuple(told))


def changes(candidate: Course | None, other: Course | None) -> set[CaseDifference]:
    return set(difference(NAME, candidate, other, "长春市").changes)


def compared(candidate: dict[Name, Course], other: dict[Name, Course], since: datetime = NOON) -> Comparison:
    return compare(candidate, other, since, lambda division: division[:4], UTC)


def test_a_case_that_only_one_raises_is_more_or_missed() -> None:
    assert changes(course((0, Level.BLUE)), None) == {CaseDifference.MORE}
    assert changes(None, course((0, Level.BLUE))) == {CaseDifference.MISSED}


def test_a_case_that_both_raise_alike_does_not_differ() -> None:
    same = course((0, Level.BLUE), (5, Level.RED))
    assert changes(same, same) == set()
    assert compared({NAME: same}, {NAME: same}).alike == 1


def test_a_level_that_comes_sooner_is_sooner_though_the_case_opens_at_the_same_time() -> None:
    one = difference(NAME, course((0, Level.BLUE), (5, Level.RED)), course((0, Level.BLUE), (35, Level.RED)), "")
    assert one.changes == (CaseDifference.SOONER,)
    assert (one.ahead, one.behind) == (timedelta(minutes=30), timedelta(0))


def test_a_case_may_open_later_and_come_to_red_sooner() -> None:
    found = changes(course((2, Level.RED)), course((0, Level.BLUE), (9, Level.RED)))
    assert found == {CaseDifference.SOONER, CaseDifference.LATER}


def test_graver_is_told_even_when_nothing_comes_sooner() -> None:
    assert changes(course((0, Level.BLUE), (5, Level.ORANGE)), course((0, Level.BLUE))) == {CaseDifference.GRAVER}
    assert changes(course((0, Level.BLUE)), course((0, Level.BLUE), (5, Level.ORANGE))) == {CaseDifference.MILDER}


def test_what_both_opened_before_the_span_is_left_out() -> None:
    before = course((-10, Level.BLUE), (5, Level.RED))
    assert compared({NAME: before}, {}).differences == []
    assert len(compared({NAME: before}, {NAME: course((3, Level.BLUE))}).differences) == 1


def test_the_gravest_difference_comes_first_and_all_are_counted_by_place() -> None:
    candidate = {NAME: course((0, Level.BLUE)), ("r" + "b" * 16, 0): course((9, Level.RED), division="222401")}
    found = compared(candidate, {})
    assert [each.level for each in found.differences] == [Level.RED, Level.BLUE]
    assert found.places == {("2201", CaseDifference.MORE): 1, ("2224", CaseDifference.MORE): 1}
    assert (found.candidate.levels[Level.RED], found.candidate.levels[Level.BLUE]) == (1, 1)
    assert found.other.levels.total() == 0


def test_an_alert_that_is_no_graver_changes_no_case() -> None:
    courses = Courses()
    for level, minutes in ((Level.BLUE, 0), (Level.BLUE, 1), (Level.ORANGE, 2), (Level.YELLOW, 3)):
        courses.add(alert(level, signal_at=NOON + timedelta(minutes=minutes)))
    (found,) = courses.found.values()
    assert [rise.level for rise in found.rises] == [Level.BLUE, Level.ORANGE]
    assert found.rises[1].at == NOON + timedelta(minutes=2)


def test_what_is_raised_after_a_case_was_settled_is_another_case() -> None:
    courses = Courses()
    courses.add(alert(Level.ORANGE))
    courses.settle(RESIDENT)
    courses.add(alert(Level.BLUE))
    assert [one.level for one in courses.found.values()] == [Level.ORANGE, Level.BLUE]


def test_a_case_that_nobody_raises_cannot_differ() -> None:
    with pytest.raises(ValueError, match="nobody raises"):
        difference(NAME, None, None, "")


rises = st.dictionaries(st.sampled_from(Level), st.integers(0, 90), min_size=1).map(
    lambda found: course(*zip(sorted(found.values()), sorted(found, key=lambda level: level.rank), strict=True))
)


@given(rises, rises)
def test_the_other_way_round_each_change_is_its_opposite(one: Course, other: Course) -> None:
    opposite = {
        CaseDifference.GRAVER: CaseDifference.MILDER,
        CaseDifference.MILDER: CaseDifference.GRAVER,
        CaseDifference.SOONER: CaseDifference.LATER,
        CaseDifference.LATER: CaseDifference.SOONER,
    }
    assert {opposite[change] for change in changes(one, other)} == changes(other, one)
