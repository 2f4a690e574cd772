"""In which order an officer makes his visits."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import PolicyError, load
from domain.policy.visits import VisitRules
from domain.visits.rounds import Door, Planned, Post, VisitBand, in_order, worth
from schemas.casework.inputs import VisitStage
from schemas.levels import Level
from schemas.risk.signals import TransferState
from streams.runtime.settings import POLICY
from tests.domain.builders import NOON, Line, payment, policy

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HERE, COUNTY, CITY, FAR = "220102001", "220102002", "220104001", "222401001"
RULES = VisitRules(limit={Level.ORANGE: timedelta(hours=2)})
ALL_DAY = Post(HERE)


def door(name: str, yuan: int = 1000, division: str = HERE, **more: object) -> Door:
    return replace(Door(name, Level.ORANGE, division, yuan * 100, NOW), **more)  # type: ignore[arg-type]  # as Door


def order(*doors: Door, post: Post = ALL_DAY) -> list[str]:
    return [planned.door.dispatch for planned in in_order(doors, post, NOW, RULES)]


def test_what_saves_the_most_money_a_minute_is_made_first_and_the_way_counts() -> None:
    assert order(door("little", 100), door("much", 9000)) == ["much", "little"]
    assert order(door("far", 9000, FAR), door("near", 5000)) == ["near", "far"]  # 35 yuan a minute, and 167
    assert order(door("far", 90_000, FAR), door("near", 5000)) == ["far", "near"]


def test_the_way_begins_where_he_is_after_the_visit_before() -> None:
    great, beside, near = door("great", 90_000, FAR), door("beside", 700, FAR), door("near", 1000, COUNTY)
    assert order(near, beside, great) == ["great", "beside", "near"]


def test_a_grave_level_waits_for_no_other_however_little_it_is_about() -> None:
    assert order(door("rich", 900_000), door("poor", 30, level=Level.RED)) == ["poor", "rich"]


def test_who_stands_at_the_door_finishes_and_who_is_on_the_way_turns_round_for_a_grave_one_alone() -> None:
    going, there = door("going", stage=VisitStage.ON_THE_WAY), door("there", stage=VisitStage.ARRIVED)
    rich, grave = door("rich", 900_000), door("grave", level=Level.RED)
    assert order(rich, going, grave, there) == ["there", "grave", "going", "rich"]


def test_what_he_has_had_for_too_long_comes_before_what_is_worth_more_the_longest_overdue_first() -> None:
    late, later = door("late", 90, since=NOW - 121 * MINUTE), door("later", 30, since=NOW - 180 * MINUTE)
    assert order(door("rich", 900_000), late, later) == ["later", "late", "rich"]


def test_what_would_not_be_done_before_his_shift_ends_comes_last_and_is_told_apart() -> None:
    rich, near = door("rich", 900_000, FAR), door("near")
    found = list(in_order([rich, near], Post(HERE, NOW + 60 * MINUTE), NOW, RULES))
    assert [(planned.door.dispatch, planned.turn) for planned in found] == [
        ("near", VisitBand.BY_WORTH),
        ("rich", VisitBand.TOO_LATE),
    ]


def test_a_door_is_reached_after_the_way_and_left_after_what_a_visit_takes() -> None:
    first, second = in_order([door("a", 2000), door("b", division=COUNTY)], ALL_DAY, NOW, RULES)
    assert (first.arrives, first.leaves) == (NOW + 10 * MINUTE, NOW + 30 * MINUTE)
    assert (second.arrives, second.leaves) == (NOW + 55 * MINUTE, NOW + 75 * MINUTE)


def test_a_visit_is_worth_what_is_lost_without_it_and_nothing_of_it_is_lost_twice() -> None:
    worths = []
    for amount, state in ((100_000, TransferState.PENDING), (900_000, TransferState.PENDING)):
        line = Line(at=NOON)
        line.alert(Level.RED, payment(amount=amount, state=state))
        worths.append(worth(line.here, policy()))
    gone = Line(at=NOON)
    gone.alert(Level.RED, payment(amount=900_000, state=TransferState.SETTLED))
    assert 0 < worths[0] < worths[1]
    assert worth(gone.here, policy()) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('door = "0s"', r"\[visits.door\] no_time"),
        ("most = 2", r"\[visits.most\] most_below_ahead"),
        ('limit = { mauve = "1h" }', "visits.limit.mauve"),
    ],
)
def test_rules_of_visits_that_cannot_be_meant_are_refused(line: str, words: str) -> None:
    key = line.partition(" ")[0]
    text = "\n".join(line if each.startswith(f"{key} ") else each for each in VISITS.splitlines())
    assert text != VISITS
    with pytest.raises(PolicyError, match=words):
        load(TEXT.replace(VISITS, text))


TEXT = POLICY.read_text("utf-8")
VISITS = TEXT[TEXT.index("[visits]") :].partition("# ---")[0]
DOORS = st.lists(
    st.builds(
        door,
        st.sampled_from("abcdefgh"),
        st.integers(0, 10**6),
        st.sampled_from([HERE, COUNTY, CITY, FAR]),
        level=st.sampled_from(Level),
        stage=st.sampled_from([None, VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED]),
        since=st.integers(0, 600).map(lambda minutes: NOW - minutes * MINUTE),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda each: each.dispatch,
)
POSTS = st.builds(Post, st.just(HERE), st.none() | st.integers(1, 600).map(lambda minutes: NOW + minutes * MINUTE))


def place(planned: Iterable[Planned], name: str) -> int:
    return [each.door.dispatch for each in planned].index(name)


@given(DOORS, POSTS)
def test_every_visit_has_one_place_and_the_same_visits_the_same_order(doors: list[Door], post: Post) -> None:
    found = list(in_order(doors, post, NOW, RULES))
    assert sorted(each.door.dispatch for each in found) == sorted(each.dispatch for each in doors)
    assert found == list(in_order(doors[::-1], post, NOW, RULES))


@given(DOORS, POSTS, st.integers(1, 10**6))
def test_more_money_never_puts_a_visit_later(doors: list[Door], post: Post, more: int) -> None:
    name = doors[0].dispatch
    richer = [replace(doors[0], worth_fen=doors[0].worth_fen + more), *doors[1:]]
    assert place(in_order(richer, post, NOW, RULES), name) <= place(in_order(doors, post, NOW, RULES), name)


@given(DOORS, st.integers(1, 600))
def test_waiting_longer_never_puts_a_visit_later(doors: list[Door], minutes: int) -> None:
    name = doors[0].dispatch
    longer = [replace(doors[0], since=doors[0].since - minutes * MINUTE), *doors[1:]]
    assert place(in_order(longer, ALL_DAY, NOW, RULES), name) <= place(in_order(doors, ALL_DAY, NOW, RULES), name)


BEGUN = frozenset({VisitBand.AT_THE_DOOR, VisitBand.GRAVE_ON_THE_WAY, VisitBand.GRAVE, VisitBand.ON_THE_WAY})


@given(DOORS, POSTS)
def test_what_no_longer_fits_comes_after_all_that_does(doors: list[Door], post: Post) -> None:
    found = list(in_order(doors, post, NOW, RULES))
    turns = [each.turn for each in found]
    assert (
        all(turn is VisitBand.TOO_LATE for turn in turns[turns.index(VisitBand.TOO_LATE) :])
        if VisitBand.TOO_LATE in turns
        else True
    )
    fits = [each for each in found if each.turn not in (*BEGUN, VisitBand.TOO_LATE)]
    assert all(post.until is None or each.leaves <= post.until for each in fits)
