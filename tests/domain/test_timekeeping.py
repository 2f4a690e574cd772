"""The shared time: known from slow and quick answers, shown without ever going back, the same for all."""

from hypothesis import given
from hypothesis import strategies as st

from domain.timekeeping import DRIFT, JUMP_SECONDS, RATE, Known, approach, asked, heard

SECONDS = st.floats(0.001, 10)
OFFSETS = st.floats(-100, 100)
TRIPS = st.tuples(SECONDS, st.floats(0, 2), st.floats(0, 2))  # pause before it, way there, way back


def listened(offset: float, trips: list[tuple[float, float, float]]) -> list[tuple[Known, float]]:
    """What is known after each answer of a clock that stands at `offset` from ours."""
    found: list[tuple[Known, float]] = []
    now = 0.0
    for pause, there, back in trips:
        sent, now = now + pause, now + pause + there + back
        answer = asked(sent, sent + there + offset, now)
        found.append(heard(found[-1][0] if found else None, answer))
    return found


def test_a_quick_answer_is_kept_over_slow_ones() -> None:
    quick, slow = asked(10.0, 110.01, 10.02), asked(11.0, 111.9, 12.0)
    known, moved = heard(quick, slow)
    assert abs(known.offset - 100) < 0.01
    assert (known.error < 0.02, moved) == (True, 0.0)


def test_a_shared_clock_that_was_set_is_noticed_and_followed() -> None:
    known, moved = heard(asked(10.0, 110.01, 10.02), asked(11.0, 141.01, 11.02))
    assert abs(moved - 30) < 0.03
    assert abs(known.offset - 130) < 0.02


def test_a_clock_that_is_thirty_seconds_behind_is_right_at_once() -> None:
    assert approach(0.0, 30.0, 0.01) == 30.0


def test_a_clock_that_is_thirty_seconds_ahead_is_right_after_a_minute() -> None:
    assert approach(30.0, 0.0, 59.0) > 0
    assert approach(30.0, 0.0, 60.0) == 0.0


@given(OFFSETS, st.lists(TRIPS, min_size=1))
def test_the_shared_clock_is_where_it_is_known_to_be(offset: float, trips: list[tuple[float, float, float]]) -> None:
    for known, moved in listened(offset, trips):
        assert known.least - 1e-6 <= offset <= known.most + 1e-6
        assert moved == 0.0


@given(OFFSETS, st.lists(TRIPS, min_size=1))
def test_nothing_is_known_worse_than_by_the_latest_answer_alone(
    offset: float, trips: list[tuple[float, float, float]]
) -> None:
    for (known, _), (_, there, back) in zip(listened(offset, trips), trips, strict=True):
        assert known.error <= (there + back) / 2 + 1e-6


@given(OFFSETS, st.lists(TRIPS, min_size=1), st.lists(TRIPS, min_size=1))
def test_two_workers_differ_by_no_more_than_each_may_be_off(
    offset: float, ours: list[tuple[float, float, float]], theirs: list[tuple[float, float, float]]
) -> None:
    one, other = listened(offset, ours)[-1][0], listened(offset, theirs)[-1][0]
    assert abs(one.offset - other.offset) <= one.error + other.error + 1e-6


@given(OFFSETS, st.lists(st.tuples(SECONDS, OFFSETS)))
def test_a_clock_never_goes_back_whatever_it_is_told(shown: float, told: list[tuple[float, float]]) -> None:
    for elapsed, wanted in told:
        after = approach(shown, wanted, elapsed)
        assert elapsed + after >= shown + (1 - RATE) * elapsed - 1e-6
        shown = after


@given(OFFSETS, OFFSETS, st.lists(SECONDS, min_size=1))
def test_a_clock_comes_nearer_without_going_past_and_arrives(shown: float, wanted: float, pauses: list[float]) -> None:
    off = abs(wanted - shown)
    for elapsed in pauses:
        after = approach(shown, wanted, elapsed)
        assert (after - wanted) * (shown - wanted) >= 0
        assert abs(wanted - after) <= abs(wanted - shown)
        shown = after
    assert shown == wanted or sum(pauses) < off / RATE + 1e-6


@given(OFFSETS, st.floats(JUMP_SECONDS + 0.001, 100))
def test_what_waits_is_late_by_a_second_at_most_once_the_time_is_known(shown: float, behind: float) -> None:
    assert approach(shown, shown + behind, 0.0) == shown + behind


# Within 10⁻¹¹ s the drift is smaller than what a sum is rounded by, and the next number is as good as the same.
@given(OFFSETS, st.just(0.0) | st.floats(1e-9, 3600))
def test_without_an_answer_only_drift_is_added_to_what_is_known(offset: float, silence: float) -> None:
    before = asked(0.0, offset, 0.0)
    after, moved = heard(before, asked(silence, silence + offset + DRIFT * silence / 2, silence))
    assert moved == 0.0
    assert abs(after.offset - offset) <= DRIFT * silence / 2 + 1e-6
